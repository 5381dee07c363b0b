//! What a batch changed, saved: the log, tickets, shares, agreements, receipts; and what it
//! redacts, blanked wherever it is kept.

use contracts::delivery::Side;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::{json, tickets};
use crate::blank::blank;
use crate::model::Ticket;
use crate::session::{Account, LogEntry, PartyShare, State};

/// Saves all of it.
pub async fn all(connection: &mut PgConnection, state: State) -> sqlx::Result<()> {
    let State { accounts } = state;
    positions(
        connection,
        &accounts.iter().map(|(name, it)| (name.as_str(), it)).collect::<Vec<_>>(),
    )
    .await?;
    for (name, account) in &accounts {
        log(connection, name, &account.entries).await?;
        let changed = account.changed(|ticket| new_id(name, ticket));
        let rows: Vec<(&str, Uuid, &Ticket, bool)> =
            changed.iter().map(|(id, ticket, new)| (name.as_str(), *id, ticket, *new)).collect();
        tickets::save(connection, &rows).await?;
        links(connection, name, &changed).await?;
        shares(connection, name, account).await?;
        agreements(connection, name, account).await?;
        early(connection, name, account).await?;
        receipts(connection, name, account).await?;
        recovered(connection, name, account).await?;
        for (comment, file) in &account.redactions {
            everywhere(connection, name, comment, file.as_deref()).await?;
        }
    }
    Ok(())
}

/// A new ticket's id follows from what it is.
pub fn new_id(account: &str, ticket: &Ticket) -> Uuid {
    let first = ticket.shares.first().map(String::as_str).unwrap_or_default();
    match &ticket.number {
        Some(number) => contracts::ids::derive_id("desk ticket", &[account, "number", number]),
        None => contracts::ids::derive_id("desk ticket", &[account, "share", first]),
    }
}

async fn positions(
    connection: &mut PgConnection,
    accounts: &[(&str, &Account)],
) -> sqlx::Result<()> {
    let (names, heads): (Vec<&str>, Vec<i64>) =
        accounts.iter().map(|(name, account)| (*name, account.position)).unzip();
    sqlx::query(
        "update desk_account set position = told.position
         from unnest($1::text[], $2::bigint[]) told (account, position)
         where desk_account.account = told.account",
    )
    .bind(names)
    .bind(heads)
    .execute(connection)
    .await
    .map(drop)
}

async fn log(
    connection: &mut PgConnection,
    account: &str,
    entries: &[LogEntry],
) -> sqlx::Result<()> {
    if entries.is_empty() {
        return Ok(());
    }
    let column = |of: fn(&LogEntry) -> &str| entries.iter().map(of).collect::<Vec<_>>();
    // An array of arrays must be a rectangle: the ids go as one text, which no id has a blank in.
    let comments: Vec<Option<String>> = entries
        .iter()
        .map(|entry| (!entry.comments.is_empty()).then(|| entry.comments.join(" ")))
        .collect();
    sqlx::query(
        "insert into desk_log
             (account, position, message_id, type, correlation_id, share_id, comments, body)
         select $1, position, message_id, type, correlation_id, share_id,
             string_to_array(comments, ' '), body
         from unnest($2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
             $8::text[])
             told (position, message_id, type, correlation_id, share_id, comments, body)",
    )
    .bind(account)
    .bind(entries.iter().map(|entry| entry.position).collect::<Vec<_>>())
    .bind(column(|entry| &entry.message_id))
    .bind(column(|entry| &entry.message_type))
    .bind(entries.iter().map(|entry| entry.correlation_id.as_deref()).collect::<Vec<_>>())
    .bind(entries.iter().map(|entry| entry.share_id.as_deref()).collect::<Vec<_>>())
    .bind(comments)
    .bind(column(|entry| &entry.body))
    .execute(connection)
    .await
    .map(drop)
}

/// Every share of a ticket leads to it.
async fn links(
    connection: &mut PgConnection,
    account: &str,
    changed: &[(Uuid, Ticket, bool)],
) -> sqlx::Result<()> {
    let (shares, ids): (Vec<&str>, Vec<Uuid>) = changed
        .iter()
        .flat_map(|(id, ticket, _)| ticket.shares.iter().map(move |share| (share.as_str(), *id)))
        .unzip();
    if shares.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "insert into desk_share (account, share_id, ticket)
         select $1, share_id, ticket from unnest($2::text[], $3::uuid[]) held (share_id, ticket)
         on conflict (account, share_id) do update set ticket = excluded.ticket
         where desk_share.ticket is distinct from excluded.ticket",
    )
    .bind(account)
    .bind(shares)
    .bind(ids)
    .execute(connection)
    .await
    .map(drop)
}

