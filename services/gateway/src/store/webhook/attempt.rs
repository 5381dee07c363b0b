//! What was tried, and what came back.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::WebhookRow;

/// One attempt.
#[derive(Clone, Debug, Serialize, sqlx::FromRow)]
pub struct AttemptRow {
    /// Its number; later attempts have higher ones.
    pub id: i64,
    /// The delivery's `message_id`.
    pub message_id: String,
    /// The delivery's type.
    #[sqlx(rename = "type")]
    pub r#type: String,
    /// When it ended.
    pub at: DateTime<Utc>,
    /// How long it took.
    pub duration_ms: i32,
    /// `taken`, `failed`, `given_up` or `switched_off`.
    pub outcome: String,
    /// The answer's status; nothing where there was no answer.
    pub status: Option<i32>,
    /// Why there was none: a code that stays.
    pub error: Option<String>,
    /// The same as a sentence.
    pub detail: Option<String>,
    /// The start of the answer.
    pub answer: Option<String>,
}

/// The attempts of a webhook before `before`, the newest first.
///
/// # Errors
/// The database.
pub async fn attempts(
    pool: &PgPool,
    webhook: Uuid,
    before: Option<i64>,
    limit: i64,
) -> sqlx::Result<Vec<AttemptRow>> {
    sqlx::query_as(
        "select id, message_id, type, at, duration_ms, outcome, status, error, detail, answer
         from webhook_attempt where webhook = $1 and ($2::bigint is null or id < $2)
         order by id desc limit $3",
    )
    .bind(webhook)
    .bind(before)
    .bind(limit)
    .fetch_all(pool)
    .await
}

/// The entry of the log that an attempt sent: its position and what it said then.
pub(super) type Sent<'a> = (i64, &'a str);

/// Keeps an attempt, unless its webhook is gone, and returns it. The answer is not kept when the
/// entry was blanked meanwhile; one that is blanked later takes the answer with it.
pub(super) async fn insert(
    connection: &mut PgConnection,
    webhook: &WebhookRow,
    sent: Option<Sent<'_>>,
    attempt: &AttemptRow,
) -> sqlx::Result<Option<AttemptRow>> {
    let mut answer = attempt.answer.as_deref();
    if let (Some(_), Some((position, body))) = (answer, sent) {
        let unchanged: Option<bool> = sqlx::query_scalar(
            "select body = $3 from desk_log where account = $1 and position = $2 for share",
        )
        .bind(&webhook.account)
        .bind(position)
        .bind(body)
        .fetch_optional(&mut *connection)
        .await?;
        answer = answer.filter(|_| unchanged == Some(true));
    }
    sqlx::query_as(
        "insert into webhook_attempt (webhook, account, position, message_id, type, duration_ms,
             outcome, status, error, detail, answer)
         select id, account, $2, $3, $4, $5, $6, $7, $8, $9, $10
         from webhook where id = $1 for key share
         returning id, message_id, type, at, duration_ms, outcome, status, error, detail, answer",
    )
    .bind(webhook.id)
    .bind(sent.map(|(position, _)| position))
    .bind(&attempt.message_id)
    .bind(&attempt.r#type)
    .bind(attempt.duration_ms)
    .bind(&attempt.outcome)
    .bind(attempt.status)
    .bind(&attempt.error)
    .bind(&attempt.detail)
    .bind(answer)
    .fetch_optional(&mut *connection)
    .await
}
