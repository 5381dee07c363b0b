//! Third-party systems that are invited by their sharing URL, and the account that stands for them.

use contracts::Reason::{Malformed, NameTaken};
use contracts::delivery::{AgreementState, DeliveryBody};
use contracts::{AccountName, AgreementId, Receipt};
use serde_json::{Value, json};
use testkit::Desk;

use crate::context::{ConformanceContext, admin, agreement_in, applied, everything, refused, with};

async fn invites(
    context: &ConformanceContext,
    sender: &Desk,
    sharing_url: &str,
) -> (Receipt, AgreementId) {
    let receiver = json!({ "receiver": { "sharing_url": sharing_url }, "terms": everything() });
    context.invite_with(sender, receiver).await
}

/// What the account that stands for third-party systems is told of an agreement, and for whom.
async fn told_of(bridge: &Desk, agreement: &AgreementId) -> (AgreementState, AccountName) {
    let is_it = |told: &DeliveryBody| {
        agreement_in(told).filter(|state| state.agreement_id == *agreement).cloned()
    };
    let (state, delivered) = bridge.told("the invite of a third party", is_it).await;
    (state, AccountName::new(delivered.account).expect("a name"))
}

pub async fn also_one_account_stands_for_third_party_systems(context: ConformanceContext) {
    let bridge = context.stands_for_third_parties().await;
    let [acme, gateway] = context.desks(["acme", "gateway"]).await;
    let register = async |by: &Desk, account: &str, more: Value| {
        let all = json!({ "account": account, "display_name": "X", "kind": "third_party",
            "admins": [] });
        by.ask("account.register.v1", &with(all, &more)).await
    };
    let flags = json!({ "may_operate": true, "third_parties": true });
    let (name, operator) = (gateway.account.as_str(), context.operator());
    refused(&register(operator, name, flags).await, NameTaken);
    applied(&register(operator, name, json!({ "may_operate": true })).await);
    let below = json!({ "operated_by": name });
    for more in [
        json!({ "third_parties": true }),
        json!({ "sharing_url": format!("https://{name}.example/sharing") }),
    ] {
        let receipt = register(&gateway, &format!("{name}-x"), with(below.clone(), &more)).await;
        refused(&receipt, Malformed);
    }
    // A partner's first invite comes to the bridge, which registers who sent it.
    let name = bridge.account.as_str();
    let url = format!("https://partner-{}.example/nhd", context.number());
    let partner = format!("{name}-p{}", context.number());
    let at_url = json!({ "operated_by": name, "sharing_url": format!("{url}/") });
    applied(&register(bridge, &partner, at_url).await);
    let (receipt, agreement) = invites(&context, &acme, &url).await;
    applied(&receipt);
    assert_eq!(told_of(bridge, &agreement).await.1.as_str(), partner);
}

pub async fn r_57_an_unknown_sharing_url_becomes_an_account_once(context: ConformanceContext) {
    let bridge = context.stands_for_third_parties().await;
    let [acme, globex] = context.desks(["acme", "globex"]).await;
    let host = format!("initech-{}.example", context.number());
    let url = format!("https://{host}/sharing");
    let mut accounts = Vec::new();
    for (sender, spelt) in [
        (&acme, url.clone()),
        (&globex, format!("HTTPS://{}:443/sharing/?from=mail", host.to_uppercase())),
    ] {
        let (receipt, agreement) = invites(&context, sender, &spelt).await;
        applied(&receipt);
        let told = context.agreement(sender, &agreement, "agreement.invited.v1").await.receiver;
        assert_eq!((told.sharing_url.as_ref(), &told.display_name), (Some(&url), &host));
        assert!(told.account.is_under(&bridge.account), "{}", told.account);
        accounts.push(told.account);
    }
    assert_eq!(accounts[0], accounts[1]);
    let plain = invites(&context, &acme, &format!("http://{host}/sharing")).await.0;
    refused(&plain, Malformed);
}

pub async fn also_a_third_partys_deliveries_reach_who_stands_for_it(context: ConformanceContext) {
    let bridge = context.stands_for_third_parties().await;
    let acme = context.desk("acme").await;
    let url = format!("https://initech-{}.example", context.number());
    let (receipt, agreement) = invites(&context, &acme, &url).await;
    applied(&receipt);
    let (state, account) = told_of(bridge, &agreement).await;
    assert_eq!((&state.receiver.account, &state.sender.account), (&account, &acme.account));
    let (id, accept) = (bridge.next_id(), "agreement.accept.v1");
    let body = json!({ "agreement_id": agreement, "actor": admin() }).to_string();
    bridge
        .publish(&format!("{account}.agreement.accept"), accept, &id, body.as_bytes(), |it| it)
        .await
        .expect("it publishes for the account");
    applied(&bridge.receipt(&id).await);
    context.agreement(&acme, &agreement, "agreement.accepted.v1").await;
}
