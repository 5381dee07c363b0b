//! What is parked and what was done about it, in few lines: for who looks before they act.

use contracts::Timestamp;
use serde::Serialize;
use sqlx::{FromRow, PgPool};

/// Actions that are told, at most.
const ACTIONS: i64 = 50;

/// Parked messages of one reason, type and account.
#[derive(Clone, Debug, Serialize, FromRow)]
pub struct ParkedGroup {
    /// Why they were parked.
    pub reason: String,
    /// Their AMQP `type`.
    pub message_type: Option<String>,
    /// Whose they are.
    pub account: Option<String>,
    /// How many.
    pub count: i64,
    /// How many of them were parked more than once: after a replay.
    pub again: i64,
    /// When the one was parked that lies there longest.
    #[sqlx(try_from = "chrono::DateTime<chrono::Utc>")]
    pub oldest: Timestamp,
    /// When the newest was parked.
    #[sqlx(try_from = "chrono::DateTime<chrono::Utc>")]
    pub newest: Timestamp,
}

/// What somebody did within an hour, for the same reason.
#[derive(Clone, Debug, Serialize, FromRow)]
pub struct RecentAction {
    /// When it was done, for the last time.
    #[sqlx(try_from = "chrono::DateTime<chrono::Utc>")]
    pub at: Timestamp,
    /// Who did it.
    pub by: String,
    /// `replayed`, `discarded` or `journal_replayed`.
    pub action: String,
    /// An operator's reason for a discard, or what of the journal was replayed.
    pub because: Option<String>,
    /// To how many messages.
    pub count: i64,
}

/// Counts what is parked by reason, type and account, the largest groups first.
///
/// # Errors
/// What the database says.
pub async fn groups(pool: &PgPool) -> sqlx::Result<Vec<ParkedGroup>> {
    let query = "select reason, message_type, account, count(*) as count, \
        count(*) filter (where times > 1) as again, min(parked_at) as oldest, \
        max(parked_at) as newest from parked where state = 'parked' \
        group by reason, message_type, account order by count desc, reason, message_type, account";
    sqlx::query_as(query).fetch_all(pool).await
}

/// Returns what people did of late, newest first, fifty lines at most.
///
/// # Errors
/// What the database says.
pub async fn recent(pool: &PgPool) -> sqlx::Result<Vec<RecentAction>> {
    let query = "select max(at) as at, by, action, because, count(*) as count from parked_audit \
        where action <> 'parked' group by by, action, because, date_trunc('hour', at) \
        order by at desc limit $1";
    sqlx::query_as(query).bind(ACTIONS).fetch_all(pool).await
}
