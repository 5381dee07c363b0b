//! What became of a command of the account's own.

use std::collections::BTreeSet;

use contracts::{AccountName, Actor, Receipt, ReceiptOutcome, Role, Timestamp};
use desk::model;
use desk::store::shown;
use serde_json::{Value, json};
use sqlx::PgConnection;

use super::By;
use super::command::{self, send, told};
use super::received::overlay;
use super::settle::SettleError;
use crate::rules::history::{self, Entry};
use crate::rules::overlay::{self, names_of_sent};
use crate::rules::publish::{self, COMMENTS};
use crate::store::ticket::{self, Kept};
use crate::store::{comment, event, sharing};

/// A command that was answered.
struct Answered {
    number: i64,
    body: Value,
}

/// Takes a receipt into the ticket that its command was about.
pub(super) async fn answered(
    connection: &mut PgConnection,
    account: &AccountName,
    receipt: &Receipt,
    now: Timestamp,
) -> Result<(), SettleError> {
    if !receipt.command_type.starts_with("ticket.") || receipt.dry_run {
        return Ok(());
    }
    let name = account.as_str();
    let Some(Answered { number, body }) = find(connection, name, receipt).await? else {
        return Ok(());
    };
    let Some(before) = ticket::lock(connection, name, number).await? else { return Ok(()) };
    let done = matches!(receipt.outcome, ReceiptOutcome::Applied | ReceiptOutcome::Partial);
    let mut after = before.clone();
    if let Some(row) = shown::of_number(connection, name, &number.to_string()).await? {
        let sent = model::SentCommand::of(&receipt.command_type, &body).unwrap_or_default();
        let names = names_of_sent(&sent, &before.ticket);
        overlay(connection, name, &mut after.ticket, &row.ticket, Some(&names)).await?;
    }
    let partner = before.ticket.sent_to.clone().unwrap_or_default();
    let entry = match (receipt.command_type.as_str(), done) {
        ("ticket.share.v1", true) => {
            let under = body["agreement_id"].clone();
            Some(Entry {
                kind: "shared",
                detail: json!({ "partner": partner, "agreement": under }),
            })
        }
        ("ticket.share.v1", false) => {
            after.ticket.sent_to = None;
            let detail = json!({ "partner": partner, "reason": receipt.reason });
            Some(Entry { kind: "not_shared", detail })
        }
        ("ticket.unshare.v1", true) => {
            after.ticket.sent_to = None;
            Some(Entry { kind: "unshared", detail: json!({ "partner": partner }) })
        }
        _ => None,
    };
    // What was set here and does not stand any more; by whose change, no receipt says.
    let back = history::of_partner(&before.ticket, &after.ticket, None);
    event::add(connection, name, number, now.utc(), "", &back).await?;
    ticket::save(connection, name, &after).await?;
    let who = body["actor"]["name"].as_str().unwrap_or_default();
    event::add(connection, name, number, now.utc(), who, entry.as_slice()).await?;
    if receipt.command_type == "ticket.share.v1" && done {
        follow_up(connection, account, &after, &body, now).await?;
    }
    Ok(())
}

async fn find(
    connection: &mut PgConnection,
    account: &str,
    receipt: &Receipt,
) -> sqlx::Result<Option<Answered>> {
    let row: Option<(Option<String>, Option<String>, String)> = sqlx::query_as(
        "select ticket, share_id, body from desk_outbox
         where account = $1 and entity = 'ticket' and key = $2",
    )
    .bind(account)
    .bind(&receipt.command_id)
    .fetch_optional(&mut *connection)
    .await?;
    let Some((number, share, body)) = row else { return Ok(None) };
    let number = match (number, share) {
        (Some(number), _) => Some(number),
        (None, Some(share)) => {
            let held = shown::of_share(connection, account, &share).await?;
            held.and_then(|row| row.ticket.number)
        }
        (None, None) => None,
    };
    let body = serde_json::from_str(&body).map_err(|error| sqlx::Error::Decode(Box::new(error)))?;
    Ok(number.and_then(|number| number.parse().ok()).map(|number| Answered { number, body }))
}

/// What was said and set while the share had no receipt yet, and what was too much for it.
async fn follow_up(
    connection: &mut PgConnection,
    account: &AccountName,
    after: &Kept,
    shared: &Value,
    now: Timestamp,
) -> Result<(), SettleError> {
    let (name, number) = (account.as_str(), after.ticket.number);
    let said = comment::all(connection, name, number).await?;
    let own = said.iter().filter(|comment| comment.received_from.is_none() && !comment.redacted);
    let ids: Vec<String> = own.clone().map(|comment| comment.id.clone()).collect();
    let missing = shown::missing_comments(connection, name, &number.to_string(), &ids).await?;
    let missing: Vec<Value> =
        own.filter(|comment| missing.contains(&comment.id)).map(told).collect();
    let in_shares = sharing::of_ticket(connection, name, number).await?;
    let held = shown::of_number(connection, name, &number.to_string()).await?;
    let known = held.map(|row| row.ticket).unwrap_or_default();
    let actor = serde_json::from_value(shared["actor"].clone()).unwrap_or_else(|_| nobody());
    let by = By { account: account.clone(), actor, now };
    let mut told_so_far = after.ticket.clone();
    let sent = model::SentCommand::of("ticket.share.v1", shared).unwrap_or_default();
    let names: BTreeSet<String> = sent.fields.keys().cloned().collect();
    overlay::take(&mut told_so_far, &known, &[], Some(&names));
    let mut parts: Vec<&[Value]> = missing.chunks(COMMENTS).collect();
    if parts.is_empty() {
        parts.push(&[]);
    }
    let mut from = told_so_far;
    for part in parts {
        let Some(changed) = publish::change(&from, &after.ticket, part) else { continue };
        let content = command::update(number, &in_shares, Some(&known), changed, &by);
        send(connection, account, "ticket.update.v1", content).await?;
        from = after.ticket.clone();
    }
    Ok(())
}

fn nobody() -> Actor {
    Actor {
        id: "rules".to_owned(),
        name: "Rules".to_owned(),
        role: Role::Agent,
        email: None,
        phone: None,
    }
}
