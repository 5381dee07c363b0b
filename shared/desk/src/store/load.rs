//! What a batch of deliveries is about: accounts, tickets, commands that are answered.

use std::collections::{BTreeMap, BTreeSet};

use contracts::delivery::{DeliveryBody, TicketUpdated};
use messaging::{DecideError, ReceivedMessage};
use serde_json::Value;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::{json, tickets};
use crate::model::{Model, SentCommand, Ticket};
use crate::session::{Account, State};
use crate::told::ToldDelivery;

type Pair = (String, String);

/// What is loaded of one account.
#[derive(Default)]
struct Parts {
    tickets: Vec<(Uuid, Ticket)>,
    early: BTreeMap<String, Vec<TicketUpdated>>,
    commands: BTreeMap<String, (String, Value)>,
    /// Numbers that it gave to shares, by share.
    bound: BTreeMap<String, String>,
}

/// Locks the batch's accounts, in the order of their names, then their tickets, and loads what the
/// batch is about.
pub async fn of_batch(
    connection: &mut PgConnection,
    batch: &[&ReceivedMessage<ToldDelivery>],
) -> Result<State, DecideError> {
    let names: BTreeSet<&str> = batch.iter().map(|it| it.account.as_str()).collect();
    let accounts: Vec<(String, i64)> = sqlx::query_as(
        "select account, position from desk_account where account = any($1)
         order by account for update",
    )
    .bind(names.into_iter().collect::<Vec<_>>())
    .fetch_all(&mut *connection)
    .await?;

    let mut parts: BTreeMap<String, Parts> = BTreeMap::new();
    for (account, id, (command_type, body)) in commands(connection, batch).await? {
        let commands = &mut parts.entry(account).or_default().commands;
        commands.insert(id, (command_type, body));
    }
    let shares = shares(batch, &parts);
    for (account, share, updates) in early(connection, &shares).await? {
        parts.entry(account).or_default().early.insert(share, updates);
    }
    for (account, share, number) in bound(connection, batch).await? {
        parts.entry(account).or_default().bound.insert(share, number);
    }
    let ids = tickets_of(connection, &shares).await?;
    let numbers = numbers(batch, &parts);
    let comments = comments(batch, &parts);
    for (account, id, ticket) in tickets::lock(connection, &ids, &numbers, &comments).await? {
        parts.entry(account).or_default().tickets.push((id, ticket));
    }

    let mut state = State::default();
    for (name, position) in accounts {
        let Parts { tickets, early, commands, bound } = parts.remove(&name).unwrap_or_default();
        let sent = commands.iter().filter_map(|(id, (command_type, body))| {
            SentCommand::of(command_type, body).map(|sent| (id.clone(), sent))
        });
        let account = Account {
            position,
            had_early: early.keys().cloned().collect(),
            model: Model::of(
                tickets.iter().map(|(_, ticket)| ticket.clone()).collect(),
                early,
                sent.collect(),
            )
            .with_bound(bound),
            loaded: tickets,
            commands,
            ..Account::default()
        };
        state.accounts.insert(name, account);
    }
    Ok(state)
}

/// Commands that the batch answers and that had no receipt before: account, message id, type and
/// content.
async fn commands(
    connection: &mut PgConnection,
    batch: &[&ReceivedMessage<ToldDelivery>],
) -> sqlx::Result<Vec<(String, String, (String, Value))>> {
    let mut asked: [Vec<&str>; 3] = Default::default();
    for received in batch {
        if let Some(DeliveryBody::Receipt(receipt)) = &received.message.body {
            asked[0].push(&received.account);
            asked[1].push(receipt.command_type.split('.').next().unwrap_or_default());
            asked[2].push(&receipt.command_id);
        }
    }
    if asked[0].is_empty() {
        return Ok(Vec::new());
    }
    let [accounts, entities, keys] = asked;
    let rows: Vec<(String, String, String, String)> = sqlx::query_as(
        "select account, key, type, body
         from unnest($1::text[], $2::text[], $3::text[]) wanted (account, entity, key)
         join desk_outbox using (account, entity, key)
         where receipt is null",
    )
    .bind(accounts)
    .bind(entities)
    .bind(keys)
    .fetch_all(connection)
    .await?;
    let read = |(account, key, kind, body): (String, String, String, String)| {
        Ok((account, key, (kind, json(&body)?)))
    };
    rows.into_iter().map(read).collect()
}

/// The shares that the batch and the commands that it answers are about, by account.
fn shares(batch: &[&ReceivedMessage<ToldDelivery>], parts: &BTreeMap<String, Parts>) -> Vec<Pair> {
    let told = batch.iter().filter_map(|received| {
        Some((received.account.clone(), received.message.share()?.to_string()))
    });
    let sent = of_commands(parts, |sent| sent.share);
    told.chain(sent).collect::<BTreeSet<_>>().into_iter().collect()
}

