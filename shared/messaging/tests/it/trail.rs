//! What is asked afterwards: who published what, what was decided, whom it reached, and what
//! stopped it.

use std::time::Duration;

use contracts::{Message, ReceiptOutcome};
use messaging::{Question, trailing};
use testkit::desk::PATIENCE;
use testkit::until;
use timeline::{Target, Trail};

use crate::harness::ServiceHarness;
use crate::tally::{Count, Tally};

async fn trail(stage: &ServiceHarness, target: Target, outputs: bool) -> Trail {
    let mut connection = stage.pool.acquire().await.expect("a connection");
    trailing::<Tally>(&mut connection, &Question::Target(target), outputs).await.expect("an answer")
}

fn ticket() -> Target {
    Target::Ticket("acme/4711".to_owned())
}

async fn publish(stage: &ServiceHarness, id: &str, treat: &str) {
    let body = format!(r#"{{"what":"{id}","treat":"{treat}","ticket_id":"4711"}}"#);
    let sent = stage
        .desk
        .publish("acme.ticket.count", Count::NAME, id, body.as_bytes(), |properties| properties)
        .await;
    sent.expect("the broker takes it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_tells_what_was_decided_refused_parked_and_not_taken() {
    let stage = ServiceHarness::set("trail").await;
    let replica = stage.replica_keeping_for(Duration::from_hours(1));
    publish(&stage, "well", "well").await;
    stage.desk.receipt("well").await;
    publish(&stage, "odd", "nonsense").await;
    stage.desk.receipt("odd").await;
    publish(&stage, "poison", "panic").await;
    stage.counts("it to be parked", "select count(*) from parked", 1).await;
    stage.desk_queue_is_bound(false).await;
    publish(&stage, "lost", "well").await;
    stage.counts("it to wait", "select count(*) from undelivered", 1).await;

    let told = trail(&stage, ticket(), false).await;
    let mut ids: Vec<&str> =
        told.decided.iter().map(|decided| decided.message_id.as_str()).collect();
    ids.sort_unstable();
    assert_eq!(ids, ["lost", "odd", "well"]);
    let well =
        told.decided.iter().find(|decided| decided.message_id == "well").expect("it was decided");
    assert_eq!(
        (well.account.as_deref(), well.root().as_deref()),
        (Some("acme"), Some("acme/well"))
    );
    assert!(well.decided_at >= well.arrived_at && well.outputs.is_none());
    let to: Vec<(&str, &str)> =
        well.told.iter().map(|told| (told.to.as_str(), told.r#type.as_str())).collect();
    assert_eq!(to, [("comment-sync", "transfer.v1"), ("acme", "command.receipt.v1")]);
    let odd = told
        .decided
        .iter()
        .find(|decided| decided.message_id == "odd")
        .expect("its refusal is kept");
    let receipt = odd.told[0].receipt.as_ref().expect("a receipt");
    assert_eq!(receipt.outcome, ReceiptOutcome::Rejected);
    let [parked] = told.parked.as_slice() else { panic!("{:?}", told.parked) };
    assert_eq!((parked.reason.as_str(), parked.message_id.as_deref()), ("poison", Some("poison")));

    let by_message = trail(&stage, Target::Message("acme/lost".to_owned()), true).await;
    assert!(by_message.names.contains(&"acme/4711".to_owned()), "{:?}", by_message.names);
    assert!(
        by_message.decided.iter().any(|decided| decided.outputs.is_some()),
        "what was sent is shown to who asks for it"
    );
    until("the delivery that waits to be told of", PATIENCE, async || {
        let waiting =
            trail(&stage, Target::Message("acme/lost".to_owned()), false).await.undelivered;
        if waiting.len() == 1 { Ok(()) } else { Err(format!("{waiting:?}")) }
    })
    .await;
    assert!(
        trail(&stage, Target::Ticket("globex/4711".to_owned()), false).await.decided.is_empty()
    );
    replica.stop().await;
    stage.world.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_command_is_found_below_a_thousand_newer_ones_of_its_ticket() {
    let stage = ServiceHarness::set("trail_first").await;
    let replica = stage.replica_keeping_for(Duration::from_hours(1));
    publish(&stage, "well", "well").await;
    stage.desk.receipt("well").await;
    replica.stop().await;
    sqlx::query(
        "insert into journal select (jsonb_populate_record(first, jsonb_build_object(
           'message_id', 'later-' || n, 'decided_at',
           first.decided_at + n * interval '1 microsecond'))).*
         from journal first, generate_series(1, 1000) n where message_id = 'well'",
    )
    .execute(&stage.pool)
    .await
    .expect("a thousand rows");
    let of_ticket = trail(&stage, ticket(), false).await;
    let of_command = trail(&stage, Target::Message("acme/well".to_owned()), false).await;
    let has = |trail: &Trail| trail.decided.iter().any(|decided| decided.message_id == "well");
    assert!(of_ticket.cut && !has(&of_ticket), "a ticket tells of its newest");
    assert!(has(&of_command), "{} others", of_command.decided.len());
    stage.world.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_watched_is_watched_until_its_end_and_a_short_name_is_none() {
    let stage = ServiceHarness::set("watched").await;
    let at = |second: i64| {
        contracts::Timestamp::parse("2026-03-01T10:00:00Z").expect("a time").plus_seconds(second)
    };
    messaging::watch(&stage.pool, "acme/4711", at(60), "anna").await.expect("it is watched");
    messaging::watch(&stage.pool, "acme/4711", at(90), "ben").await.expect("again");
    let seen = messaging::watched(&stage.pool, at(80)).await.expect("rows");
    assert!(matches!(seen.as_slice(), [one] if one.by == "ben"), "{seen:?}");
    assert!(messaging::watched(&stage.pool, at(90)).await.expect("rows").is_empty());
    assert!(messaging::unwatch(&stage.pool, "acme/4711").await.expect("it goes"));
    assert!(!messaging::unwatch(&stage.pool, "acme/4711").await.expect("it is gone"));
    assert!(messaging::can_be_watched("acme/4711") && !messaging::can_be_watched("4711"));
    stage.world.remove().await;
}
