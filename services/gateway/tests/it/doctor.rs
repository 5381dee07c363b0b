//! The field doctor on an agreement's page, with the line's end in the test's hand.

use serde_json::{Value, json};

use crate::browser::key;
use crate::harness::{ACME, GLOBEX, GatewayHarness};
use crate::sharing::{AGREEMENT, SHARE, admin, agreement, key_of};

impl GatewayHarness {
    /// Answers a comparison with these members of its receipt, once it was asked for.
    async fn receives(&self, account: &str, key: &str, members: &Value) {
        let mut receipt = json!({ "command_id": key, "command_type": "agreement.compare.v1",
            "decisions": [] });
        for (name, value) in members.as_object().expect("members") {
            receipt[name] = value.clone();
        }
        self.is_sent(account, "agreement", key).await;
        let id = format!("receipt of {key}");
        self.tell(account, "command.receipt.v1", &id, &receipt).await;
    }
}

#[tokio::test]
async fn showing_fields_to_partners_is_saved_by_a_button_of_its_own() {
    let gateway = GatewayHarness::set("sharing_show_fields").await;
    let mut browser = admin(&gateway, ACME).await;
    let (led, ()) =
        tokio::join!(browser.done(&gateway, "/sharing/show-fields", &[("show", "on")]), async {
            let key = key_of(&gateway, "account.update.v1").await;
            gateway.answers(ACME, "account.update.v1", &key, None).await;
        });
    assert_eq!(led, "/sharing?said=said.shows_fields");
    let page = browser.page(&gateway, &led).await;
    assert!(page.contains("name=\"show\" checked"), "{page}");
    let sent = gateway.sent(ACME, "account.update.v1").await;
    assert_eq!((&sent["show_fields"], sent.get("decline_invites")), (&json!(true), None));
    gateway.remove().await;
}

/// An agreement whose terms carry custom fields.
fn with_fields(version: u64, side: &str, status: &str) -> Value {
    let mut state = agreement(version, side, status, "receiver");
    state["terms"]["custom_fields"] = json!(true);
    state
}

/// A comparison as a party is told it, with fields of these titles.
fn comparison(fields: &Value) -> Value {
    json!({ "agreement_id": AGREEMENT, "side": "sender", "partner": GLOBEX, "fields": fields })
}

