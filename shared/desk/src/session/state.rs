//! What a batch of deliveries changes, as values.

use std::collections::BTreeMap;

use contracts::Timestamp;
use contracts::delivery::{AgreementState, DeliveryBody};
use messaging::ReceivedMessage;
use serde_json::Value;
use uuid::Uuid;

use super::share::PartyShare;
use crate::model::{Model, Ticket};
use crate::told::ToldDelivery;

/// The accounts that a batch is about.
#[derive(Debug, Default)]
pub struct State {
    /// By name.
    pub accounts: BTreeMap<String, Account>,
}

/// One account: what was loaded of it, and what the batch adds.
#[derive(Debug, Default)]
pub struct Account {
    /// The log's head.
    pub position: i64,
    /// What it holds of the tickets that the batch is about.
    pub model: Model,
    /// Those tickets as they were loaded, at the same places, with their ids.
    pub loaded: Vec<(Uuid, Ticket)>,
    /// Shares whose early updates were loaded.
    pub had_early: Vec<String>,
    /// Commands that the batch's receipts answer, by message id: type and content.
    pub commands: BTreeMap<String, (String, Value)>,
    /// New entries of the log.
    pub entries: Vec<LogEntry>,
    /// What is new of shares.
    pub shares: BTreeMap<String, PartyShare>,
    /// Agreements as they were told, the newest of each.
    pub agreements: BTreeMap<String, AgreementState>,
    /// Receipts: entity, command and body.
    pub receipts: Vec<(String, String, String)>,
    /// From when on its commands go out again: the line may have forgotten them.
    pub forgotten_since: Option<Timestamp>,
    /// What is to be blanked in all that is kept: comments, or one file of them.
    pub redactions: Vec<(String, Option<String>)>,
}

/// One entry of an account's log.
#[derive(Clone, Debug, PartialEq)]
pub struct LogEntry {
    /// Its place, from 1.
    pub position: i64,
    /// The delivery's `message_id`.
    pub message_id: String,
    /// The delivery's `type`.
    pub message_type: String,
    /// For a receipt the command's `message_id`.
    pub correlation_id: Option<String>,
    /// The share that it is about.
    pub share_id: Option<String>,
    /// The comments that it carries.
    pub comments: Vec<String>,
    /// Its body, JSON.
    pub body: String,
}

impl State {
    /// Takes one delivery: into the log, and into what its account holds.
    pub(super) fn take(&mut self, received: &ReceivedMessage<ToldDelivery>) {
        if let Some(account) = self.accounts.get_mut(&received.account) {
            account.take(received);
        }
    }
}

impl Account {
    fn take(&mut self, received: &ReceivedMessage<ToldDelivery>) {
        let told = &received.message;
        self.position += 1;
        let comments: Vec<String> = told.comments().iter().map(ToString::to_string).collect();
        self.entries.push(LogEntry {
            position: self.position,
            message_id: received.message_id.clone(),
            message_type: received.message_type.clone(),
            correlation_id: match &told.body {
                Some(DeliveryBody::Receipt(receipt)) => Some(receipt.command_id.clone()),
                _ => None,
            },
            share_id: told.share().map(ToString::to_string),
            comments,
            body: told.raw.clone(),
        });
        let Some(body) = &told.body else { return };
        self.model.take(body);
        let redactions = told.redactions().into_iter();
        self.redactions.extend(
            redactions.map(|(comment, file)| (comment.to_string(), file.map(str::to_owned))),
        );
        if let (Some(share), Some(change)) = (told.share(), PartyShare::told_by(body)) {
            self.shares.entry(share.to_string()).or_default().learn(change);
        }
        match body {
            DeliveryBody::AgreementInvited(state)
            | DeliveryBody::AgreementAccepted(state)
            | DeliveryBody::AgreementDeclined(state)
            | DeliveryBody::AgreementDeactivated(state)
            | DeliveryBody::AgreementState(state) => self.agreement(state),
            DeliveryBody::AccountRecovered(recovered) => {
                let since = self.forgotten_since.unwrap_or(recovered.since);
                self.forgotten_since = Some(since.min(recovered.since));
            }
            DeliveryBody::Receipt(receipt) => {
                let (entity, _) =
                    receipt.command_type.split_once('.').unwrap_or((&receipt.command_type, ""));
                let answered = (entity.to_owned(), receipt.command_id.clone(), told.raw.clone());
                self.receipts.push(answered);
                let command = self.commands.get(&receipt.command_id).map(|(_, content)| content);
                let change = PartyShare::answered(receipt, command.unwrap_or(&Value::Null));
                if let (Some(share), Some(change)) = (&receipt.share_id, change) {
                    self.shares.entry(share.to_string()).or_default().learn(change);
                }
            }
            _ => {}
        }
    }

    fn agreement(&mut self, state: &AgreementState) {
        let id = state.agreement_id.to_string();
        if self.agreements.get(&id).is_none_or(|known| known.version < state.version) {
            self.agreements.insert(id, state.clone());
        }
    }

    /// Tickets that differ from what was loaded, with their ids; those that are new get theirs from
    /// `new_id`. Comments are only those that are new or differ; last, whether the ticket is new.
    pub(crate) fn changed(&self, new_id: impl Fn(&Ticket) -> Uuid) -> Vec<(Uuid, Ticket, bool)> {
        let mut changed = Vec::new();
        for (place, ticket) in self.model.tickets().iter().enumerate() {
            match self.loaded.get(place) {
                Some((_, before)) if before == ticket => {}
                Some((id, before)) => {
                    let mut ticket = ticket.clone();
                    ticket.comments.retain(|id, held| before.comments.get(id) != Some(held));
                    changed.push((*id, ticket, false));
                }
                None => changed.push((new_id(ticket), ticket.clone(), true)),
            }
        }
        changed
    }
}
