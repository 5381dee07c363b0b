//! Webhooks against endpoints on loopback.

use bootstrap::Question;
use gateway::rules::webhook::SigningSecret;
use serde_json::{Value, json};
use testkit::desk::PATIENCE;
use testkit::until;
use timeline::{CallOutcome, EdgeCall};

use crate::endpoint::Endpoint;
use crate::harness::{ACME, GLOBEX, GatewayHarness};

const SHARE: &str = "0b9f0a52-7c1e-4d9a-9a36-3c9f9f9d8f10";

fn says(status: u16, more: &str, body: &str) -> String {
    format!("HTTP/1.1 {status} So\r\n{more}content-length: {}\r\n\r\n{body}", body.len())
}

const TAKEN: &str = "HTTP/1.1 204 So\r\n\r\n";

async fn webhook(harness: &GatewayHarness, token: &str, wanted: &Value) -> (String, String) {
    let made = harness.json("POST", "/v1/webhooks", token, wanted).await;
    assert_eq!(made.status, 201, "{made:?}");
    let text = |name: &str| made.body[name].as_str().expect("a text").to_owned();
    (format!("/v1/webhooks/{}", text("webhook_id")), text("secret"))
}

/// An update, as `d2` the second.
fn update(id: &str) -> Value {
    let revision: u64 = id.trim_start_matches('d').parse().expect("a number");
    json!({ "share_id": SHARE, "received_from": "initech", "via": "ticket_sharing",
        "status": "pending", "revision": revision + 1 })
}

async fn tell(harness: &GatewayHarness, id: &str) {
    harness.tell(ACME, "ticket.updated.v1", id, &update(id)).await;
}

/// Waits until the webhook shows this.
async fn shows(harness: &GatewayHarness, token: &str, path: &str, name: &str, value: &Value) {
    until("the webhook", PATIENCE, async || {
        let shown = harness.get(path, token).await;
        if shown.body[name] == *value { Ok(()) } else { Err(format!("{shown:?}")) }
    })
    .await;
}

