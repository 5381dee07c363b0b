//! Each kind of failure, and that it costs nobody else anything.

use contracts::{Reason, ReceiptOutcome};
use testkit::desk::PATIENCE;
use testkit::until;

use crate::harness::ServiceHarness;
use crate::tally::Treat;

#[tokio::test(flavor = "multi_thread")]
async fn poison_is_found_by_halving_and_parked_and_the_others_go_on() {
    let stage = ServiceHarness::set("failure-poison").await;
    stage.send(&["a", "b", "c"], Treat::Well).await;
    stage.send(&["panics"], Treat::Panic).await;
    stage.send(&["d"], Treat::Well).await;
    stage.send(&["bad-row"], Treat::BadRow).await;
    stage.send(&["huge"], Treat::HugeOutput).await;
    stage.send(&["e", "f"], Treat::Well).await;
    let replica = stage.replica_with(1);
    stage.all_done_once(&["a", "b", "c", "d", "e", "f"]).await;
    stage.counts("three to be parked", "select count(*) from parked", 3).await;
    let poison = |name: &str| ("poison".to_owned(), name.to_owned());
    assert_eq!(stage.parked().await, [poison("bad-row"), poison("huge"), poison("panics")]);
    stage.work_queue_is_empty().await;
    replica.stop().await;
    stage.world.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn not_yet_waits_on_the_ladder_and_is_then_refused_or_parked() {
    let stage = ServiceHarness::set("failure-not-yet").await;
    let replica = stage.replica();
    stage.send(&["waits"], Treat::NotYet).await;
    stage.send(&["nobody"], Treat::NotYetUnknownAccount).await;
    let receipt = stage.desk.receipt("waits").await;
    assert_eq!(
        (receipt.outcome, receipt.reason),
        (ReceiptOutcome::Rejected, Some(Reason::NotShared))
    );
    let took = stage.desk.answered_in("waits").expect("it was answered");
    assert!(took >= std::time::Duration::from_secs(6), "one second and five, not {took:?}");
    stage
        .counts(
            "the other to be parked",
            "select count(*) from parked where reason = 'unknown_account'",
            1,
        )
        .await;
    replica.stop().await;
    stage.world.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_desk_queue_delays_nobody_else_and_is_served_when_it_is_there() {
    let stage = ServiceHarness::set("failure-undelivered").await;
    let replica = stage.replica();
    stage.desk_queue_is_bound(false).await;
    stage.send(&["a", "b"], Treat::Well).await;
    stage.counts("both receipts to wait", "select count(*) from undelivered", 2).await;
    stage.work_queue_is_empty().await;
    stage.desk_queue_is_bound(true).await;
    stage.all_done_once(&["a", "b"]).await;
    stage.counts("nothing to wait", "select count(*) from undelivered", 0).await;
    replica.stop().await;
    stage.world.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_deleted_under_its_consumer_is_noticed_and_found_again() {
    let stage = ServiceHarness::set("failure-queue-deleted").await;
    let replica = stage.replica();
    stage.send(&["a"], Treat::Well).await;
    stage.all_done_once(&["a"]).await;
    stage.delete_queue("share-dispatcher").await;
    until("the runtime to notice", PATIENCE, async || {
        let waits = replica.health.waiting_for();
        if waits.contains(&"broker") { Ok(()) } else { Err(format!("{waits:?}")) }
    })
    .await;
    stage.install_topology().await;
    stage.send(&["b"], Treat::Well).await;
    stage.desk.receipt("b").await;
    replica.stop().await;
    stage.world.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_database_holds_the_batch_and_loses_nothing() {
    let stage = ServiceHarness::set("failure-database").await;
    let replica = stage.replica();
    stage.send(&["a"], Treat::Well).await;
    stage.all_done_once(&["a"]).await;
    stage.database_lets_in(false).await;
    stage.send(&["b", "c"], Treat::Well).await;
    until("the runtime to notice", PATIENCE, async || {
        let waits = replica.health.waiting_for();
        if waits.contains(&"database") { Ok(()) } else { Err(format!("{waits:?}")) }
    })
    .await;
    stage.database_lets_in(true).await;
    stage.all_done_once(&["a", "b", "c"]).await;
    assert!(replica.health.waiting_for().is_empty());
    replica.stop().await;
    stage.world.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_parked_when_ten_processes_began_it_not_when_returned_often() {
    let stage = ServiceHarness::set("failure-redelivered").await;
    stage.send(&["innocent", "kills"], Treat::Well).await;
    for id in ["innocent", "kills"] {
        stage.return_to_queue(id, 12).await;
    }
    stage.began("kills", 10).await;
    stage.send(&["a"], Treat::Well).await;
    let replica = stage.replica();
    stage.all_done_once(&["a", "innocent"]).await;
    stage
        .counts(
            "one to be parked",
            "select count(*) from parked where reason = 'redelivered_too_often'",
            1,
        )
        .await;
    assert_eq!(stage.parked().await, [("redelivered_too_often".to_owned(), "kills".to_owned())]);
    stage.counts("no suspects to be left", "select count(*) from suspect", 0).await;
    replica.stop().await;
    stage.world.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_broker_dead_letters_is_parked() {
    let stage = ServiceHarness::set("failure-dead-letter").await;
    stage.send(&["rejected"], Treat::Well).await;
    stage.reject("rejected").await;
    let replica = stage.replica();
    stage
        .counts(
            "it to be parked",
            "select count(*) from parked where reason = 'dead_lettered' and \
            message_id = 'rejected'",
            1,
        )
        .await;
    replica.stop().await;
    stage.world.remove().await;
}
