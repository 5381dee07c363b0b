//! One account reaches nothing of another's, and takes nothing from it.

use gateway::rules::route::COMMAND_ROUTES;
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

/// Routes of one thing that answer by themselves: method, path and body. The others keep a command
/// of whoever asks, and the line says what it knows of.
const ROUTES: &[(&str, &str, &str)] = &[
    ("GET", "/v1/agreements/{agreement_id}", ""),
    ("GET", "/v1/shares/{share_id}", ""),
    ("GET", "/v1/shares/{share_id}/ticket", ""),
    ("GET", "/v1/tickets/{number}", ""),
    ("GET", "/v1/tickets/{number}/timeline", ""),
    ("GET", "/v1/receipts/{entity}/{key}", ""),
    ("DELETE", "/v1/files/{id}", ""),
    ("GET", "/v1/webhooks/{webhook_id}", ""),
    ("PATCH", "/v1/webhooks/{webhook_id}", r#"{"description":"taken"}"#),
    ("DELETE", "/v1/webhooks/{webhook_id}", ""),
    ("POST", "/v1/webhooks/{webhook_id}/rotate", "{}"),
    ("POST", "/v1/webhooks/{webhook_id}/test", "{}"),
    ("POST", "/v1/webhooks/{webhook_id}/resend", r#"{"failed":true}"#),
    ("GET", "/v1/webhooks/{webhook_id}/attempts", ""),
];

#[test]
fn every_route_is_walked_or_keeps_a_command() {
    let document = gateway::openapi::document();
    let mut walked = 0;
    for (path, item) in document["paths"].as_object().expect("paths") {
        for method in item.as_object().expect("operations").keys().map(|it| it.to_uppercase()) {
            let is_it = |of: &str, route: &str| of == method && route == path;
            let is_walked = ROUTES.iter().any(|(of, route, _)| is_it(of, route));
            let is_command = COMMAND_ROUTES.iter().any(|route| is_it(route.method, route.path));
            assert!(
                is_walked || is_command || !path.contains('{'),
                "{method} {path} is not walked"
            );
            walked += usize::from(is_walked);
        }
    }
    assert_eq!(walked, ROUTES.len(), "each of them is there");
}

#[tokio::test(flavor = "multi_thread")]
async fn anothers_things_answer_like_unknown_ones() {
    let harness = GatewayHarness::set("gateway-tenants").await;
    let (acme, globex) = (harness.token(ACME, &["*"]).await, harness.token(GLOBEX, &["*"]).await);
    acme_has_everything(&harness, &acme).await;
    let hook = json!({ "url": "http://127.0.0.1:9/hook" });
    let hook = harness.json("POST", "/v1/webhooks", &acme, &hook).await.body;
    let bearer = format!("Bearer {acme}");
    let headers = [("authorization", bearer.as_str()), ("content-type", "image/png")];
    let file = harness.ask("POST", "/v1/files?filename=a.png", &headers, Some(b"x")).await.body;
    let text = |of: &Value, name: &str| of[name].as_str().expect("an id").to_owned();
    let never = || "0b9f0a52-0000-4d9a-9a36-3c9f9f9d8f10".to_owned();
    let ids = [
        ("{agreement_id}", AGREEMENT.to_owned(), never()),
        ("{share_id}", SHARE.to_owned(), never()),
        ("{number}", "A-1".to_owned(), "A-9".to_owned()),
        ("{entity}", "ticket".to_owned(), "ticket".to_owned()),
        ("{key}", "bind".to_owned(), "none".to_owned()),
        ("{id}", text(&file, "id"), never()),
        ("{webhook_id}", text(&hook, "webhook_id"), never()),
    ];
    for (method, path, body) in ROUTES {
        let body = serde_json::from_str(body).unwrap_or(Value::Null);
        let (mut of_acme, mut of_nobody) = (path.to_string(), path.to_string());
        for (name, known, unknown) in &ids {
            of_acme = of_acme.replace(name, known);
            of_nobody = of_nobody.replace(name, unknown);
        }
        if *method == "GET" {
            let own = harness.get(&of_acme, &acme).await;
            assert_eq!(own.status, 200, "{path} {own:?}");
        }
        let others = harness.json(method, &of_acme, &globex, &body).await;
        let nobodys = harness.json(method, &of_nobody, &globex, &body).await;
        assert_eq!(others.status, 404, "{method} {path} {others:?}");
        assert_eq!(others.body, nobodys.body, "{method} {path}");
    }
    // Nothing of it had an effect.
    let kept = harness.get(&format!("/v1/webhooks/{}", text(&hook, "webhook_id")), &acme).await;
    assert_eq!((kept.status, &kept.body["description"]), (200, &hook["description"]), "{kept:?}");
    let files = harness.get("/v1/files", &acme).await.body;
    assert_eq!(files["files"][0]["id"], file["id"], "{files}");
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
