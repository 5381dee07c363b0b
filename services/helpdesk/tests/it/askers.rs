//! Whoever asks: the form, the mail to confirm an address, mails of replies, and the page to
//! answer.

use serde_json::{Value, json};
use web::StaffRole;

use crate::harness::{ACME, Answer, FILE_BYTES, HelpdeskHarness, Somebody, created, id};

const ROBIN: &str = "robin@customer.example";

async fn asks(harness: &HelpdeskHarness, email: &str, subject: &str) -> Answer {
    let form =
        [("name", "Robin Vale"), ("email", email), ("subject", subject), ("body", "It drips.")];
    harness.ask("POST", "/help/acme", None, Some(&form)).await
}

async fn reply(harness: &HelpdeskHarness, sam: &Somebody, ticket: i64, mode: &str, body: &str) {
    let form = [("body", body), ("mode", mode)];
    harness.post(sam, &format!("/tickets/{ticket}"), &form).await.is(303);
}

/// An accepted agreement whose partner reads these addresses as tickets.
async fn partner_reads(harness: &HelpdeskHarness, agreement: &str, addresses: &[&str]) {
    let party = |name: &str| json!({ "account": name, "address": name, "display_name": name });
    let body = json!({ "agreement_id": agreement, "version": 2, "side": "receiver",
        "sender": party("globex"), "receiver": party(ACME), "partner_support_addresses": addresses,
        "terms": { "comments": "public_and_private", "tags": true, "custom_fields": true },
        "status": "accepted", "by": { "side": "sender", "name": "Ada" },
        "at": "2026-11-29T12:00:00.000Z" });
    harness.tell(ACME, "agreement.accepted.v1", "with addresses", &body).await;
    harness.follows(ACME).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unconfirmed_address_gets_one_mail_without_ticket_text() {
    let harness = HelpdeskHarness::set("helpdesk-confirm").await;
    let sam = harness.person(ACME, "Sam", StaffRole::Agent).await;
    harness.ask("GET", "/help/acme", None, None).await.is(200).has("Acme Energy answers by e-mail");
    harness.ask("GET", "/help/nobody", None, None).await.is(404);
    let sent = asks(&harness, ROBIN, "The tap drips").await;
    assert_eq!((sent.status, sent.location.as_str()), (303, "/help/acme?said=said.asked"));
    asks(&harness, "Robin@customer.example", "The sink too").await.is(303);
    let [mail] = harness.mails_to(ROBIN, 1).await.try_into().expect("one mail");
    assert!(mail.contains("Acme Energy") && !mail.contains("drips") && !mail.contains("tap"));
    harness.get(&sam, "/tickets").await.has("No tickets here");
    let link = harness.link_in(&mail);
    // What follows links by itself confirms nothing.
    harness.ask("GET", &link, None, None).await.is(200).has("Confirm").has(ROBIN);
    harness.get(&sam, "/tickets").await.has("No tickets here");
    let forged = format!("{}0", &link[..link.len() - 1]);
    let other = if forged == link { format!("{}1", &link[..link.len() - 1]) } else { forged };
    harness.ask("POST", &other, None, Some(&[])).await.is(404);
    let confirmed = harness.ask("POST", &link, None, Some(&[])).await;
    confirmed.is(303);
    let page = harness.ask("GET", &confirmed.location, None, None).await;
    page.is(200).has("Your address is confirmed").has("It drips.").has("The tap drips");
    harness.ask("POST", &link, None, Some(&[])).await.is(404);
    harness.get(&sam, "/tickets").await.has("The tap drips").has("The sink too");
    harness.get(&sam, "/tickets/1").await.has(ROBIN).has("It drips.");
    // From now on it becomes a ticket at once.
    asks(&harness, ROBIN, "Now the roof").await.is(303);
    harness.get(&sam, "/tickets/3").await.is(200).has("Now the roof");
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_a_request_and_of_an_answer_come_with_them() {
    let harness = HelpdeskHarness::set("helpdesk-askfiles").await;
    let sam = harness.person(ACME, "Sam", StaffRole::Agent).await;
    let mut form =
        vec![("name", "Robin Vale"), ("email", "robin"), ("subject", "Tap"), ("body", "It drips.")];
    let tap = [("tap.txt", b"drip".as_slice())];
    let refused = harness.send_files(None, "/help/acme", &form, &tap).await;
    let kept = refused.is(422).has("tap.txt").between("name=\"kept\" value=\"", "\"");
    form[1].1 = ROBIN;
    form.push(("kept", &kept));
    harness.send_files(None, "/help/acme", &form, &[]).await.is(303);
    let link = harness.link_in(&harness.mails_to(ROBIN, 1).await[0]);
    let confirmed = harness.ask("POST", &link, None, Some(&[])).await;
    let follow = confirmed.is(303).location.replace("?said=said.confirmed", "");
    harness.get(&sam, "/tickets/1").await.has("tap.txt").has(&kept);
    let sink = [("sink.txt", b"drip too".as_slice())];
    let nothing = harness.send_files(None, &follow, &[("body", " ")], &sink).await;
    let kept = nothing.is(422).has("sink.txt").between("name=\"kept\" value=\"", "\"");
    let answer = [("body", "The sink too."), ("kept", kept.as_str())];
    harness.send_files(None, &follow, &answer, &[]).await.is(303);
    harness.get(&sam, "/tickets/1").await.has("sink.txt").has("The sink too.");
    harness.ask("GET", &follow, None, None).await.is(200).has("tap.txt").has("sink.txt");
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_visitors_leave_room_for_the_agents() {
    let harness = HelpdeskHarness::set("helpdesk-askroom").await;
    let sam = harness.person(ACME, "Sam", StaffRole::Agent).await;
    harness.ticket(&sam, "Meter", &[]).await;
    // A tenth of an account's room is one file of the largest.
    let large = vec![b'x'; usize::try_from(FILE_BYTES).expect("few")];
    let form = [("name", "R"), ("email", ROBIN), ("subject", "Tap"), ("body", "It drips.")];
    harness.send_files(None, "/help/acme", &form, &[("one", &large)]).await.is(303);
    let refused = harness.send_files(None, "/help/acme", &form, &[("two", b"x")]).await;
    refused.is(422).has("No files can be attached right now");
    harness.send_files(None, "/help/acme", &form, &[]).await.is(303);
    let note = [("body", "See."), ("mode", "note")];
    harness.upload(&sam, "/tickets/1", &note, &[("ours.txt", b"x")]).await.is(303);
    harness.get(&sam, "/tickets/1").await.has("ours.txt");
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_too_often_waits() {
    let harness = HelpdeskHarness::set("helpdesk-often").await;
    for _ in 0..5 {
        asks(&harness, ROBIN, "The tap drips").await.is(303);
    }
    asks(&harness, ROBIN, "The tap drips").await.is(429).has("Wait 10 minutes");
    asks(&harness, "rita@customer.example", "Another").await.is(303);
    let long = "x".repeat(20_001);
    let form = [("name", "R"), ("email", "robin"), ("subject", " "), ("body", long.as_str())];
    let refused = harness.ask("POST", "/help/acme", None, Some(&form)).await;
    refused.is(422).has("Enter an e-mail address").has("20,000 characters");
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn r_25_public_replies_are_mailed_with_a_link_to_answer() {
    let harness = HelpdeskHarness::set("helpdesk-r25").await;
    let sam = harness.person(ACME, "Sam", StaffRole::Agent).await;
    harness.agreement(ACME, &id(1), "sender", "globex", "public_and_private").await;
    harness.ticket(&sam, "Meter", &[]).await;
    let cc = [("name", "Cleo"), ("email", "cleo@customer.example")];
    harness.post(&sam, "/tickets/1/ccs", &cc).await.is(303);
    let page = harness.get(&sam, "/tickets/1").await;
    page.has("added Cleo as CC").has("It is e-mailed to robin@customer.example. 1 CC gets it too.");
    reply(&harness, &sam, 1, "note", "Ring the bell twice.").await;
    reply(&harness, &sam, 1, "public", "We come on Tuesday.").await;
    // The first comment of the ticket, and this one.
    let mails = harness.mails_to(ROBIN, 2).await;
    let mail = mails.iter().find(|mail| mail.contains("Tuesday")).expect("the reply");
    assert!(mail.contains("From: \"Acme Energy\" <desk@mesh.example>"), "{mail}");
    assert!(mails.iter().all(|mail| !mail.contains("Ring the")), "{mails:?}");
    let to_cleo = harness.mails_to("cleo@customer.example", 1).await;
    let (link, cleos) = (harness.link_in(mail), harness.link_in(&to_cleo[0]));
    assert_ne!(link, cleos, "each has their own");
    let page = harness.ask("GET", &link, None, None).await;
    page.is(200).has("We come on Tuesday.").lacks("Ring the").lacks("Cleo");
    let solved = [("status", "solved"), ("was:status", "new")];
    harness.post(&sam, "/tickets/1", &solved).await.is(303);
    let answer = [("body", "Thursday is better."), ("key", &id(7))];
    for _ in 0..2 {
        harness.ask("POST", &link, None, Some(&answer)).await.is(303);
    }
    let page = harness.get(&sam, "/tickets/1").await;
    page.has("Thursday is better.")
        .has("st--open")
        .has("<span class=\"faint small\">requester</span>");
    assert_eq!(page.body.matches("Thursday is better.").count(), 1);
    assert_eq!(harness.mails_to("cleo@customer.example", 2).await.len(), 2);
    // who is in copy is told to no partner. R-25: what a partner says is mailed too.
    harness.post(&sam, "/tickets/1/share", &[("share_with", &id(1))]).await.is(303);
    let (_, share) = harness.command(ACME, "ticket.share.v1").await;
    for stays in ["cleo", "Cleo", "customer.example"] {
        assert!(!share.to_string().contains(stays), "R-23, R-41: {share}");
    }
    let applied = json!({ "share_id": share["share_id"], "revision": 1 });
    harness.answer(ACME, "ticket.share.v1", applied).await;
    let told = json!({ "share_id": share["share_id"], "ticket_id": "1", "received_from": "globex",
        "via": "ticket_sharing", "revision": 2, "comments": [{ "id": "globex/9",
            "author": crate::harness::placeholder("Jo Park"), "body": "We ordered it.",
            "public": true }] });
    harness.tell(ACME, "ticket.updated.v1", "u", &told).await;
    harness.shows(&sam, "/tickets/1", "We ordered it.").await;
    assert_eq!(harness.mailed(ROBIN).await, 3);
    assert_eq!(harness.mailed("cleo@customer.example").await, 3);
    // Who is taken out of copy has a link that opens nothing.
    let cleo = harness.get(&sam, "/tickets/1").await.between("name=\"remove\" value=\"", "\"");
    harness.post(&sam, "/tickets/1/ccs", &[("remove", &cleo)]).await.is(303);
    harness.ask("GET", &cleos, None, None).await.is(404);
    harness.ask("GET", &link.replace("/1/", "/2/"), None, None).await.is(404);
    // What is closed takes no CC and loses none.
    harness.post(&sam, "/tickets/1/ccs", &cc).await.is(303);
    let close = [("status", "closed"), ("was:status", "open"), ("sure", "yes")];
    harness.post(&sam, "/tickets/1", &close).await.is(303);
    harness.get(&sam, "/tickets/1").await.has("Cleo").lacks("name=\"remove\"");
    for form in [&cc[..], &[("remove", cleo.as_str())]] {
        harness.post(&sam, "/tickets/1/ccs", form).await.is(409).has("This ticket is closed");
    }
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn r_44_an_unshared_copy_reaches_its_requester_by_a_given_address() {
    let harness = HelpdeskHarness::set("helpdesk-r44").await;
    let sam = harness.person(ACME, "Sam", StaffRole::Agent).await;
    harness.agreement(ACME, &id(1), "receiver", "globex", "public_and_private").await;
    let told = created(&id(2), &id(1), "globex", json!({}));
    harness.tell(ACME, "ticket.created.v1", "c", &told).await;
    harness.shows(&sam, "/tickets/1", "GLOBEX passes the reply on to the requester.").await;
    let unshared = json!({ "share_id": id(2), "ticket_id": "1", "reason": "unshared",
        "at": "2026-11-29T12:00:00.000Z" });
    harness.tell(ACME, "ticket.unshared.v1", "e", &unshared).await;
    harness.shows(&sam, "/tickets/1", "nobody gets a public reply by e-mail").await;
    reply(&harness, &sam, 1, "public", "Anybody there?").await;
    assert_eq!(harness.all_mailed().await, 0);
    let given = [("email", ROBIN)];
    harness.post(&sam, "/tickets/1/requester/address", &given).await.is(303);
    harness.get(&sam, "/tickets/1").await.has("It is e-mailed to robin@customer.example.");
    reply(&harness, &sam, 1, "public", "Here you are.").await;
    let mails = harness.mails_to(ROBIN, 1).await;
    assert!(mails[0].contains("Here you are."), "{mails:?}");
    // A wrong address is put right.
    harness
        .get(&sam, "/tickets/1")
        .await
        .has("Change the e-mail address")
        .has("value=\"robin@customer");
    harness
        .post(&sam, "/tickets/1/requester/address", &[("email", "vale@customer.example")])
        .await
        .is(303);
    harness.get(&sam, "/tickets/1").await.has("It is e-mailed to vale@customer.example.");
    // it is still the partner's person, whoever has the same address here.
    let given = [("email", ROBIN)];
    harness.post(&sam, "/tickets/1/requester/address", &given).await.is(303);
    harness.ticket(&sam, "Meter", &[]).await;
    let badge = "</svg>placeholder</span>";
    let requester = |page: &Answer| page.between(">Requester</dt>", "</dd>");
    let (copy, own) =
        (harness.get(&sam, "/tickets/1").await, harness.get(&sam, "/tickets/2").await);
    assert!(requester(&copy).contains(badge) && !requester(&own).contains(badge), "{copy:?}");
    let page = harness.get(&sam, "/people?q=robin").await;
    assert_eq!(page.body.matches(">Robin Vale</a>").count(), 2, "{page:?}");
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn r_45_to_r_47_a_partners_support_address_is_never_mailed() {
    let harness = HelpdeskHarness::set("helpdesk-r45").await;
    let sam = harness.person(ACME, "Sam", StaffRole::Agent).await;
    let partners = ["help@globex.example", "@desk.globex.example"];
    partner_reads(&harness, &id(1), &partners).await;
    let form = [
        ("subject", "Meter"),
        ("requester_name", "Globex"),
        ("requester_email", "help@globex.example"),
        ("body", "The meter goes dark."),
        ("mode", "public"),
    ];
    harness.post(&sam, "/tickets", &form).await.is(303);
    reply(&harness, &sam, 1, "public", "Hello.").await;
    let cc = [("email", "any@desk.globex.example")];
    harness.post(&sam, "/tickets/1/ccs", &cc).await.is(409).has("no mail is sent there");
    asks(&harness, "Help@globex.example", "Meter").await.is(303);
    assert_eq!(harness.all_mailed().await, 0);
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redacted_comment_is_not_mailed_any_more() {
    let harness = HelpdeskHarness::set("helpdesk-mailredact").await;
    let sam = harness.person(ACME, "Sam", StaffRole::Agent).await;
    harness.hold_mails();
    harness.ticket(&sam, "Meter", &[]).await;
    let comment = harness.get(&sam, "/tickets/1").await.between("name=\"comment\" value=\"", "\"");
    harness.post(&sam, "/tickets/1/redact", &[("comment", &comment)]).await.is(303);
    harness.let_mails_go();
    harness.mail_is(ROBIN, "failed").await;
    assert!(harness.sink.mails().is_empty());
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_mails_its_own_ccs_and_says_so_to_the_line() {
    let harness = HelpdeskHarness::set("helpdesk-ccs").await;
    let ada = harness.person(ACME, "Ada", StaffRole::Admin).await;
    let form = [("do", "save"), ("language", "de"), ("asks", "on")];
    harness.post(&ada, "/settings/tickets", &form).await.is(303);
    let (_, told): (String, Value) = harness.command(ACME, "account.update.v1").await;
    assert_eq!(told["notify_ccs"], false);
    harness.ticket(&ada, "Meter", &[]).await;
    let mails = harness.mails_to(ROBIN, 1).await;
    assert!(mails[0].contains("schrieb zur Anfrage #1"), "{mails:?}");
    harness.post(&ada, "/settings/tickets", &[("do", "save"), ("language", "en")]).await.is(303);
    harness.ask("GET", "/help/acme", None, None).await.is(404);
    harness.remove().await;
}
