use std::io::{BufRead, BufReader};

use serde_json::{Value, json};
use testkit::desk::PATIENCE;
use testkit::until;

use crate::harness::{ACME, GLOBEX, GatewayHarness};

async fn poll(
    harness: &GatewayHarness,
    token: &str,
    after: &str,
    wait: u64,
) -> (Vec<Value>, String) {
    let path = format!("/v1/deliveries?after={after}&wait={wait}");
    let answer = harness.get(&path, token).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let deliveries = answer.body["deliveries"].as_array().cloned().unwrap_or_default();
    (deliveries, answer.body["next"].as_str().expect("where to go on").to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_poll_answers_as_soon_as_there_is_something() {
    let harness = GatewayHarness::set("gateway-poll").await;
    let token = harness.token(ACME, &["read"]).await;
    let (none, cursor) = poll(&harness, &token, "", 0).await;
    assert!(none.is_empty());
    let waiting = poll(&harness, &token, &cursor, 60);
    let praise = json!({ "stars": 5 });
    let telling = harness.tell(ACME, "ticket.praised.v1", "d1", &praise);
    let ((deliveries, next), ()) = tokio::join!(waiting, telling);
    assert_eq!(deliveries[0]["payload"], json!({ "stars": 5 }));
    assert_eq!(
        (&deliveries[0]["message_id"], &deliveries[0]["type"]),
        (&json!("d1"), &json!("ticket.praised.v1"))
    );
    assert_eq!(deliveries[0]["cursor"], next.as_str());
    // The same again from the same place; nothing from the next.
    assert_eq!(poll(&harness, &token, &cursor, 0).await.0, deliveries);
    assert!(poll(&harness, &token, &next, 1).await.0.is_empty());
    let (latest, at) = poll(&harness, &token, "latest", 0).await;
    assert_eq!((latest.len(), at), (0, next));
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_that_leads_nowhere_is_gone() {
    let harness = GatewayHarness::set("gateway-cursor").await;
    let (acme, globex) = (harness.token(ACME, &["*"]).await, harness.token(GLOBEX, &["*"]).await);
    let (_, cursor) = poll(&harness, &acme, "", 0).await;
    let others = harness.get(&format!("/v1/deliveries?after={cursor}"), &globex).await;
    assert_eq!((others.status, others.problem().as_str()), (410, "cursor_gone"));
    let beyond = cursor.replace(".0", ".1");
    let beyond = harness.get(&format!("/v1/deliveries?after={beyond}"), &acme).await;
    assert_eq!(beyond.status, 410);
    let none = harness.get("/v1/deliveries?after=yesterday", &acme).await;
    assert_eq!((none.status, none.problem().as_str()), (422, "malformed"));
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_tells_what_comes_and_goes_on_after_the_last_event() {
    let harness = GatewayHarness::set("gateway-stream").await;
    let token = harness.token(ACME, &["read"]).await;
    for number in 1..=3 {
        harness
            .tell(ACME, "ticket.praised.v1", &format!("d{number}"), &json!({ "n": number }))
            .await;
    }
    until("three entries", PATIENCE, async || {
        let (deliveries, _) = poll(&harness, &token, "", 0).await;
        if deliveries.len() == 3 { Ok(()) } else { Err(format!("{deliveries:?}")) }
    })
    .await;
    let (first, last_id) = read_events(&harness, &token, None, 2).await;
    assert_eq!(first, [json!(1), json!(2)]);
    let more = read_events(&harness, &token, Some(&last_id), 2);
    let praise = json!({ "n": 4 });
    let telling = harness.tell(ACME, "ticket.praised.v1", "d4", &praise);
    let ((second, _), ()) = tokio::join!(more, telling);
    assert_eq!(second, [json!(3), json!(4)]);
    harness.remove().await;
}

/// The numbers of so many events, and the id of the last.
async fn read_events(
    harness: &GatewayHarness,
    token: &str,
    last_id: Option<&str>,
    count: usize,
) -> (Vec<Value>, String) {
    let url = format!("{}/v1/deliveries/stream", harness.url);
    let (token, last_id) = (token.to_owned(), last_id.map(str::to_owned));
    let reading = move || {
        let mut request = ureq::get(&url).header("authorization", format!("Bearer {token}"));
        if let Some(id) = last_id {
            request = request.header("last-event-id", id);
        }
        let mut response = request.call().expect("a stream");
        let lines = BufReader::new(response.body_mut().as_reader()).lines().map_while(Result::ok);
        let (mut numbers, mut id) = (Vec::new(), String::new());
        for line in lines {
            if let Some(given) = line.strip_prefix("id: ") {
                given.clone_into(&mut id);
            }
            if let Some(data) = line.strip_prefix("data: ") {
                let told: Value = serde_json::from_str(data).expect("an event is JSON");
                assert_eq!(told["cursor"], id.as_str());
                numbers.push(told["payload"]["n"].clone());
            }
            if numbers.len() == count && line.is_empty() {
                break;
            }
        }
        (numbers, id)
    };
    tokio::task::spawn_blocking(reading).await.expect("the stream is read")
}