async fn outcomes(harness: &GatewayHarness, token: &str, path: &str) -> Vec<String> {
    let attempts = harness.get(&format!("{path}/attempts"), token).await;
    let attempts = attempts.body["attempts"].as_array().expect("attempts").clone();
    attempts.iter().map(|it| it["outcome"].as_str().expect("an outcome").to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_told_is_sent_signed_and_in_order() {
    let harness = GatewayHarness::set("gateway-hook-order").await;
    let token = harness.token(ACME, &["*"]).await;
    let (thin, whole) = (Endpoint::saying(TAKEN).await, Endpoint::saying(TAKEN).await);
    tell(&harness, "d0").await;
    until("the first entry", PATIENCE, async || {
        let told = harness.get("/v1/deliveries", &token).await;
        if told.body["deliveries"][0].is_object() { Ok(()) } else { Err(format!("{told:?}")) }
    })
    .await;
    let (path, secret) = webhook(&harness, &token, &json!({ "url": thin.url })).await;
    let wanted = json!({ "url": whole.url, "payload": true, "after": "" });
    webhook(&harness, &token, &wanted).await;
    let ids: Vec<String> = (1..=20).map(|number| format!("d{number}")).collect();
    for id in &ids {
        tell(&harness, id).await;
    }
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    // From now on without the first, which is sent where it was asked for.
    thin.has(&ids).await;
    whole.has(&[&["d0"], &ids[..]].concat()).await;
    for sent in thin.sent() {
        assert!(sent.is_signed_with(&[&secret]), "{sent:?}");
        assert!(!sent.json().as_object().unwrap().contains_key("payload"), "{sent:?}");
        assert_eq!(sent.header("content-type"), "application/json");
    }
    let (first, told) =
        (thin.sent()[0].json(), harness.get("/v1/deliveries?limit=2", &token).await);
    let told = &told.body["deliveries"][1];
    for name in ["type", "message_id", "cursor", "told_at", "share_id"] {
        assert_eq!(first[name], told[name], "{name}");
    }
    assert_eq!(whole.sent()[0].json()["payload"], update("d0"));
    shows(&harness, &token, &path, "waiting", &json!(0)).await;
    assert_eq!(harness.get(&path, &token).await.body["secret"], Value::Null);
    let page = harness.get(&format!("{path}/attempts?limit=5"), &token).await.body;
    let attempts = page["attempts"].as_array().unwrap();
    assert_eq!((attempts.len(), &attempts[0]["message_id"]), (5, &json!("d20")));
    assert_eq!((&attempts[0]["status"], &attempts[0]["outcome"]), (&json!(204), &json!("taken")));
    let next = page["next"].as_str().unwrap();
    let older = harness.get(&format!("{path}/attempts?limit=5&after={next}"), &token).await.body;
    assert_eq!(older["attempts"][0]["message_id"], "d15");
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_taken_is_tried_again_before_what_follows() {
    let harness = GatewayHarness::set("gateway-hook-again").await;
    let token = harness.token(ACME, &["*"]).await;
    let endpoint = Endpoint::open(|number| {
        Some(if number < 2 { says(500, "", "no \0 room") } else { TAKEN.to_owned() })
    })
    .await;
    let (path, _) = webhook(&harness, &token, &json!({ "url": endpoint.url })).await;
    tell(&harness, "d1").await;
    tell(&harness, "d2").await;
    endpoint.has(&["d1", "d1", "d1", "d2"]).await;
    shows(&harness, &token, &path, "waiting", &json!(0)).await;
    assert_eq!(outcomes(&harness, &token, &path).await, ["taken", "taken", "failed", "failed"]);
    let attempts = harness.get(&format!("{path}/attempts"), &token).await.body;
    let first = &attempts["attempts"][3];
    assert_eq!((&first["status"], &first["answer"]), (&json!(500), &json!("no \u{fffd} room")));
    assert_eq!(harness.get(&path, &token).await.body["failing_since"], Value::Null);
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_asks_for_time_gets_it() {
    let harness = GatewayHarness::set("gateway-hook-later").await;
    let token = harness.token(ACME, &["*"]).await;
    let endpoint = Endpoint::saying(&says(429, "retry-after: 600\r\n", "")).await;
    let (path, _) = webhook(&harness, &token, &json!({ "url": endpoint.url })).await;
    tell(&harness, "d1").await;
    shows(&harness, &token, &path, "failures", &json!(1)).await;
    let shown = harness.get(&path, &token).await.body;
    let at = |value: &Value| {
        let text = value.as_str().expect("a time");
        chrono::DateTime::parse_from_rfc3339(text).expect("a time")
    };
    let wait = at(&shown["next_attempt_at"]) - at(&shown["failing_since"]);
    assert!((600..=750).contains(&wait.num_seconds()), "{shown}");
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_hangs_holds_up_no_other() {
    let harness = GatewayHarness::set("gateway-hook-hangs").await;
    let token = harness.token(ACME, &["*"]).await;
    let (hanging, other) = (Endpoint::open(|_| None).await, Endpoint::saying(TAKEN).await);
    let (path, _) = webhook(&harness, &token, &json!({ "url": hanging.url })).await;
    webhook(&harness, &token, &json!({ "url": other.url })).await;
    tell(&harness, "d1").await;
    hanging.has(&["d1"]).await;
    tell(&harness, "d2").await;
    other.has(&["d1", "d2"]).await;
    // It hangs still, and nothing more is sent to it meanwhile.
    assert!(outcomes(&harness, &token, &path).await.is_empty());
    assert_eq!(hanging.ids(), ["d1"]);
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn gone_switches_off_until_it_is_switched_on_again() {
    let harness = GatewayHarness::set("gateway-hook-gone").await;
    let token = harness.token(ACME, &["*"]).await;
    let endpoint = Endpoint::open(|number| {
        Some(if number == 0 { says(410, "", "moved") } else { TAKEN.to_owned() })
    })
    .await;
    let (path, _) = webhook(&harness, &token, &json!({ "url": endpoint.url })).await;
    tell(&harness, "d1").await;
    shows(&harness, &token, &path, "state", &json!("disabled")).await;
    assert_eq!(harness.get(&path, &token).await.body["reason"], "gone");
    tell(&harness, "d2").await;
    shows(&harness, &token, &path, "waiting", &json!(2)).await;
    assert_eq!(endpoint.ids(), ["d1"]);
    let told = traced(&harness).await;
    let waits = |it: &EdgeCall| matches!(it.outcome, CallOutcome::Waits { next: None, .. });
    let refused = told.iter().find(|it| it.outcome == CallOutcome::Refused);
    assert_eq!(refused.and_then(|it| it.reason.as_deref()), Some("410"), "{told:?}");
    assert_eq!(told.iter().filter(|it| waits(it)).count(), 2, "{told:?}");
    let on = harness.json("PATCH", &path, &token, &json!({ "state": "active" })).await;
    assert_eq!((on.status, &on.body["reason"]), (200, &Value::Null), "{on:?}");
    endpoint.has(&["d1", "d1", "d2"]).await;
    harness.remove().await;
}

/// The calls that `trace` tells of the share.
async fn traced(harness: &GatewayHarness) -> Vec<EdgeCall> {
    let question = Question::Names(vec![SHARE.to_owned()]);
    let mut connection = harness.pool.acquire().await.expect("a connection");
    gateway::trailing(&mut connection, &question, false).await.expect("an answer").calls
}

#[tokio::test(flavor = "multi_thread")]
async fn who_only_fails_for_five_days_is_switched_off() {
    let harness = GatewayHarness::set("gateway-hook-fails").await;
    let token = harness.token(ACME, &["*"]).await;
    let endpoint = Endpoint::saying(&says(500, "", "")).await;
    let (path, _) = webhook(&harness, &token, &json!({ "url": endpoint.url })).await;
    sqlx::query("update webhook set failing_since = now() - interval '5 days'")
        .execute(&harness.pool)
        .await
        .unwrap();
    tell(&harness, "d1").await;
    shows(&harness, &token, &path, "reason", &json!("failing")).await;
    assert_eq!(outcomes(&harness, &token, &path).await, ["switched_off"]);
    assert_eq!(endpoint.ids(), ["d1"]);
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_whose_place_is_gone_goes_on_from_the_oldest() {
    let harness = GatewayHarness::set("gateway-hook-restored").await;
    let token = harness.token(ACME, &["*"]).await;
    let endpoint = Endpoint::saying(TAKEN).await;
    webhook(&harness, &token, &json!({ "url": endpoint.url })).await;
    tell(&harness, "d1").await;
    tell(&harness, "d2").await;
    endpoint.has(&["d1", "d2"]).await;
    // As after a restore: the log is another one.
    sqlx::query("update desk_account set incarnation = gen_random_uuid() where account = $1")
        .bind(ACME)
        .execute(&harness.pool)
        .await
        .unwrap();
    endpoint.has(&["d1", "d2", "d1", "d2"]).await;
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_a_secret_rotates_both_sign() {
    let harness = GatewayHarness::set("gateway-hook-rotate").await;
    let token = harness.token(ACME, &["*"]).await;
    let endpoint = Endpoint::saying(TAKEN).await;
    let (path, first) = webhook(&harness, &token, &json!({ "url": endpoint.url })).await;
    let rotate = format!("{path}/rotate");
    let rotated = harness.json("POST", &rotate, &token, &Value::Null).await;
    let second = rotated.body["secret"].as_str().expect("the new secret").to_owned();
    assert!(rotated.body["old_secret_until"].is_string(), "{rotated:?}");
    let test = harness.json("POST", &format!("{path}/test"), &token, &Value::Null).await;
    assert_eq!((&test.body["outcome"], &test.body["status"]), (&json!("taken"), &json!(204)));
    let sent = endpoint.sent();
    assert!(sent[0].is_signed_with(&[&second, &first]), "{sent:?}");
    assert_eq!(sent[0].json()["type"], "webhook.test");
    assert_eq!(sent[0].id(), test.body["message_id"].as_str().unwrap());
    let keys = [&second, &first].map(|secret| SigningSecret::read(secret).unwrap().public_key());
    assert_eq!(harness.get(&path, &token).await.body["public_keys"], json!(keys));

    let at_once = json!({ "overlap_seconds": 0 });
    let rotated = harness.json("POST", &rotate, &token, &at_once).await;
    let third = rotated.body["secret"].as_str().expect("the new secret").to_owned();
    let key = SigningSecret::read(&third).unwrap().public_key();
    assert_eq!(rotated.body["public_keys"], json!([key]), "the one before signs no more");
    tell(&harness, "d1").await;
    until("the delivery", PATIENCE, async || {
        if endpoint.sent().len() == 2 { Ok(()) } else { Err(format!("{:?}", endpoint.ids())) }
    })
    .await;
    assert!(endpoint.sent()[1].is_signed_with(&[&third]), "{:?}", endpoint.sent());
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_sent_is_sent_again_on_request() {
    let harness = GatewayHarness::set("gateway-hook-resend").await;
    let token = harness.token(ACME, &["*"]).await;
    // Takes d1 and d2, and d3 never as often as it is tried by itself.
    let tries = 2..13;
    let endpoint = Endpoint::open(move |number| {
        Some(if tries.contains(&number) { says(500, "", "") } else { TAKEN.to_owned() })
    })
    .await;
    let (path, _) = webhook(&harness, &token, &json!({ "url": endpoint.url })).await;
    for id in ["d1", "d2", "d3", "d4"] {
        tell(&harness, id).await;
    }
    let mut expected = [&["d1", "d2"], &["d3"; 11][..], &["d4"]].concat();
    endpoint.has(&expected).await;
    shows(&harness, &token, &path, "waiting", &json!(0)).await;
    let resend = format!("{path}/resend");
    let told = harness.get("/v1/deliveries", &token).await.body;
    let since = &told["deliveries"][0]["told_at"];
    let outcomes = outcomes(&harness, &token, &path).await;
    assert_eq!(outcomes[..3], ["taken", "given_up", "failed"]);
    for (wanted, queued, again) in [
        (json!({ "message_id": "d2" }), 1, &["d2"][..]),
        (json!({ "message_id": "never" }), 0, &[]),
        (json!({ "failed": true }), 1, &["d3"]),
        (json!({ "failed": true }), 0, &[]),
        (json!({ "since": since }), 4, &["d1", "d2", "d3", "d4"]),
    ] {
        let answer = harness.json("POST", &resend, &token, &wanted).await;
        let expected_answer = (202, &json!(queued));
        assert_eq!((answer.status, &answer.body["queued"]), expected_answer, "{wanted}");
        expected.extend(again);
        endpoint.has(&expected).await;
        shows(&harness, &token, &path, "waiting", &json!(0)).await;
    }
    for wrong in [json!({}), json!({ "failed": true, "message_id": "d1" }), json!({ "since": 5 })] {
        let answer = harness.json("POST", &resend, &token, &wrong).await;
        assert_eq!((answer.status, answer.problem().as_str()), (422, "malformed"), "{wrong}");
    }
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_lies_inside_is_refused_when_kept_and_when_called() {
    let harness = GatewayHarness::set("gateway-hook-inside").await;
    let token = harness.token(ACME, &["*"]).await;
    for (url, said) in [
        ("https://10.0.0.8/hook", "10.0.0.8"),
        ("https://[::ffff:10.0.0.8]/hook", "may not be reached"),
        ("https://169.254.169.254/latest", "may not be reached"),
        ("ftp://desk.example/hook", "https://"),
        ("https://user:pass@desk.example/hook", "user name"),
        ("hook", "cannot be read"),
    ] {
        let refused = harness.json("POST", "/v1/webhooks", &token, &json!({ "url": url })).await;
        assert_eq!((refused.status, refused.problem().as_str()), (422, "malformed"), "{url}");
        assert_eq!(refused.body["pointer"], "/url");
        assert!(refused.body["detail"].as_str().unwrap().contains(said), "{refused:?}");
    }
    // A name says where it leads only when it is called.
    let wanted = json!({ "url": "https://inside.example/hook" });
    let (path, _) = webhook(&harness, &token, &wanted).await;
    let test = harness.json("POST", &format!("{path}/test"), &token, &Value::Null).await;
    let said = (&test.body["outcome"], &test.body["status"], &test.body["error"]);
    assert_eq!(said, (&json!("failed"), &Value::Null, &json!("refused_address")), "{test:?}");
    let worse = json!({ "url": "https://10.0.0.8/hook" });
    assert_eq!(harness.json("PATCH", &path, &token, &worse).await.status, 422);
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn anothers_webhook_answers_like_an_unknown_one() {
    let harness = GatewayHarness::set("gateway-hook-tenants").await;
    let (acme, globex) = (harness.token(ACME, &["*"]).await, harness.token(GLOBEX, &["*"]).await);
    let reader = harness.token(ACME, &["read"]).await;
    let keeper = harness.token(ACME, &["webhooks"]).await;
    let endpoint = Endpoint::saying(TAKEN).await;
    let (path, _) = webhook(&harness, &acme, &json!({ "url": endpoint.url })).await;
    let never = "/v1/webhooks/0b9f0a52-0000-4d9a-9a36-3c9f9f9d8f10";
    for (method, more, body) in [
        ("GET", "", Value::Null),
        ("PATCH", "", json!({ "description": "mine" })),
        ("POST", "/rotate", Value::Null),
        ("POST", "/test", Value::Null),
        ("POST", "/resend", json!({ "failed": true })),
        ("GET", "/attempts", Value::Null),
        ("DELETE", "", Value::Null),
    ] {
        let others = harness.json(method, &format!("{path}{more}"), &globex, &body).await;
        let unknown = harness.json(method, &format!("{never}{more}"), &globex, &body).await;
        assert_eq!((others.status, &others.body), (404, &unknown.body), "{method} {more}");
        let without = harness.json(method, &format!("{path}{more}"), &reader, &body).await;
        assert_eq!((without.status, without.problem().as_str()), (403, "wrong_scope"));
    }
    assert_eq!(harness.get("/v1/webhooks", &globex).await.body["webhooks"], json!([]));
    assert!(endpoint.ids().is_empty());
    // Who may not read deliveries has none sent with what they say.
    let whole = json!({ "url": endpoint.url, "payload": true });
    assert_eq!(harness.json("POST", "/v1/webhooks", &keeper, &whole).await.status, 403);
    assert_eq!(harness.get(&path, &keeper).await.body["description"], "");
    assert_eq!(harness.json("DELETE", &path, &acme, &Value::Null).await.status, 204);
    assert_eq!(harness.get(&path, &acme).await.status, 404);
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redaction_blanks_the_answers_to_what_it_blanks() {
    let harness = GatewayHarness::set("gateway-hook-blank").await;
    let token = harness.token(ACME, &["*"]).await;
    let endpoint = Endpoint::saying(&says(200, "", "I heard: d1")).await;
    let (path, _) = webhook(&harness, &token, &json!({ "url": endpoint.url })).await;
    tell(&harness, "d1").await;
    tell(&harness, "d2").await;
    endpoint.has(&["d1", "d2"]).await;
    shows(&harness, &token, &path, "waiting", &json!(0)).await;
    sqlx::query("update desk_log set body = '{}' where message_id = 'd1'")
        .execute(&harness.pool)
        .await
        .unwrap();
    let attempts = harness.get(&format!("{path}/attempts"), &token).await.body;
    let answers: Vec<&Value> =
        attempts["attempts"].as_array().unwrap().iter().map(|it| &it["answer"]).collect();
    assert_eq!(answers, [&json!("I heard: d1"), &Value::Null]);
    harness.remove().await;
}