/// The numbers that they name, by account.
fn numbers(batch: &[&ReceivedMessage<ToldDelivery>], parts: &BTreeMap<String, Parts>) -> Vec<Pair> {
    let told = batch.iter().filter_map(|received| {
        Some((received.account.clone(), received.message.number()?.to_owned()))
    });
    let sent = of_commands(parts, |sent| sent.ticket);
    let bound = parts.iter().flat_map(|(account, parts)| {
        parts.bound.values().map(move |number| (account.clone(), number.clone()))
    });
    told.chain(sent).chain(bound).collect::<BTreeSet<_>>().into_iter().collect()
}

fn of_commands(
    parts: &BTreeMap<String, Parts>,
    part: impl Fn(SentCommand) -> Option<String>,
) -> Vec<Pair> {
    let commands = parts.iter().flat_map(|(account, parts)| {
        parts.commands.values().map(move |command| (account, command))
    });
    commands
        .filter_map(|(account, (command_type, body))| {
            Some((account.clone(), part(SentCommand::of(command_type, body)?)?))
        })
        .collect()
}

/// The comments that may be told, heard before, or blanked.
fn comments(
    batch: &[&ReceivedMessage<ToldDelivery>],
    parts: &BTreeMap<String, Parts>,
) -> Vec<String> {
    let told = batch.iter().flat_map(|received| {
        let comments = received.message.comments().into_iter();
        let redacted = received.message.redactions().into_iter().map(|(comment, _)| comment);
        comments.chain(redacted)
    });
    let early = parts.values().flat_map(|parts| parts.early.values().flatten());
    let early = early.flat_map(|updated| {
        let redacted = updated.redact.iter().map(|redaction| &redaction.comment_id);
        updated.comments.iter().map(|comment| &comment.id).chain(redacted)
    });
    let all: BTreeSet<String> = told.chain(early).map(ToString::to_string).collect();
    all.into_iter().collect()
}

async fn early(
    connection: &mut PgConnection,
    shares: &[Pair],
) -> sqlx::Result<Vec<(String, String, Vec<TicketUpdated>)>> {
    if shares.is_empty() {
        return Ok(Vec::new());
    }
    let (accounts, shares) = columns(shares);
    let rows: Vec<(String, String, Json<Vec<TicketUpdated>>)> = sqlx::query_as(
        "select account, share_id, updates
         from unnest($1::text[], $2::text[]) wanted (account, share_id)
         join desk_early using (account, share_id)",
    )
    .bind(accounts)
    .bind(shares)
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|(account, share, Json(updates))| (account, share, updates)).collect())
}

/// Numbers that accounts gave to shares whose tickets the batch tells, unless the line refused
/// them: account, share and number. A desk may do so before it is told the ticket.
async fn bound(
    connection: &mut PgConnection,
    batch: &[&ReceivedMessage<ToldDelivery>],
) -> sqlx::Result<Vec<(String, String, String)>> {
    let told = batch.iter().filter_map(|received| match &received.message.body {
        Some(DeliveryBody::TicketCreated(created)) => {
            Some((received.account.clone(), created.share_id.to_string()))
        }
        _ => None,
    });
    let told: Vec<Pair> = told.collect();
    if told.is_empty() {
        return Ok(Vec::new());
    }
    let (accounts, shares) = columns(&told);
    sqlx::query_as(
        "select account, share_id, outbox.ticket
         from unnest($1::text[], $2::text[]) wanted (account, share_id)
         join desk_outbox outbox using (account, share_id)
         where outbox.type = 'ticket.bind.v1' and outbox.ticket is not null
           and (receipt is null or receipt::jsonb ->> 'outcome' <> 'rejected')
         order by outbox.number",
    )
    .bind(accounts)
    .bind(shares)
    .fetch_all(connection)
    .await
}

async fn tickets_of(connection: &mut PgConnection, shares: &[Pair]) -> sqlx::Result<Vec<Uuid>> {
    if shares.is_empty() {
        return Ok(Vec::new());
    }
    let (accounts, shares) = columns(shares);
    sqlx::query_scalar(
        "select distinct ticket from unnest($1::text[], $2::text[]) wanted (account, share_id)
         join desk_share using (account, share_id) where ticket is not null",
    )
    .bind(accounts)
    .bind(shares)
    .fetch_all(connection)
    .await
}

fn columns(pairs: &[Pair]) -> (Vec<&str>, Vec<&str>) {
    pairs.iter().map(|(account, other)| (account.as_str(), other.as_str())).unzip()
}
