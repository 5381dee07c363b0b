//! The Ticket sharing pages among the help desk's own: what waits is seen from everywhere, what was
//! decided is noted, and terms are rehearsed on the account's tickets.

use serde_json::json;
use testkit::desk::PATIENCE;
use testkit::until;
use uuid::Uuid;
use web::StaffRole;

use crate::harness::{ACME, HelpdeskHarness, id};

/// Answers a command as soon as it is kept.
async fn answered(harness: &HelpdeskHarness, command_type: &str) {
    until(command_type, PATIENCE, async || {
        let commands = harness.commands(ACME).await;
        let is_there = commands.iter().any(|(_, name, _)| name == command_type);
        if is_there { Ok(()) } else { Err(format!("{commands:?}")) }
    })
    .await;
    harness.answer(ACME, command_type, json!({})).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn r_64_a_waiting_invite_is_marked_on_every_page_of_an_admin() {
    let harness = HelpdeskHarness::set("helpdesk-invite-waits").await;
    let ada = harness.person(ACME, "Ada", StaffRole::Admin).await;
    let sam = harness.person(ACME, "Sam", StaffRole::Agent).await;
    let terms = "public_and_private";
    harness.agreement_in(ACME, &id(1), "sender", "initech", terms, "pending", 1).await;
    harness.get(&ada, "/tickets").await.lacks("invite waits");
    harness.agreement_in(ACME, &id(2), "receiver", "globex", terms, "pending", 1).await;
    let page = harness.get(&ada, "/tickets").await;
    page.has("<span class=\"count count--warn\">1<span class=\"vh\"> invite waits</span>");
    harness.get(&sam, "/tickets").await.lacks("invite waits");
    // What it is looked at again by stands on the page of the invite itself, too.
    let path = format!("/sharing/agreements/{}", id(2));
    let page = harness.get(&ada, &path).await;
    for part in ["#agreement-head:", "#agreement:", "#agreement-acts:", "#topnav:"] {
        page.has(part);
    }
    let accept = [("decision", "accept"), ("key", "k-1")];
    let decide = format!("{path}/decide");
    let (done, ()) = tokio::join!(
        harness.post(&ada, &decide, &accept),
        answered(&harness, "agreement.accept.v1")
    );
    done.is(303);
    harness.agreement_in(ACME, &id(2), "receiver", "globex", terms, "accepted", 2).await;
    harness.get(&ada, "/tickets").await.lacks("invite waits");
    let audit = harness.get(&ada, "/settings/audit").await;
    audit.has("accepted the invite of").has("GLOBEX").lacks("invited<");
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn r_64_an_invite_is_told_to_who_looks_at_tickets() {
    let harness = HelpdeskHarness::set("helpdesk-invite-told").await;
    let ada = harness.person(ACME, "Ada", StaffRole::Admin).await;
    let heard = harness.hears(&ada, "/tickets/live", "event: changed");
    // What is said while nobody listens yet is no news to who looks afterwards: another comes.
    let mut number = 0;
    until("the invite is heard", PATIENCE, async || {
        number += 1;
        let terms = "public_and_private";
        harness.agreement_in(ACME, &id(number), "receiver", "globex", terms, "pending", 1).await;
        if heard.is_finished() { Ok(()) } else { Err(format!("{number} invites")) }
    })
    .await;
    heard.await.expect("it is heard");
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_declined_invite_is_seen_by_its_sender_and_noted_by_its_receiver() {
    let harness = HelpdeskHarness::set("helpdesk-declined").await;
    let ada = harness.person(ACME, "Ada", StaffRole::Admin).await;
    let terms = "public_and_private";
    harness.agreement_in(ACME, &id(1), "sender", "globex", terms, "pending", 1).await;
    let path = format!("/sharing/agreements/{}", id(1));
    let page = harness.get(&ada, &path).await;
    page.has("Not answered").has("#agreement-head:outerMorph");
    harness.agreement_in(ACME, &id(1), "sender", "globex", terms, "declined", 2).await;
    harness.get(&ada, &path).await.lacks("Not answered").has("Declined by").has("Invite again");
    harness.agreement_in(ACME, &id(2), "receiver", "initech", terms, "pending", 1).await;
    let decline = [("decision", "decline"), ("key", "k-2")];
    let decide = format!("/sharing/agreements/{}/decide", id(2));
    let (done, ()) = tokio::join!(
        harness.post(&ada, &decide, &decline),
        answered(&harness, "agreement.decline.v1")
    );
    done.is(303);
    harness.get(&ada, "/settings/audit").await.has("declined the invite of").has("INITECH");
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn part_8_terms_are_rehearsed_on_the_newest_tickets_and_nothing_is_done() {
    let harness = HelpdeskHarness::set("helpdesk-rehearsal").await;
    let ada = harness.person(ACME, "Ada", StaffRole::Admin).await;
    harness.ticket(&ada, "Meter", &[("tags", "vip")]).await;
    harness.ticket(&ada, "Pump", &[]).await;
    harness.agreement_in(ACME, &id(1), "sender", "globex", "private_only", "pending", 1).await;
    let path = format!("/sharing/agreements/{}", id(1));
    harness.get(&ada, &path).await.has("Rehearsal").has("Nobody has accepted these terms yet");
    let key = Uuid::from_u128(7).to_string();
    for _ in 0..2 {
        let led = harness.post(&ada, &format!("{path}/rehearse"), &[("key", &key)]).await;
        assert_eq!(led.is(303).location, format!("{path}?rehearsed={key}#rehearsal"));
    }
    let asked = harness.commands(ACME).await;
    assert_eq!(asked.len(), 2, "sent twice it is one: {asked:?}");
    for (_, name, content) in &asked {
        assert_eq!((name.as_str(), &content["dry_run"]), ("ticket.share.v1", &json!(true)));
        assert!(!content.to_string().contains("customer.example"), "R-41: {content}");
    }
    let shown = format!("{path}?rehearsed={key}");
    harness.get(&ada, &shown).await.has("2 answers still to come");
    for (key, _, content) in asked {
        let stays = content["ticket"]["subject"] == "Meter";
        let decisions = if stays {
            json!([{ "item": "tag:vip", "outcome": "withheld", "reason": "tags_not_synced" }])
        } else {
            json!([])
        };
        let receipt = json!({ "command_id": key, "command_type": "ticket.share.v1",
            "outcome": "partial", "dry_run": true, "decisions": decisions });
        harness.tell(ACME, "command.receipt.v1", &format!("receipt of {key}"), &receipt).await;
    }
    harness.follows(ACME).await;
    let page = harness.get(&ada, &shown).await;
    page.lacks("to come").has("Would cross in part").has("href=\"/tickets/1\">#1</a>");
    harness.get(&ada, "/tickets/1").await.lacks("Outbound").has("This ticket is not shared.");
    let received = format!("/sharing/agreements/{}", id(2));
    harness.agreement(ACME, &id(2), "receiver", "globex", "private_only").await;
    harness.get(&ada, &received).await.lacks("Rehearsal");
    harness.post(&ada, &format!("{received}/rehearse"), &[("key", &key)]).await.is(404);
    harness.remove().await;
}
