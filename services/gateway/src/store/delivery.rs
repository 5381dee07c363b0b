//! The log as its page shows it: the newest first.

use chrono::{DateTime, Utc};
use sqlx::PgPool;

/// An entry of the list.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct DeliveryRow {
    /// Its place in the log.
    pub position: i64,
    /// The delivery's type.
    #[sqlx(rename = "type")]
    pub message_type: String,
    /// When it was stored.
    pub told_at: DateTime<Utc>,
    /// The ticket's subject, or for a receipt the command's type.
    pub about: Option<String>,
    /// For a receipt, all it says.
    pub receipt: Option<String>,
}

/// The newest entries of an account before a position, of one type or of all.
///
/// # Errors
/// The database.
pub async fn newest(
    pool: &PgPool,
    account: &str,
    kind: &str,
    before: Option<i64>,
    limit: usize,
) -> sqlx::Result<Vec<DeliveryRow>> {
    // A receipt does not name its command's entity: the key is looked for under each.
    sqlx::query_as(
        "select told.position, told.type, told.told_at,
             coalesce(sent.type, ticket.held -> 'head' ->> 'subject') as about,
             sent.receipt
         from (
             select * from desk_log
             where account = $1 and ($2 = '' or type = $2)
                 and ($3::bigint is null or position < $3)
             order by position desc limit $4
         ) told
         left join lateral (
             select type, receipt from desk_outbox
             where told.type = 'command.receipt.v1' and account = told.account
                 and entity in ('account', 'agreement', 'share', 'ticket')
                 and key = told.correlation_id
             limit 1
         ) sent on true
         left join desk_share share
             on share.account = told.account and share.share_id = told.share_id
         left join desk_ticket ticket on ticket.id = share.ticket
         order by told.position desc",
    )
    .bind(account)
    .bind(kind)
    .bind(before)
    .bind(i64::try_from(limit).unwrap_or(i64::MAX))
    .fetch_all(pool)
    .await
}

/// An entry with what it says.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Whole {
    /// The delivery's id.
    pub message_id: String,
    /// Its type.
    #[sqlx(rename = "type")]
    pub message_type: String,
    /// When it was stored.
    pub told_at: DateTime<Utc>,
    /// What it says, JSON.
    pub body: String,
}

/// One entry.
///
/// # Errors
/// The database.
pub async fn one(pool: &PgPool, account: &str, position: i64) -> sqlx::Result<Option<Whole>> {
    sqlx::query_as(
        "select message_id, type, told_at, body from desk_log
         where account = $1 and position = $2",
    )
    .bind(account)
    .bind(position)
    .fetch_optional(pool)
    .await
}
