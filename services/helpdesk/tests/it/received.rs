//! Tickets that partners share with the account.

use serde_json::{Value, json};
use testkit::desk::PATIENCE;
use testkit::until;
use web::StaffRole;

use crate::harness::{ACME, HelpdeskHarness, Somebody, created, id, placeholder};

async fn received(test: &str, terms: &str, more: Value) -> (HelpdeskHarness, Somebody) {
    let harness = HelpdeskHarness::set(test).await;
    let sam = harness.person(ACME, "Sam", StaffRole::Agent).await;
    harness.agreement(ACME, &id(1), "receiver", "globex", terms).await;
    let told = created(&id(2), &id(1), "globex", more);
    harness.tell(ACME, "ticket.created.v1", "c", &told).await;
    harness.shows(&sam, "/tickets", "The pump leaks").await;
    (harness, sam)
}

#[expect(clippy::needless_pass_by_value, reason = "written where it is used")]
fn updated(more: Value) -> Value {
    let mut told = json!({ "share_id": id(2), "ticket_id": "1", "received_from": "globex",
        "via": "ticket_sharing", "revision": 9 });
    for (name, value) in more.as_object().into_iter().flatten() {
        told[name] = value.clone();
    }
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn a_received_ticket_gets_a_number_of_its_own_and_says_where_it_came_from() {
    let more = json!({ "tags": ["meter"], "custom_fields": {} });
    let (harness, sam) = received("helpdesk-received", "public_and_private", more).await;
    let (_, bind) = harness.command(ACME, "ticket.bind.v1").await;
    assert_eq!(bind, json!({ "share_id": id(2), "ticket_id": "1" }), "R-18");
    let page = harness.get(&sam, "/tickets/1").await;
    page.has("Inbound from GLOBEX #77").has("placeholder").has("It drips.").has("Jo Park");
    page.has("Came from GLOBEX").has("st--open").has("value=\"meter\"");
    page.has("<strong>Received by ticket sharing</strong> from GLOBEX #77.");
    page.has("Only GLOBEX can end this share.").lacks(">Unshare<").lacks("Share with");
    page.has("GLOBEX passes the reply on to the requester.");
    for number in ["77", "%2377"] {
        harness.get(&sam, &format!("/search?q={number}")).await.has("href=\"/tickets/1\"");
    }
    harness.get(&sam, "/search?q=78").await.has("0 tickets found");
    let ada = harness.person(ACME, "Ada", StaffRole::Admin).await;
    harness.get(&ada, "/sharing/tickets").await.has("· #77");
    harness.get(&ada, &format!("/sharing/tickets/{}", id(2))).await.has("GLOBEX #77");
    harness.post(&sam, "/tickets/1/unshare", &[("share", &id(2))]).await.is(404);
    harness.get(&sam, "/tickets?view=received").await.has("The pump leaks");
    harness.get(&sam, "/tickets?view=from:globex").await.has("The pump leaks");
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn r_96_r_97_a_partners_status_and_tags_leave_a_line_and_its_fields_none() {
    let (harness, sam) = received("helpdesk-replied", "public_and_private", json!({})).await;
    let ada = harness.person(ACME, "Ada", StaffRole::Admin).await;
    let field = [("title", "Bay"), ("type", "text")];
    harness.post(&ada, "/settings/fields", &field).await.is(303);
    let comment = json!({ "id": "globex/2", "author": placeholder("Jo Park"),
        "body": "<script>alert(1)</script> Tuesday?", "public": true });
    let told = updated(json!({ "comments": [comment], "status": "pending",
        "tags": { "add": ["urgent"], "remove": [] }, "custom_fields": { "bay": "B3" },
        "actor": placeholder("Jo Park") }));
    harness.tell(ACME, "ticket.updated.v1", "u", &told).await;
    harness.follows(ACME).await;
    let page = harness.shows(&sam, "/tickets/1", "Tuesday?").await;
    page.has("&lt;script&gt;").lacks("<script>alert").has("st--pending").has("urgent");
    page.has("<strong>Jo Park at GLOBEX</strong> set the status from Open to Pending.");
    page.has("<strong>Jo Park at GLOBEX</strong> added the tags urgent.");
    page.has("name=\"field:bay\" type=\"text\" value=\"B3\"").lacks("set Bay to");
    let only_field = updated(json!({ "custom_fields": { "bay": "C1" }, "revision": 10 }));
    harness.tell(ACME, "ticket.updated.v1", "f", &only_field).await;
    harness.shows(&sam, "/tickets/1", "value=\"C1\"").await.lacks("set Bay to");
    let updates = harness.commands(ACME).await;
    let updates = updates.iter().filter(|(_, name, _)| name.starts_with("ticket."));
    assert_eq!(updates.count(), 1, "nothing but the binding: what was told is not told back");

    let redaction = updated(json!({ "redact": [{ "comment_id": "globex/2" }] }));
    harness.tell(ACME, "ticket.updated.v1", "r", &redaction).await;
    harness.shows(&sam, "/tickets/1", "This comment was redacted.").await.lacks("Tuesday?");
    harness.get(&sam, "/search?q=tuesday").await.has("0 tickets found");
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_that_comes_before_its_ticket_is_taken_with_it() {
    let harness = HelpdeskHarness::set("helpdesk-early").await;
    let sam = harness.person(ACME, "Sam", StaffRole::Agent).await;
    harness.agreement(ACME, &id(1), "receiver", "globex", "public_and_private").await;
    let comment = json!({ "id": "globex/2", "author": placeholder("Jo Park"), "body": "Early.",
        "public": true });
    let mut early = updated(json!({ "comments": [comment], "status": "solved" }));
    early.as_object_mut().expect("an object").remove("ticket_id");
    harness.tell(ACME, "ticket.updated.v1", "u", &early).await;
    harness.follows(ACME).await;
    let told = created(&id(2), &id(1), "globex", json!({}));
    harness.tell(ACME, "ticket.created.v1", "c", &told).await;
    harness.shows(&sam, "/tickets/1", "Early.").await.has("It drips.").has("st--solved");
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn r_54_private_terms_say_before_it_is_sent_who_will_not_see_it() {
    let (harness, sam) = received("helpdesk-r54", "private_only", json!({})).await;
    let page = harness.get(&sam, "/tickets/1").await;
    page.has("nobody: the terms allow you private comments only");
    page.has("nobody gets a public reply by e-mail").has("You may add private comments.");
    page.has("id=\"mode-note\" checked").lacks("id=\"mode-public\" checked");
    harness.post(&sam, "/tickets/1", &[("body", "Noted."), ("mode", "note")]).await.is(303);
    let (_, update) = harness.command(ACME, "ticket.update.v1").await;
    assert_eq!(update["share_id"], id(2), "a copy is named by its share");
    assert_eq!(update["comments"][0]["public"], false);
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn r_43_and_r_44_another_requester_is_put_in_place_with_a_warning() {
    let (harness, sam) = received("helpdesk-r43", "private_only", json!({})).await;
    let page = harness.get(&sam, "/tickets/1").await;
    page.has("the partner keeps the requester it knows").has("No e-mail address here.");
    let form = [("name", "Rita Moss"), ("email", "rita@customer.example")];
    harness.post(&sam, "/tickets/1/requester", &form).await.is(303);
    let page = harness.get(&sam, "/tickets/1").await;
    page.has("Rita Moss").has("rita@customer.example").lacks("No e-mail address here.");
    let commands = harness.commands(ACME).await;
    assert!(commands.iter().all(|(_, _, content)| !content.to_string().contains("rita")), "R-41");
    let placeholders: i64 =
        sqlx::query_scalar("select count(*) from person where partner is not null")
            .fetch_one(&harness.pool)
            .await
            .expect("the database answers");
    assert_eq!(placeholders, 2, "R-38, R-40: they stay");
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn r_79_a_copy_whose_share_ended_stays_and_is_told_to_nobody() {
    let (harness, sam) = received("helpdesk-ended", "public_and_private", json!({})).await;
    let ended = json!({ "share_id": id(2), "ticket_id": "1", "reason": "unshared",
        "at": "2026-11-29T12:00:00.000Z" });
    harness.tell(ACME, "ticket.unshared.v1", "e", &ended).await;
    harness.shows(&sam, "/tickets/1", "GLOBEX ended the share.").await.has("(ended)");
    let solved =
        [("status", "solved"), ("was:status", "open"), ("body", "Done."), ("mode", "public")];
    harness.post(&sam, "/tickets/1", &solved).await.is(303);
    assert_eq!(harness.commands(ACME).await.len(), 1, "the binding alone");
    // A late change is applied as ever, to what it names.
    let late = updated(json!({ "tags": { "add": ["late"], "remove": [] } }));
    harness.tell(ACME, "ticket.updated.v1", "l", &late).await;
    harness.shows(&sam, "/tickets/1", "late").await.has("st--solved");
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn r_79_a_deactivated_agreement_leaves_one_line_on_its_live_tickets() {
    let (harness, sam) = received("helpdesk-deactivated", "public_and_private", json!({})).await;
    // A second copy, whose share was ended before.
    let told = created(&id(3), &id(1), "globex", json!({ "subject": "Another" }));
    harness.tell(ACME, "ticket.created.v1", "c2", &told).await;
    harness.shows(&sam, "/tickets", "Another").await;
    let ended = json!({ "share_id": id(3), "ticket_id": "2", "reason": "unshared",
        "at": "2026-11-29T12:00:00.000Z" });
    harness.tell(ACME, "ticket.unshared.v1", "e", &ended).await;
    let line = "Ada at GLOBEX deactivated the agreement</strong> with GLOBEX";
    // It is told twice: when it ends, and in a list.
    for version in [3, 4] {
        let terms = "public_and_private";
        let (agreement, status) = (id(1), "inactive");
        harness.agreement_in(ACME, &agreement, "receiver", "globex", terms, status, version).await;
    }
    harness.follows(ACME).await;
    let page = harness.shows(&sam, "/tickets/1", line).await;
    assert_eq!(page.body.matches(line).count(), 1);
    harness.get(&sam, "/tickets/2").await.lacks("deactivated the agreement");
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_partner_sets_appears_in_an_open_form_and_what_is_chosen_stays() {
    let (harness, sam) = received("helpdesk-form", "public_and_private", json!({})).await;
    let ada = harness.person(ACME, "Ada", StaffRole::Admin).await;
    harness.post(&ada, "/settings/groups", &[("name", "Field team")]).await.is(303);
    let page = harness.get(&sam, "/tickets/1").await;
    let live = page.between("<form id=\"fields\"", ">");
    assert!(live.contains("changed from:#live"), "{live}");
    let group = page.between(
        "<select id=\"gr\" name=\"group\"><option value=\"\">–</option><option value=\"",
        "\"",
    );
    let beside = page.between("name=\"was:beside\" value=\"", "\"");
    let form = |status: &'static str, group: &str| {
        [
            ("was:beside", beside.clone()),
            ("was:status", "open".to_owned()),
            ("status", status.to_owned()),
            ("was:group", String::new()),
            ("group", group.to_owned()),
            ("was:assignee", String::new()),
            ("assignee", String::new()),
            ("was:tags", String::new()),
            ("tags", String::new()),
        ]
    };
    let looked = async |form: &[(&str, String)]| {
        let form: Vec<(&str, &str)> = form.iter().map(|(name, it)| (*name, it.as_str())).collect();
        harness.post(&sam, "/tickets/1/fields", &form).await
    };
    looked(&form("open", "")).await.is(204);
    looked(&form("open", &group)).await.is(204);
    harness.tell(ACME, "ticket.updated.v1", "u", &updated(json!({ "status": "pending" }))).await;
    harness.shows(&sam, "/tickets/1", "st--pending").await;
    let page = looked(&form("open", &group)).await;
    page.is(200).has("value=\"pending\" selected").has("name=\"was:status\" value=\"pending\"");
    page.has(&format!("value=\"{group}\" selected")).lacks("Somebody has changed this");
    let page = looked(&form("solved", "")).await;
    page.has("value=\"solved\" selected").has("name=\"was:status\" value=\"open\"");
    page.has("Somebody has changed this to Pending.");
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn part_8_who_will_see_it_is_asked_along_the_chain_and_nothing_is_sent() {
    let (harness, sam) = received("helpdesk-sees", "public_and_private", json!({})).await;
    let line = async || {
        let (key, asked) = until("the question", PATIENCE, async || {
            let commands = harness.commands(ACME).await;
            let found = commands.into_iter().rfind(|(_, name, _)| name == "ticket.update.v1");
            found.map(|(key, _, content)| (key, content)).ok_or_else(|| "none".to_owned())
        })
        .await;
        assert_eq!((&asked["dry_run"], &asked["share_id"]), (&json!(true), &json!(id(2))));
        let item = |place: usize| {
            format!("comment:{}", asked["comments"][place]["id"].as_str().expect("an id"))
        };
        let decisions = json!([
            { "share_id": id(2), "item": item(0), "outcome": "withheld",
                "reason": "public_comments_not_allowed" },
            { "share_id": id(2), "item": item(1), "outcome": "transferred" },
            { "item": item(1), "outcome": "transferred", "beyond": true },
        ]);
        let receipt = json!({ "command_id": key, "command_type": "ticket.update.v1",
            "outcome": "partial", "dry_run": true, "decisions": decisions });
        harness.tell(ACME, "command.receipt.v1", "receipt", &receipt).await;
    };
    let (page, ()) = tokio::join!(harness.post(&sam, "/tickets/1/sees", &[]), line());
    page.is(200).has("The whole chain was checked").has("Another organisation further on");
    page.has("nobody: ");
    let known = format!("/tickets/1/sees?known={}", id(2));
    harness.post(&sam, &known, &[]).await.is(204);
    harness
        .get(&sam, "/tickets/1")
        .await
        .lacks("1 comment is waiting")
        .has("Check the whole chain");
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_is_shared_on_with_what_this_account_said() {
    let (harness, sam) = received("helpdesk-onward", "public_and_private", json!({})).await;
    harness.agreement(ACME, &id(5), "sender", "initech", "public_and_private").await;
    harness.post(&sam, "/tickets/1", &[("body", "Mine."), ("mode", "note")]).await.is(303);
    harness.post(&sam, "/tickets/1/share", &[("share_with", &id(5))]).await.is(303);
    let (_, share) = harness.command(ACME, "ticket.share.v1").await;
    assert_eq!(share["ticket"]["copy_of"], id(2));
    let comments = share["ticket"]["comments"].as_array().expect("comments");
    let said: Vec<&Value> = comments.iter().map(|comment| &comment["body"]).collect();
    assert_eq!(said, ["Mine."], "what a partner said is not told back");
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_entry_is_taken_once_by_whichever_replica() {
    let harness = HelpdeskHarness::set("helpdesk-once").await;
    harness.agreement(ACME, &id(1), "receiver", "globex", "public_and_private").await;
    for number in 100..130 {
        let told = created(&id(number), &id(1), "globex", json!({}));
        harness.tell(ACME, "ticket.created.v1", &format!("c{number}"), &told).await;
    }
    until("all tickets", PATIENCE, async || {
        let numbers: Vec<i64> = sqlx::query_scalar("select number from ticket order by number")
            .fetch_all(&harness.pool)
            .await
            .expect("the database answers");
        if numbers == (1..=30).collect::<Vec<_>>() { Ok(()) } else { Err(format!("{numbers:?}")) }
    })
    .await;
    harness.follows(ACME).await;
    assert_eq!(harness.commands(ACME).await.len(), 30, "one binding each");
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_looks_is_told_of_what_a_partner_or_a_colleague_does() {
    let (harness, sam) = received("helpdesk-live", "public_and_private", json!({})).await;
    harness
        .get(&sam, "/tickets/1")
        .await
        .has("hx-sse:connect=\"/tickets/live?ticket=1&#38;changed=");
    harness.ask("GET", "/tickets/live", None, None).await.is(303);
    // What is said while nobody listens yet is no news to who looks afterwards: it is said again.
    let heard = harness.hears(&sam, "/tickets/live", "event: changed");
    let mut number = 10;
    until("the partner is heard", PATIENCE, async || {
        number += 1;
        let comment = json!({ "id": format!("globex/{number}"), "author": placeholder("Jo Park"),
            "body": "Now.", "public": true });
        let told = updated(json!({ "comments": [comment] }));
        harness.tell(ACME, "ticket.updated.v1", &format!("u{number}"), &told).await;
        if heard.is_finished() { Ok(()) } else { Err("not yet".to_owned()) }
    })
    .await;
    heard.await.expect("it is heard");
    let heard = harness.hears(&sam, "/tickets/live", "event: changed");
    until("the colleague is heard", PATIENCE, async || {
        harness.post(&sam, "/tickets/1", &[("body", "A note."), ("mode", "note")]).await.is(303);
        if heard.is_finished() { Ok(()) } else { Err("not yet".to_owned()) }
    })
    .await;
    heard.await.expect("it is heard");
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_that_cannot_be_taken_in_holds_up_nothing() {
    let harness = HelpdeskHarness::set("helpdesk-poison").await;
    let sam = harness.person(ACME, "Sam", StaffRole::Agent).await;
    harness.agreement(ACME, &id(1), "receiver", "globex", "public_and_private").await;
    // A rule of this database that one subject breaks.
    sqlx::query("alter table ticket add constraint odd check (subject <> 'Odd')")
        .execute(&harness.pool)
        .await
        .expect("the database answers");
    for (number, subject) in [(101, "Before"), (102, "Odd"), (103, "After")] {
        let told = created(&id(number), &id(1), "globex", json!({ "subject": subject }));
        harness.tell(ACME, "ticket.created.v1", &format!("c{number}"), &told).await;
    }
    harness.shows(&sam, "/tickets", "After").await.has("Before").lacks("Odd");
    let failed: i64 = sqlx::query_scalar("select count(*) from follow_failed")
        .fetch_one(&harness.pool)
        .await
        .expect("the database answers");
    assert_eq!(failed, 1);
    harness.remove().await;
}
