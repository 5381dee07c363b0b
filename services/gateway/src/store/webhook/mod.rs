//! Webhooks: endpoints, their queues and what was tried.

mod attempt;
mod queue;
pub mod traced;

use chrono::{DateTime, Utc};
use desk::log::Cursor;
use sqlx::{AssertSqlSafe, PgPool};
use uuid::Uuid;

pub use attempt::{AttemptRow, attempts};
pub use queue::{
    QueueHead, QueueStep, Resend, claim, drop_resend, head, leased, move_to, record, record_test,
    release, resend, try_at_once,
};

use crate::rules::webhook::SigningSecret;

/// An endpoint with its queue.
#[derive(sqlx::FromRow)]
pub struct WebhookRow {
    /// Its name.
    pub id: Uuid,
    /// Whose it is.
    pub account: String,
    /// What is called.
    pub url: String,
    /// What the account calls it.
    pub description: String,
    /// Whether payloads are sent.
    pub payload: bool,
    secret: Vec<u8>,
    old_secret: Option<Vec<u8>>,
    /// Until when the secret before is used too.
    pub old_secret_until: Option<DateTime<Utc>>,
    /// `active` or `disabled`.
    pub state: String,
    /// Why it is disabled.
    pub reason: Option<String>,
    incarnation: Uuid,
    position: i64,
    /// Failures of the delivery that is next.
    pub failures: i32,
    /// Since when nothing was taken.
    pub failing_since: Option<DateTime<Utc>>,
    /// Not before this time is it called.
    pub due_at: DateTime<Utc>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// How many deliveries wait.
    pub waiting: i64,
}

impl WebhookRow {
    /// Where in the log it stands.
    #[must_use]
    pub fn cursor(&self) -> Cursor {
        Cursor { incarnation: self.incarnation, position: self.position }
    }

    /// What it is signed with now, the newest first.
    #[must_use]
    pub fn secrets(&self, now: DateTime<Utc>) -> Vec<SigningSecret> {
        let old = self.old_secret.as_ref().filter(|_| self.old_secret_until > Some(now));
        [Some(&self.secret), old].into_iter().flatten().cloned().map(SigningSecret::of).collect()
    }
}

const SELECT: &str = "select w.id, w.account, url, description, payload, secret, old_secret,
         old_secret_until, state, reason, w.incarnation, w.position, failures, failing_since,
         due_at, w.created_at, greatest(a.position - w.position, 0)
             + (select count(*) from webhook_resend r where r.webhook = w.id) as waiting
     from webhook w join desk_account a on a.account = w.account";

/// A webhook to be made.
#[derive(Clone, Copy, Debug)]
pub struct New<'a> {
    /// Its name.
    pub id: Uuid,
    /// Whose it is.
    pub account: &'a str,
    /// What is called.
    pub url: &'a str,
    /// What the account calls it.
    pub description: &'a str,
    /// Whether payloads are sent.
    pub payload: bool,
    /// What is sent comes after it.
    pub after: Cursor,
}

/// Keeps a new webhook, unless the account has `most` already; whether it did.
///
/// # Errors
/// The database.
pub async fn insert(
    pool: &PgPool,
    new: New<'_>,
    secret: &SigningSecret,
    most: i64,
) -> sqlx::Result<bool> {
    let done = sqlx::query(
        "insert into webhook
             (id, account, url, description, payload, secret, incarnation, position)
         select $1, $2, $3, $4, $5, $6, $7, $8
         where (select count(*) from webhook where account = $2) < $9",
    )
    .bind(new.id)
    .bind(new.account)
    .bind(new.url)
    .bind(new.description)
    .bind(new.payload)
    .bind(secret.bytes())
    .bind(new.after.incarnation)
    .bind(new.after.position)
    .bind(most)
    .execute(pool)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// The webhooks of an account, the oldest first.
///
/// # Errors
/// The database.
pub async fn of_account(pool: &PgPool, account: &str) -> sqlx::Result<Vec<WebhookRow>> {
    let statement = format!("{SELECT} where w.account = $1 order by w.created_at, w.id");
    sqlx::query_as(AssertSqlSafe(statement)).bind(account).fetch_all(pool).await
}

/// A webhook of an account.
///
/// # Errors
/// The database.
pub async fn find(pool: &PgPool, account: &str, id: Uuid) -> sqlx::Result<Option<WebhookRow>> {
    let statement = format!("{SELECT} where w.account = $1 and w.id = $2");
    sqlx::query_as(AssertSqlSafe(statement)).bind(account).bind(id).fetch_optional(pool).await
}

/// What is changed; what is nothing stays.
#[derive(Clone, Copy, Debug, Default)]
pub struct WebhookChange<'a> {
    /// What is called.
    pub url: Option<&'a str>,
    /// What the account calls it.
    pub description: Option<&'a str>,
    /// Whether payloads are sent.
    pub payload: Option<bool>,
    /// Whether it is on. One that is switched on begins anew: its next delivery is tried at once.
    pub active: Option<bool>,
}

/// Changes a webhook.
///
/// # Errors
/// The database.
pub async fn change(pool: &PgPool, id: Uuid, change: WebhookChange<'_>) -> sqlx::Result<()> {
    sqlx::query(
        "update webhook set url = coalesce($2, url), description = coalesce($3, description),
             payload = coalesce($4, payload),
             state = case $5 when true then 'active' when false then 'disabled' else state end,
             reason = case $5 when true then null when false then 'by_account' else reason end,
             failures = case when $5 then 0 else failures end,
             failing_since = case when $5 then null else failing_since end,
             due_at = case when $5 then now() else due_at end,
             lease = case when $5 is null then lease end,
             leased_until = case when $5 is null then leased_until else '-infinity' end
         where id = $1",
    )
    .bind(id)
    .bind(change.url)
    .bind(change.description)
    .bind(change.payload)
    .bind(change.active)
    .execute(pool)
    .await
    .map(drop)
}

/// Gives a webhook another secret; the one before is used too for so many seconds.
///
/// # Errors
/// The database.
pub async fn rotate(
    pool: &PgPool,
    id: Uuid,
    secret: &SigningSecret,
    overlap_seconds: u32,
) -> sqlx::Result<()> {
    sqlx::query(
        "update webhook set old_secret = secret, secret = $2,
             old_secret_until = now() + make_interval(secs => $3)
         where id = $1",
    )
    .bind(id)
    .bind(secret.bytes())
    .bind(f64::from(overlap_seconds))
    .execute(pool)
    .await
    .map(drop)
}

/// Deletes a webhook with all that is kept of it; whether there was one.
///
/// # Errors
/// The database.
pub async fn delete(pool: &PgPool, account: &str, id: Uuid) -> sqlx::Result<bool> {
    let done = sqlx::query("delete from webhook where id = $1 and account = $2")
        .bind(id)
        .bind(account)
        .execute(pool)
        .await?;
    Ok(done.rows_affected() > 0)
}
