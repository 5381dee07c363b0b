//! May this ticket be shared, updated, bound, unshared: by whom, with whom. Pure functions of
//! values.

mod bind;
pub mod html;
mod list;
mod noted;
mod privacy;
mod recover;
mod redact;
mod resync;
#[cfg(test)]
pub(crate) mod samples;
mod share;
mod stand_in;
mod state;
mod unshare;
mod update;
pub mod visibility;

pub use noted::Noted;
pub use stand_in::Keys;
pub use state::{ListedShare, NewRow, Place, State};

use crate::inbound::Inbound;
use contracts::delivery::Delivery;
use contracts::sync::{Action, CommandRef, Transfer};
use contracts::{AccountName, Reason, Receipt, ReceiptOutcome, ShareId, TicketId, Timestamp};
use line::AccountBasics;

/// An answer that this service gives itself, because nothing goes on along the line.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    pub to: AccountName,
    /// What became of the command.
    pub outcome: ReceiptOutcome,
    /// Why.
    pub reason: Option<Reason>,
    /// The same for people.
    pub detail: Option<String>,
    /// The share that it is about, where the command does not name it.
    pub share_id: Option<ShareId>,
    /// What became of its items.
    pub decisions: Vec<contracts::Decision>,
}

impl Answer {
    /// A refusal.
    #[must_use]
    pub fn refused(to: &AccountName, reason: Reason) -> Self {
        Self {
            to: to.clone(),
            outcome: ReceiptOutcome::Rejected,
            reason: Some(reason),
            detail: None,
            share_id: None,
            decisions: Vec::new(),
        }
    }
}

/// A copy that gets its number.
#[derive(Clone, Debug, PartialEq)]
pub struct Binding {
    /// The share that made the copy.
    pub share_id: ShareId,
    /// The number.
    pub ticket: TicketId,
    /// Where the number stands.
    pub place: Place,
    /// `ticket.bound` to the share's sender.
    pub delivery: Delivery,
}

/// What becomes of a command.
#[derive(Clone, Debug, PartialEq)]
pub enum Decision {
    /// Something is not known yet.
    NotYet(Reason),
    /// Answered here; nothing changes.
    Answered(Answer),
    /// A copy gets its number.
    Bound {
        /// Whose copy.
        account: AccountName,
        share_id: ShareId,
        /// The number.
        ticket: TicketId,
        /// Where the number stands.
        place: Place,
        /// `ticket.bound` to the share's sender.
        delivery: Delivery,
    },
    /// It goes on along the line.
    Passed {
        /// What goes on.
        transfer: Box<Transfer>,
        /// A copy that gets its number with it.
        bound: Option<Box<Binding>>,
    },
    /// A page of shares, told to both desks of each, and all of their copies.
    Recovered {
        /// A `share.state` each.
        states: Vec<Delivery>,
        /// What goes on, for all of each copy.
        transfers: Vec<Transfer>,
        /// What the operator is told, with the cursor of the next page.
        receipt: Box<Receipt>,
    },
    /// A page of shares, told at once: nothing changes.
    Listed {
        /// A `share.state` each.
        states: Vec<Delivery>,
        /// Where the list goes on.
        next_cursor: Option<String>,
    },
}

/// A later time than this much ahead is no clock skew.
const DAY: i64 = 24 * 3600;

/// Decides a command, which the broker user `publisher` published.
#[must_use]
pub fn decide(
    state: &State,
    keys: &Keys,
    publisher: &AccountName,
    command: &CommandRef,
    message: &Inbound,
) -> Decision {
    let account = &command.account;
    if let Inbound::Recover(recover) = message {
        return recover::refused_to(publisher, account)
            .unwrap_or_else(|| recover::decide(state, keys, command, recover));
    }
    let Some(fact) = state.accounts.get(account) else {
        return Decision::NotYet(Reason::UnknownAccount);
    };
    if publisher != account && fact.operated_by.as_ref() != Some(publisher) {
        return Decision::Answered(Answer::refused(publisher, Reason::NotYourAccount));
    }
    if let Some(ahead) =
        occurred_at(message).filter(|at| *at > command.received_at.plus_seconds(DAY))
    {
        let mut answer = Answer::refused(account, Reason::Malformed);
        answer.detail = Some(format!("/occurred_at: {ahead} is more than a day ahead"));
        return Decision::Answered(answer);
    }
    let decision = stamped(state, decided(state, keys, command, fact, message));
    if message.is_dry_run() { tried(decision) } else { decision }
}

/// What goes on only to be decided: no number is told with it.
fn tried(decision: Decision) -> Decision {
    match decision {
        Decision::Passed { mut transfer, .. } => {
            let action = std::mem::replace(&mut transfer.action, Action::Update);
            transfer.action = Action::DryRun(Box::new(action));
            transfer.command.remarks.dry_run.get_or_insert_default();
            Decision::Passed { transfer, bound: None }
        }
        other => other,
    }
}

/// Orders what goes on by its arrival here: set once, for every stage and every time it is sent.
fn stamped(state: &State, decision: Decision) -> Decision {
    match decision {
        Decision::Passed { mut transfer, bound } => {
            transfer.arrival = Some(state.next_arrival);
            Decision::Passed { transfer, bound }
        }
        other => other,
    }
}

fn decided(
    state: &State,
    keys: &Keys,
    command: &CommandRef,
    fact: &AccountBasics,
    message: &Inbound,
) -> Decision {
    let account = &command.account;
    match message {
        Inbound::Share(share, noted) => share::decide(state, keys, command, share, noted),
        Inbound::Update(update, noted) => update::decide(state, keys, command, update, noted),
        Inbound::Bind(bind) => bind::decide(state, command, bind),
        Inbound::Unshare(unshare) => unshare::decide(state, keys, command, unshare),
        Inbound::Redact(redact) => redact::decide(state, keys, command, redact),
        Inbound::Resync(resync) => resync::decide(state, keys, command, fact, resync),
        Inbound::List(list) => list::decide(state, command, list),
        Inbound::Recover(_) => refuse(account, Reason::NotYourAccount),
        Inbound::Fact(_) => refuse(account, Reason::UnknownType),
    }
}

fn occurred_at(message: &Inbound) -> Option<Timestamp> {
    match message {
        Inbound::Share(share, _) => Some(share.occurred_at),
        Inbound::Update(update, _) => Some(update.occurred_at),
        _ => None,
    }
}

fn refuse(account: &AccountName, reason: Reason) -> Decision {
    Decision::Answered(Answer::refused(account, reason))
}

/// The command with what stayed for a reason that an earlier release along the line does not know.
fn remarked(command: &CommandRef, remarks: Vec<contracts::Decision>) -> CommandRef {
    let mut command = command.clone();
    command.remarks.decisions.extend(remarks);
    command
}