async fn shares(connection: &mut PgConnection, name: &str, account: &Account) -> sqlx::Result<()> {
    if account.shares.is_empty() {
        return Ok(());
    }
    let side = |share: &PartyShare| {
        share.side.map(|side| match side {
            Side::Sender => "sender",
            Side::Receiver => "receiver",
        })
    };
    let shares = || account.shares.values();
    // Most updates tell nothing new of their share: then no row is written.
    sqlx::query(
        "insert into desk_share as known
             (account, share_id, agreement_id, side, partner, partner_ticket_id, ended)
         select $1, told.* from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[],
             $7::boolean[]) told
         on conflict (account, share_id) do update set
             agreement_id = coalesce(excluded.agreement_id, known.agreement_id),
             side = coalesce(excluded.side, known.side),
             partner = coalesce(known.partner, excluded.partner),
             partner_ticket_id = coalesce(excluded.partner_ticket_id, known.partner_ticket_id),
             ended = known.ended or excluded.ended
         where (known.agreement_id, known.side, known.partner, known.partner_ticket_id, known.ended)
             is distinct from (coalesce(excluded.agreement_id, known.agreement_id),
                 coalesce(excluded.side, known.side), coalesce(known.partner, excluded.partner),
                 coalesce(excluded.partner_ticket_id, known.partner_ticket_id),
                 known.ended or excluded.ended)",
    )
    .bind(name)
    .bind(account.shares.keys().collect::<Vec<_>>())
    .bind(shares().map(|share| share.agreement_id.as_deref()).collect::<Vec<_>>())
    .bind(shares().map(side).collect::<Vec<_>>())
    .bind(shares().map(|share| share.partner.as_deref()).collect::<Vec<_>>())
    .bind(shares().map(|share| share.partner_ticket_id.as_deref()).collect::<Vec<_>>())
    .bind(shares().map(|share| share.ended).collect::<Vec<_>>())
    .execute(connection)
    .await
    .map(drop)
}

async fn agreements(
    connection: &mut PgConnection,
    name: &str,
    account: &Account,
) -> sqlx::Result<()> {
    for (id, state) in &account.agreements {
        sqlx::query(
            "insert into desk_agreement (account, agreement_id, version, state)
             values ($1, $2, $3, $4)
             on conflict (account, agreement_id) do update
             set version = excluded.version, state = excluded.state, updated_at = now()
             where desk_agreement.version < excluded.version",
        )
        .bind(name)
        .bind(id)
        .bind(i64::try_from(state.version).unwrap_or(i64::MAX))
        .bind(Json(state))
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

async fn early(connection: &mut PgConnection, name: &str, account: &Account) -> sqlx::Result<()> {
    let waiting = account.model.early();
    let gone: Vec<&String> =
        account.had_early.iter().filter(|share| !waiting.contains_key(*share)).collect();
    if !gone.is_empty() {
        sqlx::query("delete from desk_early where account = $1 and share_id = any($2)")
            .bind(name)
            .bind(gone)
            .execute(&mut *connection)
            .await?;
    }
    for (share, updates) in waiting {
        sqlx::query(
            "insert into desk_early (account, share_id, updates) values ($1, $2, $3)
             on conflict (account, share_id) do update set updates = excluded.updates",
        )
        .bind(name)
        .bind(share)
        .bind(Json(updates))
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// Commands that the line may have forgotten go out again, under the same keys. What it refused
/// stays refused: somebody was told so. And the log is another one: it may have been restored with
/// the line, and a cursor beyond its end would soon look as good as any.
async fn recovered(
    connection: &mut PgConnection,
    name: &str,
    account: &Account,
) -> sqlx::Result<()> {
    let Some(since) = account.forgotten_since else { return Ok(()) };
    sqlx::query("update desk_account set incarnation = gen_random_uuid() where account = $1")
        .bind(name)
        .execute(&mut *connection)
        .await?;
    sqlx::query(
        "update desk_outbox set receipt = null, receipt_at = null, due_at = now(), attempts = 0
         where account = $1 and receipt_at >= $2
           and receipt::jsonb ->> 'outcome' <> 'rejected'",
    )
    .bind(name)
    .bind(since.utc())
    .execute(connection)
    .await
    .map(drop)
}

async fn receipts(
    connection: &mut PgConnection,
    name: &str,
    account: &Account,
) -> sqlx::Result<()> {
    if account.receipts.is_empty() {
        return Ok(());
    }
    let column = |of: fn(&(String, String, String)) -> &str| {
        account.receipts.iter().map(of).collect::<Vec<_>>()
    };
    sqlx::query(
        "update desk_outbox set receipt = told.body, receipt_at = now(), due_at = null
         from unnest($2::text[], $3::text[], $4::text[]) told (entity, key, body)
         where desk_outbox.account = $1 and desk_outbox.entity = told.entity
             and desk_outbox.key = told.key and receipt is null",
    )
    .bind(name)
    .bind(column(|(entity, ..)| entity))
    .bind(column(|(_, key, _)| key))
    .bind(column(|(.., body)| body))
    .execute(connection)
    .await
    .map(drop)
}

/// Blanks a comment, or takes one file from it, in the log and in the outbox of an account. What
/// still waits to be sent goes out blank.
pub async fn everywhere(
    connection: &mut PgConnection,
    account: &str,
    comment: &str,
    file: Option<&str>,
) -> sqlx::Result<()> {
    let told: Vec<(i64, String)> = sqlx::query_as(
        "select position, body from desk_log
         where account = $1 and comments @> array[$2] order by position for update",
    )
    .bind(account)
    .bind(comment)
    .fetch_all(&mut *connection)
    .await?;
    for (position, body) in told {
        let mut body = json(&body)?;
        if blank(&mut body, comment, file) {
            sqlx::query("update desk_log set body = $3 where account = $1 and position = $2")
                .bind(account)
                .bind(position)
                .bind(body.to_string())
                .execute(&mut *connection)
                .await?;
        }
    }
    let sent: Vec<(i64, String)> = sqlx::query_as(
        "select number, body from desk_outbox
         where account = $1 and comments @> array[$2] order by number for update",
    )
    .bind(account)
    .bind(comment)
    .fetch_all(&mut *connection)
    .await?;
    for (number, body) in sent {
        let mut body = json(&body)?;
        if blank(&mut body, comment, file) {
            sqlx::query("update desk_outbox set body = $3 where account = $1 and number = $2")
                .bind(account)
                .bind(number)
                .bind(body.to_string())
                .execute(&mut *connection)
                .await?;
        }
    }
    Ok(())
}
