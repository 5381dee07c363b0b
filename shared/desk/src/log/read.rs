//! Pages of an account's log.

use serde_json::value::RawValue;
use sqlx::PgPool;
use uuid::Uuid;

use super::cursor::{Cursor, CursorError};

/// Bytes of a page, at most, unless its one entry has more.
const PAGE_BYTES: usize = 1024 * 1024;

/// One entry.
#[derive(Debug)]
pub struct Logged {
    /// The place of this entry: a reader that has taken it goes on from here.
    pub cursor: Cursor,
    /// The delivery's `message_id`, the same when it is read again.
    pub message_id: String,
    /// The delivery's `type`.
    pub message_type: String,
    /// For a receipt the command's `message_id`.
    pub correlation_id: Option<String>,
    /// The share that it is about.
    pub share_id: Option<String>,
    /// When the edge was told it, RFC 3339.
    pub told_at: String,
    /// What it says.
    pub body: Box<RawValue>,
}

/// Some entries, in order.
#[derive(Debug)]
pub struct LogPage {
    /// The entries; none when there is nothing new.
    pub entries: Vec<Logged>,
    /// Where to go on.
    pub next: Cursor,
    /// Whether the log ends with it.
    pub is_last: bool,
}

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The cursor.
    #[error(transparent)]
    Cursor(#[from] CursorError),
    /// The database.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// The log's head: what is told from now on comes after it. Nothing for an account that the edge
/// does not keep.
///
/// # Errors
/// The database.
pub async fn head(pool: &PgPool, account: &str) -> sqlx::Result<Option<Cursor>> {
    let row: Option<(Uuid, i64)> =
        sqlx::query_as("select incarnation, position from desk_account where account = $1")
            .bind(account)
            .fetch_optional(pool)
            .await?;
    Ok(row.map(|(incarnation, position)| Cursor { incarnation, position }))
}

/// An entry without what it says.
#[derive(Debug, sqlx::FromRow)]
pub struct Seen {
    /// The delivery's `message_id`.
    pub message_id: String,
    /// The delivery's `type`.
    #[sqlx(rename = "type")]
    pub message_type: String,
    /// The share that it is about.
    pub share_id: Option<String>,
    /// When the edge was told it, RFC 3339.
    pub told_at: String,
}

/// The newest deliveries about shares, without receipts.
///
/// # Errors
/// The database.
pub async fn about(
    pool: &PgPool,
    account: &str,
    shares: &[String],
    limit: i64,
) -> sqlx::Result<Vec<Seen>> {
    sqlx::query_as(
        "select message_id, type, share_id,
             to_char(told_at at time zone 'utc', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"') as told_at
         from desk_log where account = $1 and share_id = any($2) and type <> $3
         order by position desc limit $4",
    )
    .bind(account)
    .bind(shares)
    .bind(<contracts::Receipt as contracts::Message>::NAME)
    .bind(limit)
    .fetch_all(pool)
    .await
}

/// Up to `limit` entries after `after`, or from the oldest that is kept.
///
/// # Errors
/// A cursor that leads nowhere; the database.
pub async fn page(
    pool: &PgPool,
    account: &str,
    after: Option<Cursor>,
    limit: usize,
) -> Result<LogPage, ReadError> {
    let (incarnation, head, oldest): (Uuid, i64, Option<i64>) = sqlx::query_as(
        "select incarnation, position,
             (select min(position) from desk_log where desk_log.account = desk_account.account)
         from desk_account where account = $1",
    )
    .bind(account)
    .fetch_one(pool)
    .await?;
    let after = match after {
        Some(cursor) => cursor,
        None => Cursor { incarnation, position: oldest.map_or(head, |oldest| oldest - 1) },
    };
    after.check(incarnation, head, oldest)?;
    if after.position == head {
        return Ok(LogPage { entries: Vec::new(), next: after, is_last: true });
    }
    // The sizes first: a page must not be read into memory to learn that it is too large.
    let last: i64 = sqlx::query_scalar(
        "select coalesce(max(position), $2) from (
             select position, sum(octet_length(body)) over (order by position) as bytes,
                 row_number() over (order by position) as place
             from (select position, body from desk_log
                   where account = $1 and position > $2 order by position limit $3) wanted
         ) sized where bytes <= $4 or place = 1",
    )
    .bind(account)
    .bind(after.position)
    .bind(i64::try_from(limit).unwrap_or(i64::MAX))
    .bind(i64::try_from(PAGE_BYTES).unwrap_or(i64::MAX))
    .fetch_one(pool)
    .await?;
    let rows: Vec<Row> = sqlx::query_as(
        "select position, message_id, type, correlation_id, share_id,
             to_char(told_at at time zone 'utc', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')
             as told_at, body
         from desk_log where account = $1 and position > $2 and position <= $3 order by position",
    )
    .bind(account)
    .bind(after.position)
    .bind(last)
    .fetch_all(pool)
    .await?;
    let entries: Vec<Logged> =
        rows.into_iter().map(|row| row.read(incarnation)).collect::<sqlx::Result<_>>()?;
    let next = entries.last().map_or(after, |entry| entry.cursor);
    Ok(LogPage { is_last: next.position >= head, next, entries })
}

#[derive(sqlx::FromRow)]
struct Row {
    position: i64,
    message_id: String,
    #[sqlx(rename = "type")]
    message_type: String,
    correlation_id: Option<String>,
    share_id: Option<String>,
    told_at: String,
    body: String,
}

impl Row {
    fn read(self, incarnation: Uuid) -> sqlx::Result<Logged> {
        Ok(Logged {
            cursor: Cursor { incarnation, position: self.position },
            message_id: self.message_id,
            message_type: self.message_type,
            correlation_id: self.correlation_id,
            share_id: self.share_id,
            told_at: self.told_at,
            body: RawValue::from_string(self.body)
                .map_err(|error| sqlx::Error::Decode(error.into()))?,
        })
    }
}
