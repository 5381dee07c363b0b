//! The queue of an endpoint: who works on it, and where it stands.

use std::time::Duration;

use chrono::{DateTime, Utc};
use desk::log::Cursor;
use sqlx::{AssertSqlSafe, PgPool};
use uuid::Uuid;

use super::attempt::{self, AttemptRow};
use super::{SELECT, WebhookRow};
use crate::rules::webhook::Off;

/// Takes queues in which something is due, those that waited longest first, so many at most. They
/// are held by `lease` for so long, so that no replica works on them at the same time. Those that
/// fail are taken apart from those that do not.
///
/// # Errors
/// The database.
pub async fn claim(
    pool: &PgPool,
    (lease, lease_for): (Uuid, Duration),
    failing: bool,
    limit: i64,
) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar(
        "update webhook set lease = $1, leased_until = now() + make_interval(secs => $2)
         where id in (
             select w.id from webhook w join desk_account a on a.account = w.account
             where state = 'active' and due_at <= now() and leased_until < now()
                 and (failing_since is not null) = $3 and ended_at is null
                 and (w.position <> a.position or w.incarnation <> a.incarnation
                     or exists (select from webhook_resend r where r.webhook = w.id))
             order by due_at limit $4 for update of w skip locked)
         returning id",
    )
    .bind(lease)
    .bind(lease_for.as_secs_f64())
    .bind(failing)
    .bind(limit)
    .fetch_all(pool)
    .await
}

/// The webhook, if it is still held by `lease`.
///
/// # Errors
/// The database.
pub async fn leased(pool: &PgPool, id: Uuid, lease: Uuid) -> sqlx::Result<Option<WebhookRow>> {
    let statement = format!("{SELECT} where w.id = $1 and lease = $2 and state = 'active'");
    sqlx::query_as(AssertSqlSafe(statement)).bind(id).bind(lease).fetch_optional(pool).await
}

/// What is sent next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueueHead {
    /// What stands after the queue's place in the log.
    Log,
    /// The entry at this position, again.
    Resend(i64),
}

/// What is sent next: what was asked for again comes first.
///
/// # Errors
/// The database.
pub async fn head(pool: &PgPool, id: Uuid) -> sqlx::Result<QueueHead> {
    let position: Option<i64> =
        sqlx::query_scalar("select min(position) from webhook_resend where webhook = $1")
            .bind(id)
            .fetch_one(pool)
            .await?;
    Ok(position.map_or(QueueHead::Log, QueueHead::Resend))
}

/// Where a queue goes after an attempt.
#[derive(Clone, Copy, Debug)]
pub enum QueueStep {
    /// On, because it was taken.
    On,
    /// Nowhere; it is tried again after so long.
    Again(Duration),
    /// On, although it was not taken.
    GiveUp,
    /// Nowhere; the endpoint is switched off.
    Off(Off),
}

/// Keeps an attempt and where its queue goes; whether the queue is still held by `lease`, for so
/// long again. `entry` is the entry's place and what it said.
///
/// # Errors
/// The database.
pub async fn record(
    pool: &PgPool,
    webhook: &WebhookRow,
    (lease, lease_for): (Uuid, Duration),
    (head, entry): (QueueHead, (Cursor, &str)),
    (attempt, step): (&AttemptRow, QueueStep),
) -> sqlx::Result<bool> {
    let (place, body) = entry;
    let mut transaction = pool.begin().await?;
    let goes_on = matches!(step, QueueStep::On | QueueStep::GiveUp);
    let onward = (goes_on && head == QueueHead::Log).then_some(place);
    let again = if let QueueStep::Again(delay) = step { delay } else { Duration::ZERO };
    let off = if let QueueStep::Off(why) = step { Some(why.word()) } else { None };
    let is_held = sqlx::query(
        "update webhook set incarnation = coalesce($3, incarnation),
             position = coalesce($4, position),
             failures = case when $5 then 0 else failures + 1 end,
             failing_since = case when $6 then null else coalesce(failing_since, now()) end,
             due_at = now() + make_interval(secs => $7),
             state = case when $8::text is null then state else 'disabled' end,
             reason = coalesce($8, reason),
             leased_until = now() + make_interval(secs => $9)
         where id = $1 and lease = $2",
    )
    .bind(webhook.id)
    .bind(lease)
    .bind(onward.map(|place| place.incarnation))
    .bind(onward.map(|place| place.position))
    .bind(goes_on)
    .bind(matches!(step, QueueStep::On))
    .bind(again.as_secs_f64())
    .bind(off)
    .bind(lease_for.as_secs_f64())
    .execute(&mut *transaction)
    .await?
    .rows_affected()
        > 0;
    if is_held
        && goes_on
        && let QueueHead::Resend(position) = head
    {
        sqlx::query("delete from webhook_resend where webhook = $1 and position = $2")
            .bind(webhook.id)
            .bind(position)
            .execute(&mut *transaction)
            .await?;
    }
    attempt::insert(&mut transaction, webhook, Some((place.position, body)), attempt).await?;
    transaction.commit().await?;
    Ok(is_held)
}

