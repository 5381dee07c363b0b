//! An agent's day: views, a ticket, replies and notes, and somebody else at the same ticket.

use web::StaffRole;

use crate::harness::{ACME, HelpdeskHarness};

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_opens_a_ticket_answers_and_finds_it_again() {
    let harness = HelpdeskHarness::set("helpdesk-agents").await;
    let sam = harness.person(ACME, "Sam", StaffRole::Agent).await;
    harness.get(&sam, "/tickets").await.is(200).has("No tickets here");
    let number =
        harness.ticket(&sam, "Smart meter <b>reboots</b>", &[("tags", "meter, night")]).await;
    assert_eq!(number, 1);
    let page = harness.get(&sam, "/tickets/1").await;
    page.is(200).has("Smart meter &#60;b&#62;reboots").lacks("<b>reboots").has("Robin Vale");
    page.has("The meter goes dark.").has("meter, night").has("This ticket is not shared.");
    page.lacks("Share with");
    let live = page.between("hx-select-oob=\"", "\"");
    for part in ["topnav", "side", "head", "talk", "sharing", "sees", "reach"] {
        assert!(live.contains(&format!("#{part}:outerMorph")), "{part} is live: {live}");
    }
    let draft = page.between("data-draft=\"", "\"");
    assert_eq!(draft, format!("{}/1", sam.id), "a draft is one person's, on one ticket");
    page.has("-draft.js\" defer></script>");
    let reply = [
        ("body", "We come on Tuesday."),
        ("mode", "public"),
        ("status", "open"),
        ("was:status", "new"),
    ];
    harness.post(&sam, "/tickets/1", &reply).await.is(303);
    let note = [("body", "Ring the bell twice."), ("mode", "note")];
    harness.post(&sam, "/tickets/1", &note).await.is(303);
    let page = harness.get(&sam, "/tickets/1").await;
    page.has("We come on Tuesday.").has("Ring the bell twice.").has("comment--note");
    page.has("<strong>Sam</strong> set the status from New to Open.");
    harness.get(&sam, "/tickets").await.has("reboots").has("st--open");
    harness.get(&sam, "/tickets?view=mine").await.has("No tickets here");
    harness.get(&sam, "/search?q=tuesday").await.has("href=\"/tickets/1\"");
    harness.get(&sam, "/search?q=%231").await.has("href=\"/tickets/1\"");
    harness.get(&sam, "/search?q=wednesday").await.has("0 tickets found");
    for part in ["tues", "reb", "boots", "robin@customer.example", "Robin%20V", "ROBIN@"] {
        harness.get(&sam, &format!("/search?q={part}")).await.has("href=\"/tickets/1\"");
    }
    for odd in ["%27", "%5C", "%26%20%7C%20%21", "%3A%2A", "%25%25%25", "%22x"] {
        harness.get(&sam, &format!("/search?q={odd}")).await.is(200).has("0 tickets found");
    }
    assert!(harness.commands(ACME).await.is_empty(), "what is not shared is nobody else's matter");
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_else_changed_is_not_overwritten() {
    let harness = HelpdeskHarness::set("helpdesk-conflict").await;
    let sam = harness.person(ACME, "Sam", StaffRole::Agent).await;
    let lee = harness.person(ACME, "Lee", StaffRole::Agent).await;
    harness.ticket(&sam, "Meter", &[]).await;
    let set = |status| [("status", status), ("was:status", "new")];
    harness.post(&lee, "/tickets/1", &set("pending")).await.is(303);
    let mut late = set("solved").to_vec();
    late.extend([("body", "Solved, I think."), ("mode", "public")]);
    let refused = harness.post(&sam, "/tickets/1", &late).await;
    refused
        .is(409)
        .has("Somebody else has changed this in the meantime: Status")
        .has("Solved, I think.");
    // What was refused is said, and not chosen any more: sending the text sets nothing.
    refused.has("You had chosen: Solved").lacks("value=\"solved\" selected");
    let properties = set("solved");
    let refused = harness.post(&sam, "/tickets/1", &properties).await;
    refused.is(409).has("You had chosen: Solved").lacks("value=\"solved\" selected");
    refused.has("name=\"was:status\" value=\"pending\"");
    let page = harness.get(&sam, "/tickets/1").await;
    page.has("st--pending").lacks("Solved, I think.");
    // Who leaves it as it stood has nothing to do with it.
    let reply = [("body", "Hello."), ("mode", "public"), ("status", "new"), ("was:status", "new")];
    harness.post(&sam, "/tickets/1", &reply).await.is(303);
    harness.get(&sam, "/tickets/1").await.has("st--pending").has("Hello.");
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_that_is_sent_twice_says_it_once() {
    let harness = HelpdeskHarness::set("helpdesk-twice").await;
    let sam = harness.person(ACME, "Sam", StaffRole::Agent).await;
    harness.ticket(&sam, "Meter", &[]).await;
    let key = harness.get(&sam, "/tickets/1").await.between("name=\"key\" value=\"", "\"");
    let reply = [("key", key.as_str()), ("body", "Only once."), ("mode", "public")];
    for _ in 0..2 {
        harness.post(&sam, "/tickets/1", &reply).await.is(303);
    }
    let page = harness.get(&sam, "/tickets/1").await.body;
    assert_eq!(page.matches("Only once.").count(), 1);
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_light_agent_reads_and_writes_notes_and_nothing_else() {
    let harness = HelpdeskHarness::set("helpdesk-light").await;
    let sam = harness.person(ACME, "Sam", StaffRole::Agent).await;
    let kim = harness.person(ACME, "Kim", StaffRole::LightAgent).await;
    harness.ticket(&sam, "Meter", &[]).await;
    let page = harness.get(&kim, "/tickets/1").await;
    page.is(200).lacks("value=\"public\"").lacks("name=\"status\"").lacks("Change requester");
    harness.post(&kim, "/tickets/1", &[("body", "Seen."), ("mode", "note")]).await.is(303);
    let public = [("body", "Hello."), ("mode", "public")];
    harness.post(&kim, "/tickets/1", &public).await.is(403);
    let status = [("status", "solved"), ("was:status", "new")];
    harness.post(&kim, "/tickets/1", &status).await.is(403);
    let both = [("body", "x"), ("mode", "note"), ("status", "solved"), ("was:status", "new")];
    harness.post(&kim, "/tickets/1", &both).await.is(403);
    harness.get(&kim, "/tickets/new").await.is(403);
    harness.get(&kim, "/settings/people").await.is(403);
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_with_errors_comes_back_with_what_was_typed() {
    let harness = HelpdeskHarness::set("helpdesk-errors").await;
    let sam = harness.person(ACME, "Sam", StaffRole::Agent).await;
    let form = [
        ("subject", "  "),
        ("requester_name", "Robin"),
        ("requester_email", "robin"),
        ("body", "It drips."),
        ("mode", "note"),
    ];
    let answer = harness.post(&sam, "/tickets", &form).await;
    answer.is(422).has("Enter a subject.").has("ada@example.com").has("It drips.");
    harness.get(&sam, "/tickets").await.has("No tickets here");
    harness.ask("GET", "/tickets", None, None).await.is(303);
    let lost = harness.ask("POST", "/tickets", None, Some(&form)).await;
    lost.is(401).has("It drips.").has("/sign-in?next=%2Ftickets\"").lacks("Robin");
    harness.remove().await;
}
