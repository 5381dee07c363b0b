//! How partners do: what was called and what came of it, and what the operator does about it.

use serde::Serialize;
use sqlx::types::chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgExecutor, PgPool};

/// An attempt, to be kept.
#[derive(Clone, Debug, Default)]
pub struct NewAttempt<'a> {
    pub agreement: &'a str,
    pub account: &'a str,
    pub position: Option<i64>,
    pub ticket: &'a str,
    pub kind: &'a str,
    pub duration_ms: i32,
    pub outcome: &'a str,
    pub status: Option<i32>,
    pub reason: Option<&'a str>,
    pub answer: Option<&'a str>,
}

/// Keeps an attempt.
///
/// # Errors
/// The database.
pub async fn attempt(connection: &mut PgConnection, new: &NewAttempt<'_>) -> sqlx::Result<()> {
    sqlx::query(
        "insert into attempt (agreement, account, position, ticket, kind, duration_ms, outcome, status,
             reason, answer)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind(new.agreement)
    .bind(new.account)
    .bind(new.position)
    .bind(new.ticket)
    .bind(new.kind)
    .bind(new.duration_ms)
    .bind(new.outcome)
    .bind(new.status)
    .bind(new.reason)
    .bind(new.answer)
    .execute(connection)
    .await
    .map(drop)
}

/// A call was taken, as this media type.
///
/// # Errors
/// The database.
pub async fn succeeded(
    connection: &mut PgConnection,
    agreement: &str,
    media: Option<&str>,
) -> sqlx::Result<()> {
    sqlx::query(
        "update agreement set last_success_at = now(), failures = 0, media = coalesce($2, media)
         where id = $1",
    )
    .bind(agreement)
    .bind(media)
    .execute(connection)
    .await
    .map(drop)
}

/// A call was not taken. `again`: it is the partner's trouble, not the call's.
///
/// # Errors
/// The database.
pub async fn failed(
    connection: &mut PgConnection,
    agreement: &str,
    why: &str,
    again: bool,
) -> sqlx::Result<()> {
    sqlx::query(
        "update agreement set last_failure_at = now(), last_failure = $2,
             failures = failures + case when $3 then 1 else 0 end where id = $1",
    )
    .bind(agreement)
    .bind(why)
    .bind(again)
    .execute(connection)
    .await
    .map(drop)
}

/// An agreement as the operator sees it.
#[derive(Clone, Debug, Serialize, sqlx::FromRow)]
pub struct HealthRow {
    pub id: String,
    pub account: String,
    pub home: String,
    pub uuid: String,
    pub partner_is: String,
    pub partner_url: String,
    pub name: Option<String>,
    pub status: String,
    pub proof: String,
    pub last_success_at: Option<DateTime<Utc>>,
    pub last_failure_at: Option<DateTime<Utc>>,
    pub last_failure: Option<String>,
    pub failures: i32,
    pub paused_at: Option<DateTime<Utc>>,
    /// Calls that wait, and when the next of them is due.
    pub waiting: i64,
    pub next_at: Option<DateTime<Utc>>,
}

/// Agreements after `after`, in the order of their ids.
///
/// # Errors
/// The database.
pub async fn list(pool: &PgPool, after: &str, limit: i64) -> sqlx::Result<Vec<HealthRow>> {
    sqlx::query_as(
        "select id, account, home, uuid, partner_is, partner_url, name, status, proof,
             last_success_at, last_failure_at, last_failure, failures, paused_at, waiting, next_at
         from agreement, lateral (
             select count(*) as waiting, min(due_at) as next_at from call
             where call.agreement = agreement.id) calls
         where id > $1 order by id limit $2",
    )
    .bind(after)
    .bind(limit)
    .fetch_all(pool)
    .await
}

/// An attempt as the operator sees it.
#[derive(Clone, Debug, Serialize, sqlx::FromRow)]
pub struct AttemptSeen {
    pub ticket: String,
    pub kind: String,
    pub at: DateTime<Utc>,
    pub duration_ms: i32,
    pub outcome: String,
    pub status: Option<i32>,
    pub reason: Option<String>,
    pub answer: Option<String>,
}

/// The newest attempts of an agreement.
///
/// # Errors
/// The database.
pub async fn attempts(
    pool: &PgPool,
    agreement: &str,
    limit: i64,
) -> sqlx::Result<Vec<AttemptSeen>> {
    sqlx::query_as(
        "select ticket, kind, at, duration_ms, outcome, status, reason, answer from attempt
         where agreement = $1 order by id desc limit $2",
    )
    .bind(agreement)
    .bind(limit)
    .fetch_all(pool)
    .await
}

/// Calls nothing of an agreement, or goes on; whether there is such an agreement.
///
/// # Errors
/// The database.
pub async fn pause(pool: &PgPool, agreement: &str, paused: bool) -> sqlx::Result<bool> {
    let done = sqlx::query(
        "update agreement set paused_at = case when $2 then coalesce(paused_at, now()) end
         where id = $1",
    )
    .bind(agreement)
    .bind(paused)
    .execute(pool)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Makes all that waits due at once; how many calls that are.
///
/// # Errors
/// The database.
pub async fn retry(database: impl PgExecutor<'_>, agreement: &str) -> sqlx::Result<u64> {
    let done =
        sqlx::query("update call set due_at = now() where agreement = $1 and due_at > now()")
            .bind(agreement)
            .execute(database)
            .await?;
    Ok(done.rows_affected())
}
