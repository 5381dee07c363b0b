//! How partners do: what was called and what came of it, and what the operator does about it.

use contracts::Timestamp;
use desk::calls::{CallHealth, PausedBy};
use serde::Serialize;
use sqlx::types::chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgExecutor, PgPool};

use crate::rules::failure;

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
        "insert into attempt (agreement, account, position, ticket, kind, duration_ms, outcome,
             status, reason, answer)
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

/// Calls nothing of an agreement; whether there is such an agreement. What the operator paused is
/// the operator's.
///
/// # Errors
/// The database.
pub async fn pause(pool: &PgPool, agreement: &str, by: PausedBy) -> sqlx::Result<bool> {
    let done = sqlx::query(
        "update agreement set paused_at = coalesce(paused_at, now()),
             paused_by = case when paused_at is null or $2 = 'operator' then $2 else paused_by end
         where id = $1",
    )
    .bind(agreement)
    .bind(word(by))
    .execute(pool)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Goes on with an agreement; whether there is one that this may let go on.
///
/// # Errors
/// The database.
pub async fn resume(pool: &PgPool, agreement: &str, by: PausedBy) -> sqlx::Result<bool> {
    let done = sqlx::query(
        "update agreement set paused_at = null, paused_by = null
         where id = $1 and ($2 = 'operator' or paused_by = $2)",
    )
    .bind(agreement)
    .bind(word(by))
    .execute(pool)
    .await?;
    Ok(done.rows_affected() > 0)
}

const fn word(by: PausedBy) -> &'static str {
    match by {
        PausedBy::Account => "account",
        PausedBy::Operator => "operator",
    }
}

/// Makes all that waits due at once, with all its tries before it; how many calls that are.
///
/// # Errors
/// The database.
pub async fn retry(database: impl PgExecutor<'_>, agreement: &str) -> sqlx::Result<u64> {
    let done = sqlx::query(
        "update call set due_at = now(), failures = 0
         where agreement = $1 and due_at > now()",
    )
    .bind(agreement)
    .execute(database)
    .await?;
    Ok(done.rows_affected())
}

/// How calls go, as the pages of the account of this address show it.
///
/// # Errors
/// The database.
pub async fn of_agreement(
    pool: &PgPool,
    home: &str,
    agreement: &str,
) -> sqlx::Result<Option<CallHealth>> {
    let row: Option<CallsRow> = sqlx::query_as(
        "select last_success_at, last_failure_at, last_failure, failures, waiting, next_at, answer,
             case when paused_at is not null then coalesce(paused_by, 'operator') end as paused_by
         from agreement cross join lateral (
             select count(*) as waiting, min(due_at) as next_at from call
             where call.agreement = agreement.id) calls
         left join lateral (
             select answer from attempt
             where attempt.agreement = agreement.id and outcome <> 'taken' and kind <> 'received'
             order by attempt.id desc limit 1) failed on true
         where agreement.id = $1 and home = $2",
    )
    .bind(agreement)
    .bind(home)
    .fetch_optional(pool)
    .await?;
    Ok(row.map(CallsRow::health))
}

#[derive(sqlx::FromRow)]
struct CallsRow {
    last_success_at: Option<DateTime<Utc>>,
    last_failure_at: Option<DateTime<Utc>>,
    last_failure: Option<String>,
    failures: i32,
    waiting: i64,
    next_at: Option<DateTime<Utc>>,
    answer: Option<String>,
    paused_by: Option<String>,
}

impl CallsRow {
    fn health(self) -> CallHealth {
        let failed = self.last_failure_at.zip(self.last_failure);
        CallHealth {
            last_success_at: self.last_success_at.map(Timestamp::from),
            last_failure: failed
                .map(|(at, detail)| failure::of_detail(at.into(), detail, self.answer)),
            failures: self.failures,
            waiting: self.waiting,
            next_at: self.next_at.map(Timestamp::from),
            paused_by: self.paused_by.map(|by| match by.as_str() {
                "account" => PausedBy::Account,
                _ => PausedBy::Operator,
            }),
        }
    }
}
