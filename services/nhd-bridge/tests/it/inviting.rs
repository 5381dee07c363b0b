//! Desks of Deskmesh invite a sharing URL, and share with it.

use std::sync::Arc;

use serde_json::{Value, json};
use testkit::Desk;
use testkit::desk::clock;

use crate::invited::{comment, ticket};
use crate::partner::{Known, Partner};
use crate::world::{World, admin, agreement_told, answers, applied, told};

/// An invite to the partner; the agreement as the partner knows it.
pub async fn invite(world: &Arc<World>, acme: &Desk, partner: &Partner, comments: &str) -> Known {
    let invite = json!({ "agreement_id": world.hex(), "receiver": { "sharing_url": partner.url },
        "name": "Field repairs", "actor": admin(),
        "terms": { "comments": comments, "tags": true, "custom_fields": true } });
    applied(&acme.ask("agreement.invite.v1", &invite).await);
    let heard = partner.hears("POST", "/agreements/", |_| true).await;
    let text = |member: &str| heard.body[member].as_str().expect("a text").to_owned();
    let known = Known { uuid: text("uuid"), key: text("access_key"), url: text("sender_url") };
    assert_eq!(heard.header("x-ticket-sharing-token"), known.token());
    assert_eq!(
        (&heard.body["status"], &heard.body["receiver_url"]),
        (&json!("pending"), &json!(partner.url))
    );
    assert_eq!(known.url, world.sharing_url(acme));
    known
}

/// The same, accepted by the partner.
pub async fn agreed(world: &Arc<World>, acme: &Desk, partner: &Partner, comments: &str) -> Known {
    let known = invite(world, acme, partner, comments).await;
    accepted(world, acme, partner, &known).await;
    known
}

/// The partner accepts an invite.
pub async fn accepted(world: &Arc<World>, acme: &Desk, partner: &Partner, known: &Known) {
    let path = format!("/agreements/{}", known.uuid);
    let accepted = json!({ "status": "accepted", "name": "Globex", "access_key": null });
    partner.with(known, "PUT", &path, &accepted).await.is(200);
    agreement_told(acme, "accepted").await;
    let query = "select status || ' ' || proof from agreement where uuid = $1";
    answers(&world.pool, "the agreement", query, &known.uuid, "accepted proven").await;
}

/// Acme shares a ticket; its uuid and its share.
pub async fn share(
    world: &World,
    acme: &Desk,
    partner: &Partner,
    known: &Known,
) -> (String, Value) {
    let (id, share_id) = shares(world, acme).await;
    let heard = partner.hears("POST", "/tickets/", |it| it.body["original_id"] == id).await;
    assert_eq!(heard.header("x-ticket-sharing-token"), known.token());
    assert_eq!(heard.body["subject"], "The pump leaks");
    assert_eq!(heard.body["comments"][0]["attachments"][0]["url"], "https://files.example/p.png");
    (heard.body["uuid"].as_str().expect("a uuid").to_owned(), share_id)
}

/// The same, whether the partner hears of it or not; its number and its share.
pub async fn shares(world: &World, acme: &Desk) -> (String, Value) {
    shares_as(world, acme, "open").await
}

/// The same, of a ticket with this status.
pub async fn shares_as(world: &World, acme: &Desk, status: &str) -> (String, Value) {
    let id = format!("T-{}", world.number());
    let agreement = agreement_told(acme, "accepted").await;
    let content = json!({ "agreement_id": agreement["agreement_id"], "occurred_at": clock(),
        "actor": { "id": "7", "name": "Ada", "role": "agent" },
        "ticket": { "id": id, "subject": "The pump leaks", "status": status,
            "requester": { "id": "r", "name": "Robin", "role": "end_user" },
            "tags": [{ "name": "pump", "added_by": "user" }],
            "comments": [{ "id": format!("{}/{id}-1", acme.account), "body": "It drips.",
                "attachments": [{ "id": "f", "filename": "p.png",
                    "url": "https://files.example/p.png" }] }] } });
    let receipt = acme.ask("ticket.share.v1", &content).await;
    applied(&receipt);
    (id, json!(receipt.share_id))
}

pub async fn r_57_acme_shares_with_a_sharing_url(world: Arc<World>) {
    let (acme, partner) = (world.desk("acme").await, world.partner());
    let known = agreed(&world, &acme, &partner, "public_and_private").await;
    let (uuid, share_id) = share(&world, &acme, &partner, &known).await;
    let path = format!("/tickets/{uuid}");

    // The partner answers; without a word about it, a comment of this dialect is public.
    let change = ticket(
        &uuid,
        &[
            ("status", json!("solved")),
            ("comments", json!([comment("c1", "Mended.")])),
            ("tags", json!(["pump", "done"])),
            ("custom_fields", json!({ "Order": null })),
        ],
    );
    partner.with(&known, "PUT", &path, &change).await.is(200);
    let updated = told(&acme, "ticket.updated.v1", |it| it["status"] == "solved").await;
    assert_eq!(
        (&updated["comments"][0]["public"], &updated["tags"]["add"]),
        (&json!(true), &json!(["done"]))
    );

    // Who sends the version header does not mean public.
    let token = known.token();
    let headers = [
        ("content-type", "text/x-json; charset=UTF-8"),
        ("x-ticket-sharing-version", "1"),
        ("x-ticket-sharing-token", token.as_str()),
    ];
    let strict = json!({ "uuid": uuid, "comments": [comment("c2", "For you alone.")] });
    let url = format!("{}{path}", known.url);
    partner.asks("PUT", &url, &headers, strict.to_string()).await.is(200);
    let private = told(&acme, "ticket.updated.v1", |it| it.to_string().contains("alone")).await;
    assert_eq!(private["comments"][0]["public"], false);

    // Nobody is named: it was the partner, which is not called as acme calls the agreement.
    let unsigned = json!({ "uuid": uuid, "comments": [{ "uuid": "c3", "body": "Unsigned." }] });
    partner.with(&known, "PUT", &path, &unsigned).await.is(200);
    let updated = told(&acme, "ticket.updated.v1", |it| it.to_string().contains("Unsigned")).await;
    let host = partner.url.trim_start_matches("https://").trim_end_matches("/sharing");
    assert_eq!(updated["comments"][0]["author"]["name"], host);

    // R-12: the receiver ends no share; the sender does, and the partner is told.
    partner.with(&known, "DELETE", &path, &Value::Null).await.is(403);
    let end =
        json!({ "share_id": share_id, "actor": { "id": "7", "name": "Ada", "role": "agent" } });
    applied(&acme.ask("ticket.unshare.v1", &end).await);
    partner.hears("DELETE", &path, |_| true).await;
    partner.with(&known, "PUT", &path, &change).await.is(404);

    // The agreement ends here, and the partner is told who did it.
    let state = agreement_told(&acme, "accepted").await;
    let end = json!({ "agreement_id": state["agreement_id"], "actor": admin() });
    applied(&acme.ask("agreement.deactivate.v1", &end).await);
    let path = format!("/agreements/{}", known.uuid);
    let heard = partner.hears("PUT", &path, |it| it.body["status"] == "inactive").await;
    assert_eq!(heard.body["deactivated_by"], "sender");
}

