//! Whoever asks, what is kept of them, and placeholders that stay as they are.

use serde_json::json;
use web::StaffRole;

use crate::harness::{ACME, GLOBEX, HelpdeskHarness, Somebody, created, id};

const ROBIN: &str = "robin@customer.example";
const RITA: &str = "rita@customer.example";

/// The path of the first person on the page.
async fn person(harness: &HelpdeskHarness, who: &Somebody, words: &str) -> String {
    let page = harness.get(who, &format!("/people?q={words}")).await;
    format!("/people/{}", page.between("<a href=\"/people/", "\""))
}

#[tokio::test(flavor = "multi_thread")]
async fn r_38_and_r_40_placeholders_cannot_be_deleted_or_merged() {
    let harness = HelpdeskHarness::set("helpdesk-r40").await;
    let sam = harness.person(ACME, "Sam", StaffRole::Agent).await;
    harness.ticket(&sam, "Our own", &[]).await;
    harness.agreement(ACME, &id(1), "receiver", "globex", "public_and_private").await;
    let told = created(&id(2), &id(1), "globex", json!({}));
    harness.tell(ACME, "ticket.created.v1", "c", &told).await;
    harness.shows(&sam, "/tickets/2", "The pump leaks").await;
    // two people of one name, of whom one is the partner's.
    let page = harness.get(&sam, "/people?q=robin").await;
    assert_eq!(page.body.matches(">Robin Vale</a>").count(), 2, "{page:?}");
    let placeholder = person(&harness, &sam, "jo+park").await;
    let page = harness.get(&sam, &placeholder).await;
    page.is(200)
        .has("It cannot be changed, deleted or merged")
        .lacks("name=\"do\"")
        .lacks("name=\"name\"");
    for form in [
        vec![("do", "delete")],
        vec![("do", "merge"), ("into", "robin@customer.example")],
        vec![("name", "Somebody")],
    ] {
        harness
            .post(&sam, &placeholder, &form)
            .await
            .is(409)
            .has("It cannot be changed, deleted or merged");
    }
    harness.get(&sam, &placeholder).await.is(200).has("Jo Park");
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn r_29_what_is_kept_of_people_and_organisations_never_leaves() {
    let harness = HelpdeskHarness::set("helpdesk-r29").await;
    let ada = harness.person(ACME, "Ada", StaffRole::Admin).await;
    let sam = harness.person(ACME, "Sam", StaffRole::Agent).await;
    harness.get(&sam, "/settings/own-fields").await.is(403);
    for (about, title) in [("person", "Contract"), ("organisation", "Region")] {
        let form = [("about", about), ("title", title)];
        harness.post(&sam, "/settings/own-fields", &form).await.is(403);
        harness.post(&ada, "/settings/own-fields", &form).await.is(303);
    }
    harness.ticket(&sam, "Meter", &[]).await;
    let added = harness.post(&sam, "/organisations", &[("name", "Vale Farms")]).await;
    let organisation = added.is(303).location.replace("?said=said.saved", "");
    let kept = [("name", "Vale Farms"), ("field:region", "North-7")];
    harness.post(&sam, &organisation, &kept).await.is(303);
    let robin = person(&harness, &sam, "robin").await;
    let of = organisation.trim_start_matches("/organisations/");
    let kept = [("name", "Robin Vale"), ("organisation", of), ("field:contract", "Gold-99")];
    harness.post(&sam, &robin, &kept).await.is(303);
    harness
        .get(&sam, &robin)
        .await
        .has("Gold-99")
        .has("selected>Vale Farms")
        .has("partners never see them");
    harness.get(&sam, &organisation).await.has("North-7");
    harness.agreement(ACME, &id(1), "sender", "globex", "public_and_private").await;
    harness.post(&sam, "/tickets/1/share", &[("share_with", &id(1))]).await.is(303);
    let (_, share) = harness.command(ACME, "ticket.share.v1").await;
    let applied = json!({ "share_id": share["share_id"], "revision": 1 });
    harness.answer(ACME, "ticket.share.v1", applied).await;
    harness.shows(&sam, "/tickets/1", "Outbound to").await;
    let form =
        [("body", "We come."), ("mode", "public"), ("status", "open"), ("was:status", "new")];
    harness.post(&sam, "/tickets/1", &form).await.is(303);
    let all = format!("{:?}", harness.commands(ACME).await);
    for stays in ["Gold-99", "North-7", "Vale Farms", "contract", "region"] {
        assert!(!all.contains(stays), "{stays}: {all}");
    }
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_merged_person_wrote_and_waits_for_is_the_others() {
    let harness = HelpdeskHarness::set("helpdesk-merge-written").await;
    let sam = harness.person(ACME, "Sam", StaffRole::Agent).await;
    // Robin asks by the form, and so is the author of the first comment.
    let form =
        [("name", "Robin Vale"), ("email", ROBIN), ("subject", "Tap"), ("body", "It drips.")];
    harness.ask("POST", "/help/acme", None, Some(&form)).await.is(303);
    let link = harness.link_in(&harness.mails_to(ROBIN, 1).await[0]);
    harness.ask("POST", &link, None, Some(&[])).await.is(303);
    harness.mails_to(ROBIN, 2).await;
    let form = [
        ("subject", "Pump"),
        ("requester_name", "Rita Moss"),
        ("requester_email", RITA),
        ("body", "The pump leaks."),
        ("mode", "note"),
    ];
    harness.post(&sam, "/tickets", &form).await.is(303);
    harness.hold_mails();
    let reply = [("body", "We come on Tuesday."), ("mode", "public")];
    harness.post(&sam, "/tickets/1", &reply).await.is(303);
    // On the second both are told: after the merge it is one mail.
    harness.post(&sam, "/tickets/2/ccs", &[("email", ROBIN)]).await.is(303);
    harness.post(&sam, "/tickets/2", &reply).await.is(303);
    let robin = person(&harness, &sam, "robin").await;
    harness.post(&sam, &robin, &[("do", "merge"), ("into", RITA)]).await.is(303);
    let page = harness.get(&sam, "/tickets/1").await;
    page.has("<h3 id=\"h-").has(">Rita Moss</h3>").lacks("deleted person").has("It drips.");
    harness.let_mails_go();
    let mails = harness.mails_to(RITA, 2).await;
    let on_the_first = mails.iter().filter(|mail| mail.contains("#1"));
    assert_eq!((mails.len(), on_the_first.count()), (2, 1), "{mails:?}");
    let link = harness.link_in(mails.iter().find(|mail| mail.contains("#1")).expect("a mail"));
    harness.ask("GET", &link, None, None).await.is(200).has("We come on Tuesday.");
    assert_eq!(harness.mailed(RITA).await, 2);
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_deleted_person_no_address_is_left() {
    let harness = HelpdeskHarness::set("helpdesk-delete-person").await;
    let sam = harness.person(ACME, "Sam", StaffRole::Agent).await;
    harness.ticket(&sam, "Meter", &[]).await;
    harness.mails_to(ROBIN, 1).await;
    let form = [("name", "Robin Vale"), ("email", "Robin@customer.example"), ("subject", "Tap")];
    let form = [&form[..], &[("body", "It drips.")]].concat();
    harness.ask("POST", "/help/acme", None, Some(&form)).await.is(303);
    harness.mail_is_sent(2).await;
    let robin = person(&harness, &sam, "robin").await;
    harness.post(&sam, &robin, &[("do", "delete")]).await.is(303);
    let left: i64 = sqlx::query_scalar(
        "select (select count(*) from mail where lower(recipient) = $1 or name ilike 'robin%')
             + (select count(*) from confirmation where lower(email) = $1)
             + (select count(*) from person where lower(email) = $1)",
    )
    .bind(ROBIN)
    .fetch_one(&harness.pool)
    .await
    .expect("the database answers");
    assert_eq!(left, 0);
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_who_change_different_things_of_somebody_lose_nothing() {
    let harness = HelpdeskHarness::set("helpdesk-people-edits").await;
    let ada = harness.person(ACME, "Ada", StaffRole::Admin).await;
    for (about, title) in [
        ("person", "Contract"),
        ("person", "Site"),
        ("organisation", "Region"),
        ("organisation", "Tier"),
    ] {
        let form = [("about", about), ("title", title)];
        harness.post(&ada, "/settings/own-fields", &form).await.is(303);
    }
    harness.ticket(&ada, "Meter", &[]).await;
    let added = harness.post(&ada, "/organisations", &[("name", "Vale Farms")]).await;
    let organisation = added.is(303).location.replace("?said=said.saved", "");
    let robin = person(&harness, &ada, "robin").await;
    let of = organisation.trim_start_matches("/organisations/").to_owned();
    // Both forms were open before either was sent.
    let was = [("was:field:contract", ""), ("was:field:site", ""), ("was:organisation", "")];
    let names = [("was:name", "Robin Vale"), ("name", "Robin Vale")];
    let one = [&was[..], &names, &[("field:contract", "Gold"), ("field:site", "")]].concat();
    let one = [&one[..], &[("organisation", of.as_str())]].concat();
    let other = [("name", "Robin M. Vale"), ("was:name", "Robin Vale"), ("organisation", "")];
    let other = [&was[..], &other, &[("field:contract", ""), ("field:site", "North")]].concat();
    for form in [one, other] {
        harness.post(&ada, &robin, &form).await.is(303);
    }
    let page = harness.get(&ada, &robin).await;
    page.has("value=\"Gold\"").has("value=\"North\"").has("value=\"Robin M. Vale\"");
    page.has("selected>Vale Farms");
    let names = [("was:name", "Vale Farms"), ("name", "Vale Farms")];
    let was = [("was:field:region", ""), ("was:field:tier", "")];
    for (region, tier) in [("East", ""), ("", "First")] {
        let form = [&names[..], &was, &[("field:region", region), ("field:tier", tier)]].concat();
        harness.post(&ada, &organisation, &form).await.is(303);
    }
    harness.get(&ada, &organisation).await.has("value=\"East\"").has("value=\"First\"");
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_merged_or_deleted_and_the_tickets_stay() {
    let harness = HelpdeskHarness::set("helpdesk-merge-people").await;
    let sam = harness.person(ACME, "Sam", StaffRole::Agent).await;
    harness.ticket(&sam, "Meter", &[]).await;
    let other = [("requester_name", "Rita Moss"), ("requester_email", "rita@customer.example")];
    let mut form = other.to_vec();
    form.extend([("subject", "Pump"), ("body", "It drips."), ("mode", "public")]);
    harness.post(&sam, "/tickets", &form).await.is(303);
    let robin = person(&harness, &sam, "robin").await;
    let into = [("do", "merge"), ("into", "nobody@customer.example")];
    harness.post(&sam, &robin, &into).await.is(404);
    let into = [("do", "merge"), ("into", "Rita@customer.example")];
    harness.post(&sam, &robin, &into).await.is(303);
    harness.get(&sam, "/tickets/1").await.has("Rita Moss").lacks("robin@customer.example");
    harness.get(&sam, &robin).await.is(404);
    let rita = person(&harness, &sam, "rita").await;
    harness.post(&sam, &rita, &[("do", "delete")]).await.is(303);
    let page = harness.get(&sam, "/tickets/2").await;
    page.has("deleted person").lacks("rita@").lacks("Rita Moss").has("It drips.");
    harness.get(&sam, "/people").await.has("Nobody found");
    let gus = harness.person(GLOBEX, "Gus", StaffRole::Agent).await;
    harness.get(&gus, &rita).await.is(404);
    harness.remove().await;
}
