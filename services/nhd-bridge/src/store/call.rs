//! Calls that are still to be made.

use std::time::Duration;

use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::rules::called::CallKind;

/// Calls of one agreement at the same time, at most.
const OF_AGREEMENT: i64 = 4;

/// A call that somebody holds.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct CallRow {
    /// Its place in the queue.
    pub id: i64,
    /// The agreement.
    pub agreement: String,
    /// The ticket's uuid; empty for what is about the agreement itself.
    pub ticket: String,
    /// What it is for.
    pub kind: String,
    /// The entry of the log that it is made from.
    pub position: Option<i64>,
    /// How often it failed.
    pub failures: i32,
    /// Whether somebody began it before, whatever came of it.
    pub was_begun: bool,
}

impl CallRow {
    /// What it is for.
    ///
    /// # Errors
    /// The row holds no kind of call.
    pub fn kind(&self) -> sqlx::Result<CallKind> {
        CallKind::of_word(&self.kind)
            .ok_or_else(|| sqlx::Error::Decode(format!("{} is no kind of call", self.kind).into()))
    }
}

/// Puts a call at the end of its queue.
///
/// # Errors
/// The database.
pub async fn enqueue(
    connection: &mut PgConnection,
    agreement: &str,
    ticket: &str,
    kind: CallKind,
    position: Option<i64>,
) -> sqlx::Result<()> {
    sqlx::query("insert into call (agreement, ticket, kind, position) values ($1, $2, $3, $4)")
        .bind(agreement)
        .bind(ticket)
        .bind(kind.word())
        .bind(position)
        .execute(connection)
        .await
        .map(drop)
}

/// Takes calls that are due and the first of their queues, for so long: of agreements whose
/// last call failed, or of the others.
///
/// # Errors
/// The database.
pub async fn claim(
    pool: &PgPool,
    (lease, held): (Uuid, Duration),
    failing: bool,
    limit: i64,
) -> sqlx::Result<Vec<CallRow>> {
    sqlx::query_as(
        "with due as (
             select call.id, call.agreement, row_number() over (
                 partition by call.agreement order by call.due_at, call.id) as place
             from call join agreement on agreement.id = call.agreement
             where call.due_at <= now() and call.leased_until < now()
                 and agreement.paused_at is null and (agreement.failures > 0) = $3
                 and (call.ticket = ''
                     or (agreement.status = 'accepted' and agreement.proof = 'proven'))
                 and not exists (
                     select from call earlier where earlier.agreement = call.agreement
                         and earlier.ticket = call.ticket and earlier.id < call.id)
         ), taken as (
             select call.id, call.begun from call join due using (id)
             where due.place + (
                 select count(*) from call busy
                 where busy.agreement = due.agreement and busy.leased_until >= now()) <= $4
             order by call.due_at, call.id limit $5 for update of call skip locked
         )
         update call set begun = true, lease = $1,
             leased_until = now() + make_interval(secs => $2)
         from taken where call.id = taken.id and call.leased_until < now()
         returning call.id, call.agreement, call.ticket, call.kind, call.position, call.failures,
             taken.begun as was_begun",
    )
    .bind(lease)
    .bind(held.as_secs_f64())
    .bind(failing)
    .bind(OF_AGREEMENT)
    .bind(limit)
    .fetch_all(pool)
    .await
}

/// Whether a call is still held by this lease; it is locked then.
///
/// # Errors
/// The database.
pub async fn is_held(connection: &mut PgConnection, id: i64, lease: Uuid) -> sqlx::Result<bool> {
    let row: Option<i64> =
        sqlx::query_scalar("select id from call where id = $1 and lease = $2 for update")
            .bind(id)
            .bind(lease)
            .fetch_optional(connection)
            .await?;
    Ok(row.is_some())
}

/// It is made, or not to be made any more.
///
/// # Errors
/// The database.
pub async fn done(connection: &mut PgConnection, id: i64) -> sqlx::Result<()> {
    sqlx::query("delete from call where id = $1").bind(id).execute(connection).await.map(drop)
}

/// It is to be made again after this time.
///
/// # Errors
/// The database.
pub async fn again(connection: &mut PgConnection, id: i64, after: Duration) -> sqlx::Result<()> {
    sqlx::query(
        "update call set failures = failures + 1, lease = null, leased_until = '-infinity',
             due_at = now() + make_interval(secs => $2) where id = $1",
    )
    .bind(id)
    .bind(after.as_secs_f64())
    .execute(connection)
    .await
    .map(drop)
}

/// Lets a call go of which nothing is known, if this lease still holds it: it is due when this time
/// is over, and did not fail.
///
/// # Errors
/// The database.
pub async fn release(pool: &PgPool, id: i64, lease: Uuid, after: Duration) -> sqlx::Result<()> {
    sqlx::query(
        "update call set lease = null, leased_until = '-infinity',
             due_at = greatest(due_at, now() + make_interval(secs => $3))
         where id = $1 and lease = $2",
    )
    .bind(id)
    .bind(lease)
    .bind(after.as_secs_f64())
    .execute(pool)
    .await
    .map(drop)
}

/// What waits for a ticket, or for all tickets of an agreement, is not called any more.
///
/// # Errors
/// The database.
pub async fn drop_tickets(
    connection: &mut PgConnection,
    agreement: &str,
    ticket: Option<&str>,
) -> sqlx::Result<()> {
    sqlx::query(
        "delete from call where agreement = $1 and ticket <> '' \
         and ($2::text is null or ticket = $2)",
    )
    .bind(agreement)
    .bind(ticket)
    .execute(connection)
    .await
    .map(drop)
}

/// The entry of an account's log that a call is made from, if it is still kept: type and body.
///
/// # Errors
/// The database.
pub async fn entry(
    pool: &PgPool,
    account: &str,
    position: i64,
) -> sqlx::Result<Option<(String, String)>> {
    sqlx::query_as("select type, body from desk_log where account = $1 and position = $2")
        .bind(account)
        .bind(position)
        .fetch_optional(pool)
        .await
}
