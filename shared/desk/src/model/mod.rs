//! What a desk keeps of its tickets, by the contract's part 5: a revision per field, lower ones
//! ignored; comments as a set by id; updates that come before their `ticket.created` are kept; a
//! redaction stays, whatever comes after it. Functions of values.

mod comment;
mod sent;
mod state;
mod ticket;

use std::collections::BTreeMap;

use contracts::command::TicketBind;
use contracts::delivery::{DeliveryBody, TicketCreated, TicketState, TicketUpdated};
use contracts::{Message, Receipt, ReceiptOutcome};
use serde_json::Value;

pub use comment::Comment;
pub use sent::SentCommand;
pub use ticket::{Head, NewComments, Ticket};

use sent::{Home, outcome_at_home};

/// An account's tickets: all of them, or those that a batch of deliveries is about.
#[derive(Clone, Debug, Default)]
pub struct Model {
    tickets: Vec<Ticket>,
    /// By number, and by share: both lead to the same ticket.
    by_number: BTreeMap<String, usize>,
    by_share: BTreeMap<String, usize>,
    /// Updates that came before the ticket they are about, by share.
    early: BTreeMap<String, Vec<TicketUpdated>>,
    /// What commands without a receipt set, by message id.
    sent: BTreeMap<String, SentCommand>,
    /// Numbers that the desk gave to shares before it was told their tickets, by share.
    bound: BTreeMap<String, String>,
}

impl Model {
    /// Puts back together what was kept of it.
    #[must_use]
    pub fn of(
        tickets: Vec<Ticket>,
        early: BTreeMap<String, Vec<TicketUpdated>>,
        sent: BTreeMap<String, SentCommand>,
    ) -> Self {
        let mut model = Self { early, sent, ..Self::default() };
        for ticket in tickets {
            let index = model.tickets.len();
            model.by_number.extend(ticket.number.clone().map(|number| (number, index)));
            model.by_share.extend(ticket.shares.iter().cloned().map(|share| (share, index)));
            model.tickets.push(ticket);
        }
        model
    }

    /// With numbers that were given to shares whose tickets may still come, by share.
    #[must_use]
    pub fn with_bound(self, bound: BTreeMap<String, String>) -> Self {
        Self { bound, ..self }
    }

    /// All its tickets, in the order in which they came; they keep their places.
    #[must_use]
    pub fn tickets(&self) -> &[Ticket] {
        &self.tickets
    }

    /// Updates that still wait for their ticket, by share.
    #[must_use]
    pub fn early(&self) -> &BTreeMap<String, Vec<TicketUpdated>> {
        &self.early
    }

    /// A ticket by the desk's number.
    #[must_use]
    pub fn ticket(&self, number: &str) -> Option<&Ticket> {
        self.by_number.get(number).map(|index| &self.tickets[*index])
    }

    /// A ticket by a share it is in.
    #[must_use]
    pub fn shared(&self, share: &str) -> Option<&Ticket> {
        self.by_share.get(share).map(|index| &self.tickets[*index])
    }

    /// The lowest revision held among fields.
    #[must_use]
    pub fn base_revision(&self, number: &str, fields: &[&str]) -> Option<u64> {
        let ticket = self.ticket(number)?;
        fields
            .iter()
            .filter_map(|field| ticket.fields.get(*field))
            .map(|(_, revision)| *revision)
            .min()
    }

    /// The desk has given a number to what a share created, or will create: a desk learns of a
    /// share in more ways than by its `ticket.created`.
    pub fn number(&mut self, share: &str, number: &str) {
        match self.by_share.get(share) {
            Some(index) => {
                self.by_number.insert(number.to_owned(), *index);
                self.tickets[*index].number.get_or_insert_with(|| number.to_owned());
            }
            None => {
                self.bound.insert(share.to_owned(), number.to_owned());
            }
        }
    }

    /// An agent's action takes effect at home at once: comments and redactions; fields take it with
    /// the receipt.
    pub fn about_to_send(&mut self, id: &str, command_type: &str, command: &Value) {
        // What is tried out changes nothing, here either.
        if command["dry_run"] == Value::Bool(true) {
            return;
        }
        let text =
            |pointer: &str| command.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        match command_type {
            "ticket.bind.v1" => {
                if let (Some(share), Some(number)) = (text("/share_id"), text("/ticket_id")) {
                    self.number(&share, &number);
                }
            }
            "ticket.redact.v1" => {
                let share = text("/share_id");
                if let Some(index) = self.index(text("/ticket_id").as_deref(), share.as_deref()) {
                    self.tickets[index].redact(
                        &text("/comment_id").unwrap_or_default(),
                        text("/attachment_id").as_deref(),
                    );
                }
            }
            _ => {
                if let Some(sent) = SentCommand::of(command_type, command) {
                    self.about_to_set(id, sent, command_type, command);
                }
            }
        }
    }

