//! What end users do: they ask, confirm their address, and answer.

use std::collections::BTreeSet;

use contracts::fields::Status;
use contracts::ids::derive_id;
use contracts::{AccountName, Actor, Role, Timestamp};
use serde_json::Value;
use sqlx::types::Json;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::By;
use super::agent::{EditError, Written, is_said, written};
use super::settle::{Change, SettleError, settle};
use crate::clock::new_id;
use crate::rules::custom_status::TicketStatus;
use crate::rules::people::EndUser;
use crate::rules::support_address::may_be_mailed;
use crate::rules::ticket::{Channel, Ticket};
use crate::store::asked::{self, AskedRow, Unconfirmed};
use crate::store::desk_address::link_key;
use crate::store::mail::{self, MailTopic, ToPerson};
use crate::store::ticket::{self, Kept};
use crate::store::{attachment, custom_status, person, sharing};

/// A request as the form has it.
#[derive(Clone, Debug)]
pub struct RequestForm {
    /// Its id: sent twice, it is asked once.
    pub id: Uuid,
    /// Who asks.
    pub name: String,
    /// Their address.
    pub email: String,
    /// Language of their pages.
    pub language: &'static str,
    /// What it is about.
    pub subject: String,
    /// The text.
    pub body: String,
    /// Its files, each as the contract's `Attachment`.
    pub attachments: Vec<Value>,
}

/// Takes a request: a ticket, where the address is confirmed; else it waits for that, and one mail
/// asks for it. Whoever asked sees the same in both cases.
///
/// # Errors
/// The database.
pub async fn ask(
    pool: &PgPool,
    account: &AccountName,
    now: Timestamp,
    request: RequestForm,
) -> Result<(), SettleError> {
    let name = account.as_str();
    let mut transaction = pool.begin().await?;
    // Links of what is mailed are signed with it.
    link_key(&mut transaction, name, [new_id(), new_id()]).await?;
    let asked = AskedRow {
        id: request.id,
        subject: request.subject,
        body: request.body,
        attachments: Json(request.attachments),
        asked_at: now.utc(),
    };
    let known = person::confirmed(&mut transaction, name, &request.email).await?;
    if let Some(asker) = known {
        open(&mut transaction, account, &asker, asked, now).await?;
    } else {
        // No mail to whom a partner reads as tickets: nobody there asks here.
        let agreements = sharing::agreements(&mut transaction, name).await?;
        if !may_be_mailed(&request.email, &agreements) {
            return Ok(());
        }
        let who = Unconfirmed {
            id: new_id(),
            email: request.email,
            name: request.name,
            language: request.language.to_owned(),
        };
        let (id, is_new) = asked::keep(&mut transaction, name, &who, &asked).await?;
        if is_new {
            let to = (who.email.as_str(), who.name.as_str(), who.language.as_str());
            mail::to_confirm(&mut transaction, name, id, to).await?;
        }
    }
    transaction.commit().await?;
    Ok(())
}

/// An address is confirmed: what it asked becomes tickets. The first of them, and who asked.
///
/// # Errors
/// The database.
pub async fn confirm(
    pool: &PgPool,
    account: &AccountName,
    now: Timestamp,
    id: Uuid,
) -> Result<Option<(i64, EndUser)>, SettleError> {
    let name = account.as_str();
    let mut transaction = pool.begin().await?;
    let Some(who) = asked::find(&mut transaction, name, id).await? else { return Ok(None) };
    let requests = asked::take(&mut transaction, name, id).await?;
    let asker =
        person::of_address(&mut transaction, name, &new_id().to_string(), &who.name, &who.email)
            .await?;
    person::confirm(&mut transaction, name, &asker.id, &who.language).await?;
    let mut first = None;
    for request in requests {
        let number = open(&mut transaction, account, &asker, request, now).await?;
        first = first.or(Some(number));
    }
    transaction.commit().await?;
    Ok(first.map(|number| (number, asker)))
}

fn by(account: &AccountName, asker: &EndUser, now: Timestamp) -> By {
    let actor = Actor {
        id: asker.id.clone(),
        name: asker.name.clone(),
        role: Role::EndUser,
        email: None,
        phone: None,
    };
    By { account: account.clone(), actor, now }
}

/// Opens the ticket of a request and mails its link; its number. Of one that was sent twice the
/// first.
async fn open(
    connection: &mut PgConnection,
    account: &AccountName,
    asker: &EndUser,
    request: AskedRow,
    now: Timestamp,
) -> Result<i64, SettleError> {
    let name = account.as_str();
    if let Some(number) = ticket::of_comment(connection, name, &request.id.to_string()).await? {
        return Ok(number);
    }
    let by = by(account, asker, now);
    // Those of a request that waited for long may be gone.
    let attachments = attachment::there(connection, name, request.attachments.0).await?;
    let number = ticket::next_number(connection, name).await?;
    let mut ticket = Ticket::new(number, request.subject, asker.id.clone());
    (ticket.channel, ticket.updated_via) = (Channel::Requester, Channel::Requester);
    ticket.tags = BTreeSet::new();
    let first =
        Written { id: request.id, body: request.body, public: true, call: None, attachments };
    let after = Kept {
        ticket,
        requester_name: asker.name.clone(),
        created_at: request.asked_at,
        updated_at: now.utc(),
    };
    let change = Change {
        comments: vec![written(&by, &first)],
        ..Change::of(&by, Channel::Requester, None, after)
    };
    settle(connection, change).await?;
    let id = derive_id("helpdesk mail", &[name, "opened", &request.id.to_string()]);
    let opened = ToPerson { id, person: asker, about: MailTopic::Opened(number) };
    mail::to_people(connection, name, &[opened]).await?;
    Ok(number)
}

/// Whoever asked, or a CC, answers: what waited for them is open again.
///
/// # Errors
/// See [`EditError`].
pub async fn answer(
    pool: &PgPool,
    account: &AccountName,
    now: Timestamp,
    (number, asker): (i64, &EndUser),
    said: Written,
) -> Result<(), EditError> {
    let name = account.as_str();
    let by = by(account, asker, now);
    let mut transaction = pool.begin().await?;
    let before = ticket::lock(&mut transaction, name, number).await?;
    let mut before = before.ok_or(EditError::NotFound)?;
    if is_said(&mut transaction, name, number, said.id).await? {
        return Ok(());
    }
    before.ticket.settle_status(&custom_status::all(&mut transaction, name).await?);
    let mut after = before.clone();
    match before.ticket.status {
        Status::Closed => return Err(EditError::Closed),
        Status::Pending | Status::Hold | Status::Solved => {
            after.ticket.stand(TicketStatus::of_category(Status::Open));
        }
        Status::New | Status::Open => {}
    }
    after.ticket.updated_via = Channel::Requester;
    after.updated_at = now.utc();
    let change = Change {
        comments: vec![written(&by, &said)],
        ..Change::of(&by, Channel::Requester, Some(&before), after)
    };
    settle(&mut transaction, change).await?;
    transaction.commit().await?;
    Ok(())
}
