//! What a person does with parked messages.

use std::time::Duration;

use contracts::topology::Service;
use contracts::{Message, Reason, ReceiptOutcome};
use lapin::types::{AMQPValue, FieldArray, FieldTable, ShortString};
use messaging::parked::{self, ParkedAction, ParkedFilter};
use testkit::desk::PATIENCE;
use testkit::until;
use tokio_util::sync::CancellationToken;

use crate::harness::ServiceHarness;
use crate::operator::{fetch, line};
use crate::tally::{Count, Treat};

fn discard(because: &str) -> ParkedAction {
    ParkedAction::Discard { because: because.to_owned() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_of_an_account_known_by_now_is_replayed_with_its_first_arrival() {
    let stage = ServiceHarness::set("parked-replay").await;
    let replica = stage.replica();
    stage.send(&["early"], Treat::UntilKnown).await;
    let row = stage.parked_as("early", "parked", 1).await;
    assert_eq!((row.reason.as_str(), row.publisher.as_deref()), ("unknown_account", Some("acme")));
    stage.send(&["known"], Treat::Well).await;
    stage.desk.receipt("known").await;
    let outcome = stage.replay_all().await;
    assert_eq!((outcome.done, outcome.left, outcome.refused), (1, 0, 0));
    stage.all_done_once(&["early", "known"]).await;
    assert_eq!(stage.desk.receipt("early").await.outcome, ReceiptOutcome::Applied);
    stage.parked_as("early", "replayed", 1).await;
    assert_eq!(
        stage.history(row.id).await,
        [line("(service)", "parked"), line("anna", "replayed")]
    );
    let accepted_at: String = sqlx::query_scalar(
        "select outputs::json -> 1 -> 'output' ->> 'accepted_at' from journal \
            join journal_output on id = output_id where message_id = 'early'",
    )
    .fetch_one(&stage.pool)
    .await
    .expect("a row");
    assert_eq!(accepted_at, contracts::Timestamp::from(row.first_arrived_at).to_string());
    assert_eq!(stage.replay_all().await.done, 0, "what is closed is not replayed again");
    replica.stop().await;
    stage.world.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_again_keeps_its_row_its_first_arrival_and_its_history() {
    let stage = ServiceHarness::set("parked-again").await;
    let replica = stage.replica();
    stage.send(&["bad"], Treat::PanicUntilKnown).await;
    // One that waits on the ladder before it is parked again is known by its row, too.
    stage.send(&["waits"], Treat::UntilKnown).await;
    let first =
        [stage.parked_as("bad", "parked", 1).await, stage.parked_as("waits", "parked", 1).await];
    assert_eq!(stage.replay_all().await.done, 2);
    for (name, first) in ["bad", "waits"].into_iter().zip(&first) {
        let again = stage.parked_as(name, "parked", 2).await;
        assert_eq!(
            (again.id, again.first_arrived_at, &again.reason),
            (first.id, first.first_arrived_at, &first.reason)
        );
        let history = stage.history(first.id).await;
        assert_eq!(
            history,
            [line("(service)", "parked"), line("anna", "replayed"), line("(service)", "parked")]
        );
    }
    stage.send(&["known"], Treat::Well).await;
    stage.desk.receipt("known").await;
    assert_eq!(stage.replay_all().await.done, 2);
    stage.all_done_once(&["bad", "waits", "known"]).await;
    stage.parked_as("bad", "replayed", 2).await;
    replica.stop().await;
    stage.world.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_discard_is_a_decision_with_a_receipt_that_stands() {
    let stage = ServiceHarness::set("parked-discard").await;
    let replica = stage.replica();
    stage.send(&["bad"], Treat::PanicUntilKnown).await;
    let row = stage.parked_as("bad", "parked", 1).await;
    assert_eq!(
        stage
            .act(
                discard("the ticket is gone"),
                &ParkedFilter { ids: vec![row.id], ..ParkedFilter::default() }
            )
            .await
            .done,
        1
    );
    let receipt = stage.desk.receipt("bad").await;
    assert_eq!(
        (receipt.outcome, receipt.reason),
        (ReceiptOutcome::Rejected, Some(Reason::Discarded))
    );
    assert_eq!(receipt.detail.as_deref(), Some("the ticket is gone"));
    stage.parked_as("bad", "discarded", 1).await;
    assert_eq!(stage.history(row.id).await.last(), Some(&line("anna", "discarded")));
    // The cause is mended and the command comes again: the answer stands.
    stage.send(&["known"], Treat::Well).await;
    stage.desk.receipt("known").await;
    stage.send(&["bad"], Treat::PanicUntilKnown).await;
    until("the same receipt again", PATIENCE, async || {
        match stage.desk.repeated_and_unreadable() {
            (1, _) => Ok(()),
            (repeated, _) => Err(format!("{repeated} repeated")),
        }
    })
    .await;
    assert_eq!(stage.tally().await.into_keys().collect::<Vec<_>>(), ["known"]);
    replica.stop().await;
    stage.world.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_publisher_a_discard_only_closes_and_a_replay_does_nothing() {
    let stage = ServiceHarness::set("parked-nobody").await;
    let nobody = |properties: lapin::BasicProperties| {
        let kind = properties.kind().clone().expect("a type");
        lapin::BasicProperties::default()
            .with_message_id(ShortString::from("nobody"))
            .with_type(kind)
            .with_expiration(ShortString::from("0"))
    };
    let body = br#"{"what":"x"}"#;
    stage
        .desk
        .publish("acme.ticket.count", Count::NAME, "nobody", body, nobody)
        .await
        .expect("the broker takes it");
    // Nobody reads the queue yet, so the broker takes it to the dead letters.
    let replica = stage.replica();
    let row = stage.parked_as("nobody", "parked", 1).await;
    let outcome = stage.replay_all().await;
    assert_eq!((outcome.done, outcome.left), (0, 1));
    assert_eq!(stage.act(discard("nobody's"), &ParkedFilter::default()).await.done, 1);
    stage.parked_as("nobody", "discarded", 1).await;
    assert_eq!(
        stage.history(row.id).await,
        [line("(service)", "parked"), line("anna", "discarded")]
    );
    replica.stop().await;
    stage.world.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_letter_of_a_desks_queue_reaches_the_desk_after_all() {
    let stage = ServiceHarness::set("parked-desk").await;
    let replica = stage.replica();
    let globex = stage.world.account("globex").await.amqp_url;
    // The receipt is what lies in the desk's queue; nobody reads it here.
    let body = br#"{"what":"g"}"#;
    publish_as(&globex, "globex", "globex.ticket.count", "g", body).await;
    let rejected = fetch(&globex, "desk.globex", true).await;
    let row = stage.parked_as(&rejected.id, "parked", 1).await;
    assert_eq!(
        (row.reason.as_str(), row.exchange.as_str(), row.routing_key.as_str()),
        ("dead_lettered", "desk", "globex.command.receipt")
    );
    let refused = parked::plan(
        &stage.pool,
        Service::ShareDispatcher,
        discard("no"),
        &ParkedFilter::default(),
    )
    .await
    .expect("a plan");
    assert!(refused.lines[0].what.starts_with("stays parked"), "{:?}", refused.lines);
    assert_eq!(stage.replay_all().await.done, 1);
    let delivered = fetch(&globex, "desk.globex", true).await;
    assert_eq!(
        (&delivered.id, &delivered.correlation_id, &delivered.body),
        (&rejected.id, &rejected.correlation_id, &rejected.body)
    );
    assert!(
        !delivered.headers.iter().any(|name| name.starts_with("deskmesh-")),
        "{:?}",
        delivered.headers
    );
    // Rejected once more, it is the same row, also without a header that says so.
    assert_eq!(stage.parked_as(&rejected.id, "parked", 2).await.id, row.id);
    replica.stop().await;
    stage.world.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_that_waited_too_long_is_delivered_under_its_own_id() {
    let stage = ServiceHarness::set("parked-undelivered").await;
    stage.desk_queue_is_bound(false).await;
    let replica = stage.replica_keeping_for(Duration::ZERO);
    stage.send(&["a"], Treat::Well).await;
    stage
        .counts("it to be parked", "select count(*) from parked where reason = 'undeliverable'", 1)
        .await;
    let id: String = sqlx::query_scalar("select message_id from parked")
        .fetch_one(&stage.pool)
        .await
        .expect("a row");
    let row = stage.parked_as(&id, "parked", 1).await;
    // Still no queue: it waits again, for as long as any other, and is the same row then.
    assert_eq!(stage.replay_all().await.done, 1);
    assert_eq!(stage.parked_as(&id, "parked", 2).await.id, row.id);
    stage.desk_queue_is_bound(true).await;
    assert_eq!(stage.replay_all().await.done, 1);
    stage.desk.receipt("a").await;
    assert_eq!(stage.desk.deliveries()[0].id, id);
    stage.counts("nothing to wait", "select count(*) from undelivered", 0).await;
    stage.parked_as(&id, "replayed", 2).await;
    replica.stop().await;
    stage.world.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_does_not_pass_for_a_service_by_way_of_the_dead_letters() {
    let stage = ServiceHarness::set("parked-forged").await;
    let forged = |properties: lapin::BasicProperties| {
        let text = |text: &str| AMQPValue::LongString(text.into());
        let mut death = FieldTable::default();
        for (name, value) in
            [("exchange", "sync"), ("queue", "share-dispatcher"), ("reason", "expired")]
        {
            death.insert(name.into(), text(value));
        }
        death.insert("count".into(), AMQPValue::LongLongInt(1));
        death.insert(
            "routing-keys".into(),
            AMQPValue::FieldArray(FieldArray::from(vec![text("share-dispatcher.fact")])),
        );
        let mut headers = FieldTable::default();
        headers.insert(
            "x-death".into(),
            AMQPValue::FieldArray(FieldArray::from(vec![AMQPValue::FieldTable(death)])),
        );
        headers.insert("deskmesh-publisher".into(), text("globex"));
        headers.insert("deskmesh-routing-key".into(), text("globex.ticket.count"));
        properties.with_headers(headers).with_expiration(ShortString::from("0"))
    };
    // Nobody reads the queue yet, so it expires there, and the broker takes it to the dead letters.
    let body = br#"{"what":"forged"}"#;
    stage
        .desk
        .publish("acme.ticket.count", Count::NAME, "forged", body, forged)
        .await
        .expect("the broker takes it");
    let replica = stage.replica();
    let row = stage.parked_as("forged", "parked", 1).await;
    assert_eq!(
        (row.exchange.as_str(), row.publisher.as_deref()),
        ("share", Some("acme")),
        "{row:?}"
    );
    // Replayed, it is acme's command and nobody else's, whatever key it claims.
    assert_eq!(stage.replay_all().await.done, 1);
    stage.desk.receipt("forged").await;
    replica.stop().await;
    stage.world.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_changes_nothing_and_a_stop_leaves_the_rest_parked() {
    let stage = ServiceHarness::set("parked-plan").await;
    let replica = stage.replica();
    stage.send(&["a", "b", "c"], Treat::Panic).await;
    for name in ["a", "b", "c"] {
        stage.parked_as(name, "parked", 1).await;
    }
    replica.stop().await;
    let everything = "select coalesce(string_agg(parked::text, ''), '') || (select \
        string_agg(parked_audit::text, '') from parked_audit) from parked";
    let before: String = sqlx::query_scalar(everything).fetch_one(&stage.pool).await.expect("text");
    let plan = parked::plan(
        &stage.pool,
        Service::ShareDispatcher,
        ParkedAction::Replay,
        &ParkedFilter::default(),
    )
    .await
    .expect("a plan");
    let counts: Vec<_> = plan.lines.iter().map(|line| (line.reason.as_str(), line.count)).collect();
    assert_eq!(counts, [("poison", 3)]);
    let (listed, total) =
        parked::list(&stage.pool, &ParkedFilter { limit: Some(2), ..ParkedFilter::default() })
            .await
            .expect("rows");
    assert_eq!((listed.len(), total), (2, 3));
    let stopped = CancellationToken::new();
    stopped.cancel();
    let outcome = parked::carry_out(&stage.pool, &plan, &stage.sending(), &stopped, |_| {})
        .await
        .expect("the broker lets it in");
    assert!(outcome.stopped && outcome.done == 0, "{outcome:?}");
    let after: String = sqlx::query_scalar(everything).fetch_one(&stage.pool).await.expect("text");
    assert_eq!(before, after);
    assert_eq!(stage.messages_in("share-dispatcher").await, 0);
    stage.world.remove().await;
}

#[expect(clippy::disallowed_methods, reason = "a desk publishes on its own")]
async fn publish_as(url: &str, account: &str, key: &str, id: &str, body: &[u8]) {
    let connection = lapin::Connection::connect(url, lapin::ConnectionProperties::default())
        .await
        .expect("the broker lets it in");
    let channel = connection.create_channel().await.expect("a channel");
    let properties = lapin::BasicProperties::default()
        .with_message_id(ShortString::from(id))
        .with_type(ShortString::from(Count::NAME))
        .with_user_id(ShortString::from(account))
        .with_content_type(ShortString::from("application/json"));
    let options = lapin::options::BasicPublishOptions::default();
    channel
        .basic_publish(
            ShortString::from("share"),
            ShortString::from(key),
            options,
            body,
            properties,
        )
        .await
        .expect("it goes out");
    connection.close(200, ShortString::from("done")).await.expect("it closes");
}
