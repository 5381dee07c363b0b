//! Mails to whoever asked and to CCs, kept in the transaction of what they tell.

use contracts::ids::derive_id;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::clock::new_id;
use crate::rules::action::{MailTo, RuleMail};
use crate::rules::mailing::{self, MAILED};
use crate::rules::people::{ReplyReach, reach};
use crate::rules::sharing::{Agreement, Share};
use crate::rules::ticket::Ticket;
use crate::store::comment::Comment;
use crate::store::desk_address::link_key;
use crate::store::mail::{self, MailTopic, RuleRecipient, ToPerson, to_people};
use crate::store::{cc, person};

/// What decides whom a mail may go to.
pub(super) struct Told<'a> {
    /// The ticket's shares.
    pub shares: &'a [Share],
    /// The account's agreements.
    pub agreements: &'a [Agreement],
}

/// Mails public comments that are new, the newest of many.
pub(super) async fn said(
    connection: &mut PgConnection,
    account: &str,
    ticket: &Ticket,
    comments: &[&Comment],
    told: &Told<'_>,
) -> sqlx::Result<()> {
    if comments.is_empty() {
        return Ok(());
    }
    let requester = person::find(connection, account, &ticket.requester).await?;
    let ccs = cc::list(connection, account, ticket.number).await?;
    let newest = comments.len().saturating_sub(MAILED);
    let mut mails = Vec::new();
    for comment in &comments[newest..] {
        let author = comment.author_id.as_str();
        let people = mailing::told(author, requester.as_ref(), &ccs, told.shares, told.agreements);
        mails.extend(people.into_iter().map(|person| ToPerson {
            id: derive_id("helpdesk mail", &[account, &comment.id, &person.id]),
            person,
            about: MailTopic::Said(ticket.number, &comment.id),
        }));
    }
    if !mails.is_empty() {
        // What their links are signed with.
        link_key(connection, account, [new_id(), new_id()]).await?;
    }
    to_people(connection, account, &mails).await
}

/// Mails what rules wrote: whoever asked where a mail from here reaches them, and the agent who
/// works on the ticket.
pub(super) async fn of_rules(
    connection: &mut PgConnection,
    account: &str,
    ticket: &Ticket,
    written: &[&RuleMail],
    told: &Told<'_>,
) -> sqlx::Result<()> {
    if written.is_empty() {
        return Ok(());
    }
    let requester = person::find(connection, account, &ticket.requester).await?;
    let requester = requester
        .filter(|it| matches!(reach(it, told.shares, told.agreements), ReplyReach::Address(_)));
    let recipient = |to: MailTo| match to {
        MailTo::Requester => {
            requester.as_ref().map(|person| RuleRecipient::Person(person.id.clone()))
        }
        MailTo::Assignee => ticket.assignee.map(RuleRecipient::Agent),
    };
    let mails: Vec<(Uuid, RuleRecipient, &str)> = written
        .iter()
        .filter_map(|mail| Some((new_id(), recipient(mail.to)?, mail.text.as_str())))
        .collect();
    // What their links are signed with.
    link_key(connection, account, [new_id(), new_id()]).await?;
    mail::of_rules(connection, account, ticket.number, &mails).await
}
