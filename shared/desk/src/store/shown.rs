//! What an edge that has tickets of its own shows beside them: what is held of those that are or
//! were shared, in few statements whatever their number.

use std::collections::BTreeMap;

use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::read::ShareRow;
use crate::model::{Comment, SentCommand, Ticket};

/// A ticket without its comments.
#[derive(Clone, Debug)]
pub struct HeldRow {
    /// Its id.
    pub id: Uuid,
    /// What is held of it, but for its comments.
    pub ticket: Ticket,
}

/// What is held of the ticket that a share leads to, without its comments.
///
/// # Errors
/// The database.
pub async fn of_share(
    connection: &mut PgConnection,
    account: &str,
    share: &str,
) -> sqlx::Result<Option<HeldRow>> {
    let row: Option<(Uuid, Json<Ticket>)> = sqlx::query_as(
        "select ticket.id, held from desk_share share join desk_ticket ticket
             on ticket.id = share.ticket
         where share.account = $1 and share.share_id = $2",
    )
    .bind(account)
    .bind(share)
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|(id, Json(ticket))| HeldRow { id, ticket }))
}

/// What is held of the ticket of this number, without its comments.
///
/// # Errors
/// The database.
pub async fn of_number(
    connection: &mut PgConnection,
    account: &str,
    number: &str,
) -> sqlx::Result<Option<HeldRow>> {
    let row: Option<(Uuid, Json<Ticket>)> =
        sqlx::query_as("select id, held from desk_ticket where account = $1 and number = $2")
            .bind(account)
            .bind(number)
            .fetch_optional(connection)
            .await?;
    Ok(row.map(|(id, Json(ticket))| HeldRow { id, ticket }))
}

/// Comments of a ticket in the order in which they came: those of `ids`, or all.
///
/// # Errors
/// The database.
pub async fn comments(
    connection: &mut PgConnection,
    ticket: Uuid,
    ids: Option<&[String]>,
) -> sqlx::Result<Vec<(String, Comment)>> {
    let rows: Vec<(String, Json<Comment>)> = sqlx::query_as(
        "select id, content from desk_comment
         where ticket = $1 and ($2::text[] is null or id = any($2)) order by number",
    )
    .bind(ticket)
    .bind(ids)
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|(id, Json(comment))| (id, comment)).collect())
}

/// Those of these comments that the ticket of this number does not hold.
///
/// # Errors
/// The database.
pub async fn missing_comments(
    connection: &mut PgConnection,
    account: &str,
    number: &str,
    ids: &[String],
) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar(
        "select wanted.id from unnest($3::text[]) with ordinality wanted (id, place)
         where not exists (
             select from desk_comment comment join desk_ticket ticket on ticket.id = comment.ticket
             where ticket.account = $1 and ticket.number = $2 and comment.id = wanted.id)
         order by wanted.place",
    )
    .bind(account)
    .bind(number)
    .bind(ids)
    .fetch_all(connection)
    .await
}

/// What commands without a receipt set on a ticket, in the order in which they were accepted.
///
/// # Errors
/// The database.
pub async fn waiting(
    connection: &mut PgConnection,
    account: &str,
    number: &str,
    shares: &[String],
) -> sqlx::Result<Vec<SentCommand>> {
    let rows: Vec<(String, String)> = sqlx::query_as(
        "select type, body from desk_outbox
         where account = $1 and receipt is null and (ticket = $2 or share_id = any($3))
         order by number",
    )
    .bind(account)
    .bind(number)
    .bind(shares)
    .fetch_all(connection)
    .await?;
    let read = |(command_type, body): (String, String)| {
        Ok(SentCommand::of(&command_type, &super::json(&body)?))
    };
    let sent: Vec<Option<SentCommand>> = rows.into_iter().map(read).collect::<sqlx::Result<_>>()?;
    Ok(sent.into_iter().flatten().collect())
}

/// A command that carried comments, and its receipt where it is there.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Carried {
    /// The comments that it carried.
    pub comments: Vec<String>,
    /// Its receipt, JSON.
    pub receipt: Option<String>,
}

/// The newest commands that carried any of these comments of an account.
///
/// # Errors
/// The database.
pub async fn carried(
    connection: &mut PgConnection,
    account: &str,
    comments: &[String],
) -> sqlx::Result<Vec<Carried>> {
    if comments.is_empty() {
        return Ok(Vec::new());
    }
    sqlx::query_as(
        "select comments, receipt from desk_outbox
         where account = $1 and comments && $2 order by number",
    )
    .bind(account)
    .bind(comments)
    .fetch_all(connection)
    .await
}

/// The shares of tickets, by their numbers, in the order in which they began.
///
/// # Errors
/// The database.
pub async fn shares_of(
    connection: &mut PgConnection,
    account: &str,
    numbers: &[String],
) -> sqlx::Result<BTreeMap<String, Vec<ShareRow>>> {
    if numbers.is_empty() {
        return Ok(BTreeMap::new());
    }
    let rows: Vec<ShareRow> = sqlx::query_as(
        "select share.share_id, share.agreement_id, share.side, share.partner,
             ticket.number as ticket_id,
             coalesce(share.partner_ticket_id,
                 case when share.side = 'receiver'
                     then ticket.held #>> '{head,original_ticket_id}' end)
                 as partner_ticket_id,
             share.ended, agreement.state as agreement,
             to_char(share.started_at at time zone 'utc', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')
                 as started_at
         from desk_ticket ticket join desk_share share on share.ticket = ticket.id
         left join desk_agreement agreement
             on agreement.account = share.account and agreement.agreement_id = share.agreement_id
         where ticket.account = $1 and ticket.number = any($2)
         order by share.started_at, share.share_id",
    )
    .bind(account)
    .bind(numbers)
    .fetch_all(connection)
    .await?;
    let mut shares: BTreeMap<String, Vec<ShareRow>> = BTreeMap::new();
    for row in rows {
        shares.entry(row.ticket_id.clone().unwrap_or_default()).or_default().push(row);
    }
    Ok(shares)
}

/// Entries of an account's log after a position, in order: position, type and body.
///
/// # Errors
/// The database.
pub async fn entries(
    connection: &mut PgConnection,
    account: &str,
    after: i64,
    limit: i64,
) -> sqlx::Result<Vec<(i64, String, String)>> {
    sqlx::query_as(
        "select position, type, body from desk_log
         where account = $1 and position > $2 order by position limit $3",
    )
    .bind(account)
    .bind(after)
    .bind(limit)
    .fetch_all(connection)
    .await
}
