//! One account reaches nothing of another's, and takes nothing from it.

use serde_json::{Value, json};
use testkit::desk::PATIENCE;
use testkit::until;

use crate::harness::{ACME, GLOBEX, GatewayHarness};

const SHARE: &str = "0b9f0a52-7c1e-4d9a-9a36-3c9f9f9d8f10";
const AGREEMENT: &str = "7c1e0a52-7c1e-4d9a-9a36-3c9f9f9d8f11";

/// Acme gets an agreement and a ticket, numbers it, and has a command with a receipt.
async fn acme_has_everything(harness: &GatewayHarness, token: &str) {
    let party = |name: &str| json!({ "account": name, "address": name, "display_name": name });
    let person = json!({ "id": "p", "name": "Ada", "role": "end_user", "placeholder": true });
    let agreement = json!({ "agreement_id": AGREEMENT, "version": 1, "side": "receiver",
        "sender": party("initech"), "receiver": party(ACME), "partner_support_addresses": [],
        "terms": { "comments": "public_and_private", "tags": true, "custom_fields": true },
        "status": "accepted", "by": { "side": "sender", "name": "Ada" },
        "at": "2026-11-29T12:00:00.000Z" });
    let created = json!({ "share_id": SHARE, "agreement_id": AGREEMENT, "received_from": "initech",
        "via": "ticket_sharing", "original_ticket_id": "77", "subject": "The pump leaks",
        "status": "open", "requester": person, "form": "default", "tags": [], "custom_fields": {},
        "comments": [{ "id": "initech/1", "author": person, "body": "It drips.", "public": true }],
        "revision": 1 });
    harness.tell(ACME, "agreement.accepted.v1", "d1", &agreement).await;
    harness.tell(ACME, "ticket.created.v1", "d2", &created).await;
    until("the ticket", PATIENCE, async || {
        let answer = harness.get(&format!("/v1/shares/{SHARE}/ticket"), token).await;
        if answer.status == 200 { Ok(()) } else { Err(format!("{answer:?}")) }
    })
    .await;
    let bind = format!("/v1/shares/{SHARE}/ticket");
    harness.keyed("PUT", &bind, token, Some("bind"), &json!({ "ticket_id": "A-1" })).await;
    harness.answer(ACME, "ticket.bind.v1", "bind").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn anothers_things_answer_like_unknown_ones() {
    let harness = GatewayHarness::set("gateway-tenants").await;
    let (acme, globex) = (harness.token(ACME, &["*"]).await, harness.token(GLOBEX, &["*"]).await);
    acme_has_everything(&harness, &acme).await;
    let paths = [
        format!("/v1/agreements/{AGREEMENT}"),
        format!("/v1/shares/{SHARE}"),
        format!("/v1/shares/{SHARE}/ticket"),
        "/v1/tickets/A-1".to_owned(),
        "/v1/tickets/A-1/timeline".to_owned(),
        "/v1/receipts/ticket/bind".to_owned(),
    ];
    for path in &paths {
        let own = harness.get(path, &acme).await;
        assert_eq!(own.status, 200, "{path} {own:?}");
        let others = harness.get(path, &globex).await;
        let never = path
            .replace(SHARE, AGREEMENT)
            .replace(AGREEMENT, "0b9f0a52-0000-4d9a-9a36-3c9f9f9d8f10");
        let unknown =
            harness.get(&never.replace("A-1", "A-9").replace("bind", "none"), &globex).await;
        assert_eq!(others.status, 404, "{path} {others:?}");
        assert_eq!(others.body, unknown.body, "{path}");
    }
    for (path, list) in [
        ("/v1/agreements", "agreements"),
        ("/v1/shares", "shares"),
        ("/v1/tickets", "tickets"),
        ("/v1/deliveries", "deliveries"),
    ] {
        let (own, others) = (harness.get(path, &acme).await, harness.get(path, &globex).await);
        assert!(!own.body[list].as_array().unwrap().is_empty(), "{own:?}");
        assert_eq!(others.body[list], json!([]), "{path}");
    }
    // What it holds is what was told.
    let ticket = harness.get("/v1/tickets/A-1", &acme).await.body;
    assert_eq!(
        (&ticket["subject"], &ticket["status"]["value"]["value"]),
        (&json!("The pump leaks"), &json!("open"))
    );
    assert_eq!(ticket["comments"][0]["body"], "It drips.");
    assert_eq!(
        (&ticket["shares"][0]["state"], &ticket["shares"][0]["side"]),
        (&json!("live"), &json!("receiver"))
    );
    let timeline = harness.get("/v1/tickets/A-1/timeline", &acme).await.body;
    let what: Vec<&Value> =
        timeline["timeline"].as_array().unwrap().iter().map(|it| &it["type"]).collect();
    assert_eq!(what, ["ticket.bind.v1", "ticket.created.v1"], "{timeline}");
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_does_what_its_scopes_say_and_no_more() {
    let harness = GatewayHarness::set("gateway-scopes").await;
    let reader = harness.token(ACME, &["read"]).await;
    let updater = harness.token(ACME, &["ticket.update"]).await;
    let update = json!({ "status": "open" });
    let commands = json!({ "type": "ticket.unshare.v1", "payload": { "ticket_id": "1" } });
    for (token, method, path, body, status) in [
        (&reader, "GET", "/v1/deliveries", &Value::Null, 200),
        (&reader, "PATCH", "/v1/tickets/1", &update, 403),
        (&reader, "POST", "/v1/commands", &commands, 403),
        (&updater, "PATCH", "/v1/tickets/1", &update, 202),
        (&updater, "POST", "/v1/commands", &commands, 403),
        (&updater, "GET", "/v1/deliveries", &Value::Null, 403),
        (&updater, "GET", "/v1/tickets", &Value::Null, 403),
    ] {
        let answer = harness.json(method, path, token, body).await;
        assert_eq!(answer.status, status, "{method} {path} {answer:?}");
        if status == 403 {
            assert_eq!(answer.problem(), "wrong_scope");
        }
    }
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_too_much_waits_and_the_others_do_not() {
    let harness = GatewayHarness::limited("gateway-limits", 20, 1).await;
    let (acme, globex) = (harness.token(ACME, &["*"]).await, harness.token(GLOBEX, &["*"]).await);
    let mut refused = None;
    for _ in 0..200 {
        let answer = harness.get("/v1/account", &acme).await;
        if answer.status == 429 {
            refused = Some(answer);
            break;
        }
    }
    let refused = refused.expect("beyond twenty a second");
    assert_eq!(
        (refused.problem().as_str(), refused.header("retry-after")),
        ("too_many_requests", "1")
    );
    assert_eq!(harness.get("/v1/account", &globex).await.status, 200);

    // Two polls at once, of which one is too many.
    let poll = || harness.get("/v1/deliveries?wait=5", &globex);
    let (one, other) = tokio::join!(poll(), poll());
    let (held, refused) = if one.status == 200 { (one, other) } else { (other, one) };
    assert_eq!((held.status, refused.status), (200, 429));
    assert_eq!(refused.problem(), "too_many_streams");
    harness.remove().await;
}
