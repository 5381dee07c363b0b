//! What a service is to the runtime: it decodes, and it decides.

use std::future::Future;

use contracts::sync::{CommandRef, Remarks};
use contracts::{AccountName, Reason, Timestamp, topology};
use sqlx::PgConnection;
use timeline::Share;

use crate::failure::DecideError;
use crate::message::about::Correlation;
use crate::message::content::{Content, DecodeError};
use crate::message::output::Output;
use crate::park_reason::ParkReason;

/// A service: load what a batch is decided by, decide each message of it, apply what was decided,
/// save what changed. The runtime calls them in this order, in one transaction, and sends what
/// comes of it. A service never publishes, acknowledges, retries or reads the clock.
pub trait Service: Send + Sync + 'static {
    /// Everything it accepts, one variant per message type.
    type Inbound: Send + Sync + 'static;

    /// What a batch is decided by.
    type State: Send + Sync;

    /// What becomes of one message: what changes and what is sent, as a value.
    type Decision: Send;

    /// Which of them it is.
    const SERVICE: topology::Service;

    /// Rows of its own tables that go when they are old enough.
    const AGED: &'static [Aged] = &[];

    /// Reads a message of the given type.
    ///
    /// # Errors
    /// A type that the service does not accept, or content that is not of the type.
    fn decode(
        &self,
        message_type: &str,
        content: Content<'_>,
    ) -> Result<Self::Inbound, DecodeError>;

    /// What a message between services is about. Of a desk's command the runtime knows it.
    fn about(message: &Self::Inbound) -> Correlation;

    /// Bytes that a message may have the service load beyond its own, estimated: messages that
    /// load much are decided a few at a time.
    fn weight(_message: &Self::Inbound) -> usize {
        0
    }

    /// For `trace`: what belongs to any of `names`, each a chain, a ticket as `account/number`, a
    /// share or an agreement. Only who reads tickets' numbers knows more than the names themselves.
    fn related(
        _connection: &mut PgConnection,
        _names: &[String],
    ) -> impl Future<Output = sqlx::Result<Related>> + Send {
        std::future::ready(Ok(Related::default()))
    }

    /// Locks the rows that the batch may change, in key order, and then loads all that it is
    /// decided by. Facts that the batch brings are in force for all of it.
    fn load(
        &self,
        connection: &mut PgConnection,
        batch: &[&ReceivedMessage<Self::Inbound>],
    ) -> impl Future<Output = Result<Self::State, DecideError>> + Send;

    /// Decides one message. A function of values.
    fn decide(
        &self,
        state: &Self::State,
        received: &ReceivedMessage<Self::Inbound>,
    ) -> Self::Decision;

    /// Carries a decision out in `state`, so that the next message of the batch meets it, and says
    /// what becomes of the message. A function of values.
    fn apply(
        &self,
        state: &mut Self::State,
        received: &ReceivedMessage<Self::Inbound>,
        decision: Self::Decision,
    ) -> HandlerResult;

    /// Saves what changed.
    fn save(
        &self,
        connection: &mut PgConnection,
        state: Self::State,
    ) -> impl Future<Output = Result<(), DecideError>> + Send;
}

/// A message that passed admission and was not decided before.
#[derive(Debug)]
pub struct ReceivedMessage<M> {
    /// For a command the publishing account, as in its key; for a delivery at an edge the account
    /// that is told; for an internal message [`ReceivedMessage::INTERNAL`].
    pub account: String,
    /// The AMQP `message_id`.
    pub message_id: String,
    /// The AMQP `type`.
    pub message_type: String,
    /// For a command the broker user that published it: the account itself or its operator.
    pub publisher: Option<AccountName>,
    /// When it arrived for the first time.
    pub received_at: Timestamp,
    /// Of a command, what was noted when it was read.
    pub remarks: Remarks,
    /// What it says.
    pub message: M,
}

impl<M> ReceivedMessage<M> {
    /// The `account` of messages between services: no account's name, so that nobody answers them
    /// and no command meets their keys.
    pub const INTERNAL: &'static str = "(sync)";

    /// The command that this message is, for what goes along the line.
    ///
    /// # Panics
    /// On a message between services, whose command is in its content.
    #[must_use]
    pub fn command(&self) -> CommandRef {
        CommandRef {
            account: AccountName::new(self.account.as_str())
                .expect("admission lets commands in only with an account's name"),
            message_id: self.message_id.clone(),
            command_type: self.message_type.clone(),
            received_at: self.received_at,
            remarks: self.remarks.clone(),
        }
    }
}

/// What becomes of one message.
#[derive(Debug)]
pub enum HandlerResult {
    /// It is decided; this is to be sent.
    Decided(Vec<Output>),
    /// Something it needs is not known yet: it waits, and when that was in vain, `otherwise`.
    /// Entry services only.
    NotYet {
        /// What is missing.
        reason: Reason,
        /// How long it waits.
        patience: Patience,
        /// What happens when it is still missing at the end.
        otherwise: Otherwise,
    },
    /// A person has to look at it.
    Park(ParkReason, String),
}

impl HandlerResult {
    /// Bytes of what it sends.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Decided(outputs) => outputs.iter().map(|output| output.body().len()).sum(),
            Self::NotYet { .. } | Self::Park(..) => 0,
        }
    }
}

/// How long a message waits for what is not known yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// Once, for less than half a second: long enough for what was published before it and is being
    /// decided beside it.
    Moment,
    /// All steps of the ladder.
    Ladder,
}

/// What happens to a message that waited in vain.
#[derive(Debug)]
pub enum Otherwise {
    /// The decision is this; usually a refusal's receipt.
    Decided(Vec<Output>),
    /// There is nobody to answer: it is parked.
    Park(ParkReason),
}

/// Rows of a table that go when they are old enough.
#[derive(Clone, Copy, Debug)]
pub struct Aged {
    /// The table, in the service's schema.
    pub table: &'static str,
    /// The column with the time from which on they age. An index in its order is needed, or else
    /// every look reads the whole table.
    pub since: &'static str,
    /// Which of them may go, as SQL; `true` for all.
    pub condition: &'static str,
    /// For how many days they are kept.
    pub days: u32,
}

/// What belongs together, as a service knows it.
#[derive(Debug, Default)]
pub struct Related {
    /// Names by which rows are found: chains, tickets, shares, agreements.
    pub names: Vec<String>,
    /// The shares.
    pub shares: Vec<Share>,
}
