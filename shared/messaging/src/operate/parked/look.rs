//! What lies in the tables, without changing anything.

use contracts::Timestamp;
use serde::Serialize;
use serde_json::Value;
use sqlx::{FromRow, PgPool};
use uuid::Uuid;

use super::audit::{AuditLine, history};
use super::body::ParkedBody;
use super::filter::{ParkedFilter, matching};
use super::quoting;
use crate::clock::now;

/// A parked message without what it says.
#[derive(Clone, Debug, Serialize, FromRow)]
pub struct ParkedMessage {
    /// The id of its row.
    pub id: Uuid,
    /// `parked`, `replayed` or `discarded`.
    pub state: String,
    /// Why it was parked, the last time.
    pub reason: String,
    /// The same in words, as far as they may be shown without the body.
    pub detail: String,
    /// Whose it is, where its key tells.
    pub account: Option<String>,
    /// The AMQP `type`.
    pub message_type: Option<String>,
    /// The AMQP `message_id`.
    pub message_id: Option<String>,
    /// The queue that it came from; `undelivered` for a delivery that no desk's queue took.
    pub queue: String,
    /// The exchange that it was going through: `share` for a command.
    pub exchange: String,
    /// The key that it was going by.
    pub routing_key: String,
    /// The broker user that published the command.
    pub publisher: Option<String>,
    /// When it arrived for the first time.
    #[sqlx(try_from = "chrono::DateTime<chrono::Utc>")]
    pub first_arrived_at: Timestamp,
    /// When it was parked, the last time.
    #[sqlx(try_from = "chrono::DateTime<chrono::Utc>")]
    pub parked_at: Timestamp,
    /// How often it was parked.
    pub times: i32,
}

impl ParkedMessage {
    fn shown(mut self, with_body: bool) -> Self {
        self.detail = quoting::detail(&self.reason, self.detail, with_body);
        self
    }
}

/// A parked message with everything known of it.
#[derive(Clone, Debug, Serialize)]
pub struct Details {
    /// The message.
    #[serde(flatten)]
    pub message: ParkedMessage,
    /// When it was replayed or discarded.
    pub closed_at: Option<Timestamp>,
    /// The headers that it came with, shortened.
    pub headers: Value,
    /// The trace that a replay goes on with.
    pub traceparent: Option<String>,
    /// What it says, as far as that was asked for.
    pub body: ParkedBody,
    /// What happened to it, oldest first.
    pub history: Vec<AuditLine>,
}

/// Parked messages of one reason and account.
#[derive(Clone, Debug, Serialize, FromRow)]
pub struct Pile {
    /// Why they were parked.
    pub reason: String,
    /// Whose they are.
    pub account: Option<String>,
    /// How many.
    pub count: i64,
    /// When the one was parked that lies there longest.
    #[sqlx(try_from = "chrono::DateTime<chrono::Utc>")]
    pub oldest: Timestamp,
}

/// Deliveries of one account that wait for its desk's queue. They are not parked yet, and are tried
/// again without anybody's help.
#[derive(Clone, Debug, Serialize, FromRow)]
pub struct WaitingDeliveries {
    /// Whose desk.
    pub account: String,
    /// How many.
    pub count: i64,
    /// Since when the oldest waits.
    #[sqlx(try_from = "chrono::DateTime<chrono::Utc>")]
    pub since: Timestamp,
}

/// Lists what is parked, first arrived first, and says how many there are in all.
///
/// # Errors
/// What the database says.
pub async fn list(pool: &PgPool, filter: &ParkedFilter) -> sqlx::Result<(Vec<ParkedMessage>, i64)> {
    let values = filter.values(now());
    let rows: Vec<ParkedMessage> = sqlx::query_as(matching!(
        "select id, state, reason, detail, account, message_type, message_id, queue, exchange, \
         routing_key, publisher, first_arrived_at, parked_at, times
         from parked",
        "order by first_arrived_at, id limit $7"
    ))
    .bind(&values.ids)
    .bind(values.reason)
    .bind(&values.account)
    .bind(values.not_after)
    .bind(values.not_before)
    .bind(&values.message_type)
    .bind(values.limit)
    .fetch_all(pool)
    .await?;
    let total = sqlx::query_scalar(matching!("select count(*) from parked", ""))
        .bind(&values.ids)
        .bind(values.reason)
        .bind(&values.account)
        .bind(values.not_after)
        .bind(values.not_before)
        .bind(&values.message_type)
        .fetch_one(pool)
        .await?;
    Ok((rows.into_iter().map(|message| message.shown(false)).collect(), total))
}

/// Counts what is parked by reason and account, the largest piles first.
///
/// # Errors
/// What the database says.
pub async fn piles(pool: &PgPool) -> sqlx::Result<Vec<Pile>> {
    let query = "select reason, account, count(*) as count, min(parked_at) as oldest from parked \
        where state = 'parked'
                 group by reason, account order by count desc, reason, account";
    sqlx::query_as(query).fetch_all(pool).await
}

/// Counts what waits for desks' queues, the largest piles first.
///
/// # Errors
/// What the database says.
pub async fn waiting(pool: &PgPool) -> sqlx::Result<Vec<WaitingDeliveries>> {
    let query = "select account, count(*) as count, min(first_failed_at) as since from undelivered \
        group by account order by count desc, account";
    sqlx::query_as(query).fetch_all(pool).await
}

#[derive(FromRow)]
struct Kept {
    #[sqlx(flatten)]
    message: ParkedMessage,
    closed_at: Option<chrono::DateTime<chrono::Utc>>,
    headers: Value,
    traceparent: Option<String>,
    body: Vec<u8>,
    body_bytes: Option<i64>,
    body_sha256: Option<Vec<u8>>,
}

/// Returns everything known of a parked message, replayed and discarded ones too; nothing when
/// there is none. What it says is left out unless `with_body`.
///
/// # Errors
/// What the database says.
pub async fn show(pool: &PgPool, id: Uuid, with_body: bool) -> sqlx::Result<Option<Details>> {
    let query = "select id, state, reason, detail, account, message_type, message_id, queue, \
        exchange, routing_key, publisher, first_arrived_at,
                   parked_at, times, closed_at, headers, traceparent, body, body_bytes, body_sha256
                 from parked where id = $1";
    let Some(kept) = sqlx::query_as::<_, Kept>(query).bind(id).fetch_optional(pool).await? else {
        return Ok(None);
    };
    Ok(Some(Details {
        message: kept.message.shown(with_body),
        closed_at: kept.closed_at.map(Timestamp::from),
        headers: kept.headers,
        traceparent: kept.traceparent,
        body: match (kept.body_bytes, kept.body_sha256) {
            (Some(bytes), Some(sha256)) => ParkedBody::left_out(bytes, &sha256),
            _ => ParkedBody::of(&kept.body, with_body),
        },
        history: history(pool, id, with_body).await?,
    }))
}
