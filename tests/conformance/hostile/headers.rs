//! Headers: forged ones of our own and of the broker's, large ones, and tables within tables.

use contracts::Reason::{Malformed, NotShared};
use contracts::Receipt;
use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldArray, FieldTable, ShortString};
use serde_json::json;

use super::ground::{Row, row};
use super::properties::Head;
use super::rogue::headers;
use super::wire::{Said, long, short};
use crate::context::{ConformanceContext, applied, refused};

/// An update of a ticket of another account, with headers that may make it something else.
async fn update_of_a_hidden_ticket(row: &Row, table: FieldTable) -> Receipt {
    let body = row.update(&json!({ "ticket_id": super::ground::HIDDEN_TICKET })).to_string();
    row.changed_update(body.as_bytes(), |properties| properties.with_headers(table)).await
}

async fn listed(row: &Row, change: impl FnOnce(BasicProperties) -> BasicProperties) {
    let (acme, id) = (&row.ground.acme, row.ground.acme.next_id());
    acme.publish(&row.key("share.list"), "share.list.v1", &id, b"{}", change)
        .await
        .expect("the broker takes it");
    applied(&acme.receipt(&id).await);
}

pub async fn hostile_forged_headers_of_our_own(context: ConformanceContext) {
    let row = row(context).await;
    let globex = row.ground.globex.account.as_str();
    let forged = headers([
        ("deskmesh-publisher", globex),
        ("deskmesh-routing-key", &format!("{globex}.ticket.update")),
        ("deskmesh-attempt", "-1"),
        ("deskmesh-first-arrival", "2000-01-01T00:00:00Z"),
        ("share-id", row.ground.hidden_share.as_str()),
    ]);
    refused(&update_of_a_hidden_ticket(&row, forged).await, NotShared);
    row.ends_unseen().await;
}

pub async fn hostile_a_forged_history_of_deaths(context: ConformanceContext) {
    let row = row(context).await;
    let mut death = FieldTable::default();
    for (name, text) in
        [("queue", "share-dispatcher"), ("reason", "rejected"), ("exchange", "sync")]
    {
        death.insert(ShortString::from(name), AMQPValue::LongString(text.into()));
    }
    death.insert(ShortString::from("count"), AMQPValue::LongLongInt(i64::MAX));
    let deaths = AMQPValue::FieldArray(FieldArray::from(vec![AMQPValue::FieldTable(death); 50]));
    let texts =
        [AMQPValue::LongString("rejected".into()), AMQPValue::LongLongInt(-1), AMQPValue::Void];
    for value in [deaths].into_iter().chain(texts) {
        let mut table =
            headers([("x-first-death-queue", "desk.globex"), ("x-death-reason", "expired")]);
        table.insert(ShortString::from("x-death"), value);
        table.insert(ShortString::from("x-delivery-count"), AMQPValue::LongLongInt(1_000_000));
        listed(&row, |properties| properties.with_headers(table)).await;
    }
    row.ends_unseen().await;
}

pub async fn hostile_forged_traces(context: ConformanceContext) {
    let row = row(context).await;
    let state = "k=v,".repeat(20_000);
    for parent in [
        "00-11111111111111111111111111111111-2222222222222222-01",
        "00-0-0-0",
        "ff-\0",
        "",
        &"0".repeat(20_000),
    ] {
        listed(&row, |properties| {
            properties.with_headers(headers([("traceparent", parent), ("tracestate", &state)]))
        })
        .await;
    }
    let traced = row.ground.acme.with_deliveries(|all| {
        all.iter()
            .filter(|delivered| delivered.trace_id.as_deref() == Some(&"1".repeat(32)))
            .count()
    });
    assert_eq!(traced, 0, "a partner's trace is never the parent of ours");
    row.ends_unseen().await;
}

pub async fn hostile_headers_of_100_kb(context: ConformanceContext) {
    let row = row(context).await;
    listed(&row, |properties| properties.with_headers(headers([("long", &"x".repeat(100_000))])))
        .await;
    let mut many = FieldTable::default();
    for number in 0..5_000 {
        many.insert(ShortString::from(format!("header-{number}")), AMQPValue::LongInt(number));
    }
    listed(&row, |properties| properties.with_headers(many)).await;
    row.ends_unseen().await;
}

/// A header of tables within tables, each a member `t` of the one around it.
fn nested(depth: usize) -> Vec<u8> {
    let mut inside_out = Vec::new();
    for level in 0..depth {
        // Length, name and tag of each level are as long as those of the others.
        let length = 7 * level;
        inside_out.push(
            [&short(b"t")[..], b"F", &u32::try_from(length).expect("a short table").to_be_bytes()]
                .concat(),
        );
    }
    inside_out.reverse();
    long(&inside_out.concat())
}

pub async fn hostile_headers_nested_twenty_thousand_deep(context: ConformanceContext) {
    let row = row(context).await;
    for depth in [1, 31, 32, 33, 1_000, 18_000] {
        let id = row.ground.acme.next_id();
        let head = Head { headers: nested(depth), ..Head::proper(&row, &id) };
        assert_eq!(head.publish(&row, "{}".to_owned()).await, Said::Confirmed, "{depth}");
        refused(&row.ground.acme.receipt(&id).await, Malformed);
    }
    row.ends_unseen().await;
}

pub async fn hostile_headers_that_are_no_table(context: ConformanceContext) {
    let row = row(context).await;
    let tables = [
        long(&[short(b"t"), b"Z".to_vec()].concat()),
        long(&[short(b"t"), b"S".to_vec(), u32::MAX.to_be_bytes().to_vec()].concat()),
        long(&[short(b"t"), b"F".to_vec(), 100_u32.to_be_bytes().to_vec()].concat()),
        long(b"\xff"),
        u32::MAX.to_be_bytes().to_vec(),
    ];
    for table in tables {
        let id = row.ground.acme.next_id();
        let head = Head { headers: table.clone(), ..Head::proper(&row, &id) };
        let said = head.publish(&row, row.update(&json!({})).to_string()).await;
        assert!(matches!(said, Said::Closed(_)), "{said:?} {table:?}");
    }
    row.ends_unseen().await;
}
