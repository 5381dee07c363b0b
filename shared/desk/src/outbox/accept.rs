//! A request becomes a row of the outbox, and takes effect at home, in one transaction.

use std::collections::BTreeMap;

use contracts::Receipt;
use serde_json::Value;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::request::{Request, entity_of};
use crate::model::{Model, Ticket};
use crate::store::{save, tickets};

/// What became of a request.
#[derive(Clone, Debug, PartialEq)]
pub enum Accepted {
    /// It is kept, and sent until its receipt is there.
    New,
    /// The same was asked for before; its receipt, if it is there.
    Repeat(Option<Box<Receipt>>),
    /// The key was used for something else.
    KeyReused,
    /// The edge keeps no such account.
    NoSuchAccount,
}

/// Keeps a request.
///
/// # Errors
/// The database fails: nothing is kept.
pub async fn accept(pool: &PgPool, request: &Request) -> sqlx::Result<Accepted> {
    let mut transaction = pool.begin().await?;
    let accepted = accept_within(&mut transaction, request).await?;
    transaction.commit().await?;
    Ok(accepted)
}

/// Keeps a request in the caller's transaction, for an edge that has rows of its own to write with
/// it.
///
/// # Errors
/// The database fails: the transaction must not be committed.
pub async fn accept_within(
    connection: &mut PgConnection,
    request: &Request,
) -> sqlx::Result<Accepted> {
    if insert(connection, request).await? {
        at_home(connection, request).await?;
        return Ok(Accepted::New);
    }
    let known = known(connection, request).await?;
    Ok(known.unwrap_or(Accepted::NoSuchAccount))
}

async fn known(connection: &mut PgConnection, request: &Request) -> sqlx::Result<Option<Accepted>> {
    let row: Option<(Vec<u8>, Option<String>)> = sqlx::query_as(
        "select request_hash, receipt from desk_outbox
         where account = $1 and entity = $2 and key = $3",
    )
    .bind(request.account.as_str())
    .bind(entity_of(&request.command_type))
    .bind(&request.key)
    .fetch_optional(connection)
    .await?;
    let Some((hash, receipt)) = row else { return Ok(None) };
    if hash != request.hash {
        return Ok(Some(Accepted::KeyReused));
    }
    let receipt = receipt.map(|receipt| serde_json::from_str(&receipt)).transpose();
    Ok(Some(Accepted::Repeat(receipt.map_err(|error| sqlx::Error::Decode(error.into()))?)))
}

/// Whether it is new, and of an account that is kept. One that is asked for at this moment by
/// somebody else is waited for.
async fn insert(connection: &mut PgConnection, request: &Request) -> sqlx::Result<bool> {
    let content = &request.content;
    let text = |place: &str| content.pointer(place).and_then(Value::as_str);
    let inserted = sqlx::query(
        "insert into desk_outbox
             (account, entity, key, request_hash, type, body, ticket, share_id, comments)
         select $1, $2, $3, $4, $5, $6, $7, $8, $9
         where exists (select from desk_account where account = $1 and ended_at is null)
         on conflict do nothing",
    )
    .bind(request.account.as_str())
    .bind(entity_of(&request.command_type))
    .bind(&request.key)
    .bind(&request.hash)
    .bind(&request.command_type)
    .bind(content.to_string())
    .bind(text("/ticket_id").or_else(|| text("/ticket/id")))
    .bind(text("/share_id").map(str::to_lowercase))
    .bind(comments_of(content))
    .execute(connection)
    .await?;
    Ok(inserted.rows_affected() > 0)
}

fn comments_of(content: &Value) -> Option<Vec<String>> {
    let comments = content.get("comments").or_else(|| content.pointer("/ticket/comments"))?;
    let ids = comments.as_array()?.iter();
    let ids: Vec<String> = ids.filter_map(|it| it["id"].as_str()).map(str::to_owned).collect();
    (!ids.is_empty()).then_some(ids)
}

/// Locks the account's own tickets that a command is about, and reads them with those of their
/// comments that `comments` names.
pub(super) async fn own_tickets(
    connection: &mut PgConnection,
    account: &str,
    content: &Value,
    comments: &[String],
) -> sqlx::Result<Vec<(String, Uuid, Ticket)>> {
    let text = |place: &str| content.pointer(place).and_then(Value::as_str);
    let share = text("/share_id").map(str::to_lowercase);
    let number = text("/ticket_id").or_else(|| text("/ticket/id"));
    let ids: Vec<Uuid> = match &share {
        Some(share) => {
            sqlx::query_scalar(
                "select ticket from desk_share
                 where account = $1 and share_id = $2 and ticket is not null",
            )
            .bind(account)
            .bind(share)
            .fetch_all(&mut *connection)
            .await?
        }
        None => Vec::new(),
    };
    let numbers: Vec<(String, String)> =
        number.map(|number| (account.to_owned(), number.to_owned())).into_iter().collect();
    tickets::lock(connection, &ids, &numbers, comments).await
}

/// Saves own tickets that [`own_tickets`] locked.
pub(super) async fn save_changed(
    connection: &mut PgConnection,
    account: &str,
    changed: &[(Uuid, Ticket)],
) -> sqlx::Result<()> {
    let changed: Vec<_> =
        changed.iter().map(|(id, ticket)| (account, *id, ticket, false)).collect();
    tickets::save(connection, &changed).await
}

/// What an agent does takes effect on the account's own ticket at once.
async fn at_home(connection: &mut PgConnection, request: &Request) -> sqlx::Result<()> {
    let (account, content) = (request.account.as_str(), &request.content);
    let touches = ["ticket.share.v1", "ticket.update.v1", "ticket.bind.v1", "ticket.redact.v1"];
    if !touches.contains(&request.command_type.as_str()) {
        return Ok(());
    }
    if request.command_type == "ticket.bind.v1" {
        // Its ticket may be told at this moment: then either this finds it, or that finds the
        // number.
        sqlx::query("select from desk_account where account = $1 for update")
            .bind(account)
            .execute(&mut *connection)
            .await?;
    }
    let text = |place: &str| content.pointer(place).and_then(Value::as_str);
    let mut comments = comments_of(content).unwrap_or_default();
    comments.extend(text("/comment_id").map(str::to_owned));
    let loaded = own_tickets(connection, account, content, &comments).await?;
    let before: Vec<Ticket> = loaded.iter().map(|(.., ticket)| ticket.clone()).collect();
    let mut model = Model::of(before.clone(), BTreeMap::new(), BTreeMap::new());
    model.about_to_send(&request.key, &request.command_type, content);
    let mut changed = Vec::new();
    for (place, ticket) in model.tickets().iter().enumerate() {
        if before.get(place) == Some(ticket) {
            continue;
        }
        let id = loaded.get(place).map(|(_, id, _)| *id);
        let is_new = id.is_none();
        changed.push((
            account,
            id.unwrap_or_else(|| save::new_id(account, ticket)),
            ticket,
            is_new,
        ));
    }
    tickets::save(connection, &changed).await?;
    if let Some(comment) =
        text("/comment_id").filter(|_| request.command_type == "ticket.redact.v1")
    {
        save::everywhere(connection, account, comment, text("/attachment_id")).await?;
    }
    Ok(())
}
