//! What an account holds, for whoever shows it.

use serde_json::Value;
use sqlx::types::Json;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::model::{Comment, Ticket};

/// A share as it stands in its account's list.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct ShareRow {
    /// The share.
    pub share_id: String,
    /// The agreement it was made under.
    pub agreement_id: Option<String>,
    /// `sender` or `receiver`.
    pub side: Option<String>,
    /// The other party's account.
    pub partner: Option<String>,
    /// This account's own number.
    pub ticket_id: Option<String>,
    /// The partner's number.
    pub partner_ticket_id: Option<String>,
    /// Whether it has ended by itself.
    pub ended: bool,
    /// The state of its agreement, as last told.
    pub agreement: Option<Json<Value>>,
    /// When this edge first heard of it, RFC 3339.
    pub started_at: String,
}

/// A ticket with its shares.
#[derive(Clone, Debug)]
pub struct TicketRow {
    /// What is held of it, with all its comments.
    pub ticket: Ticket,
    /// Its comments' ids in the order in which they came.
    pub order: Vec<String>,
    /// The shares that it is or was in.
    pub shares: Vec<ShareRow>,
}

/// How a ticket is named.
#[derive(Clone, Copy, Debug)]
pub enum TicketName<'a> {
    /// By the account's own number.
    Number(&'a str),
    /// By a share that it is or was in.
    Share(&'a str),
}

const SHARE: &str = "select share.share_id, share.agreement_id, share.side, share.partner,
    ticket.number as ticket_id, share.partner_ticket_id, share.ended, agreement.state as agreement,
    to_char(share.started_at at time zone 'utc', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"') as started_at
    from desk_share share
    left join desk_ticket ticket on ticket.id = share.ticket
    left join desk_agreement agreement
        on agreement.account = share.account and agreement.agreement_id = share.agreement_id";

/// Agreements of an account in the order of their ids, after `after`.
///
/// # Errors
/// The database.
pub async fn agreements(
    pool: &PgPool,
    account: &str,
    after: &str,
    limit: i64,
) -> sqlx::Result<Vec<Value>> {
    let rows: Vec<Json<Value>> = sqlx::query_scalar(
        "select state from desk_agreement where account = $1 and agreement_id > $2
         order by agreement_id limit $3",
    )
    .bind(account)
    .bind(after)
    .bind(limit)
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(|Json(state)| state).collect())
}

/// One agreement.
///
/// # Errors
/// The database.
pub async fn agreement(pool: &PgPool, account: &str, id: &str) -> sqlx::Result<Option<Value>> {
    let row: Option<Json<Value>> = sqlx::query_scalar(
        "select state from desk_agreement where account = $1 and agreement_id = $2",
    )
    .bind(account)
    .bind(id)
    .fetch_optional(pool)
    .await?;
    Ok(row.map(|Json(state)| state))
}

/// Shares of an account in the order of their ids, after `after`.
///
/// # Errors
/// The database.
pub async fn shares(
    pool: &PgPool,
    account: &str,
    after: &str,
    limit: i64,
) -> sqlx::Result<Vec<ShareRow>> {
    let statement = sqlx::AssertSqlSafe(format!(
        "{SHARE} where share.account = $1 and share.share_id > $2
         order by share.share_id limit $3"
    ));
    sqlx::query_as(statement).bind(account).bind(after).bind(limit).fetch_all(pool).await
}

/// One share.
///
/// # Errors
/// The database.
pub async fn share(pool: &PgPool, account: &str, id: &str) -> sqlx::Result<Option<ShareRow>> {
    let statement =
        sqlx::AssertSqlSafe(format!("{SHARE} where share.account = $1 and share.share_id = $2"));
    sqlx::query_as(statement).bind(account).bind(id).fetch_optional(pool).await
}

/// The newest tickets of an account, changed before `before`: number, a share of it, subject,
/// status and when it last changed.
///
/// # Errors
/// The database.
pub async fn tickets(
    pool: &PgPool,
    account: &str,
    after: Option<Uuid>,
    limit: i64,
) -> sqlx::Result<Vec<(Uuid, Ticket, String)>> {
    let rows: Vec<(Uuid, Json<Ticket>, String)> = sqlx::query_as(
        "select id, held,
             to_char(updated_at at time zone 'utc', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')
         from desk_ticket
         where account = $1 and ($2::uuid is null or (updated_at, id) <
             (select updated_at, id from desk_ticket where id = $2 and account = $1))
         order by updated_at desc, id desc limit $3",
    )
    .bind(account)
    .bind(after)
    .bind(limit)
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(|(id, Json(ticket), at)| (id, ticket, at)).collect())
}

/// One ticket with all that is held of it.
///
/// # Errors
/// The database.
pub async fn ticket(
    connection: &mut PgConnection,
    account: &str,
    name: TicketName<'_>,
) -> sqlx::Result<Option<TicketRow>> {
    let (statement, name) = match name {
        TicketName::Number(number) => {
            ("select id, held from desk_ticket where account = $1 and number = $2", number)
        }
        TicketName::Share(share) => (
            "select id, held from desk_ticket where account = $1 and id =
                 (select ticket from desk_share where account = $1 and share_id = $2)",
            share,
        ),
    };
    let row: Option<(Uuid, Json<Ticket>)> =
        sqlx::query_as(statement).bind(account).bind(name).fetch_optional(&mut *connection).await?;
    match row {
        Some((id, Json(ticket))) => Ok(Some(whole(connection, id, ticket).await?)),
        None => Ok(None),
    }
}

/// The ids of all tickets of an account.
///
/// # Errors
/// The database.
pub async fn ticket_ids(pool: &PgPool, account: &str) -> sqlx::Result<Vec<Uuid>> {
    let statement = "select id from desk_ticket where account = $1 order by id";
    sqlx::query_scalar(statement).bind(account).fetch_all(pool).await
}

/// The same as [`ticket`], by an id of [`ticket_ids`].
///
/// # Errors
/// The database.
pub async fn ticket_of_id(
    connection: &mut PgConnection,
    account: &str,
    id: Uuid,
) -> sqlx::Result<Option<TicketRow>> {
    let held: Option<Json<Ticket>> =
        sqlx::query_scalar("select held from desk_ticket where account = $1 and id = $2")
            .bind(account)
            .bind(id)
            .fetch_optional(&mut *connection)
            .await?;
    match held {
        Some(Json(ticket)) => Ok(Some(whole(connection, id, ticket).await?)),
        None => Ok(None),
    }
}

/// A ticket with its comments and shares.
async fn whole(
    connection: &mut PgConnection,
    id: Uuid,
    mut ticket: Ticket,
) -> sqlx::Result<TicketRow> {
    let comments: Vec<(String, Json<Comment>)> =
        sqlx::query_as("select id, content from desk_comment where ticket = $1 order by number")
            .bind(id)
            .fetch_all(&mut *connection)
            .await?;
    let order = comments.iter().map(|(id, _)| id.clone()).collect();
    ticket.comments = comments.into_iter().map(|(id, Json(comment))| (id, comment)).collect();
    let statement =
        sqlx::AssertSqlSafe(format!("{SHARE} where share.ticket = $1 order by share.started_at"));
    let shares = sqlx::query_as(statement).bind(id).fetch_all(connection).await?;
    Ok(TicketRow { ticket, order, shares })
}

/// A command that an account sent, and what became of it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct CommandRow {
    /// Its `message_id`.
    pub key: String,
    /// Its type.
    #[sqlx(rename = "type")]
    pub command_type: String,
    /// When it was accepted, RFC 3339.
    pub accepted_at: String,
    /// When the broker took it the last time.
    pub sent_at: Option<String>,
    /// How often it was sent.
    pub attempts: i32,
    /// Its receipt, JSON.
    pub receipt: Option<String>,
    /// When that came.
    pub receipt_at: Option<String>,
}

