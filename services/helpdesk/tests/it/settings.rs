//! What admins set up, and that nobody else does.

use serde_json::json;
use web::{StaffRole, people};

use crate::harness::{ACME, HelpdeskHarness, id};

#[tokio::test(flavor = "multi_thread")]
async fn r_51_only_admins_see_settings() {
    let harness = HelpdeskHarness::set("helpdesk-r51").await;
    let sam = harness.person(ACME, "Sam", StaffRole::Agent).await;
    let ada = harness.person(ACME, "Ada", StaffRole::Admin).await;
    for path in [
        "/settings/people",
        "/settings/fields",
        "/settings/groups",
        "/settings/statuses",
        "/settings/tickets",
        "/settings/audit",
        "/settings/address",
        "/settings/rules/trigger",
        "/settings/rules/automation/new",
    ] {
        harness.get(&sam, path).await.is(403).has("Only administrators");
        harness.get(&ada, path).await.is(200);
    }
    harness.get(&sam, "/tickets").await.lacks("/settings/");
    for (path, form) in [
        ("/settings/people", vec![("name", "Eve"), ("email", "eve@x.example")]),
        ("/settings/fields", vec![("title", "X"), ("type", "text")]),
        ("/settings/groups", vec![("name", "X")]),
        ("/settings/tickets", vec![("language", "en")]),
        ("/settings/address", vec![("address", "x"), ("understood", "yes")]),
    ] {
        harness.post(&sam, path, &form).await.is(403);
    }
    assert!(harness.commands(ACME).await.is_empty());
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_adds_an_agent_who_signs_in_by_a_link() {
    let harness = HelpdeskHarness::set("helpdesk-people").await;
    let ada = harness.person(ACME, "Ada", StaffRole::Admin).await;
    let form = [("name", "Kim Lee"), ("email", "kim@acme.example"), ("role", "light_agent")];
    let page = harness.post(&ada, "/settings/people", &form).await;
    let link = page.is(200).between("id=\"sign-in-link\">", "</code>");
    let path = link.strip_prefix(&harness.url).expect("a link of this help desk").to_owned();
    let password = [("password", "a long enough one"), ("again", "a long enough one")];
    harness.ask("POST", &path, None, Some(&password)).await.is(303);
    let again = harness.ask("POST", &path, None, Some(&password)).await;
    assert_ne!(again.status, 303, "it works once");
    let known = harness.post(&ada, "/settings/people", &form).await;
    known
        .is(409)
        .has("already a member")
        .has("value=\"Kim Lee\"")
        .has("value=\"kim@acme.example\"");
    known.has("value=\"light_agent\" selected");
    let odd = [("name", "Eve"), ("email", "eve")];
    harness.post(&ada, "/settings/people", &odd).await.is(422).has("value=\"Eve\"");
    let path = format!("/settings/people/{}", {
        let kim = people::list(&harness.pool, ACME).await.expect("the database answers");
        kim.iter().find(|it| it.name == "Kim Lee").expect("Kim").id
    });
    harness.post(&ada, &path, &[("do", "disable")]).await.is(200).has("Remove Kim Lee’s access?");
    harness.post(&ada, &path, &[("do", "disable"), ("sure", "yes")]).await.is(303);
    let me = format!("/settings/people/{}", ada.id);
    harness
        .post(&ada, &me, &[("role", "agent")])
        .await
        .is(409)
        .has("There must be at least one admin.");
    harness.get(&ada, "/settings/audit").await.has("added a member").has("Kim Lee");
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_is_told_to_the_line_and_stands_on_the_form() {
    let harness = HelpdeskHarness::set("helpdesk-fields").await;
    let ada = harness.person(ACME, "Ada", StaffRole::Admin).await;
    let form =
        [("title", "Meter model"), ("type", "tagger"), ("options", "LX-40 = lx_40\nLX-60 = lx_60")];
    harness.post(&ada, "/settings/fields", &form).await.is(303);
    let (_, update) = harness.command(ACME, "account.update.v1").await;
    assert_eq!(update["default_form"], json!(["meter_model"]), "R-99");
    assert_eq!(
        update["ticket_fields"][0]["options"][1],
        json!({ "name": "LX-60", "tag": "lx_60" })
    );
    harness.get(&ada, "/tickets/new").await.has("Meter model").has("LX-60");
    harness.ticket(&ada, "Meter", &[("field:meter_model", "lx_40")]).await;
    let page = harness.get(&ada, "/tickets/1").await;
    page.has("<option value=\"lx_40\" selected>")
        .has("name=\"was:field:meter_model\" value=\"lx_40\"");
    let wrong = [("field:meter_model", "lx_99"), ("was:field:meter_model", "lx_40")];
    harness.post(&ada, "/tickets/1", &wrong).await.is(422).has("Choose one of the options.");
    let other = [("field:meter_model", "lx_60"), ("was:field:meter_model", "lx_40")];
    harness.post(&ada, "/tickets/1", &other).await.is(303);
    harness.get(&ada, "/tickets/1").await.has("<strong>Ada</strong> set Meter model to LX-60.");
    let twice = [("title", "Bay"), ("type", "tagger"), ("options", "B3\nBay three = b3")];
    let refused = harness.post(&ada, "/settings/fields", &twice).await;
    refused.is(422).has("Two options have the tag b3").has("Bay three = b3").has("value=\"Bay\"");
    refused.has("value=\"tagger\" selected");
    let delete = "/settings/fields/meter_model/delete";
    harness.post(&ada, delete, &[]).await.is(200).has("Delete the field Meter model?");
    harness.get(&ada, "/settings/fields").await.has("meter_model");
    harness.post(&ada, delete, &[("sure", "yes")]).await.is(303);
    let (_, update) = harness.command(ACME, "account.update.v1").await;
    assert_eq!(update["ticket_fields"], json!([]));
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn r_17_a_rename_names_the_agreements_that_it_ends() {
    let harness = HelpdeskHarness::set("helpdesk-r17").await;
    let ada = harness.person(ACME, "Ada", StaffRole::Admin).await;
    harness.agreement(ACME, &id(1), "sender", "globex", "public_and_private").await;
    harness.agreement_in(ACME, &id(2), "sender", "hooli", "private_only", "inactive", 3).await;
    let page = harness.get(&ada, "/settings/address").await;
    page.has("ends these agreements permanently").has("GLOBEX").lacks("HOOLI");
    let unsure = harness.post(&ada, "/settings/address", &[("address", "acme-two")]).await;
    unsure.is(422).has("value=\"acme-two\"").has("Confirm that you know");
    assert!(harness.commands(ACME).await.is_empty());
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_is_there_already_is_said_beside_what_was_typed() {
    let harness = HelpdeskHarness::set("helpdesk-groups").await;
    let ada = harness.person(ACME, "Ada", StaffRole::Admin).await;
    let form = [("name", "Field team")];
    harness.post(&ada, "/settings/groups", &form).await.is(303);
    let again = harness.post(&ada, "/settings/groups", &form).await;
    again.is(409).has("There is already a group with this name.").has("value=\"Field team\"");
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn r_35_and_r_45_secure_downloads_and_support_addresses_are_told() {
    let harness = HelpdeskHarness::set("helpdesk-tickets-set").await;
    let ada = harness.person(ACME, "Ada", StaffRole::Admin).await;
    let path = "/settings/tickets";
    let wrong = [("language", "en"), ("addresses", "help@acme.example\nnobody")];
    harness.post(&ada, path, &wrong).await.is(422).has("“nobody” is neither").has("help@acme");
    assert!(harness.commands(ACME).await.is_empty());
    let form =
        [("language", "it"), ("addresses", "help@acme.example\n@acme.example"), ("secure", "on")];
    harness.post(&ada, path, &form).await.is(303);
    let (_, told) = harness.command(ACME, "account.update.v1").await;
    assert_eq!(told["secure_downloads"], true);
    assert_eq!(told["support_addresses"], json!(["help@acme.example", "@acme.example"]));
    assert_eq!(told["locale"], "it");
    let page = harness.get(&ada, path).await;
    page.has("@acme.example").has("name=\"secure\" value=\"on\" checked");
    page.lacks("name=\"asks\" value=\"on\" checked");
    harness.get(&ada, "/settings/audit").await.has("changed requests, mail and files");
    harness.remove().await;
}
