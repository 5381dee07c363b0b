use contracts::topology::Service;
use serde_json::{Value, json};
use testkit::desk::PATIENCE;
use testkit::{read_queue, until};

use crate::harness::{ACME, GatewayHarness};

fn share() -> Value {
    json!({ "agreement_id": "7c1e0a52-7c1e-4d9a-9a36-3c9f9f9d8f11",
        "ticket": { "subject": "The pump leaks", "status": "open",
            "comments": [{ "body": "It drips." }] } })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_is_accepted_sent_and_answered() {
    let harness = GatewayHarness::set("gateway-write").await;
    let token = harness.token(ACME, &["*"]).await;
    let path = "/v1/tickets/4711/shares";
    let first = harness.keyed("POST", path, &token, Some("k 1"), &share()).await;
    assert_eq!((first.status, first.body["state"].as_str()), (202, Some("waits")), "{first:?}");
    assert_eq!(first.header("location"), "/v1/receipts/ticket/k%201");

    let url = harness.world.installation.service_url(Service::ShareDispatcher).unwrap();
    let (sender, mut arrived) = tokio::sync::mpsc::unbounded_channel();
    let reading = tokio::spawn(async move {
        read_queue(&url, "share-dispatcher", |delivery| {
            sender.send((delivery.routing_key.to_string(), delivery.data.clone())).ok();
        })
        .await
    });
    let (key, body) = arrived.recv().await.expect("it arrives at the entry of the line");
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(key, "gateway-acme.ticket.share");
    assert_eq!((&body["ticket"]["id"], &body["actor"]["name"]), (&json!("4711"), &json!("acme")));
    assert!(body["share_id"].is_string() && body["ticket"]["comments"][0]["id"].is_string());
    reading.abort();

    // The same again: no further command, and the receipt as soon as it is there.
    let waits = async {
        let bearer = format!("Bearer {token}");
        let headers =
            [("authorization", bearer.as_str()), ("idempotency-key", "k 1"), ("prefer", "wait=60")];
        harness.ask("POST", path, &headers, Some(share().to_string().as_bytes())).await
    };
    let answers = async { harness.answer(ACME, "ticket.share.v1", "k 1").await };
    let (waited, ()) = tokio::join!(waits, answers);
    assert_eq!(
        (waited.status, waited.body["state"].as_str()),
        (200, Some("answered")),
        "{waited:?}"
    );
    assert_eq!(waited.body["receipt"]["outcome"], "applied");
    assert_eq!(waited.header("preference-applied"), "wait");
    let receipt = harness.get("/v1/receipts/ticket/k%201", &token).await;
    assert_eq!((receipt.status, &receipt.body), (200, &waited.body));
    // Another request under the key.
    let other =
        harness.keyed("POST", "/v1/tickets/4712/shares", &token, Some("k 1"), &share()).await;
    assert_eq!((other.status, other.problem().as_str()), (422, "message_id_reused"));
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_that_sends_a_command_accepts_one() {
    let harness = GatewayHarness::set("gateway-routes").await;
    let token = harness.token(ACME, &["*"]).await;
    for route in gateway::rules::route::COMMAND_ROUTES {
        let path = route.path.replace("{number}", "1").replace("{comment_id}", "acme%2F1");
        let path = path.replace("{attachment_id}", "a").replace("{share_id}", "s");
        let path = path.replace("{agreement_id}", "g");
        let answer = harness.json(route.method, &path, &token, &json!({})).await;
        assert_eq!(answer.status, 202, "{route:?} {answer:?}");
        assert_eq!(answer.body["type"], route.command);
    }
    let body: String = sqlx::query_scalar(
        "select body from desk_outbox where type = 'ticket.redact.v1' and body like '%attachment%'",
    )
    .fetch_one(&harness.pool)
    .await
    .unwrap();
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((&body["comment_id"], &body["attachment_id"]), (&json!("acme/1"), &json!("a")));
    let envelope = json!({ "type": "share.list.v1", "message_id": "k", "payload": { "limit": 5 } });
    let any = harness.json("POST", "/v1/commands", &token, &envelope).await;
    assert_eq!((any.status, any.header("location")), (202, "/v1/receipts/share/k"));
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_database_nothing_is_accepted_and_with_it_again() {
    let harness = GatewayHarness::set("gateway-503").await;
    let token = harness.token(ACME, &["*"]).await;
    let update = json!({ "status": "open" });
    let before = harness.json("PATCH", "/v1/tickets/1", &token, &update).await;
    assert_eq!(before.status, 202);
    sqlx::query("alter table desk_outbox rename to away").execute(&harness.pool).await.unwrap();
    let refused = harness.json("PATCH", "/v1/tickets/1", &token, &update).await;
    assert_eq!((refused.status, refused.problem().as_str()), (503, "not_stored"));
    assert_eq!(refused.header("retry-after"), "1");
    sqlx::query("alter table away rename to desk_outbox").execute(&harness.pool).await.unwrap();
    until("it is accepted again", PATIENCE, async || {
        let again = harness.json("PATCH", "/v1/tickets/1", &token, &update).await;
        if again.status == 202 { Ok(()) } else { Err(format!("{again:?}")) }
    })
    .await;
    harness.remove().await;
}
