//! A database that is slow makes progress (H3): less is asked at once, what is slow alone is set
//! aside, and nothing is while nobody passes.

use std::time::Duration;

use crate::harness::ServiceHarness;
use crate::tally::Treat;

const LIMIT: Duration = Duration::from_secs(1);

#[tokio::test(flavor = "multi_thread")]
async fn h3_what_is_slow_alone_is_set_aside_and_the_others_go_on() {
    let stage = ServiceHarness::set("slow-alone").await;
    stage.send(&["a", "b"], Treat::Well).await;
    stage.send(&["hangs"], Treat::Hang).await;
    stage.send(&["c", "d"], Treat::Well).await;
    let replica = stage.replica_waiting(LIMIT);
    stage.all_done_once(&["a", "b", "c", "d"]).await;
    stage.counts("one to be parked", "select count(*) from parked", 1).await;
    assert_eq!(stage.parked().await, [("too_slow".to_owned(), "hangs".to_owned())]);
    stage.work_queue_is_empty().await;
    replica.stop().await;
    stage.world.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn h3_while_a_lock_lets_nobody_pass_nothing_is_set_aside() {
    let stage = ServiceHarness::set("slow-lock").await;
    let mut lock = stage.pool.begin().await.expect("a transaction");
    sqlx::query("lock table tally in access exclusive mode")
        .execute(&mut *lock)
        .await
        .expect("the lock");
    stage.send(&["a", "b"], Treat::Well).await;
    let replica = stage.replica_waiting(LIMIT);
    // Each attempt that was given up still waits at the server.
    stage
        .counts(
            "eight attempts to wait for the lock",
            "select least(count(*), 8) from pg_stat_activity where usename = current_user and \
             wait_event_type = 'Lock'",
            8,
        )
        .await;
    lock.rollback().await.expect("the lock goes");
    stage.all_done_once(&["a", "b"]).await;
    assert_eq!(stage.parked().await, []);
    replica.stop().await;
    stage.world.remove().await;
}
