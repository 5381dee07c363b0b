//! What the stages behind the entry accept.

use contracts::Message;
use contracts::sync::{Action, Fact, Transfer};
use messaging::{Content, Correlation, DecodeError, ReceivedMessage, decode};

/// Every message that comes along the line.
#[derive(Debug)]
pub enum Inbound {
    /// A ticket command on its way.
    Transfer(Box<Transfer>),
    /// The same to be decided and not to be done: its action is what it would be. Whoever passes it
    /// on says again that it is a dry run ([`dry_run`]).
    DryRun(Box<Transfer>),
    /// A changed account or agreement.
    Fact(Box<Fact>),
}

impl Inbound {
    /// Reads content by the name of its type.
    ///
    /// # Errors
    /// Another type, or content that is not of the type.
    pub fn decode(message_type: &str, content: Content<'_>) -> Result<Self, DecodeError> {
        match message_type {
            Transfer::NAME => decode(content).map(Self::of),
            Fact::NAME => decode(content).map(|fact| Self::Fact(Box::new(fact))),
            unknown => Err(DecodeError::UnknownType(unknown.to_owned())),
        }
    }

    fn of(mut transfer: Transfer) -> Self {
        match transfer.action {
            Action::DryRun(action) => {
                transfer.action = *action;
                // The mark by which nothing is done is never missing.
                transfer.command.remarks.dry_run.get_or_insert_default();
                Self::DryRun(Box::new(transfer))
            }
            _ => Self::Transfer(Box::new(transfer)),
        }
    }

    /// What it is about: its command, and the chain, account or agreement.
    #[must_use]
    pub fn about(&self) -> Correlation {
        match self {
            Self::Transfer(transfer) | Self::DryRun(transfer) => {
                Correlation::caused_by(&transfer.command, transfer.chain.as_str())
            }
            Self::Fact(fact) => Correlation::caused_by(&fact.command, fact.change.subject()),
        }
    }
}

/// The facts of a batch.
pub fn facts<'a>(batch: &[&'a ReceivedMessage<Inbound>]) -> impl Iterator<Item = &'a Fact> {
    batch.iter().filter_map(|received| match &received.message {
        Inbound::Fact(fact) => Some(&**fact),
        Inbound::Transfer(_) | Inbound::DryRun(_) => None,
    })
}

/// A transfer that is tried out, as it goes on.
#[must_use]
pub fn dry_run(transfer: Transfer) -> Transfer {
    let action = Action::DryRun(Box::new(transfer.action));
    Transfer { action, ..transfer }
}

/// The transfers of a batch, those that are tried out too.
pub(crate) fn transfers<'a>(batch: &[&'a ReceivedMessage<Inbound>]) -> Vec<&'a Transfer> {
    let transfers = batch.iter().filter_map(|received| match &received.message {
        Inbound::Transfer(transfer) | Inbound::DryRun(transfer) => Some(&**transfer),
        Inbound::Fact(_) => None,
    });
    transfers.collect()
}