pub async fn r_54_a_receiver_of_private_comments_has_no_say_in_public(world: Arc<World>) {
    let (acme, partner) = (world.desk("acme").await, world.partner());
    let known = agreed(&world, &acme, &partner, "private_only").await;
    let (uuid, _) = share(&world, &acme, &partner, &known).await;
    let mut private = comment("c2", "Between us.");
    private["public"] = json!(false);
    let change = ticket(
        &uuid,
        &[
            ("status", json!("solved")),
            ("comments", json!([comment("c1", "To everybody."), private])),
        ],
    );
    partner.with(&known, "PUT", &format!("/tickets/{uuid}"), &change).await.is(200);
    let updated =
        told(&acme, "ticket.updated.v1", |it| it.to_string().contains("Between us")).await;
    assert!(
        updated.get("status").is_none() && !updated.to_string().contains("everybody"),
        "{updated}"
    );
    let query =
        "select outcome || ' ' || reason from attempt where kind = 'received' and ticket = $1";
    testkit::until("why it stayed", testkit::desk::PATIENCE, async || {
        let row: Option<String> = sqlx::query_scalar(query)
            .bind(&uuid)
            .fetch_optional(&world.pool)
            .await
            .expect("the database answers");
        let row = row.unwrap_or_default();
        let stayed = ["partial", "public_comments_not_allowed", "status: status_not_synced"];
        if stayed.iter().all(|text| row.contains(text)) { Ok(()) } else { Err(row) }
    })
    .await;
}

pub async fn a_partner_that_refuses_an_invite_declines_it(world: Arc<World>) {
    let (acme, partner) = (world.desk("acme").await, world.partner());
    partner.answers(|heard| Some((422, Vec::new(), format!("we take none: {}", heard.body))));
    let known = invite(&world, &acme, &partner, "private_only").await;
    let declined = agreement_told(&acme, "declined").await;
    assert!(declined["by"]["name"].as_str().expect("a text").contains("422"), "{declined}");
    // What it repeats is kept without the key.
    let answer: String = sqlx::query_scalar(
        "select answer from attempt join agreement on agreement.id = attempt.agreement
         where uuid = $1 and kind = 'invite' order by attempt.id desc limit 1",
    )
    .bind(&known.uuid)
    .fetch_one(&world.pool)
    .await
    .expect("the attempt is kept");
    let shown = answer.starts_with("we take none") && answer.contains("\"***\"");
    assert!(shown && !answer.contains(&known.key), "{answer}");
}

pub async fn a_ticket_that_comes_back_is_the_copy_that_was_told(world: Arc<World>) {
    let (acme, partner) = (world.desk("acme").await, world.partner());
    let initech = world.desk("initech").await;
    let known = agreed(&world, &acme, &partner, "public_and_private").await;
    let (_, _) = share(&world, &acme, &partner, &known).await;
    let told_there = partner.hears("POST", "/tickets/", |_| true).await.body["comments"][0].clone();
    let onward = partner.agreed(&initech, &[]).await;
    let uuid = world.hex();
    let shared = ticket(
        &uuid,
        &[
            ("subject", json!("The pump leaks")),
            ("status", json!("open")),
            ("requester", json!({ "uuid": "u9", "name": "Robin" })),
            ("comments", json!([told_there, comment("c1", "Passed on.")])),
        ],
    );
    partner.with(&onward, "POST", &format!("/tickets/{uuid}"), &shared).await.is(201);
    let created = told(&initech, "ticket.created.v1", |_| true).await;
    let comments = created["comments"].as_array().expect("an array");
    let bodies: Vec<&Value> = comments.iter().map(|it| &it["body"]).collect();
    assert!(
        bodies.contains(&&json!("It drips.")) && bodies.contains(&&json!("Passed on.")),
        "{created}"
    );
    // One chain: what the third writes reaches the first through the partner's copy.
    let update = json!({ "share_id": created["share_id"], "occurred_at": clock(),
        "actor": { "id": "7", "name": "Iris", "role": "agent" },
        "comments": [{ "id": format!("{}/1", initech.account), "body": "Seen here." }] });
    applied(&initech.ask("ticket.update.v1", &update).await);
    told(&acme, "ticket.updated.v1", |it| it.to_string().contains("Seen here.")).await;
}
