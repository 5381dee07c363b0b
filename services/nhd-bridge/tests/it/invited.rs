//! Partners invite a desk of Deskmesh, and share with it.

use std::sync::Arc;

use serde_json::{Value, json};
use testkit::desk::clock;

use crate::world::{World, admin, agreement_told, answers, applied, told};

/// A ticket as Zendesk's client sends it: null for what is not meant.
pub fn ticket(uuid: &str, changes: &[(&str, Value)]) -> Value {
    let mut body = json!({ "uuid": uuid, "subject": null, "requested_at": null, "status": null,
        "requester": null, "comments": [], "current_actor": null, "tags": null, "original_id": null,
        "custom_fields": null, "custom_status": null });
    for (member, value) in changes {
        body[*member] = value.clone();
    }
    body
}

pub fn comment(uuid: &str, text: &str) -> Value {
    json!({ "uuid": uuid, "author": { "uuid": "u1", "name": "Kim", "role": "agent" }, "body": text,
        "html_body": format!("<p>{text}</p>"), "authored_at": "2026-03-01 10:00:00 -0800",
        "attachments": null, "custom_fields": null })
}

pub async fn r_52_to_r_79_a_zendesk_account_shares_with_acme(world: Arc<World>) {
    let (acme, partner) = (world.desk("acme").await, world.partner());
    let known = partner.agreed(&acme, &[]).await;
    let state = agreement_told(&acme, "accepted").await;
    assert_eq!(state["name"], "Globex @ Zendesk");
    let terms = json!({ "comments": "public_and_private", "tags": true, "custom_fields": true });
    assert_eq!(state["terms"], terms);
    let proof = partner.hears("PUT", "/agreements/", |_| true).await;
    assert_eq!(proof.header("x-ticket-sharing-token"), known.token());
    assert_eq!(proof.header("x-ticket-sharing-version"), "1");

    // It shares, and sends it again, because it does not know that it arrived.
    let uuid = world.hex();
    let path = format!("/tickets/{uuid}");
    let shared = ticket(
        &uuid,
        &[
            ("subject", json!("The pump leaks")),
            ("requested_at", json!("2026-03-01 09:59:00 -0800")),
            ("status", json!("new")),
            ("requester", json!({ "uuid": "u9", "name": "Robin", "role": null })),
            ("comments", json!([comment("c1", "It drips.")])),
            ("tags", json!(["pump", "vip"])),
            ("original_id", json!("4711")),
        ],
    );
    partner.with(&known, "POST", &path, &shared).await.is(201);
    partner.with(&known, "POST", &path, &shared).await.is(201);
    let created = told(&acme, "ticket.created.v1", |_| true).await;
    assert_eq!(
        (&created["subject"], &created["original_ticket_id"]),
        (&json!("The pump leaks"), &json!("4711"))
    );
    assert_eq!(created["requested_at"], "2026-03-01T17:59:00.000Z");
    let first = &created["comments"][0];
    assert_eq!((&first["body"], &first["public"]), (&json!("It drips."), &json!(true)));
    assert_eq!(first["authored_at"], "2026-03-01T18:00:00.000Z");
    assert_eq!(first["id"], format!("{}/c1", partner.account));
    let share = created["share_id"].clone();

    // Acme answers in private, solves, and takes a tag off.
    let update = json!({ "share_id": share, "actor": { "id": "7", "name": "Ada", "role": "agent" },
        "occurred_at": clock(), "status": "pending",
        "tags": { "add": [{ "name": "acme", "added_by": "user" }],
            "remove": [{ "name": "vip", "removed_by": "user" }] },
        "comments": [{ "id": format!("{}/1", acme.account), "body": "Which pump?",
            "public": false }] });
    applied(&acme.ask("ticket.update.v1", &update).await);
    let heard = partner.hears("PUT", &path, |it| it.body["comments"].is_array()).await;
    let answer = &heard.body["comments"][0];
    assert_eq!((&answer["body"], &answer["public"]), (&json!("Which pump?"), &json!(false)));
    assert_eq!(heard.body["status"], "pending");
    assert_eq!(heard.body["tags"], json!(["acme", "pump"]));
    assert!(heard.body.to_string().contains("\"Ada\""));

    // The partner sends our comment back with its own, a status, and a list without a tag that it
    // never sent; then the same again.
    let change = ticket(
        &uuid,
        &[
            ("status", json!("solved")),
            ("comments", json!([answer, comment("c2", "The red one.")])),
            ("tags", json!(["pump"])),
            ("current_actor", json!({ "uuid": "u1", "name": "Kim", "role": "agent" })),
        ],
    );
    partner.with(&known, "PUT", &path, &change).await.is(200);
    let updated = told(&acme, "ticket.updated.v1", |it| it["comments"].is_array()).await;
    assert_eq!(updated["comments"].as_array().expect("an array").len(), 1, "{updated}");
    assert_eq!(
        (&updated["comments"][0]["body"], &updated["status"]),
        (&json!("The red one."), &json!("solved"))
    );
    assert!(updated.get("tags").is_none_or(|tags| tags["remove"] == json!([])), "{updated}");
    let before = acme.deliveries().len();
    partner.with(&known, "PUT", &path, &change).await.is(200);
    let shown = partner.with(&known, "GET", &path, &Value::Null).await;
    shown.is(200).says("solved");
    assert_eq!(acme.deliveries().len(), before, "what came again had an effect");

    // It ends the share, and then the agreement, which is for good.
    partner.with(&known, "DELETE", &path, &Value::Null).await.is(200);
    partner.with(&known, "DELETE", &path, &Value::Null).await.is(200);
    told(&acme, "ticket.unshared.v1", |it| it["share_id"] == share).await;
    partner.with(&known, "PUT", &path, &change).await.is(404);
    let agreement = format!("/agreements/{}", known.uuid);
    let end = json!({ "status": "inactive", "deactivated_by": "sender" });
    partner.with(&known, "PUT", &agreement, &end).await.is(200);
    let again = partner.with(&known, "PUT", &agreement, &json!({ "status": "accepted" })).await;
    again.is(403).says("new invite");
    partner.with(&known, "PUT", &agreement, &end).await.is(200);
    let ended = agreement_told(&acme, "inactive").await;
    assert_eq!(ended["by"]["name"], "Globex @ Zendesk");
    partner.with(&known, "POST", &path, &shared).await.is(403);
}