#[tokio::test]
async fn r_90_to_r_98_fields_are_compared_page_by_page_with_what_mends_them() {
    let gateway = GatewayHarness::set("sharing_doctor").await;
    let mut browser = admin(&gateway, ACME).await;
    gateway.told(ACME, &agreement(2, "sender", "accepted", "receiver")).await;
    let path = format!("/sharing/agreements/{AGREEMENT}");
    let offer = "Compare fields";
    assert!(!browser.page(&gateway, &path).await.contains(offer), "no terms of fields");
    gateway.told(ACME, &with_fields(3, "sender", "accepted")).await;
    let page = browser.page(&gateway, &path).await;
    assert!(page.contains(offer));
    let (key, compare) = (key(&page), format!("{path}/compare"));
    let crosses = json!({ "crosses": true });
    let stays = |reason: &str| json!({ "crosses": false, "reason": reason });
    let side = |kind: &str| json!({ "type": kind, "on_default_form": true });
    let mends = json!([{ "by": "own", "how": "x" }, { "by": "partner", "how": "y" }]);
    let first = json!([
        { "title": "Order", "own": side("text"), "partner": side("text"),
          "to_partner": crosses, "from_partner": crosses },
        { "title": "Serial <no>", "own": side("integer"), "partner": side("text"),
          "to_partner": stays("type_mismatch"), "from_partner": stays("type_mismatch"),
          "mend": mends },
        { "title": "Colour", "own": side("tagger"), "partner": side("tagger"),
          "to_partner": stays("option_tags_differ"), "from_partner": stays("option_tags_differ"),
          "options": [{ "name": "red", "own": "red", "partner": "rouge" }], "mend": mends },
    ]);
    // One of another agreement, which must not be taken for it.
    let mut other = comparison(&json!([]));
    other["agreement_id"] = json!(SHARE);
    let asked = [("key", key.as_str())];
    let (led, ()) = tokio::join!(browser.done(&gateway, &compare, &asked), async {
        gateway.tell(ACME, "agreement.comparison.v1", "c1", &comparison(&first)).await;
        gateway.tell(ACME, "agreement.comparison.v1", "c2", &other).await;
        gateway
            .receives(ACME, &key, &json!({ "outcome": "applied", "next_cursor": "serial" }))
            .await;
    });
    assert_eq!(led, format!("{path}?compared={key}"));
    let page = browser.page(&gateway, &led).await;
    for said in [
        "Serial &#60;no&#62;",
        "Both ways: The two fields have different types",
        "Replace it by a field of this title, type text",
        "Replace it by a field of this title, type integer",
        "“red”: <code>red</code> here, <code>rouge</code> there",
        "Both ways: crosses",
        "1 crosses",
        "2 stay",
        "autofocus",
        "name=\"cursor\" value=\"serial\"",
    ] {
        assert!(page.contains(said), "{said} in {page}");
    }
    assert!(page.contains("<strong>Jo Park</strong>"), "who did what is still there");

    let further = json!([{ "title": "Warranty", "own": side("checkbox"),
        "to_partner": stays("no_such_field"), "from_partner": stays("no_such_field"),
        "mend": mends }]);
    let asked = [("key", "page-2"), ("cursor", "serial")];
    let (led, ()) = tokio::join!(browser.done(&gateway, &compare, &asked), async {
        gateway.tell(ACME, "agreement.comparison.v1", "c3", &comparison(&further)).await;
        gateway.receives(ACME, "page-2", &json!({ "outcome": "applied" })).await;
    });
    let sent = gateway.sent(ACME, "agreement.compare.v1").await;
    assert_eq!(sent, json!({ "agreement_id": AGREEMENT, "cursor": "serial" }));
    let page = browser.page(&gateway, &led).await;
    assert!(page.contains("Create a field of this title, type checkbox"), "{page}");
    assert!(!page.contains("Serial &#60;no&#62;") && !page.contains("name=\"cursor\""), "{page}");
    // The first answer is still there under its own key.
    let page = browser.page(&gateway, &format!("{path}?compared={key}")).await;
    assert!(page.contains("Serial &#60;no&#62;") && !page.contains("Warranty"), "{page}");
    gateway.remove().await;
}

#[tokio::test]
async fn a_comparison_that_is_refused_or_not_there_yet_says_so() {
    let gateway = GatewayHarness::set("sharing_doctor_refused").await;
    let mut browser = admin(&gateway, GLOBEX).await;
    gateway.told(GLOBEX, &with_fields(1, "receiver", "pending")).await;
    let path = format!("/sharing/agreements/{AGREEMENT}");
    assert!(browser.page(&gateway, &path).await.contains("Compare fields"), "before it is decided");
    let compare = format!("{path}/compare");
    for (reason, said) in [
        ("agreement_not_accepted", "The agreement is not accepted"),
        ("custom_fields_not_synced", "The terms do not sync custom fields"),
    ] {
        let asked = [("key", reason)];
        let (led, ()) = tokio::join!(
            browser.done(&gateway, &compare, &asked),
            gateway.answers(GLOBEX, "agreement.compare.v1", reason, Some(reason)),
        );
        let page = browser.page(&gateway, &led).await;
        assert!(page.contains(said), "{said} in {page}");
    }
    let led = browser.done(&gateway, &compare, &[("key", "late")]).await;
    let page = browser.page(&gateway, &led).await;
    assert!(page.contains("The answer will appear here"), "{page}");
    let page = browser.page(&gateway, &format!("{path}?compared=nobody-asked")).await;
    assert!(page.contains("no longer available"), "{page}");
    gateway.remove().await;
}
