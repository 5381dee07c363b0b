//! What one service knows of what is asked for. No ticket's content is in it.

use contracts::{Receipt, Timestamp};
use serde::{Deserialize, Serialize};

/// The part of one service.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Trail {
    pub service: String,
    /// Every name by which other services may know what is asked for: chains, tickets, shares,
    /// agreements, commands.
    pub names: Vec<String>,
    /// The shares that belong to it, as this service knows them.
    pub shares: Vec<Share>,
    /// Messages that it decided.
    pub decided: Vec<Decided>,
    /// Messages that it set aside.
    pub parked: Vec<Parked>,
    /// Deliveries that a desk's queue does not take.
    pub undelivered: Vec<Undelivered>,
    /// Calls of an edge to whoever is behind its accounts.
    #[serde(default)]
    pub calls: Vec<EdgeCall>,
    /// Whether there is more than is told here.
    pub cut: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Share {
    pub share_id: String,
    /// The agreement it is under.
    pub agreement_id: String,
    pub sender: String,
    /// The sender's number of the ticket.
    pub sender_ticket: String,
    /// With whom.
    pub receiver: String,
    /// The receiver's number, once it is told.
    pub receiver_ticket: Option<String>,
    /// Whether it has ended.
    pub ended: bool,
}

/// A message that was decided.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decided {
    /// Of a command the account that published it; of a message between services none.
    pub account: Option<String>,
    pub message_id: String,
    pub message_type: String,
    /// The command that it comes from, as `account/message_id`; of a command itself none.
    pub command: Option<String>,
    /// When it arrived here first.
    pub arrived_at: Timestamp,
    /// When it was decided.
    pub decided_at: Timestamp,
    /// How often it waited for something that was not known yet.
    pub waits: u32,
    pub trace_id: Option<String>,
    /// Who was told what.
    pub told: Vec<SentMessage>,
    /// What was sent word for word, when that was asked for and is still kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outputs: Option<serde_json::Value>,
}

impl Decided {
    /// The command, as `account/message_id`: itself, or what it comes from.
    #[must_use]
    pub fn root(&self) -> Option<String> {
        let own = || self.account.as_ref().map(|account| format!("{account}/{}", self.message_id));
        self.command.clone().or_else(own)
    }
}

/// A message that a decision sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SentMessage {
    /// An account, or a service.
    pub to: String,
    pub r#type: String,
    /// The share it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<String>,
    /// Of a receipt, what it says; the values of fields are left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<Receipt>,
}

/// A message that was set aside for a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parked {
    /// Its row, for `parked show`.
    pub id: String,
    /// `parked`, `replayed` or `discarded`.
    pub state: String,
    /// Why, as a code.
    pub reason: String,
    /// The same for people.
    pub detail: String,
    /// Whose message, where that is known.
    pub account: Option<String>,
    pub message_id: Option<String>,
    pub message_type: Option<String>,
    /// The command that it comes from, as `account/message_id`.
    pub command: Option<String>,
    /// When it arrived first.
    pub first_arrived_at: Timestamp,
    /// When it was set aside last.
    pub parked_at: Timestamp,
    /// When a person ended that.
    pub closed_at: Option<Timestamp>,
}

/// A delivery that waits for a desk's queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undelivered {
    /// Whose queue.
    pub account: String,
    pub message_type: String,
    /// The share it is about.
    pub share: Option<String>,
    /// Since when.
    pub first_failed_at: Timestamp,
    /// When it is tried next.
    pub next_attempt_at: Timestamp,
    /// How often it was tried again.
    pub attempts: u32,
}

/// A call that an edge made, or has still to make, to whoever is behind one of its accounts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EdgeCall {
    /// Who is called for.
    pub account: String,
    /// Which host.
    pub to: String,
    /// What of, such as `invite`, `share`, `update`.
    pub kind: String,
    /// When it was made; of one that waits, since when.
    pub at: Timestamp,
    pub outcome: CallOutcome,
    /// Why it was not taken, as a code or a status; never what a ticket says.
    pub reason: Option<String>,
}

/// What became of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallOutcome {
    /// It was taken.
    Taken,
    /// It was not taken, and is made again.
    Failed,
    /// It was refused, or given up.
    Refused,
    /// It is still to be made.
    Waits {
        /// How often it was tried.
        tried: u32,
        /// When it is tried next; never while its calls are paused.
        next: Option<Timestamp>,
    },
}
