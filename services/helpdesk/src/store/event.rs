//! Tickets' histories.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;
use sqlx::types::Json;

use crate::rules::history::Entry;

/// One line of a history.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub struct Event {
    /// When.
    pub at: DateTime<Utc>,
    /// Who.
    pub actor: String,
    /// What.
    pub kind: String,
    /// The particulars.
    pub detail: Json<Value>,
}

/// Adds lines to a ticket's history.
///
/// # Errors
/// The database.
pub async fn add(
    connection: &mut PgConnection,
    account: &str,
    ticket: i64,
    at: DateTime<Utc>,
    actor: &str,
    entries: &[Entry],
) -> sqlx::Result<()> {
    if entries.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "insert into event (account, ticket, at, actor, kind, detail)
         select $1, $2, $3, $4, kind, detail
         from unnest($5::text[], $6::jsonb[]) with ordinality as entry (kind, detail, place)
         order by place",
    )
    .bind(account)
    .bind(ticket)
    .bind(at)
    .bind(actor)
    .bind(entries.iter().map(|entry| entry.kind).collect::<Vec<_>>())
    .bind(entries.iter().map(|entry| &entry.detail).collect::<Vec<_>>())
    .execute(connection)
    .await
    .map(drop)
}

/// Adds a line to the history of every ticket that an agreement kept in step, once each: what says
/// it may come again.
///
/// # Errors
/// The database.
pub async fn add_to_shares(
    connection: &mut PgConnection,
    account: &str,
    agreement: &str,
    at: DateTime<Utc>,
    actor: &str,
    entry: &Entry,
) -> sqlx::Result<()> {
    sqlx::query(
        "insert into event (account, ticket, at, actor, kind, detail)
         select $1, ticket.number, $3, $4, $5, $6
         from desk_share share join desk_ticket held on held.id = share.ticket
         join ticket on ticket.account = $1 and ticket.number::text = held.number
         where share.account = $1 and share.agreement_id = $2 and not share.ended
             and not exists (select from event told
                 where told.account = $1 and told.ticket = ticket.number and told.kind = $5
                     and told.detail ->> 'agreement' = $2)",
    )
    .bind(account)
    .bind(agreement)
    .bind(at)
    .bind(actor)
    .bind(entry.kind)
    .bind(Json(&entry.detail))
    .execute(connection)
    .await
    .map(drop)
}

/// The newest lines of a history, in their order.
///
/// # Errors
/// The database.
pub async fn newest(
    connection: &mut PgConnection,
    account: &str,
    ticket: i64,
    limit: i64,
) -> sqlx::Result<Vec<Event>> {
    let mut events: Vec<Event> = sqlx::query_as(
        "select at, actor, kind, detail from event where account = $1 and ticket = $2
         order by place desc limit $3",
    )
    .bind(account)
    .bind(ticket)
    .bind(limit)
    .fetch_all(connection)
    .await?;
    events.reverse();
    Ok(events)
}
