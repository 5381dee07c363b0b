//! Tickets that an agent shares.

use serde_json::json;
use testkit::desk::PATIENCE;
use testkit::until;
use web::StaffRole;

use crate::harness::{ACME, HelpdeskHarness, Somebody, id};

const SHARE: &str = "ticket.share.v1";
const UPDATE: &str = "ticket.update.v1";

async fn with_agreement(test: &str) -> (HelpdeskHarness, Somebody, String) {
    let harness = HelpdeskHarness::set(test).await;
    let sam = harness.person(ACME, "Sam", StaffRole::Agent).await;
    let agreement = id(1);
    harness.agreement(ACME, &agreement, "sender", "globex", "public_and_private").await;
    (harness, sam, agreement)
}

/// Shares ticket 1, and the line takes it; the share.
async fn shared(harness: &HelpdeskHarness, sam: &Somebody, agreement: &str) -> String {
    harness.post(sam, "/tickets/1/share", &[("share_with", agreement)]).await.is(303);
    let (_, content) = harness.command(ACME, SHARE).await;
    let share = content["share_id"].as_str().expect("a share").to_owned();
    harness.answer(ACME, SHARE, json!({ "share_id": share, "revision": 1 })).await;
    harness.shows(sam, "/tickets/1", "<strong>Sam shared this</strong> with GLOBEX.").await;
    share
}

