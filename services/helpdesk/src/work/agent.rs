//! What agents do to tickets.

use std::collections::{BTreeMap, BTreeSet};

use contracts::Role;
use contracts::comment::Call;
use contracts::fields::Status;
use serde_json::{Value, json};
use sqlx::types::Json;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::By;
use super::command::send;
use super::settle::{Change, SettleError, settle};
use crate::rules::conflict::{Merged, three_way};
use crate::rules::custom_status::TicketStatus;
use crate::rules::field::same;
use crate::rules::sharing::may_unshare;
use crate::rules::ticket::{Channel, Ticket};
use crate::store::comment::{self, Comment};
use crate::store::ticket::{self, Kept};
use crate::store::{custom_status, person, sharing};

/// A comment that somebody writes.
#[derive(Clone, Debug)]
pub struct Written {
    /// Its id: sent twice, it is said once.
    pub id: Uuid,
    /// Plain text.
    pub body: String,
    /// Whether whoever asked sees it.
    pub public: bool,
    /// The call that it is about.
    pub call: Option<Call>,
    /// Its files, each as the contract's `Attachment`.
    pub attachments: Vec<Value>,
}

/// A ticket that an agent opens.
#[derive(Clone, Debug)]
pub struct New {
    /// What it is about.
    pub subject: String,
    /// The first comment.
    pub first: Written,
    /// Who asks.
    pub requester_name: String,
    /// Their address.
    pub requester_email: String,
    /// Tags.
    pub tags: BTreeSet<String>,
    /// Values of custom fields.
    pub fields: BTreeMap<String, Value>,
    /// The group that works on it.
    pub group: Option<Uuid>,
    /// The agent who works on it.
    pub assignee: Option<Uuid>,
}

/// Opens a ticket; its number.
///
/// # Errors
/// The database.
pub async fn open(pool: &PgPool, by: &By, new: New) -> Result<i64, SettleError> {
    let account = by.account.as_str();
    let mut transaction = pool.begin().await?;
    let (id, name) = (crate::clock::new_id().to_string(), new.requester_name.trim());
    let asker =
        person::of_address(&mut transaction, account, &id, name, new.requester_email.trim())
            .await?;
    let number = ticket::next_number(&mut transaction, account).await?;
    let mut ticket = Ticket::new(number, new.subject, asker.id);
    ticket.tags = new.tags;
    ticket.fields = new.fields;
    ticket.group = new.group;
    ticket.assignee = new.assignee;
    let (created_at, updated_at) = (by.now.utc(), by.now.utc());
    let after = Kept { ticket, requester_name: asker.name, created_at, updated_at };
    let change = Change {
        comments: vec![written(by, &new.first)],
        ..Change::of(by, Channel::Agent, None, after)
    };
    settle(&mut transaction, change).await?;
    transaction.commit().await?;
    Ok(number)
}

/// One field of a form: what it had when it was shown, and what it says now.
#[derive(Clone, Debug, PartialEq)]
pub struct Edited<T> {
    /// When it was shown.
    pub was: T,
    /// Now.
    pub wanted: T,
}

impl Edited<TicketStatus> {
    /// Whether it closes the ticket, for good.
    #[must_use]
    pub fn closes(&self) -> bool {
        self.wanted.category == Status::Closed && self.was.category != Status::Closed
    }
}

/// What an agent saves of a ticket. What is not given is not touched.
#[derive(Clone, Debug, Default)]
pub struct Edit {
    /// A comment.
    pub comment: Option<Written>,
    /// Status, with the custom status.
    pub status: Option<Edited<TicketStatus>>,
    /// Tags that people set.
    pub tags: Option<Edited<BTreeSet<String>>>,
    /// The group that works on it.
    pub group: Option<Edited<Option<Uuid>>>,
    /// The agent who works on it.
    pub assignee: Option<Edited<Option<Uuid>>>,
    /// Custom fields.
    pub fields: BTreeMap<String, Edited<Option<Value>>>,
    /// Somebody else who asks: name and address.
    pub requester: Option<(String, String)>,
}

/// Why an edit was not saved.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    /// It could not be carried out.
    #[error(transparent)]
    Settle(#[from] SettleError),
    /// No such ticket of this account.
    #[error("there is no such ticket")]
    NotFound,
    /// Somebody else changed these meanwhile: nothing was saved.
    #[error("somebody else changed {0:?} meanwhile")]
    Conflict(Vec<String>),
    /// A closed ticket stays as it is.
    #[error("the ticket is closed")]
    Closed,
}

impl From<sqlx::Error> for EditError {
    fn from(error: sqlx::Error) -> Self {
        Self::Settle(error.into())
    }
}

