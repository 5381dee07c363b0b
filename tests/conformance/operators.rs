//! Accounts that operate others, and whose names and addresses are whose.

use contracts::Reason::{InvalidName, Malformed, NameTaken};
use contracts::{AccountName, Receipt};
use serde_json::{Value, json};

use crate::context::{ConformanceContext, admin, applied, everything, refused, with};

async fn register(context: &ConformanceContext, account: &str, more: Value) -> Receipt {
    let all = json!({ "account": account, "display_name": account, "kind": "connected",
        "admins": [] });
    context.operator().ask("account.register.v1", &with(all, &more)).await
}

pub async fn also_only_a_registered_operator_operates_others(context: ConformanceContext) {
    let [acme, bridge] = context.desks(["acme", "bridge"]).await;
    let name = bridge.account.as_str();
    let (below, address) = (format!("{name}-x"), format!("x-{}", context.number()));
    let operated = json!({ "account": below, "address": address, "display_name": "X",
        "kind": "third_party", "operated_by": name, "admins": [] });
    refused(&bridge.ask("account.register.v1", &operated).await, InvalidName);
    refused(&register(&context, &below, operated.clone()).await, InvalidName);
    let flag = json!({ "may_operate": true });
    refused(&bridge.ask("account.register.v1", &with(operated.clone(), &flag)).await, Malformed);
    applied(&register(&context, name, flag.clone()).await);
    applied(&bridge.ask("account.register.v1", &operated).await);
    let (receipt, agreement) = context
        .invite_with(&acme, json!({ "receiver": { "address": address }, "terms": everything() }))
        .await;
    applied(&receipt);
    let told = context.agreement(&acme, &agreement, "agreement.invited.v1").await;
    assert_eq!(
        (told.receiver.account, told.receiver.address),
        (AccountName::new(below).expect("a name"), address)
    );
    refused(&register(&context, &format!("{name}-y"), json!({})).await, NameTaken);
    applied(&register(&context, &format!("{}-eu", acme.account), json!({})).await);
    refused(&register(&context, acme.account.as_str(), flag).await, NameTaken);
}

pub async fn also_an_address_given_up_is_no_other_accounts(context: ConformanceContext) {
    let [acme, globex] = context.desks(["acme", "globex"]).await;
    let rename = async |desk: &testkit::Desk, address: &str| {
        let message = json!({ "address": address, "actor": admin() });
        desk.ask("account.rename.v1", &message).await
    };
    let name = acme.account.as_str();
    let [first, second] = [1, 2].map(|number| format!("{name}-{number}"));
    applied(&rename(&acme, &first).await);
    applied(&rename(&acme, &second).await);
    let initech = format!("initech-{}", context.number());
    for address in [name, &first, &second] {
        refused(&rename(&globex, address).await, NameTaken);
        refused(&register(&context, &initech, json!({ "address": address })).await, NameTaken);
    }
    refused(&register(&context, &initech, json!({ "address": "Initech" })).await, InvalidName);
    applied(&rename(&acme, &first).await);
    applied(&rename(&acme, name).await);
}
