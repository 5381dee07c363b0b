//! How much lies in the tables and waits for somebody. Every replica tells the same numbers: take
//! the highest, not the sum.

use sqlx::PgPool;

use crate::park_reason::ParkReason;

/// More than so many deliveries that wait are not counted, nor more parked messages of one reason:
/// who has so many needs no exact figure, and counting them would cost the others.
const MOST: i64 = 100_000;

/// For how long the oldest delivery waits for a desk's queue.
pub(crate) fn oldest_undelivered(seconds: f64) {
    metrics::gauge!("deskmesh_undelivered_oldest_seconds").set(seconds.max(0.0));
}

/// Counts what waits for desks' queues, and what is parked, by reason; also a reason that nothing
/// is parked for any more.
pub(crate) async fn count(pool: &PgPool) -> sqlx::Result<()> {
    // In the order of an index, so that only it is read.
    let undelivered: i64 = sqlx::query_scalar(
        "select count(*) from (
           select account from undelivered order by account, first_failed_at limit $1
         ) as counted",
    )
    .bind(MOST)
    .fetch_one(pool)
    .await?;
    metrics::gauge!("deskmesh_undelivered").set(gauge(undelivered));
    let parked: Vec<(String, i64)> = sqlx::query_as(
        "select reason, counted.count from unnest($1::text[]) as reason (reason),
           lateral (
             select count(*) from (
               select parked_at from parked
               where state = 'parked' and parked.reason = reason.reason
               order by parked_at limit $2
             ) as open
           ) as counted",
    )
    .bind(ParkReason::ALL.map(ParkReason::code))
    .bind(MOST)
    .fetch_all(pool)
    .await?;
    for reason in ParkReason::ALL {
        let count =
            parked.iter().find(|(code, _)| code == reason.code()).map_or(0, |(_, count)| *count);
        metrics::gauge!("deskmesh_parked", "reason" => reason.code()).set(gauge(count));
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "a gauge")]
fn gauge(count: i64) -> f64 {
    count as f64
}
