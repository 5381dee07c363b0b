//! How much lies in the tables and waits for somebody. Every replica tells the same numbers: take
//! the highest, not the sum.

use sqlx::PgPool;

use crate::park_reason::ParkReason;

/// Counts what waits for desks' queues, and what is parked, by reason; also a reason that nothing
/// is parked for any more.
pub(crate) async fn set(pool: &PgPool) -> sqlx::Result<()> {
    let (undelivered, oldest): (i64, Option<f64>) = sqlx::query_as(
        "select count(*), extract(epoch from clock_timestamp() - \
            min(first_failed_at))::float8 from undelivered",
    )
    .fetch_one(pool)
    .await?;
    metrics::gauge!("deskmesh_undelivered").set(gauge(undelivered));
    metrics::gauge!("deskmesh_undelivered_oldest_seconds").set(oldest.unwrap_or_default().max(0.0));
    let parked: Vec<(String, i64)> = sqlx::query_as(
        "select reason, count(*) from parked where state = 'parked' group by reason",
    )
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