#[tokio::test(flavor = "multi_thread")]
async fn r_11_the_share_field_is_there_with_an_agreement_to_share_under() {
    let harness = HelpdeskHarness::set("helpdesk-r11").await;
    let sam = harness.person(ACME, "Sam", StaffRole::Agent).await;
    harness.ticket(&sam, "Meter", &[]).await;
    harness.get(&sam, "/tickets/1").await.lacks("Share with");
    harness.agreement(ACME, &id(2), "receiver", "initech", "public_and_private").await;
    harness.get(&sam, "/tickets/1").await.lacks("Share with");
    harness.agreement_in(ACME, &id(3), "sender", "hooli", "private_only", "pending", 1).await;
    harness.get(&sam, "/tickets/1").await.lacks("Share with");
    harness.agreement(ACME, &id(1), "sender", "globex", "public_and_private").await;
    harness.get(&sam, "/tickets/1").await.has("Share with").has(">GLOBEX</option>").lacks("HOOLI");
    let refused = harness.post(&sam, "/tickets/1/share", &[("share_with", &id(3))]).await;
    refused.is(404);
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_is_shared_whole_and_what_stays_at_home_stays() {
    let (harness, sam, agreement) = with_agreement("helpdesk-share").await;
    harness.ticket(&sam, "Meter", &[("tags", "meter")]).await;
    harness.post(&sam, "/tickets/1", &[("body", "Supply board."), ("mode", "note")]).await.is(303);
    let me = sam.id.to_string();
    let mine = [("assignee", me.as_str()), ("was:assignee", "")];
    harness.post(&sam, "/tickets/1", &mine).await.is(303);
    let share = shared(&harness, &sam, &agreement).await;
    let (_, content) = harness.command(ACME, SHARE).await;
    let ticket = &content["ticket"];
    assert_eq!((&ticket["id"], &ticket["subject"]), (&json!("1"), &json!("Meter")));
    assert_eq!(ticket["tags"], json!([{ "name": "meter", "added_by": "user" }]));
    let comments = ticket["comments"].as_array().expect("comments");
    let told: Vec<_> = comments.iter().map(|it| (&it["body"], &it["public"])).collect();
    let (first, second) = (json!("The meter goes dark."), json!("Supply board."));
    assert_eq!(told, [(&first, &json!(true)), (&second, &json!(false))], "R-24");
    let text = content.to_string();
    assert!(!text.contains("customer.example") && !text.contains("assignee"), "R-29, R-41: {text}");
    let page = harness.get(&sam, "/tickets/1").await;
    page.has("Outbound to GLOBEX").has("Passed on to GLOBEX").has("Unshare");
    page.has("A ticket can be shared with one partner");
    harness.post(&sam, "/tickets/1/share", &[("share_with", &agreement)]).await.is(409);

    harness
        .tell(
            ACME,
            "ticket.bound.v1",
            "b",
            &json!({ "share_id": share,
        "partner_ticket_id": "88213", "at": "2026-11-29T12:00:00.000Z" }),
        )
        .await;
    harness.shows(&sam, "/tickets/1", "GLOBEX #88213").await;
    harness.get(&sam, "/tickets?view=sent").await.has("GLOBEX #88213");

    let asked = harness.post(&sam, "/tickets/1/unshare", &[("share", &share)]).await;
    asked.is(200).has("End the share with GLOBEX?").has(&format!("value=\"{share}\""));
    let sure = [("share", share.as_str()), ("sure", "yes")];
    harness.post(&sam, "/tickets/1/unshare", &sure).await.is(303);
    harness.answer(ACME, "ticket.unshare.v1", json!({ "share_id": share })).await;
    harness.shows(&sam, "/tickets/1", "<strong>Sam ended the share</strong> with GLOBEX.").await;
    harness.get(&sam, "/tickets/1").await.has("(ended)").has(">GLOBEX</option>").lacks("Unshare<");
    harness.post(&sam, "/tickets/1/unshare", &[("share", &share)]).await.is(404);
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_change_is_told_and_each_comment_says_where_it_went() {
    let (harness, sam, agreement) = with_agreement("helpdesk-told").await;
    harness.ticket(&sam, "Meter", &[]).await;
    let share = shared(&harness, &sam, &agreement).await;
    let reply =
        [("body", "Tuesday."), ("mode", "public"), ("status", "hold"), ("was:status", "new")];
    harness.post(&sam, "/tickets/1", &reply).await.is(303);
    let (_, update) = harness.command(ACME, UPDATE).await;
    assert_eq!((&update["ticket_id"], &update["status"]), (&json!("1"), &json!("hold")));
    assert_eq!(update["comments"][0]["body"], "Tuesday.");
    assert_eq!((&update["actor"]["name"], &update["base_revision"]), (&json!("Sam"), &json!(1)));
    let page = harness.get(&sam, "/tickets/1").await;
    page.has("Waiting for an answer").has("1 comment is waiting").has("st--hold");

    let comment = update["comments"][0]["id"].as_str().expect("an id").to_owned();
    let withheld = json!([{ "share_id": share, "item": format!("comment:{comment}"),
        "outcome": "withheld", "reason": "public_comments_not_allowed" }]);
    let told = json!({ "outcome": "partial", "revision": 2, "share_id": share,
        "decisions": withheld });
    harness.answer(ACME, UPDATE, told).await;
    harness.shows(&sam, "/tickets/1", "Not passed on to GLOBEX").await.has("What can be done?");

    // A change that lost is taken back, and it is said.
    let pending = [("status", "pending"), ("was:status", "hold")];
    harness.post(&sam, "/tickets/1", &pending).await.is(303);
    let lost = json!([{ "item": "status", "outcome": "superseded",
        "value": { "value": "solved" } }]);
    let told = json!({ "outcome": "partial", "revision": 5, "share_id": share, "decisions": lost });
    harness.answer(ACME, UPDATE, told).await;
    let page = harness.shows(&sam, "/tickets/1", "st--solved").await;
    page.has("<strong>Ticket sharing</strong> set the status from Pending to Solved.");
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_before_the_share_has_its_receipt_follows_it() {
    let (harness, sam, agreement) = with_agreement("helpdesk-meanwhile").await;
    harness.ticket(&sam, "Meter", &[]).await;
    harness.post(&sam, "/tickets/1/share", &[("share_with", &agreement)]).await.is(303);
    let meanwhile = [
        ("body", "One thing more."),
        ("mode", "note"),
        ("status", "pending"),
        ("was:status", "new"),
    ];
    harness.post(&sam, "/tickets/1", &meanwhile).await.is(303);
    let (_, content) = harness.command(ACME, SHARE).await;
    assert!(harness.commands(ACME).await.iter().all(|(_, name, _)| name != UPDATE));
    let told = json!({ "share_id": content["share_id"], "revision": 1 });
    harness.answer(ACME, SHARE, told).await;
    let update = until("the update", PATIENCE, async || {
        let commands = harness.commands(ACME).await;
        let update = commands.into_iter().find(|(_, name, _)| name == UPDATE);
        update.map(|(_, _, content)| content).ok_or_else(|| "nothing yet".to_owned())
    })
    .await;
    assert_eq!(update["status"], "pending");
    assert_eq!(update["comments"].as_array().map(Vec::len), Some(1), "{update}");
    assert_eq!(update["comments"][0]["body"], "One thing more.");
    harness.get(&sam, "/tickets/1").await.has("st--pending");
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_share_that_is_refused_is_told_and_may_be_tried_again() {
    let (harness, sam, agreement) = with_agreement("helpdesk-refused").await;
    harness.ticket(&sam, "Meter", &[]).await;
    harness.post(&sam, "/tickets/1/share", &[("share_with", &agreement)]).await.is(303);
    let told = json!({ "outcome": "rejected", "reason": "would_loop" });
    harness.answer(ACME, SHARE, told).await;
    let page = harness.shows(&sam, "/tickets/1", "It was not shared</strong> with GLOBEX").await;
    page.lacks("the request was refused");
    harness.get(&sam, "/tickets/1").await.has(">GLOBEX</option>");
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn r_26_a_closed_ticket_is_not_offered_and_not_shared() {
    let (harness, sam, agreement) = with_agreement("helpdesk-r26").await;
    harness.ticket(&sam, "Meter", &[]).await;
    let close = [("status", "closed"), ("was:status", "new"), ("tags", "kept")];
    let asked = harness.post(&sam, "/tickets/1", &close).await;
    asked.is(200).has("Close this ticket?").has("name=\"tags\" value=\"kept\"");
    harness.get(&sam, "/tickets/1").await.has("st--new");
    let back = [&close[..], &[("do", "back")]].concat();
    harness.post(&sam, "/tickets/1", &back).await.is(200).has("value=\"closed\" selected");
    let sure = [&close[..], &[("sure", "yes")]].concat();
    harness.post(&sam, "/tickets/1", &sure).await.is(303);
    let page = harness.get(&sam, "/tickets/1").await;
    page.has("A closed ticket cannot be shared.").lacks(">GLOBEX</option>");
    harness.post(&sam, "/tickets/1/share", &[("share_with", &agreement)]).await.is(409);
    harness.post(&sam, "/tickets/1", &[("body", "x"), ("mode", "note")]).await.is(409);
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn r_75_r_79_an_ended_agreement_tells_nothing_and_a_new_one_may_follow() {
    let (harness, sam, agreement) = with_agreement("helpdesk-r79").await;
    harness.ticket(&sam, "Meter", &[]).await;
    shared(&harness, &sam, &agreement).await;
    harness
        .agreement_in(ACME, &agreement, "sender", "globex", "public_and_private", "inactive", 3)
        .await;
    harness.agreement(ACME, &id(9), "sender", "globex", "private_only").await;
    harness.follows(ACME).await;
    harness.post(&sam, "/tickets/1", &[("body", "Home."), ("mode", "note")]).await.is(303);
    assert!(harness.commands(ACME).await.iter().all(|(_, name, _)| name != UPDATE));
    let page = harness.get(&sam, "/tickets/1").await;
    page.has("the copies are no longer synced").has(">GLOBEX</option>");
    harness.remove().await;
}

/// As after a recovery of the line, which tells all agreements as they stand.
#[tokio::test(flavor = "multi_thread")]
async fn c4_an_end_that_is_told_again_ends_nothing_that_began_since() {
    let (harness, sam, agreement) = with_agreement("helpdesk-told-again").await;
    harness.ticket(&sam, "Meter", &[]).await;
    shared(&harness, &sam, &agreement).await;
    let ended = async |version| {
        harness
            .agreement_in(ACME, &agreement, "sender", "globex", "private_only", "inactive", version)
            .await;
        harness.follows(ACME).await;
    };
    ended(3).await;
    harness.agreement(ACME, &id(9), "sender", "globex", "private_only").await;
    harness.post(&sam, "/tickets/1/share", &[("share_with", &id(9))]).await.is(303);
    ended((1 << 40) + 3).await;
    let sent_to: Option<String> = sqlx::query_scalar("select sent_to from ticket where number = 1")
        .fetch_one(&harness.pool)
        .await
        .unwrap();
    assert_eq!(sent_to.as_deref(), Some("globex"));
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redacted_comment_is_blank_here_and_the_line_is_told() {
    let (harness, sam, agreement) = with_agreement("helpdesk-redact").await;
    harness.ticket(&sam, "Meter", &[]).await;
    shared(&harness, &sam, &agreement).await;
    let page = harness.get(&sam, "/tickets/1").await;
    let comment = page.between("name=\"comment\" value=\"", "\"");
    harness.post(&sam, "/tickets/1/redact", &[("comment", &comment)]).await.is(303);
    let page = harness.get(&sam, "/tickets/1").await;
    page.has("This comment was redacted.").lacks("The meter goes dark.");
    let (_, redact) = harness.command(ACME, "ticket.redact.v1").await;
    assert_eq!((&redact["ticket_id"], &redact["comment_id"]), (&json!("1"), &json!(comment)));
    harness.get(&sam, "/search?q=dark").await.has("0 tickets found");
    harness.post(&sam, "/tickets/1/redact", &[("comment", "globex/1")]).await.is(404);
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn r_27_a_ticket_in_a_live_share_is_not_merged_as_source_or_target() {
    let (harness, sam, agreement) = with_agreement("helpdesk-r27").await;
    for subject in ["Meter", "The same meter", "Pump"] {
        harness.ticket(&sam, subject, &[]).await;
    }
    let asked = harness.post(&sam, "/tickets/2/merge", &[("into", "#3")]).await;
    asked.is(200).has("Merge into #3?");
    let sure = |into| [("into", into), ("sure", "yes")];
    harness.post(&sam, "/tickets/2/merge", &sure("#3")).await.is(303);
    harness
        .get(&sam, "/tickets/3")
        .await
        .has("#2 was merged into this ticket")
        .has("Sam: The meter");
    harness.get(&sam, "/tickets/2").await.has("st--closed").has("merged into #3");
    harness.post(&sam, "/tickets/2/merge", &sure("3")).await.is(409);
    for into in ["3", "99", "x"] {
        let again = harness.post(&sam, "/tickets/3/merge", &sure(into)).await;
        again.is(409).has("no other ticket with this number").has(&format!("value=\"{into}\""));
    }
    // Also before the share has its receipt.
    harness.post(&sam, "/tickets/1/share", &[("share_with", &agreement)]).await.is(303);
    harness.post(&sam, "/tickets/1/merge", &sure("3")).await.is(409);
    let (_, content) = harness.command(ACME, SHARE).await;
    let told = json!({ "share_id": content["share_id"], "revision": 1 });
    harness.answer(ACME, SHARE, told).await;
    harness.shows(&sam, "/tickets/1", "A shared ticket cannot be merged").await;
    for (from, into) in [("1", "3"), ("3", "1")] {
        let path = format!("/tickets/{from}/merge");
        harness.post(&sam, &path, &sure(into)).await.is(409).has("unshare it first");
    }
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn r_31_to_r_34_a_recording_plays_at_home_and_its_transcript_is_text() {
    let (harness, sam, agreement) = with_agreement("helpdesk-r31").await;
    harness.ticket(&sam, "Meter", &[]).await;
    let call = [
        ("body", "The customer called."),
        ("mode", "note"),
        ("recording", "https://calls.acme.example/1"),
        ("transcript", "It clicks twice."),
    ];
    harness.post(&sam, "/tickets/1", &call).await.is(303);
    let page = harness.get(&sam, "/tickets/1").await;
    page.has("href=\"https://calls.acme.example/1\"").has("It clicks twice.");
    page.has("It can be played here only");
    shared(&harness, &sam, &agreement).await;
    let (_, content) = harness.command(ACME, SHARE).await;
    let told = &content["ticket"]["comments"][1];
    assert_eq!(told["call"]["transcript"], "It clicks twice.");
    // What would run is no address of a recording.
    let odd = [("body", "Odd."), ("mode", "note"), ("recording", "javascript:alert(1)")];
    harness.post(&sam, "/tickets/1", &odd).await.is(303);
    harness.get(&sam, "/tickets/1").await.has("Odd.").lacks("javascript:");
    harness.remove().await;
}
