//! What a service is to the runtime: it decodes, and it decides.

use std::future::Future;

use contracts::sync::CommandRef;
use contracts::{AccountName, Reason, Timestamp, topology};
use sqlx::PgConnection;

use crate::{About, Aged, Content, DecideError, DecodeError, Output, ParkReason, Related};

/// A service: load → decide → save, and return what is to be sent. It never publishes, acks or
/// reads the clock.
pub trait Service: Send + Sync + 'static {
    /// Everything it accepts, one variant per message type.
    type Inbound: Send + Sync + 'static;

    /// Which of the five it is.
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
    fn about(message: &Self::Inbound) -> About;

    /// For `trace`: what belongs to any of `names`, each a chain, a ticket as `account/number`, a
    /// share or an agreement. Only who reads tickets' numbers knows more than the names themselves.
    fn related(
        _connection: &mut PgConnection,
        _names: &[String],
    ) -> impl Future<Output = sqlx::Result<Related>> + Send {
        std::future::ready(Ok(Related::default()))
    }

    /// Decides a batch in order, inside the transaction `connection` is in: one verdict per
    /// message, in the same order. Locks the rows it may change, in key order, before it loads what
    /// it decides by.
    fn decide(
        &self,
        connection: &mut PgConnection,
        batch: &[&Received<Self::Inbound>],
    ) -> impl Future<Output = Result<Vec<HandlerResult>, DecideError>> + Send;
}

/// A message that passed admission and was not decided before.
#[derive(Debug)]
pub struct Received<M> {
    /// For a command the publishing account, as in its key; for an internal message
    /// [`Received::INTERNAL`].
    pub account: String,
    /// The AMQP `message_id`.
    pub message_id: String,
    /// The AMQP `type`.
    pub message_type: String,
    /// For a command the broker user that published it: the account itself or its operator.
    pub publisher: Option<AccountName>,
    /// When it arrived for the first time.
    pub received_at: Timestamp,
    /// What it says.
    pub message: M,
}

impl<M> Received<M> {
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
        }
    }
}

/// What becomes of one message.
#[derive(Debug)]
pub enum HandlerResult {
    /// It is decided; this is to be sent.
    Decided(Vec<Output>),
    /// Something it needs is not known yet: it waits on the ladder, and when that is used up,
    /// `otherwise`. Entry services only.
    NotYet {
        /// What is missing.
        reason: Reason,
        /// What happens when it is still missing at the end.
        otherwise: Otherwise,
    },
    /// A person has to look at it.
    Park(ParkReason, String),
}

/// What happens to a message that waited in vain.
#[derive(Debug)]
pub enum Otherwise {
    /// The decision is this; usually a refusal's receipt.
    Decided(Vec<Output>),
    /// There is nobody to answer: it is parked for the same reason.
    Park,
}