pub async fn r_16_whoever_declines_all_invites_is_no_receiver(world: Arc<World>) {
    let (acme, partner) = (world.desk("acme").await, world.partner());
    let settings = json!({ "actor": admin(), "decline_invites": true });
    applied(&acme.ask("account.update.v1", &settings).await);
    let (known, body) = partner.invite(&acme, &[]);
    partner.invites(&known, &body).await.is(403).says("invites_declined");
    partner.is_never_called().await;
}

pub async fn an_invite_calls_nobody_before_it_is_decided(world: Arc<World>) {
    let (acme, partner) = (world.desk("acme").await, world.partner());
    let (known, body) = partner.invite(&acme, &[("sync_tags", json!(null))]);
    partner.invites(&known, &body).await.is(201);
    partner.invites(&known, &body).await.is(201);
    let state = agreement_told(&acme, "pending").await;
    assert_eq!(state["terms"]["tags"], false);
    let host = partner.url.trim_start_matches("https://").trim_end_matches("/sharing");
    assert_eq!(state["sender"]["display_name"], host);
    let path = format!("/tickets/{}", world.hex());
    partner.with(&known, "POST", &path, &ticket("", &[])).await.is(403).says("not accepted");
    // The sender withdraws it; it cannot accept it.
    let agreement = format!("/agreements/{}", known.uuid);
    let accept = json!({ "status": "accepted" });
    partner.with(&known, "PUT", &agreement, &accept).await.is(403).says("receiver decides");
    partner.with(&known, "PUT", &agreement, &json!({ "status": "inactive" })).await.is(200);
    let query = "select status from agreement where uuid = $1";
    answers(&world.pool, "the end", query, &known.uuid, "inactive").await;
    partner.is_never_called().await;
}

pub async fn a_partner_that_is_not_who_it_says_is_ended(world: Arc<World>) {
    let (acme, partner) = (world.desk("acme").await, world.partner());
    partner.answers(|_| Some((404, Vec::new(), "no such agreement".to_owned())));
    let (known, body) = partner.invite(&acme, &[]);
    partner.invites(&known, &body).await.is(201);
    let state = agreement_told(&acme, "pending").await;
    let accept = json!({ "agreement_id": state["agreement_id"], "actor": admin() });
    applied(&acme.ask("agreement.accept.v1", &accept).await);
    let ended = agreement_told(&acme, "inactive").await;
    assert!(ended["by"]["name"].as_str().expect("a text").contains("404"), "{ended}");
    let path = format!("/tickets/{}", world.hex());
    partner.with(&known, "POST", &path, &ticket("", &[])).await.is(403);
}

pub async fn a_declined_invite_is_told_and_cannot_be_used(world: Arc<World>) {
    let (acme, partner) = (world.desk("acme").await, world.partner());
    let (known, body) = partner.invite(&acme, &[]);
    partner.invites(&known, &body).await.is(201);
    let state = agreement_told(&acme, "pending").await;
    let decline = json!({ "agreement_id": state["agreement_id"], "actor": admin() });
    applied(&acme.ask("agreement.decline.v1", &decline).await);
    let path = format!("/agreements/{}", known.uuid);
    partner.hears("PUT", &path, |it| it.body["status"] == "declined").await;
    let path = format!("/tickets/{}", world.hex());
    partner.with(&known, "POST", &path, &ticket("", &[])).await.is(403).says("declined");
}