/// Keeps an attempt that has no place in the queue.
///
/// # Errors
/// The database.
pub async fn record_test(
    pool: &PgPool,
    webhook: &WebhookRow,
    attempt: &AttemptRow,
) -> sqlx::Result<Option<AttemptRow>> {
    let mut connection = pool.acquire().await?;
    attempt::insert(&mut connection, webhook, None, attempt).await
}

/// Lets a queue go.
///
/// # Errors
/// The database.
pub async fn release(pool: &PgPool, id: Uuid, lease: Uuid) -> sqlx::Result<()> {
    sqlx::query(
        "update webhook set lease = null, leased_until = '-infinity' where id = $1 and lease = $2",
    )
    .bind(id)
    .bind(lease)
    .execute(pool)
    .await
    .map(drop)
}

/// Puts a queue at another place, and tries at once what comes after it. What is under way does not
/// move it any more.
///
/// # Errors
/// The database.
pub async fn move_to(pool: &PgPool, id: Uuid, place: Cursor) -> sqlx::Result<()> {
    sqlx::query(
        "update webhook set incarnation = $2, position = $3, failures = 0, due_at = now(),
             lease = null, leased_until = '-infinity'
         where id = $1",
    )
    .bind(id)
    .bind(place.incarnation)
    .bind(place.position)
    .execute(pool)
    .await
    .map(drop)
}

/// Takes an entry that is no longer kept out of what is sent again.
///
/// # Errors
/// The database.
pub async fn drop_resend(pool: &PgPool, id: Uuid, position: i64) -> sqlx::Result<()> {
    sqlx::query("delete from webhook_resend where webhook = $1 and position = $2")
        .bind(id)
        .bind(position)
        .execute(pool)
        .await
        .map(drop)
}

/// What is sent again.
#[derive(Clone, Copy, Debug)]
pub enum Resend<'a> {
    /// The delivery with this id.
    One(&'a str),
    /// All that was told since.
    Since(DateTime<Utc>),
    /// All that were given up and not taken since.
    Failed,
}

/// Queues what is to be sent again, as far as it is kept and the queue has passed it; how much that
/// was. Its head is tried at once.
///
/// # Errors
/// The database.
pub async fn resend(pool: &PgPool, webhook: &WebhookRow, wanted: Resend<'_>) -> sqlx::Result<u64> {
    let (id, since, failed) = match wanted {
        Resend::One(id) => (Some(id), None, false),
        Resend::Since(since) => (None, Some(since), false),
        Resend::Failed => (None, None, true),
    };
    let mut transaction = pool.begin().await?;
    let queued = sqlx::query(
        "insert into webhook_resend (webhook, position)
         select w.id, l.position from webhook w join desk_log l on l.account = w.account
         where w.id = $1 and l.position <= w.position
             and ($2::text is null or l.message_id = $2)
             and ($3::timestamptz is null or l.told_at >= $3)
             and (not $4 or exists (
                 select from webhook_attempt g where g.webhook = w.id and g.position = l.position
                     and g.outcome = 'given_up' and not exists (
                         select from webhook_attempt t where t.webhook = w.id
                             and t.position = l.position and t.id > g.id and t.outcome = 'taken')))
         on conflict do nothing",
    )
    .bind(webhook.id)
    .bind(id)
    .bind(since)
    .bind(failed)
    .execute(&mut *transaction)
    .await?
    .rows_affected();
    if queued > 0 {
        try_at_once(&mut transaction, webhook.id).await?;
    }
    transaction.commit().await?;
    Ok(queued)
}

/// Lets a queue's head be tried at once. Of one that fails, what is under way is taken no heed of.
///
/// # Errors
/// The database.
pub async fn try_at_once(connection: &mut sqlx::PgConnection, id: Uuid) -> sqlx::Result<()> {
    sqlx::query(
        "update webhook set failures = 0, due_at = now(),
             lease = case when failing_since is null then lease end,
             leased_until = case when failing_since is null then leased_until else '-infinity' end
         where id = $1",
    )
    .bind(id)
    .execute(connection)
    .await
    .map(drop)
}