/// Saves an edit, all of it or nothing.
///
/// # Errors
/// See [`EditError`].
pub async fn edit(pool: &PgPool, by: &By, number: i64, edit: Edit) -> Result<(), EditError> {
    let account = by.account.as_str();
    let mut transaction = pool.begin().await?;
    let before = ticket::lock(&mut transaction, account, number).await?;
    let mut before = before.ok_or(EditError::NotFound)?;
    before.ticket.settle_status(&custom_status::all(&mut transaction, account).await?);
    if let Some(comment) = &edit.comment
        && is_said(&mut transaction, account, number, comment.id).await?
    {
        return Ok(());
    }
    let mut after = before.clone();
    let conflicts = merge(&mut after.ticket, &edit);
    if !conflicts.is_empty() {
        return Err(EditError::Conflict(conflicts));
    }
    if let Some((name, email)) = &edit.requester {
        let id = crate::clock::new_id().to_string();
        let asker =
            person::of_address(&mut transaction, account, &id, name.trim(), email.trim()).await?;
        after.ticket.requester = asker.id;
        after.requester_name = asker.name;
    }
    let is_closed = before.ticket.status == Status::Closed;
    if is_closed && (edit.comment.is_some() || after.ticket != before.ticket) {
        return Err(EditError::Closed);
    }
    if edit.comment.is_none() && after.ticket == before.ticket {
        return Ok(());
    }
    after.ticket.updated_via = Channel::Agent;
    after.updated_at = by.now.utc();
    let change = Change {
        comments: edit.comment.iter().map(|comment| written(by, comment)).collect(),
        ..Change::of(by, Channel::Agent, Some(&before), after)
    };
    settle(&mut transaction, change).await?;
    transaction.commit().await?;
    Ok(())
}

/// Puts an edit into the ticket; the names of what was changed on both sides.
fn merge(ticket: &mut Ticket, edit: &Edit) -> Vec<String> {
    let mut conflicts = Vec::new();
    let mut take = |name: &str, conflicting: bool| {
        if conflicting {
            conflicts.push(name.to_owned());
        }
    };
    if let Some(Edited { was, wanted }) = &edit.status {
        let merged = three_way(was, wanted.clone(), &ticket.standing());
        take("status", merged == Merged::Conflict);
        if let Merged::Set(status) = merged {
            ticket.stand(status);
        }
    }
    if let Some(Edited { was, wanted }) = &edit.group {
        let merged = three_way(was, *wanted, &ticket.group);
        take("group", merged == Merged::Conflict);
        if let Merged::Set(group) = merged {
            ticket.group = group;
        }
    }
    if let Some(Edited { was, wanted }) = &edit.assignee {
        let merged = three_way(was, *wanted, &ticket.assignee);
        take("assignee", merged == Merged::Conflict);
        if let Merged::Set(assignee) = merged {
            ticket.assignee = assignee;
        }
    }
    if let Some(Edited { was, wanted }) = &edit.tags {
        // Each tag is a field of its own: two people who add different ones are not at odds.
        let mut own: BTreeSet<String> = ticket.own_tags().cloned().collect();
        own.extend(wanted.difference(was).cloned());
        own.retain(|tag| wanted.contains(tag) || !was.contains(tag));
        ticket.set_own_tags(&own);
    }
    for (key, Edited { was, wanted }) in &edit.fields {
        let now = ticket.fields.get(key).cloned();
        if same(was.as_ref(), wanted.as_ref()) || same(now.as_ref(), wanted.as_ref()) {
            continue;
        }
        if same(was.as_ref(), now.as_ref()) {
            let value = wanted.clone().unwrap_or_else(crate::rules::field::cleared);
            ticket.fields.insert(key.clone(), value);
        } else {
            take(key, true);
        }
    }
    conflicts
}

pub(super) async fn is_said(
    connection: &mut PgConnection,
    account: &str,
    number: i64,
    id: Uuid,
) -> sqlx::Result<bool> {
    sqlx::query_scalar(
        "select exists (select from comment where account = $1 and ticket = $2 and id = $3)",
    )
    .bind(account)
    .bind(number)
    .bind(id.to_string())
    .fetch_one(connection)
    .await
}

pub(super) fn written(by: &By, written: &Written) -> Comment {
    Comment {
        id: written.id.to_string(),
        author_id: by.actor.id.clone(),
        author_name: by.actor.name.clone(),
        author_role: match by.actor.role {
            Role::Admin => "admin",
            Role::Agent => "agent",
            Role::EndUser => "end_user",
        }
        .to_owned(),
        received_from: None,
        public: written.public,
        body: written.body.clone(),
        html_body: None,
        attachments: Json(written.attachments.clone()),
        call: written.call.clone().map(Json),
        redacted: false,
        at: by.now.utc(),
    }
}