    fn about_to_set(&mut self, id: &str, sent: SentCommand, command_type: &str, command: &Value) {
        let index = match &sent.ticket {
            Some(number) => self.own(number),
            None => match sent.share.as_ref().and_then(|share| self.by_share.get(share)) {
                Some(index) => *index,
                None => return,
            },
        };
        let shares = command_type == "ticket.share.v1";
        let content = if shares { &command["ticket"] } else { command };
        let ticket = &mut self.tickets[index];
        if shares && ticket.head == Head::default() {
            ticket.head = Head {
                subject: content["subject"].as_str().map(str::to_owned),
                requester: content["requester"].is_object().then(|| content["requester"].clone()),
                requested_at: content["requested_at"].as_str().map(str::to_owned),
                ..Head::default()
            };
        }
        for comment in content["comments"].as_array().into_iter().flatten() {
            if let Some((id, comment)) = Comment::of_command(comment, &command["actor"]) {
                ticket.hear(&id, comment);
            }
        }
        self.sent.insert(id.to_owned(), sent);
    }

    /// Takes what the desk is told.
    pub fn take(&mut self, told: &DeliveryBody) {
        match told {
            DeliveryBody::TicketCreated(created) => self.created(created),
            DeliveryBody::TicketUpdated(updated) => self.updated(updated),
            DeliveryBody::TicketState(state) => self.restored(state),
            DeliveryBody::Receipt(receipt) => self.answered(receipt),
            _ => {}
        }
    }

    /// The desk has lost all its tickets.
    pub fn forget(&mut self) {
        *self = Self::default();
    }

    fn index(&self, number: Option<&str>, share: Option<&str>) -> Option<usize> {
        let by_number = number.and_then(|number| self.by_number.get(number));
        by_number.or_else(|| share.and_then(|share| self.by_share.get(share))).copied()
    }

    fn new_ticket(&mut self) -> usize {
        self.tickets.push(Ticket::default());
        self.tickets.len() - 1
    }

    fn own(&mut self, number: &str) -> usize {
        if let Some(index) = self.by_number.get(number) {
            return *index;
        }
        let index = self.new_ticket();
        self.tickets[index].number = Some(number.to_owned());
        self.by_number.insert(number.to_owned(), index);
        index
    }

    fn is_in(&mut self, share: &str, index: usize) {
        self.by_share.insert(share.to_owned(), index);
        self.tickets[index].shares.insert(share.to_owned());
    }

    fn restored(&mut self, state: &TicketState) {
        let share = state.share_id.to_string();
        let number = state.ticket_id.as_ref().map(ToString::to_string);
        let known = self.index(number.as_deref(), Some(&share));
        let index = known.unwrap_or_else(|| self.new_ticket());
        self.is_in(&share, index);
        if let Some(number) = number {
            self.by_number.insert(number.clone(), index);
            self.tickets[index].number.get_or_insert(number);
        }
        self.tickets[index].restored(state);
        self.take_early(&share);
    }

    fn created(&mut self, created: &TicketCreated) {
        let share = created.share_id.to_string();
        let bound = self.bound.remove(&share);
        let index = match (self.by_share.get(&share), bound) {
            (Some(index), _) => *index,
            (None, Some(number)) => self.own(&number),
            (None, None) => self.new_ticket(),
        };
        self.is_in(&share, index);
        self.tickets[index].created(created);
        self.take_early(&share);
    }

    fn updated(&mut self, updated: &TicketUpdated) {
        let share = updated.share_id.to_string();
        let number =
            updated.ticket_id.as_ref().and_then(|number| self.by_number.get(number.as_str()));
        match self.by_share.get(&share).or(number).copied() {
            Some(index) => self.tickets[index].updated(updated),
            None => self.early.entry(share).or_default().push(updated.clone()),
        }
    }

    fn take_early(&mut self, share: &str) {
        for early in self.early.remove(share).unwrap_or_default() {
            self.updated(&early);
        }
    }

    /// The guide's *After a receipt*: each field that the command set takes value and revision
    /// together, the value of a decision or else the one that was sent.
    fn answered(&mut self, receipt: &Receipt) {
        let share = receipt.share_id.as_ref().map(ToString::to_string);
        if receipt.command_type == TicketBind::NAME
            && receipt.outcome == ReceiptOutcome::Rejected
            && let Some(share) = &share
        {
            self.bound.remove(share);
        }
        let Some(sent) = self.sent.remove(&receipt.command_id) else { return };
        let index = match (&sent.ticket, sent.share.as_ref().or(share.as_ref())) {
            (Some(number), _) => self.own(number),
            (None, Some(share)) => match self.by_share.get(share) {
                Some(index) => *index,
                None => return,
            },
            (None, None) => return,
        };
        if receipt.outcome == ReceiptOutcome::Rejected {
            return;
        }
        if let Some(share) = share {
            self.is_in(&share, index);
            self.take_early(&share);
        }
        let Some(revision) = receipt.revision else { return };
        for (field, value) in sent.fields {
            match outcome_at_home(&receipt.decisions, &field) {
                Home::Sent => self.tickets[index].set(&field, value, revision),
                Home::Holds(held) => self.tickets[index].set(&field, held, revision),
                Home::Nothing => {}
            }
        }
    }
}
