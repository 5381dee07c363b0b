//! A desk in a history: keeps its tickets as the contract tells it to, and acts on what it knows.

use std::collections::{BTreeMap, BTreeSet};

use contracts::delivery::{AgreementState, AgreementStatus, DeliveryBody, Side};
use contracts::{AccountName, Receipt, ReceiptOutcome};
use serde_json::{Value, json};
use stages::LineMessage;
use testkit::Model;

/// A command that was published.
#[derive(Debug)]
pub struct PublishedCommand {
    pub account: usize,
    pub message_type: String,
    pub content: Value,
    /// At which step.
    pub at: usize,
    /// Its place among its account's own changes, once it goes along the line: when it was made,
    /// but not later than it arrived, and its arrival stamp.
    pub order: Option<(String, u64)>,
    pub receipt: Option<Receipt>,
}

impl PublishedCommand {
    /// Whether it only asks what it would come to.
    pub fn is_dry_run(&self) -> bool {
        self.content["dry_run"] == json!(true)
    }
}

#[derive(Debug)]
pub struct ModelDesk {
    pub name: AccountName,
    pub model: Model,
    seen: BTreeSet<String>,
    /// Agreements as last told.
    pub agreements: BTreeMap<String, AgreementState>,
    /// Own tickets' numbers, and numbers given to copies.
    pub tickets: Vec<String>,
    /// Which copy's number belongs to which share.
    pub copies: BTreeMap<String, String>,
    /// Shares that this desk made or got, with its ticket's number.
    pub shares: BTreeMap<String, String>,
    /// Comments that Deskmesh took.
    pub taken: BTreeSet<String>,
    /// Comments of which a redaction was refused: whole or one file.
    pub blanked_in_vain: BTreeSet<String>,
    pub version: u64,
}

impl ModelDesk {
    pub fn new(name: &str) -> Self {
        Self {
            name: AccountName::new(name).expect("an account's name"),
            model: Model::default(),
            seen: BTreeSet::new(),
            agreements: BTreeMap::new(),
            tickets: vec![format!("{name}-1"), format!("{name}-2")],
            copies: BTreeMap::new(),
            shares: BTreeMap::new(),
            taken: BTreeSet::new(),
            blanked_in_vain: BTreeSet::new(),
            version: 0,
        }
    }

    /// Agreements under which this desk may share, as far as it knows.
    pub fn outbound(&self) -> Vec<&AgreementState> {
        let may = |state: &&AgreementState| {
            state.side == Side::Sender && state.status == AgreementStatus::Accepted
        };
        self.agreements.values().filter(may).collect()
    }

    /// Reads a delivery; one that was read before is dropped. A new copy gets its number at once:
    /// what is returned is to be published.
    pub fn read(&mut self, message: &LineMessage) -> Option<(DeliveryBody, Option<Value>)> {
        if !self.seen.insert(message.id.clone()) {
            return None;
        }
        let body = message.content.to_string();
        let told = DeliveryBody::read(&message.kind, body.as_bytes())
            .unwrap_or_else(|error| panic!("{error}: {message:?}"));
        self.model.take(&told);
        let bind = match &told {
            DeliveryBody::AgreementInvited(state)
            | DeliveryBody::AgreementAccepted(state)
            | DeliveryBody::AgreementDeclined(state)
            | DeliveryBody::AgreementDeactivated(state) => {
                let id = state.agreement_id.to_string();
                if self.agreements.get(&id).is_none_or(|known| known.version < state.version) {
                    self.agreements.insert(id, (**state).clone());
                }
                None
            }
            DeliveryBody::TicketCreated(created) => {
                let share = created.share_id.to_string();
                let number = format!("{}-copy-{}", self.name, self.copies.len() + 1);
                self.model.number(&share, &number);
                self.tickets.push(number.clone());
                self.copies.insert(number.clone(), share.clone());
                self.shares.insert(share.clone(), number.clone());
                Some(json!({ "share_id": share, "ticket_id": number }))
            }
            _ => None,
        };
        Some((told, bind))
    }

    /// A command was answered.
    pub fn answered(&mut self, command: &PublishedCommand, receipt: &Receipt) {
        if receipt.outcome == ReceiptOutcome::Rejected {
            self.blanked_in_vain.extend(command.content["comment_id"].as_str().map(str::to_owned));
            return;
        }
        let content = if command.message_type == "ticket.share.v1" {
            &command.content["ticket"]
        } else {
            &command.content
        };
        for comment in content["comments"].as_array().into_iter().flatten() {
            self.taken.insert(comment["id"].as_str().expect("a comment has an id").to_owned());
        }
        if command.message_type == "ticket.share.v1" {
            let (share, number) = (&command.content["share_id"], &command.content["ticket"]["id"]);
            self.shares.insert(
                share.as_str().expect("it has one").to_owned(),
                number.as_str().expect("it has one").to_owned(),
            );
        }
    }
}