/// Shares a ticket under an agreement.
///
/// # Errors
/// See [`EditError`]; why it may not be shared is within [`SettleError`].
pub async fn share(pool: &PgPool, by: &By, number: i64, agreement: &str) -> Result<(), EditError> {
    let account = by.account.as_str();
    let mut transaction = pool.begin().await?;
    let before = ticket::lock(&mut transaction, account, number).await?;
    let before = before.ok_or(EditError::NotFound)?;
    let mut after = before.clone();
    after.updated_at = by.now.utc();
    let change = Change {
        share_under: Some(agreement),
        rules: Some(&[]),
        ..Change::of(by, Channel::Agent, Some(&before), after)
    };
    settle(&mut transaction, change).await?;
    transaction.commit().await?;
    Ok(())
}

/// Ends the live share by which a ticket was sent.
///
/// # Errors
/// [`EditError::NotFound`] where there is none.
pub async fn unshare(pool: &PgPool, by: &By, number: i64, share: &str) -> Result<(), EditError> {
    let account = by.account.as_str();
    let mut transaction = pool.begin().await?;
    let shares = sharing::of_ticket(&mut transaction, account, number).await?;
    let found = shares.iter().find(|it| it.id == share && may_unshare(it));
    let found = found.ok_or(EditError::NotFound)?;
    let content = json!({ "share_id": found.id, "actor": by.actor });
    send(&mut transaction, &by.account, "ticket.unshare.v1", content).await?;
    ticket::touch(&mut transaction, account, &[number]).await?;
    transaction.commit().await?;
    Ok(())
}

/// Blanks a comment that was written here, or takes one file from it, in every copy. The links of
/// its files answer nobody any more.
///
/// # Errors
/// [`EditError::NotFound`] where the ticket has no such comment of this account's.
pub async fn redact(
    pool: &PgPool,
    by: &By,
    number: i64,
    (id, attachment): (&str, Option<&str>),
) -> Result<(), EditError> {
    let account = by.account.as_str();
    let mut transaction = pool.begin().await?;
    let before = ticket::lock(&mut transaction, account, number).await?;
    before.ok_or(EditError::NotFound)?;
    let said = comment::all(&mut transaction, account, number).await?;
    let own = said.iter().find(|it| it.id == id && it.received_from.is_none());
    let own = own.ok_or(EditError::NotFound)?;
    if let Some(file) = attachment {
        let found = own.attachments.iter().find(|it| it["id"] == file);
        found.ok_or(EditError::NotFound)?;
    }
    comment::redact(&mut transaction, account, id, attachment).await?;
    files::store::redact(&mut transaction, account, id, attachment).await?;
    let was_shared = !sharing::of_ticket(&mut transaction, account, number).await?.is_empty();
    if was_shared {
        let mut content =
            json!({ "ticket_id": number.to_string(), "comment_id": id, "actor": by.actor });
        if let Some(file) = attachment {
            content["attachment_id"] = json!(file);
        }
        send(&mut transaction, &by.account, "ticket.redact.v1", content).await?;
    }
    ticket::touch(&mut transaction, account, &[number]).await?;
    transaction.commit().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::ticket::tags_of;

    #[test]
    fn two_people_who_add_different_tags_are_not_at_odds() {
        let mut ticket = Ticket::new(1, "Pump", "p");
        ticket.tags = tags_of("meter theirs");
        let tags = Edited { was: tags_of("meter"), wanted: tags_of("mine") };
        let edit = Edit { tags: Some(tags), ..Edit::default() };
        assert_eq!(merge(&mut ticket, &edit), Vec::<String>::new());
        assert_eq!(ticket.tags, tags_of("mine theirs"));
    }

    #[test]
    fn what_both_set_is_named_and_nothing_else() {
        let mut ticket = Ticket::new(1, "Pump", "p");
        ticket.status = Status::Pending;
        ticket.fields.insert("model".into(), json!("lx_60"));
        let edited =
            |was: &str, wanted: &str| Edited { was: Some(json!(was)), wanted: Some(json!(wanted)) };
        let edit = Edit {
            status: Some(Edited {
                was: TicketStatus::of_category(Status::Open),
                wanted: TicketStatus::of_category(Status::Solved),
            }),
            fields: [
                ("model".to_owned(), edited("lx_40", "lx_50")),
                ("bay".to_owned(), edited("", "B3")),
            ]
            .into(),
            ..Edit::default()
        };
        assert_eq!(merge(&mut ticket, &edit), ["status", "model"]);
    }
}