const COMMAND: &str = "select key, type, attempts, receipt,
    to_char(created_at at time zone 'utc', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"') as accepted_at,
    to_char(sent_at at time zone 'utc', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"') as sent_at,
    to_char(receipt_at at time zone 'utc', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"') as receipt_at
    from desk_outbox where account = $1";

/// One command by its id.
///
/// # Errors
/// The database.
pub async fn command(
    pool: &PgPool,
    account: &str,
    entity: &str,
    key: &str,
) -> sqlx::Result<Option<CommandRow>> {
    let statement = sqlx::AssertSqlSafe(format!("{COMMAND} and entity = $2 and key = $3"));
    sqlx::query_as(statement).bind(account).bind(entity).bind(key).fetch_optional(pool).await
}

/// The newest commands about a ticket: by its number, or by a share of it.
///
/// # Errors
/// The database.
pub async fn commands_about(
    pool: &PgPool,
    account: &str,
    number: Option<&str>,
    shares: &[String],
    limit: i64,
) -> sqlx::Result<Vec<CommandRow>> {
    let statement = sqlx::AssertSqlSafe(format!(
        "{COMMAND} and (ticket = $2 or share_id = any($3)) order by number desc limit $4"
    ));
    sqlx::query_as(statement)
        .bind(account)
        .bind(number)
        .bind(shares)
        .bind(limit)
        .fetch_all(pool)
        .await
}
