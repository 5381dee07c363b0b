//! The Ticket sharing pages with a partner that is reached by a sharing URL.

use serde_json::{Value, json};

use crate::browser::{key, text};
use crate::harness::{ACME, GatewayHarness};
use crate::sharing::{AGREEMENT, admin, agreement};

const URL: &str = "https://desk.initech.example/sharing";
const HOST: &str = "desk.initech.example";
const ACCOUNT: &str = "nhd-bridge-138df29b16e35e2cbac7";

/// An agreement of Acme with a third-party system, which is this party.
fn with_third(version: u64, third: &str, status: &str) -> Value {
    let side = if third == "sender" { "receiver" } else { "sender" };
    let mut state = agreement(version, side, status, "sender");
    state[third] = json!({ "account": ACCOUNT, "address": ACCOUNT, "display_name": "Initech",
        "sharing_url": URL });
    state[side] = json!({ "account": ACME, "address": "acme", "display_name": "Acme Energy" });
    state
}

#[tokio::test]
async fn r_57_a_third_party_is_invited_by_its_sharing_url() {
    let gateway = GatewayHarness::set("third_invite").await;
    let mut browser = admin(&gateway, ACME).await;
    let form = browser.page(&gateway, "/sharing/invite").await;
    assert!(form.contains("Sharing URL") && form.contains("Their system is called at this URL"));
    let filled = |key: &str, url: &str| {
        [
            ("key", key),
            ("kind", "third_party"),
            ("sharing_url", url),
            ("comments", "private_only"),
            ("tags", "no"),
            ("custom_fields", "yes"),
        ]
        .map(|(name, value)| (name, value.to_owned()))
    };
    let first = key(&form);
    for wrong in ["http://desk.initech.example", "desk.initech.example", "https://"] {
        let given = filled(&first, wrong);
        let given: Vec<(&str, &str)> = given.iter().map(|(n, v)| (*n, v.as_str())).collect();
        let refused = browser.post(&gateway, "/sharing/invite", &given).await;
        assert_eq!(refused.status, 422);
        assert!(text(&refused).contains("href=\"#url\""), "{wrong}");
    }
    // No bridge stands for such systems here: said where the URL stands.
    let given = filled(&first, URL);
    let given: Vec<(&str, &str)> = given.iter().map(|(n, v)| (*n, v.as_str())).collect();
    let (answer, ()) = tokio::join!(
        browser.post(&gateway, "/sharing/invite", &given),
        gateway.answers(ACME, "agreement.invite.v1", &first, Some("unknown_account")),
    );
    assert_eq!(answer.status, 422);
    let page = text(&answer);
    assert!(page.contains("has no bridge") && page.contains("href=\"#url\""), "{page}");

    let given = filled(AGREEMENT, &format!(" {URL} "));
    let given: Vec<(&str, &str)> = given.iter().map(|(n, v)| (*n, v.as_str())).collect();
    let (path, ()) = tokio::join!(browser.done(&gateway, "/sharing/invite", &given), async {
        gateway.answers(ACME, "agreement.invite.v1", AGREEMENT, None).await;
        gateway.told(ACME, &with_third(1, "receiver", "pending")).await;
    });
    let sent = gateway.sent(ACME, "agreement.invite.v1").await;
    assert_eq!(sent["receiver"], json!({ "sharing_url": URL }));
    assert_eq!(sent["terms"]["custom_fields"], json!(false), "R-62");
    let page = browser.page(&gateway, &path).await;
    assert!(page.contains(HOST) && !page.contains(ACCOUNT), "{page}");
    gateway.remove().await;
}

#[tokio::test]
async fn an_invitation_from_a_third_party_shows_its_host_as_unproven() {
    let gateway = GatewayHarness::set("third_invited").await;
    let browser = admin(&gateway, ACME).await;
    gateway.told(ACME, &with_third(1, "sender", "pending")).await;
    let path = format!("/sharing/agreements/{AGREEMENT}");
    let page = browser.page(&gateway, &path).await;
    for said in ["Initech invites you", "unproven", HOST, "only after you have accepted"] {
        assert!(page.contains(said), "{said}: {page}");
    }
    assert!(!page.contains(ACCOUNT), "{page}");
    gateway.told(ACME, &with_third(2, "sender", "accepted")).await;
    let page = browser.page(&gateway, &path).await;
    assert!(page.contains(HOST) && !page.contains("unproven"), "{page}");
    assert!(browser.page(&gateway, "/sharing").await.contains(HOST));

    gateway.told(ACME, &with_third(3, "receiver", "inactive")).await;
    let again = browser.page(&gateway, &format!("/sharing/invite?again={AGREEMENT}")).await;
    assert!(again.contains(&format!("value=\"{URL}\"")), "{again}");
    assert!(again.contains("id=\"kind-third\" checked"), "{again}");
    gateway.remove().await;
}
