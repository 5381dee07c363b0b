//! A broker is lost with what was in it, and comes back empty.

use contracts::Timestamp;
use contracts::topology::Service;
use messaging::replay::{self, ReplayOutcome, Span};
use testkit::desk::{PATIENCE, clock};
use testkit::until;
use tokio_util::sync::CancellationToken;

use crate::harness::ServiceHarness;
use crate::next::Next;
use crate::tally::Treat;

async fn replay_since(stage: &ServiceHarness, since: Timestamp) -> ReplayOutcome {
    let span = Span { since, until: clock().plus_seconds(60) };
    let plan = replay::plan(&stage.pool, span).await.expect("a plan");
    assert_eq!((plan.messages(), plan.outputs()), (5, 10));
    let (sending, never) = (stage.sending(), CancellationToken::new());
    let outcome =
        replay::carry_out(&stage.pool, Service::ShareDispatcher, &plan, &sending, &never, |_| {})
            .await;
    let outcome = outcome.expect("the broker lets it in");
    assert!(outcome.fault.is_none() && outcome.go_on_since.is_none(), "{outcome:?}");
    outcome
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_lost_broker_held_comes_again_and_is_decided_once() {
    let stage = ServiceHarness::set("replay-since").await;
    stage.next_service_is_away().await;
    let pool = stage.world.pool(Service::CommentSync, messaging::migrations()).await;
    sqlx::query("create table heard (what text primary key, times integer not null)")
        .execute(&pool)
        .await
        .expect("the table is made");
    let heard = async |expected: &[&str]| {
        until("all to be heard", PATIENCE, async || {
            let heard: Vec<(String, i32)> =
                sqlx::query_as("select what, times from heard order by what")
                    .fetch_all(&pool)
                    .await
                    .map_err(|error| error.to_string())?;
            let once: Vec<(String, i32)> =
                expected.iter().map(|what| ((*what).to_owned(), 1)).collect();
            if heard == once { Ok(()) } else { Err(format!("{heard:?}")) }
        })
        .await;
    };
    let since = clock().plus_seconds(-60);
    let replica = stage.replica();
    let next = stage.replica_of(Next, &pool, 2, std::time::Duration::from_hours(1));
    stage.send(&["a", "b", "c"], Treat::Well).await;
    heard(&["a", "b", "c"]).await;
    next.stop().await;
    stage.send(&["d", "e"], Treat::Well).await;
    for name in ["a", "b", "c", "d", "e"] {
        stage.desk.receipt(name).await;
    }
    assert_eq!(stage.messages_in("comment-sync").await, 2);
    stage.delete_queue("comment-sync").await;
    stage.install_topology().await;
    assert_eq!(stage.messages_in("comment-sync").await, 0, "they are lost");

    assert_eq!(replay_since(&stage, since).await.sent, 10);
    let next = stage.replica_of(Next, &pool, 2, std::time::Duration::from_hours(1));
    heard(&["a", "b", "c", "d", "e"]).await;
    until("all receipts again", PATIENCE, async || match stage.desk.repeated_and_unreadable() {
        (5, _) => Ok(()),
        (repeated, _) => Err(format!("{repeated} repeated")),
    })
    .await;
    assert_eq!(stage.desk.deliveries().len(), 5, "the desk knows each by its id");
    let audit = messaging::parked::audit(&stage.pool, None).await.expect("rows");
    assert!(
        matches!(audit.as_slice(),
            [line] if line.action == "journal_replayed" && line.by == "anna"),
        "{audit:?}"
    );

    // Deliveries that no desk's queue takes wait for it.
    stage.desk_queue_is_bound(false).await;
    assert_eq!(replay_since(&stage, since).await.undelivered, 5);
    next.stop().await;
    replica.stop().await;
    heard(&["a", "b", "c", "d", "e"]).await;
    stage.world.remove().await;
}
