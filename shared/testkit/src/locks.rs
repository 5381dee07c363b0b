//! Decisions made to meet.

use sqlx::{PgPool, Postgres, Transaction};

use crate::desk::PATIENCE;
use crate::wait::until;

/// Takes a lock on a service's tables: whoever wants what it keeps back waits.
///
/// # Panics
/// When the database refuses.
pub async fn hold(pool: &PgPool, lock: &'static str) -> Transaction<'static, Postgres> {
    let mut held = pool.begin().await.expect("a transaction");
    sqlx::query(lock).execute(&mut *held).await.expect("the lock");
    held
}

/// Waits until several slots are in the middle of a decision, and lets them go at the same moment.
///
/// # Panics
/// When they do not come to that.
pub async fn release(pool: &PgPool, held: Transaction<'static, Postgres>) {
    until("decisions that wait for each other", PATIENCE, async || {
        let query = "select count(*) from pg_stat_activity where usename = current_user and \
            wait_event_type = 'Lock'";
        let waiting: i64 =
            sqlx::query_scalar(query).fetch_one(pool).await.map_err(|error| error.to_string())?;
        if waiting >= 2 { Ok(()) } else { Err(format!("{waiting}")) }
    })
    .await;
    held.rollback().await.expect("the lock goes");
}
