//! Table `notice`, as the mail loop empties it.

use std::time::Duration;

use chrono::{DateTime, Utc};
use contracts::Timestamp;
use mail::{Connection, MailOutcome, MailTable, Outage, QueuedMail, TryOutcome};
use serde_json::Value;
use sqlx::PgPool;
use uuid::Uuid;

use crate::delivery::Mailer;

/// A mail that is due.
#[derive(Clone, Debug)]
pub struct Due {
    /// Its row.
    pub id: Uuid,
    /// The message that told of it, by which the journal has its command and its trace.
    pub message_id: String,
    /// The recipient's address.
    pub recipient: String,
    /// What is told, as it is stored: one that cannot be read must not keep the others back.
    pub notice: Value,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was made.
    pub created_at: Timestamp,
}

/// The table, with what its mails are made and sent with.
#[derive(Debug)]
pub struct Notices {
    /// The service's schema.
    pub pool: PgPool,
    /// Makes and sends them.
    pub mailer: Mailer,
}

impl MailTable for Notices {
    type Row = Due;

    fn queued(row: &Due) -> QueuedMail {
        QueuedMail {
            id: row.id,
            caused_by: row.message_id.clone(),
            attempts: row.attempts,
            created_at: row.created_at,
        }
    }

    fn longest(&self) -> Duration {
        self.mailer.server.longest()
    }

    async fn claim(&self, now: Timestamp, until: Timestamp, most: usize) -> sqlx::Result<Vec<Due>> {
        claim(&self.pool, now, until, most).await
    }

    async fn hand_over(
        &self,
        open: &mut Option<Connection>,
        row: &Due,
    ) -> Result<TryOutcome, Outage> {
        self.mailer.hand_over(open, row).await
    }

    async fn record(&self, id: Uuid, next: &MailOutcome, now: Timestamp) -> sqlx::Result<()> {
        record(&self.pool, id, next, now).await
    }

    async fn release(&self, ids: &[Uuid], now: Timestamp) -> sqlx::Result<()> {
        release(&self.pool, ids, now).await
    }
}

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    message_id: String,
    recipient: String,
    notice: Value,
    attempts: i32,
    created_at: DateTime<Utc>,
}

/// Takes up to `most` mails that are due at `now`, oldest first, and keeps them from everybody else
/// until `until`.
///
/// The claim is a time and not a lock: no transaction stays open while a mail server is spoken to,
/// and what a process that died had claimed comes back by itself.
///
/// # Errors
/// The database's.
async fn claim(
    pool: &PgPool,
    now: Timestamp,
    until: Timestamp,
    most: usize,
) -> Result<Vec<Due>, sqlx::Error> {
    let rows: Vec<Row> = sqlx::query_as(
        "with due as materialized (
             select id from notice where state = 'pending' and next_attempt_at <= $1
             order by next_attempt_at limit $3 for update skip locked
         )
         update notice set next_attempt_at = $2 from due where notice.id = due.id
         returning notice.id, message_id, recipient, notice, attempts, created_at",
    )
    .bind(now.utc())
    .bind(until.utc())
    .bind(i64::try_from(most).unwrap_or(i64::MAX))
    .fetch_all(pool)
    .await?;
    let mut due: Vec<Due> = rows
        .into_iter()
        .map(|row| Due {
            id: row.id,
            message_id: row.message_id,
            recipient: row.recipient,
            notice: row.notice,
            attempts: u32::try_from(row.attempts).unwrap_or_default(),
            created_at: row.created_at.into(),
        })
        .collect();
    due.sort_by_key(|mail| mail.created_at);
    Ok(due)
}

/// Records what became of a mail after a try that ended at `now`. The text of a comment goes with
/// the mail that is sent: nobody reads it here any more, and it was written for others.
///
/// # Errors
/// The database's.
async fn record(
    pool: &PgPool,
    id: Uuid,
    next: &MailOutcome,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let (state, reason, next_attempt_at, sent_at) = match next {
        MailOutcome::Sent => ("sent", None, None, Some(now.utc())),
        MailOutcome::Again { at, reason } => {
            ("pending", Some(reason.as_str()), Some(at.utc()), None)
        }
        MailOutcome::Failed { reason } => ("failed", Some(reason.as_str()), None, None),
    };
    sqlx::query(
        "update notice set state = $2, reason = $3, next_attempt_at = $4, sent_at = $5, attempts = \
         attempts + 1,
                notice = case $2 when 'sent'
                then jsonb_set(notice, '{about,comment,body}', '\"\"', false) else notice end
         where id = $1 and state = 'pending'",
    )
    .bind(id)
    .bind(state)
    .bind(reason)
    .bind(next_attempt_at)
    .bind(sent_at)
    .execute(pool)
    .await?;
    Ok(())
}

/// Gives claimed mails back untried: they are due at once.
///
/// # Errors
/// The database's.
async fn release(pool: &PgPool, ids: &[Uuid], now: Timestamp) -> Result<(), sqlx::Error> {
    sqlx::query("update notice set next_attempt_at = $2 where id = any($1) and state = 'pending'")
        .bind(ids)
        .bind(now.utc())
        .execute(pool)
        .await?;
    Ok(())
}
