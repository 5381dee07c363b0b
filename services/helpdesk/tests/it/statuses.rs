//! Custom statuses: what admins set up, agents choose, rules name and partners are told.

use serde_json::json;
use web::StaffRole;

use crate::harness::{ACME, HelpdeskHarness, Somebody, created, id};

const HERE: &str = "/settings/statuses";

async fn add(harness: &HelpdeskHarness, ada: &Somebody, name: &str, category: &str) {
    let form = [("do", "add"), ("name", name), ("category", category)];
    harness.post(ada, HERE, &form).await.is(303);
}

/// An account with a status of its own in each of three categories, of which one is a default.
async fn with_statuses(test: &str) -> (HelpdeskHarness, Somebody) {
    let harness = HelpdeskHarness::set(test).await;
    let ada = harness.person(ACME, "Ada", StaffRole::Admin).await;
    add(&harness, &ada, "Triage", "open").await;
    add(&harness, &ada, "Field visit", "open").await;
    add(&harness, &ada, "Waiting for parts", "hold").await;
    let form = [("do", "default"), ("key", "triage")];
    harness.post(&ada, HERE, &form).await.is(303);
    harness.post(&ada, HERE, &[("do", "use")]).await.is(303);
    (harness, ada)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_names_statuses_and_the_line_is_told() {
    let (harness, ada) = with_statuses("helpdesk-statuses").await;
    let (_, told) = harness.command(ACME, "account.update.v1").await;
    assert_eq!(told["custom_statuses"]["enabled"], true);
    let triage = json!({ "key": "triage", "name": "Triage", "category": "open", "default": true });
    assert_eq!(told["custom_statuses"]["statuses"][0], triage);
    let page = harness.get(&ada, HERE).await;
    page.has("Custom statuses are on.").has("value=\"Field visit\"");
    let refused = [
        ([("do", "add"), ("name", "TRIAGE"), ("category", "new")].as_slice(), 409),
        (&[("do", "add"), ("name", " "), ("category", "new")], 422),
        (&[("do", "add"), ("name", "Shut"), ("category", "closed")], 422),
        (&[("do", "remove"), ("key", "triage")], 409),
        (&[("do", "remove"), ("key", "gone")], 404),
    ];
    for (form, status) in refused {
        harness.post(&ada, HERE, form).await.is(status);
    }
    let sam = harness.person(ACME, "Sam", StaffRole::Agent).await;
    harness.get(&sam, HERE).await.is(403);
    harness.post(&sam, HERE, &[("do", "leave")]).await.is(403);
    // Who is in a status that is taken away is in its category's default.
    harness.ticket(&ada, "Meter", &[]).await;
    let form = [("status", "open:field_visit"), ("was:status", "new")];
    harness.post(&ada, "/tickets/1", &form).await.is(303);
    let form = [("do", "remove"), ("key", "field_visit")];
    harness.post(&ada, HERE, &form).await.is(303);
    harness.get(&ada, "/tickets/1").await.has("Triage</span>");
    harness.get(&ada, "/settings/audit").await.has("changed the custom statuses");
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn r_49_a_custom_status_is_told_with_its_category() {
    let (harness, ada) = with_statuses("helpdesk-r49").await;
    harness.agreement(ACME, &id(1), "sender", "globex", "public_and_private").await;
    harness.ticket(&ada, "Meter", &[]).await;
    let page = harness.get(&ada, "/tickets/1").await;
    page.has("value=\"open:triage\"").has("value=\"open:field_visit\"").has("value=\"hold\"");
    page.lacks("<option value=\"open\"");
    harness.post(&ada, "/tickets/1/share", &[("share_with", &id(1))]).await.is(303);
    let (_, share) = harness.command(ACME, "ticket.share.v1").await;
    assert_eq!(share["ticket"]["status"], "new");
    assert!(share["ticket"].get("custom_status").is_none(), "{share}");
    let applied = json!({ "share_id": share["share_id"], "revision": 1 });
    harness.answer(ACME, "ticket.share.v1", applied).await;
    harness.shows(&ada, "/tickets/1", "Outbound to").await;
    let visit = [("status", "open:field_visit"), ("was:status", "new")];
    harness.post(&ada, "/tickets/1", &visit).await.is(303);
    let (_, update) = harness.command(ACME, "ticket.update.v1").await;
    assert_eq!(
        (&update["status"], &update["custom_status"]),
        (&json!("open"), &json!("field_visit"))
    );
    let page = harness.get(&ada, "/tickets/1").await;
    page.has("Field visit</span>").has("set the status from New to Field visit.");
    harness.get(&ada, "/tickets").await.has("Field visit</span>");
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn r_49c_a_partners_status_is_shown_as_the_own_default() {
    let (harness, ada) = with_statuses("helpdesk-r49c").await;
    harness.agreement(ACME, &id(1), "receiver", "globex", "public_and_private").await;
    let told = created(&id(2), &id(1), "globex", json!({ "custom_status": "triage" }));
    harness.tell(ACME, "ticket.created.v1", "c", &told).await;
    let page = harness.shows(&ada, "/tickets/1", "The pump leaks").await;
    page.has("Triage</span>").has("<option value=\"open:triage\" selected>");
    let told = json!({ "share_id": id(2), "ticket_id": "1", "received_from": "globex",
        "via": "ticket_sharing", "revision": 2, "status": "pending" });
    harness.tell(ACME, "ticket.updated.v1", "u", &told).await;
    harness.shows(&ada, "/tickets/1", "st--pending").await.has("Pending</span>");
    let sent = harness.commands(ACME).await;
    assert!(!sent.iter().any(|(_, name, _)| name == "ticket.update.v1"), "nothing is told back");
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_and_views_name_a_custom_status_or_its_category() {
    let (harness, ada) = with_statuses("helpdesk-statusrules").await;
    let path = format!("/settings/rules/trigger/{}", id(60));
    let form = [
        ("new", "yes"),
        ("name", "Parts are waited for"),
        ("on", "on"),
        ("do", "save"),
        ("all_on", "status"),
        ("all_op", "is"),
        ("all_value", "field visit"),
        ("do_what", "status"),
        ("do_value", "Waiting for parts"),
    ];
    harness.post(&ada, &path, &form).await.is(303);
    let page = harness.get(&ada, &path).await;
    page.has("selected>Field visit</option>").has("selected>Waiting for parts</option>");
    harness.ticket(&ada, "Meter", &[]).await;
    harness.ticket(&ada, "Pump", &[]).await;
    for (path, status) in [("/tickets/1", "open:field_visit"), ("/tickets/2", "open:triage")] {
        let form = [("status", status), ("was:status", "new")];
        harness.post(&ada, path, &form).await.is(303);
    }
    harness.get(&ada, "/tickets/1").await.has("st--hold").has("Waiting for parts</span>");
    harness.get(&ada, "/tickets/2").await.has("st--open").has("Triage</span>");
    let view = format!("/settings/rules/view/{}", id(61));
    for (value, finds) in [("Triage", ["Pump", "Meter"]), ("On-hold", ["Meter", "Pump"])] {
        let form = [
            ("new", "yes"),
            ("name", "These"),
            ("on", "on"),
            ("do", "save"),
            ("all_on", "status"),
            ("all_op", "is"),
            ("all_value", value),
        ];
        harness.post(&ada, &view, &form).await.is(303);
        let page = harness.get(&ada, &format!("/tickets?view={}", id(61))).await;
        page.has(finds[0]).lacks(finds[1]);
    }
    harness.remove().await;
}
