//! What is no request is refused by a problem document that says what to do.

use serde_json::{Value, json};

use crate::harness::{ACME, GatewayHarness};

#[tokio::test(flavor = "multi_thread")]
async fn without_a_valid_token_nobody_is_let_in() {
    let harness = GatewayHarness::set("gateway-tokens").await;
    let valid = harness.token(ACME, &["*"]).await;
    let unknown = format!("dm_{}", "0".repeat(64));
    let expired = harness.token(ACME, &["*"]).await;
    let revoked = harness.token(ACME, &["*"]).await;
    for (token, column) in [(&expired, "expires_at"), (&revoked, "revoked_at")] {
        let hash = gateway::rules::token::Token::read(token).unwrap().hash();
        let statement =
            format!("update token set {column} = now() - interval '1 hour' where hash = $1");
        let done =
            sqlx::query(sqlx::AssertSqlSafe(statement)).bind(&hash[..]).execute(&harness.pool);
        assert_eq!(done.await.unwrap().rows_affected(), 1);
    }
    let basic = "Basic YWNtZTpzZWNyZXQ=".to_owned();
    let bearer = |token: &str| format!("Bearer {token}");
    for given in [
        None,
        Some(String::new()),
        Some(basic),
        Some(bearer("dm_")),
        Some(bearer(&unknown)),
        Some(bearer(&expired)),
        Some(bearer(&revoked)),
        Some("Bearer".to_owned()),
    ] {
        let headers: Vec<(&str, &str)> =
            given.iter().map(|given| ("authorization", given.as_str())).collect();
        for (method, path) in
            [("GET", "/v1/deliveries"), ("POST", "/v1/commands"), ("PATCH", "/v1/tickets/1")]
        {
            let answer = harness.ask(method, path, &headers, None).await;
            assert_eq!((answer.status, answer.problem().as_str()), (401, "no_token"), "{given:?}");
            assert_eq!(answer.header("www-authenticate"), "Bearer");
        }
    }
    // A cookie is no token, and a token in the address neither.
    let cookie = format!("token={valid}");
    let answer = harness.ask("GET", "/v1/account", &[("cookie", cookie.as_str())], None).await;
    assert_eq!(answer.status, 401);
    let answer = harness.ask("GET", &format!("/v1/account?token={valid}"), &[], None).await;
    assert_eq!(answer.status, 401);
    assert_eq!(harness.get("/v1/account", &valid).await.status, 200);
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_command_says_why_and_stores_nothing() {
    let harness = GatewayHarness::set("gateway-bad-input").await;
    let token = harness.token(ACME, &["*"]).await;
    let bearer = format!("Bearer {token}");
    let long = "k".repeat(129);
    let large = json!({ "payload": "x".repeat(700_000), "type": "ticket.update.v1" }).to_string();
    let over = json!({ "comments": [{ "body": "x".repeat(530_000) }] }).to_string();
    let deep = "[".repeat(100_000);
    let (json, key) = (("content-type", "application/json"), "idempotency-key");
    for (method, path, header, body, status, reason) in [
        ("POST", "/v1/commands", json, "", 422, "malformed"),
        ("POST", "/v1/commands", json, "{", 422, "malformed"),
        ("POST", "/v1/commands", json, "[]", 422, "malformed"),
        ("POST", "/v1/commands", json, deep.as_str(), 422, "malformed"),
        ("POST", "/v1/commands", json, r#"{"type":7}"#, 422, "malformed"),
        ("POST", "/v1/commands", json, r#"{"type":"ticket.created.v1"}"#, 422, "unknown_type"),
        ("POST", "/v1/commands", json, r#"{"type":"a.b.c.d"}"#, 422, "unknown_type"),
        (
            "POST",
            "/v1/commands",
            json,
            r#"{"type":"share.list.v1","message_id":""}"#,
            422,
            "malformed",
        ),
        (
            "POST",
            "/v1/commands",
            json,
            r#"{"type":"share.list.v1","message_id":"ü"}"#,
            422,
            "malformed",
        ),
        ("POST", "/v1/commands", json, large.as_str(), 413, "too_large"),
        ("PATCH", "/v1/tickets/1", json, over.as_str(), 413, "too_large"),
        ("PATCH", "/v1/tickets/1", ("content-type", "text/plain"), "{}", 422, "malformed"),
        ("PATCH", "/v1/tickets/1", json, r#"{"ticket_id":"2"}"#, 422, "malformed"),
        ("PATCH", "/v1/tickets/1", (key, long.as_str()), "", 422, "malformed"),
        ("PATCH", "/v1/tickets/1", (key, ""), "", 422, "malformed"),
        ("PATCH", "/v1/tickets/1", json, r#"{"comments":[{"body":"\u0000"}]}"#, 422, "malformed"),
        ("PATCH", "/v1/tickets/%00", json, "{}", 422, "malformed"),
        ("GET", "/v1/deliveries?after=%00", json, "", 422, "malformed"),
        ("GET", "/v1/nothing", json, "", 404, "not_found"),
        ("GET", "/", json, "", 404, "not_found"),
        ("DELETE", "/v1/deliveries", json, "", 405, "method_not_allowed"),
    ] {
        let headers = [("authorization", bearer.as_str()), header];
        let body = (!body.is_empty()).then_some(body.as_bytes());
        let answer = harness.ask(method, path, &headers, body).await;
        assert_eq!(
            (answer.status, answer.problem().as_str()),
            (status, reason),
            "{method} {path} {answer:?}"
        );
    }
    let stored: i64 = sqlx::query_scalar("select count(*) from desk_outbox")
        .fetch_one(&harness.pool)
        .await
        .unwrap();
    assert_eq!(stored, 0);
    harness.remove().await;
}

/// The line's own reading: whoever speaks HTTP is told of the same faults, in the same words.
#[tokio::test(flavor = "multi_thread")]
async fn json_is_read_as_the_line_reads_it() {
    let harness = GatewayHarness::set("gateway-json").await;
    let token = harness.token(ACME, &["*"]).await;
    let bearer = format!("Bearer {token}");
    let json = ("content-type", "application/json");
    let gzip = ("content-encoding", "gzip");
    let twice = r#"{"comments":[{"body":"a","public":false,"public":true}]}"#;
    let refused: [(_, &[u8], _, _); 8] = [
        (json, twice.as_bytes(), "/comments/0/public", "is given twice in one object"),
        (json, br#"{"status":"open","tags":["a",]}"#, "/tags/1", "the body is not JSON"),
        (json, br#"{"status":NaN}"#, "/status", "the body is not JSON"),
        (json, b"{\"subject\":\"M\xfcller\"}", "/subject", "UTF-8"),
        (json, b"\xff\xfe{\x00}\x00", "", "UTF-16"),
        (json, b"null", "", "is not a JSON object"),
        (gzip, br#"{"status":"open"}"#, "", "gzip is not unpacked"),
        (("content-type", "application/json; charset=latin1"), b"{}", "", "must be utf-8"),
    ];
    for (header, body, pointer, sentence) in refused {
        let headers = [("authorization", bearer.as_str()), header];
        let answer = harness.ask("PATCH", "/v1/tickets/1", &headers, Some(body)).await;
        let told = &answer.body;
        assert_eq!((answer.status, answer.problem().as_str()), (422, "malformed"), "{told}");
        assert_eq!(told["pointer"].as_str().unwrap_or_default(), pointer, "{told}");
        assert!(told["detail"].as_str().is_some_and(|it| it.contains(sentence)), "{told}");
    }
    let readable: [&[u8]; 4] = [
        b"\xef\xbb\xbf{\"status\":\"open\"}",
        br#"{"status":"open","note":1e400}"#,
        br#"{"comments":[{"body":"half \ud83d of it"}]}"#,
        br#"{"comments":[{"body":"whole \ud83d\ude00"}]}"#,
    ];
    for body in readable {
        let utf8 = ("content-type", "application/json; charset=\"UTF-8\"");
        let headers = [("authorization", bearer.as_str()), utf8];
        let answer = harness.ask("PATCH", "/v1/tickets/1", &headers, Some(body)).await;
        assert_eq!(answer.status, 202, "{}", answer.body);
        let mended = &answer.body["mended"];
        if String::from_utf8_lossy(body).contains("half") {
            assert_eq!(mended[0]["item"], "member:/comments/0/body", "{mended}");
        } else {
            assert!(mended.is_null(), "{mended}");
        }
    }
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn queries_that_make_no_sense_are_problems_too() {
    let harness = GatewayHarness::set("gateway-queries").await;
    let token = harness.token(ACME, &["*"]).await;
    for path in [
        "/v1/deliveries?wait=soon",
        "/v1/deliveries?wait=1&wait=2",
        "/v1/deliveries?limit=-1",
        "/v1/agreements?limit=x",
        "/v1/tickets?after=x",
        "/v1/receipts/ticket/k?wait=-1",
    ] {
        let answer = harness.get(path, &token).await;
        assert_eq!(
            (answer.status, answer.problem().as_str()),
            (422, "malformed"),
            "{path} {answer:?}"
        );
    }
    harness.remove().await;
}

/// What stands for a parameter of this schema: values that the document allows, and values that it
/// does not.
fn around(schema: &Value) -> (Vec<String>, Vec<String>) {
    if schema["type"] == "integer" {
        let (least, most) = (schema["minimum"].as_i64(), schema["maximum"].as_i64());
        let (least, most) = (least.expect("a minimum"), most.expect("a maximum"));
        let within = [least, most].map(|it| it.to_string()).to_vec();
        let beyond = [least - 1, most + 1, i64::MIN, i64::MAX].map(|it| it.to_string());
        let others = ["", "%20", "x", "1.5", "1e3", "0x10", "99999999999999999999"];
        return (within, [beyond.to_vec(), others.map(str::to_owned).to_vec()].concat());
    }
    let least = schema["minLength"].as_u64().unwrap_or_default();
    let least = usize::try_from(least).expect("a small number");
    let beyond = if least > 0 { vec![String::new()] } else { Vec::new() };
    (Vec::new(), beyond)
}

#[tokio::test(flavor = "multi_thread")]
async fn queries_are_held_to_the_bounds_that_the_document_says() {
    let harness = GatewayHarness::set("gateway-bounds").await;
    let token = harness.token(ACME, &["*"]).await;
    let hook = json!({ "url": "http://127.0.0.1:9/hook" });
    let hook = harness.json("POST", "/v1/webhooks", &token, &hook).await.body;
    let hook = hook["webhook_id"].as_str().expect("a webhook");
    let document = gateway::openapi::document();
    let mut tried = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            for parameter in parameters.filter(|it| it["in"] == "query") {
                let place = path.replace("{webhook_id}", hook);
                let place = place.replace(['{', '}'], "");
                let asked = |value: &str| {
                    format!("{place}?{}={value}", parameter["name"].as_str().unwrap())
                };
                let (within, beyond) = around(&parameter["schema"]);
                let method = method.to_uppercase();
                // A wait is waited for; that it is taken is asked of the shortest.
                let waits = parameter["name"] == "wait";
                for value in within.iter().take(if waits { 1 } else { 2 }) {
                    let answer = harness.json(&method, &asked(value), &token, &Value::Null).await;
                    assert_ne!(answer.status, 422, "{method} {}: {answer:?}", asked(value));
                }
                for value in &beyond {
                    tried += 1;
                    let answer = harness.json(&method, &asked(value), &token, &Value::Null).await;
                    let said = (answer.status, answer.problem());
                    assert_eq!(said, (422, "malformed".to_owned()), "{method} {}", asked(value));
                }
            }
        }
    }
    assert!(tried > 50, "{tried} values: the document has bounds");
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_are_held_to_their_bounds() {
    let harness = GatewayHarness::set("gateway-headers").await;
    let token = harness.token(ACME, &["*"]).await;
    let bearer = format!("Bearer {token}");
    let (longest, over) = ("k".repeat(128), "k".repeat(129));
    let json = ("content-type", "application/json");
    for (name, value, status) in [
        ("idempotency-key", "k", 202),
        ("idempotency-key", longest.as_str(), 202),
        ("idempotency-key", over.as_str(), 422),
        ("idempotency-key", "", 422),
        ("idempotency-key", "\u{fc}", 422),
        // A preference that makes no sense is no preference (RFC 7240).
        ("prefer", "wait=-1", 202),
        ("prefer", "wait=x", 202),
        ("prefer", "wait=0", 202),
        ("prefer", "", 202),
    ] {
        let headers = [("authorization", bearer.as_str()), json, (name, value)];
        let answer = harness.ask("PATCH", "/v1/tickets/1", &headers, Some(b"{}")).await;
        assert_eq!(answer.status, status, "{name}: {value:?}: {answer:?}");
    }
    for value in ["x", "\u{fc}", "0.0", "-1"] {
        let headers = [("authorization", bearer.as_str()), ("last-event-id", value)];
        let answer = harness.ask("GET", "/v1/deliveries/stream", &headers, None).await;
        assert_eq!((answer.status, answer.problem().as_str()), (422, "malformed"), "{value}");
    }
    harness.remove().await;
}
