//! What a partner did to a ticket.

use std::collections::BTreeSet;

use contracts::delivery::{TicketCreated, TicketUnshared, TicketUpdated};
use contracts::{AccountName, Actor, Role, ShareId, TicketId, Timestamp};
use desk::model;
use desk::store::shown::{self, HeldRow};
use serde_json::json;
use sqlx::PgConnection;
use sqlx::types::Json;

use super::By;
use super::command::send;
use super::settle::{Change, Partner, SettleError, settle};
use crate::rules::history::Entry;
use crate::rules::overlay;
use crate::rules::ticket::{Channel, Ticket};
use crate::store::comment::{self, Comment};
use crate::store::ticket::{self, Kept};
use crate::store::{event, person};

/// The actor of what rules do to what a partner sent.
fn rules_of(account: &AccountName, now: Timestamp) -> By {
    let actor = Actor {
        id: "rules".to_owned(),
        name: "Rules".to_owned(),
        role: Role::Agent,
        email: None,
        phone: None,
    };
    By { account: account.clone(), actor, now }
}

/// A ticket came: it gets a number of this account's, which the line is told, and rules run on it.
pub(super) async fn created(
    connection: &mut PgConnection,
    account: &AccountName,
    told: &TicketCreated,
    now: Timestamp,
) -> Result<(), SettleError> {
    let share = told.share_id.to_string();
    let Some(row) = shown::of_share(connection, account.as_str(), &share).await? else {
        return Ok(());
    };
    if row.ticket.number.is_some() {
        let again = Told { partner: None, person: None, names: None, comments: &[] };
        return changed(connection, account, &row, &again, now).await;
    }
    let (name, partner) = (account.as_str(), told.received_from.as_str());
    let asker = &told.requester;
    person::placeholder(connection, name, &asker.id, &asker.name, partner).await?;
    let number = ticket::next_number(connection, name).await?;
    let mut ticket = Ticket::new(number, told.subject.clone(), asker.id.clone());
    ticket.channel = Channel::Sharing;
    ticket.updated_via = Channel::Sharing;
    ticket.received_from = Some(partner.to_owned());
    overlay::take(&mut ticket, &row.ticket, &[], None);
    let held = shown::comments(connection, row.id, None).await?;
    let comments = comments(connection, name, partner, held, now).await?;
    let asked_at = told.requested_at.map_or(now.utc(), Timestamp::utc);
    let kept = Kept {
        ticket,
        requester_name: asker.name.clone(),
        created_at: asked_at,
        updated_at: now.utc(),
    };
    let bind = json!({ "share_id": share, "ticket_id": number.to_string() });
    send(connection, account, "ticket.bind.v1", bind).await?;
    let by = rules_of(account, now);
    let detail = json!({ "number": told.original_ticket_id, "agreement": told.agreement_id });
    let change = Change {
        opening: Some((partner, Entry { kind: "received", detail })),
        comments,
        ..Change::of(&by, Channel::Sharing, None, kept)
    };
    settle(connection, change).await.map(drop)
}

/// A ticket changed at a partner's. One that came before its ticket is taken with it.
pub(super) async fn updated(
    connection: &mut PgConnection,
    account: &AccountName,
    told: &TicketUpdated,
    now: Timestamp,
) -> Result<(), SettleError> {
    let name = account.as_str();
    for redaction in &told.redact {
        let comment = redaction.comment_id.as_str();
        comment::redact(connection, name, comment, redaction.attachment_id.as_deref()).await?;
    }
    let share = told.share_id.to_string();
    let Some(row) =
        find(connection, name, &share, told.ticket_id.as_ref().map(TicketId::as_str)).await?
    else {
        return Ok(());
    };
    let ids: Vec<String> = told.comments.iter().map(|comment| comment.id.to_string()).collect();
    let names = overlay::names_of(told);
    let partner = Some(told.received_from.as_str());
    let person = told.actor.as_ref().map(|actor| actor.name.as_str());
    let told = Told { partner, person, names: Some(names), comments: &ids };
    changed(connection, account, &row, &told, now).await
}

async fn find(
    connection: &mut PgConnection,
    account: &str,
    share: &str,
    number: Option<&str>,
) -> sqlx::Result<Option<HeldRow>> {
    if let Some(row) = shown::of_share(connection, account, share).await? {
        return Ok(Some(row));
    }
    match number {
        Some(number) => shown::of_number(connection, account, number).await,
        None => Ok(None),
    }
}

