//! All that an account holds, as lines.

use serde_json::{Value, json};
use testkit::desk::PATIENCE;
use testkit::until;

use crate::harness::{ACME, GLOBEX, GatewayHarness};

const TICKETS: usize = 5;

async fn exported(harness: &GatewayHarness, token: &str) -> Vec<Value> {
    let answer = harness.get("/v1/export", token).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("content-type"), "application/x-ndjson");
    let Value::String(text) = answer.body else { return vec![answer.body] };
    text.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect()
}

fn of_kind<'a>(lines: &'a [Value], kind: &str) -> Vec<&'a Value> {
    lines.iter().filter(|line| line["kind"] == kind).map(|line| &line[kind]).collect()
}

fn agreement(number: usize) -> Value {
    let party =
        |account: &str| json!({ "account": account, "address": account, "display_name": account });
    json!({ "agreement_id": format!("0b9f0a52-7c1e-4d9a-9a36-{number:012}"), "version": 1,
        "side": "sender", "sender": party(ACME), "receiver": party(GLOBEX),
        "partner_support_addresses": [], "status": "accepted",
        "terms": { "comments": "public_and_private", "tags": true, "custom_fields": true },
        "by": { "side": "receiver", "name": "Ada" }, "at": "2026-11-29T12:00:00.000Z" })
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_has_all_that_is_held_and_where_to_go_on() {
    let harness = GatewayHarness::set("gateway-export").await;
    let token = harness.token(ACME, &["*"]).await;
    let empty = exported(&harness, &token).await;
    let none = json!({ "kind": "end", "agreements": 0, "shares": 0, "tickets": 0 });
    assert_eq!((empty.len(), &empty[1]), (2, &none));
    assert_eq!(empty[0]["account"], ACME);

    // More than a page of agreements.
    for number in 0..201 {
        let id = format!("a{number}");
        harness.tell(ACME, "agreement.accepted.v1", &id, &agreement(number)).await;
    }
    for number in 0..TICKETS {
        let body = json!({ "agreement_id": agreement(0)["agreement_id"], "ticket": {
            "subject": "The pump leaks", "status": "open",
            "comments": [{ "id": format!("gateway-acme/{number}"), "body": "It drips. 🚰" }] } });
        let path = format!("/v1/tickets/{number}/shares");
        assert_eq!(harness.json("POST", &path, &token, &body).await.status, 202);
    }
    let redact = "/v1/tickets/0/comments/gateway-acme%2F0";
    assert_eq!(harness.json("DELETE", redact, &token, &Value::Null).await.status, 202);
    until("all is told", PATIENCE, async || {
        let head = harness.get("/v1/deliveries?limit=500", &token).await.body;
        let count = head["deliveries"].as_array().map_or(0, Vec::len);
        if count == 201 { Ok(()) } else { Err(format!("{count}")) }
    })
    .await;

    let lines = exported(&harness, &token).await;
    let agreements = of_kind(&lines, "agreement");
    let ids: Vec<&str> = agreements.iter().map(|it| it["agreement_id"].as_str().unwrap()).collect();
    let all = (0..201).map(agreement).map(|it| it["agreement_id"].as_str().unwrap().to_owned());
    assert_eq!(ids, all.collect::<Vec<_>>(), "each once, in order");
    let tickets = of_kind(&lines, "ticket");
    let mut numbers: Vec<&str> =
        tickets.iter().map(|it| it["ticket_id"].as_str().unwrap()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..TICKETS).map(|it| it.to_string()).collect::<Vec<_>>());
    for ticket in &tickets {
        // As its own route shows it.
        let path = format!("/v1/tickets/{}", ticket["ticket_id"].as_str().unwrap());
        let mut shown = harness.get(&path, &token).await.body;
        shown.as_object_mut().unwrap().remove("cursor");
        assert_eq!(**ticket, shown);
    }
    let blank = tickets.iter().find(|it| it["ticket_id"] == "0").unwrap();
    assert_eq!(
        (&blank["comments"][0]["body"], &blank["comments"][0]["redacted"]),
        (&json!(""), &json!(true))
    );
    let end = json!({ "kind": "end", "agreements": 201, "shares": 0, "tickets": TICKETS });
    assert_eq!(lines.last(), Some(&end));

    // What comes afterwards is read from the first line's cursor on.
    harness.tell(ACME, "ticket.praised.v1", "after", &json!({ "stars": 5 })).await;
    let on = format!("/v1/deliveries?wait=20&after={}", lines[0]["cursor"].as_str().unwrap());
    let told = harness.get(&on, &token).await.body;
    assert_eq!(told["deliveries"][0]["message_id"], "after", "{told}");

    // Nothing of it is another account's, and a token has to be allowed to read.
    let globex = harness.token(GLOBEX, &["read"]).await;
    let others = exported(&harness, &globex).await;
    assert_eq!((others.len(), &others[0]["account"], &others[1]), (2, &json!(GLOBEX), &none));
    let writer = harness.token(ACME, &["ticket.*"]).await;
    let refused = harness.get("/v1/export", &writer).await;
    assert_eq!((refused.status, refused.problem().as_str()), (403, "wrong_scope"));
    harness.remove().await;
}
