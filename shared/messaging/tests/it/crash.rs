//! The crash table: the process dies at each point of the step; what is there afterwards is the
//! same as if it had not.

use testkit::desk::PATIENCE;
use testkit::until;

use crate::harness::ServiceHarness;
use crate::tally::Treat;

#[tokio::test(flavor = "multi_thread")]
async fn dies_before_commit_then_the_broker_redelivers_and_it_is_decided_once() {
    let stage = ServiceHarness::set("crash-before-commit").await;
    let first = stage.replica_with(1);
    // The hanging one holds the batch inside its transaction, with the others decided and not
    // committed.
    stage.send(&["a", "b"], Treat::Well).await;
    stage.send(&["hangs"], Treat::Hang).await;
    stage.send(&["c"], Treat::Well).await;
    stage
        .counts(
            "a transaction to be open",
            "select count(*) from pg_stat_activity where usename = current_user and state like \
             'idle in transaction%'",
            1,
        )
        .await;
    first.kill();
    // The one that hangs is answered by nobody: taken out of the queue by hand, as an operator
    // would.
    stage.take_out("hangs").await;
    let second = stage.replica();
    stage.all_done_once(&["a", "b", "c"]).await;
    second.stop().await;
    stage.world.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dies_after_commit_before_publish_then_stored_outputs_go_out() {
    let stage = ServiceHarness::set("crash-after-commit").await;
    stage.next_service_is_bound(false).await;
    let first = stage.replica();
    stage.send(&["a", "b"], Treat::Well).await;
    stage.counts("both to be committed", "select count(*) from journal", 2).await;
    first.kill();
    assert!(stage.passed_on().is_empty(), "nothing could be passed on");
    stage.next_service_is_bound(true).await;
    let second = stage.replica();
    stage.all_done_once(&["a", "b"]).await;
    second.stop().await;
    stage.world.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dies_during_publish_then_all_of_it_goes_out_again_under_the_same_ids() {
    let stage = ServiceHarness::set("crash-during-publish").await;
    stage.next_service_is_bound(false).await;
    let first = stage.replica();
    stage.send(&["a"], Treat::Well).await;
    // The receipt went out; the other output of the same command did not.
    stage.desk.receipt("a").await;
    first.kill();
    stage.next_service_is_bound(true).await;
    let second = stage.replica();
    stage.all_done_once(&["a"]).await;
    let receipts = stage.desk.deliveries().len();
    assert_eq!(receipts, 1, "the second receipt has the id of the first, and the desk drops it");
    second.stop().await;
    stage.world.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dies_after_confirms_before_ack_then_nothing_is_decided_again() {
    let stage = ServiceHarness::set("crash-before-ack").await;
    // Whoever wants to keep an undelivered receipt waits for this lock: after the confirms, before
    // the ack.
    let mut lock = stage.pool.begin().await.expect("a transaction");
    sqlx::query("lock table undelivered in access exclusive mode")
        .execute(&mut *lock)
        .await
        .expect("the lock");
    stage.desk_queue_is_bound(false).await;
    let first = stage.replica();
    stage.send(&["a"], Treat::Well).await;
    until("it to be passed on", PATIENCE, async || {
        if stage.passed_on().is_empty() { Err("nothing".to_owned()) } else { Ok(()) }
    })
    .await;
    first.kill();
    lock.rollback().await.expect("the lock goes");
    stage.desk_queue_is_bound(true).await;
    let second = stage.replica();
    stage.all_done_once(&["a"]).await;
    second.stop().await;
    stage.world.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_id_twice_in_a_batch_and_in_two_replicas_is_decided_once() {
    let stage = ServiceHarness::set("crash-twice").await;
    let names: Vec<String> = (0..40).map(|number| format!("n{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    // All twice in the queue before anybody reads: neighbours come in one batch, the rest in
    // several, at two replicas.
    stage.send(&names, Treat::Well).await;
    stage.send(&names, Treat::Well).await;
    for name in &names {
        stage.send(&[name, name], Treat::Well).await;
    }
    let (first, second) = (stage.replica(), stage.replica());
    stage.all_done_once(&names).await;
    stage.work_queue_is_empty().await;
    assert_eq!(stage.tally().await.len(), names.len());
    assert!(stage.tally().await.values().all(|times| *times == 1));
    first.stop().await;
    second.stop().await;
    stage.world.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_finishes_the_batch_and_hands_back_the_rest() {
    let stage = ServiceHarness::set("crash-stop").await;
    let names: Vec<String> = (0..300).map(|number| format!("n{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    stage.send(&names, Treat::Well).await;
    let first = stage.replica_with(1);
    until("something to be decided", PATIENCE, async || {
        if stage.tally().await.is_empty() { Err("nothing".to_owned()) } else { Ok(()) }
    })
    .await;
    first.stop().await;
    let answered = stage.tally().await.len();
    // What was moved is in the bulk queue.
    let left = stage.messages_in("share-dispatcher").await
        + stage.messages_in("share-dispatcher.bulk").await;
    assert_eq!(
        answered + left,
        names.len(),
        "what is not decided is in a queue again, and what is decided is not"
    );
    let second = stage.replica();
    stage.all_done_once(&names).await;
    second.stop().await;
    stage.world.remove().await;
}