/// All of a copy was told anew.
pub(super) async fn restored(
    connection: &mut PgConnection,
    account: &AccountName,
    share: &ShareId,
    now: Timestamp,
) -> Result<(), SettleError> {
    let Some(row) = shown::of_share(connection, account.as_str(), &share.to_string()).await? else {
        return Ok(());
    };
    let held = shown::comments(connection, row.id, None).await?;
    let ids: Vec<String> = held.into_iter().map(|(id, _)| id).collect();
    let told = Told { partner: None, person: None, names: None, comments: &ids };
    changed(connection, account, &row, &told, now).await
}

/// What of a ticket was told.
struct Told<'a> {
    /// By whom, where that is said.
    partner: Option<&'a str>,
    /// By which of its people, where that is said.
    person: Option<&'a str>,
    /// The fields; nothing: all.
    names: Option<BTreeSet<String>>,
    /// The comments.
    comments: &'a [String],
}

async fn changed(
    connection: &mut PgConnection,
    account: &AccountName,
    row: &HeldRow,
    told: &Told<'_>,
    now: Timestamp,
) -> Result<(), SettleError> {
    let name = account.as_str();
    let Some(number) = row.ticket.number.as_deref().and_then(|number| number.parse().ok()) else {
        return Ok(());
    };
    let Some(before) = ticket::lock(connection, name, number).await? else { return Ok(()) };
    let mut after = before.clone();
    let names = told.names.as_ref();
    overlay(connection, name, &mut after.ticket, &row.ticket, names).await?;
    let came_from = before.ticket.received_from.as_deref();
    let partner =
        told.partner.or(came_from).or(before.ticket.sent_to.as_deref()).unwrap_or_default();
    let held = shown::comments(connection, row.id, Some(told.comments)).await?;
    let comments = comments(connection, name, partner, held, now).await?;
    after.ticket.updated_via = Channel::Sharing;
    after.updated_at = now.utc();
    let by = rules_of(account, now);
    let change = Change {
        partner: Some(Partner { account: partner, person: told.person }),
        comments,
        ..Change::of(&by, Channel::Sharing, Some(&before), after)
    };
    settle(connection, change).await.map(drop)
}

/// Takes what is held, and above it what still waits for its receipt, into the ticket.
pub(super) async fn overlay(
    connection: &mut PgConnection,
    account: &str,
    ticket: &mut Ticket,
    held: &model::Ticket,
    names: Option<&BTreeSet<String>>,
) -> sqlx::Result<()> {
    let shares: Vec<String> = held.shares.iter().cloned().collect();
    let number = ticket.number.to_string();
    let waiting = shown::waiting(connection, account, &number, &shares).await?;
    overlay::take(ticket, held, &waiting, names);
    Ok(())
}

/// Comments as they are held, for this account's people; whoever wrote one becomes a placeholder.
async fn comments(
    connection: &mut PgConnection,
    account: &str,
    partner: &str,
    held: Vec<(String, model::Comment)>,
    now: Timestamp,
) -> sqlx::Result<Vec<Comment>> {
    let mut comments = Vec::with_capacity(held.len());
    for (id, held) in held {
        let author = held.author.unwrap_or_default();
        let text = |name: &str| author[name].as_str().unwrap_or_default().to_owned();
        let (author_id, author_name) = (text("id"), text("name"));
        person::placeholder(connection, account, &author_id, &author_name, partner).await?;
        let at = held.authored_at.as_deref().and_then(|at| Timestamp::parse(at).ok());
        comments.push(Comment {
            id,
            author_id,
            author_name,
            author_role: "end_user".to_owned(),
            received_from: Some(partner.to_owned()),
            public: held.public,
            body: held.body,
            html_body: held.html_body,
            attachments: Json(held.attachments.into_values().collect()),
            // A recording stays where it is; its transcript came as text.
            call: None,
            redacted: false,
            at: at.unwrap_or(now).utc(),
        });
    }
    Ok(comments)
}

/// A partner ended its share.
pub(super) async fn unshared(
    connection: &mut PgConnection,
    account: &AccountName,
    told: &TicketUnshared,
    now: Timestamp,
) -> Result<(), SettleError> {
    let (name, share) = (account.as_str(), told.share_id.to_string());
    let held = shown::of_share(connection, name, &share).await?;
    let number = held.and_then(|row| row.ticket.number).and_then(|number| number.parse().ok());
    let Some(number) = number else { return Ok(()) };
    let Some(kept) = ticket::lock(connection, name, number).await? else { return Ok(()) };
    let partner = kept.ticket.received_from.as_deref().unwrap_or_default();
    let entry = Entry { kind: "share_ended", detail: json!({ "partner": partner }) };
    event::add(connection, name, number, now.utc(), partner, &[entry]).await?;
    ticket::touch(connection, name, &[number]).await?;
    Ok(())
}
