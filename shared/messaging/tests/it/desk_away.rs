//! A dead desk costs the others nothing (H6): one delivery is tried, and the rest waits until it is
//! taken.

use std::time::Duration;

use testkit::until;

use crate::harness::ServiceHarness;
use crate::tally::Treat;

const MINUTE: Duration = Duration::from_mins(1);
const WAITING: &str = "select count(*) from undelivered";

#[tokio::test(flavor = "multi_thread")]
async fn h6_a_desk_that_is_away_is_probed_with_one_delivery() {
    let stage = ServiceHarness::set("away-probe").await;
    let replica = stage.replica();
    stage.desk_queue_is_bound(false).await;
    let names: Vec<String> = (0..30).map(|number| format!("n{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    stage.send(&names, Treat::Well).await;
    stage.counts("all receipts to wait", WAITING, 30).await;
    stage.counts("three probes", "select least(failures, 4)::bigint from desk_away", 4).await;
    let (tried, most): (i64, i32) = sqlx::query_as(
        "select count(*) filter (where attempts > 0), max(attempts) from undelivered",
    )
    .fetch_one(&stage.pool)
    .await
    .expect("rows");
    assert_eq!(tried, 1, "only the oldest was tried again");
    assert!(most >= 3, "and that each time, not {most} times");
    stage.desk_queue_is_bound(true).await;
    stage.all_done_once(&names).await;
    stage.counts("nothing to wait", WAITING, 0).await;
    stage.counts("nobody to be away", "select count(*) from desk_away", 0).await;
    replica.stop().await;
    stage.world.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn h6_for_a_desk_that_is_away_nothing_is_published() {
    let stage = ServiceHarness::set("away-silent").await;
    let replica = stage.replica();
    stage.desk_queue_is_bound(false).await;
    stage.send(&["a"], Treat::Well).await;
    stage.counts("the receipt to wait", WAITING, 1).await;
    stage.next_probe("1 hour").await;
    // Its queue would take everything from here on.
    stage.desk_queue_is_bound(true).await;
    stage.send(&["b", "c"], Treat::Well).await;
    stage.counts("theirs to wait as well", WAITING, 3).await;
    assert!(stage.desk.deliveries().is_empty(), "nothing was published");
    stage.next_probe("0").await;
    stage.all_done_once(&["a", "b", "c"]).await;
    replica.stop().await;
    stage.world.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn h6_a_desk_that_is_back_is_served_while_more_comes_for_it() {
    let stage = ServiceHarness::set("away-back").await;
    let replica = stage.replica();
    stage.desk_queue_is_bound(false).await;
    stage.send(&["a"], Treat::Well).await;
    stage.counts("the receipt to wait", WAITING, 1).await;
    stage.desk_queue_is_bound(true).await;
    let mut sent = vec!["a".to_owned()];
    until("nothing to wait while more comes", MINUTE, async || {
        // Several between two looks at who is away.
        for _ in 0..5 {
            let name = format!("n{}", sent.len());
            stage.send(&[&name], Treat::Well).await;
            sent.push(name);
        }
        let (away, waiting): (i64, i64) = sqlx::query_as(
            "select (select count(*) from desk_away), (select count(*) from undelivered)",
        )
        .fetch_one(&stage.pool)
        .await
        .map_err(|error| error.to_string())?;
        let count = sent.len();
        if (away, waiting) == (0, 0) && count > 50 {
            Ok(())
        } else {
            Err(format!("{away} away, {waiting} waiting, {count} sent"))
        }
    })
    .await;
    let sent: Vec<&str> = sent.iter().map(String::as_str).collect();
    stage.all_done_once(&sent).await;
    replica.stop().await;
    stage.world.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn h6_a_row_that_does_not_read_is_parked_and_keeps_nothing_back() {
    let stage = ServiceHarness::set("away-bad-row").await;
    stage.desk_queue_is_bound(false).await;
    let replica = stage.replica();
    stage.send(&["a"], Treat::Well).await;
    stage.counts("the receipt to wait", WAITING, 1).await;
    sqlx::query(
        "insert into undelivered (id, account, output, reason, first_failed_at, next_attempt_at, \
         attempts) values (gen_random_uuid(), 'acme', '{\"id\": 7}', 'queue_missing_or_full', \
         now() - interval '1 day', now(), 0)",
    )
    .execute(&stage.pool)
    .await
    .expect("the row is taken");
    stage.desk_queue_is_bound(true).await;
    stage.all_done_once(&["a"]).await;
    stage
        .counts(
            "it to be parked",
            "select count(*) from parked where reason = 'undecodable' and queue = 'undelivered'",
            1,
        )
        .await;
    stage.counts("nothing to wait", WAITING, 0).await;
    replica.stop().await;
    stage.world.remove().await;
}
