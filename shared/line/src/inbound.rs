//! What the stages behind the entry accept.

use contracts::Message;
use contracts::sync::{Fact, Transfer};
use messaging::{About, Content, DecodeError, Received, decode};

/// Every message that comes along the line.
#[derive(Debug)]
pub enum Inbound {
    /// A ticket command on its way.
    Transfer(Box<Transfer>),
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
            Transfer::NAME => decode(content).map(|transfer| Self::Transfer(Box::new(transfer))),
            Fact::NAME => decode(content).map(|fact| Self::Fact(Box::new(fact))),
            unknown => Err(DecodeError::UnknownType(unknown.to_owned())),
        }
    }

    /// What it is about: its command, and the chain, account or agreement.
    #[must_use]
    pub fn about(&self) -> About {
        match self {
            Self::Transfer(transfer) => {
                About::caused_by(&transfer.command, transfer.chain.as_str())
            }
            Self::Fact(fact) => About::caused_by(&fact.command, fact.change.subject()),
        }
    }
}

/// The facts of a batch.
pub fn facts<'a>(batch: &[&'a Received<Inbound>]) -> impl Iterator<Item = &'a Fact> {
    batch.iter().filter_map(|received| match &received.message {
        Inbound::Fact(fact) => Some(&**fact),
        Inbound::Transfer(_) => None,
    })
}

/// The transfers of a batch.
pub(crate) fn transfers<'a>(batch: &[&'a Received<Inbound>]) -> Vec<&'a Transfer> {
    let transfers = batch.iter().filter_map(|received| match &received.message {
        Inbound::Transfer(transfer) => Some(&**transfer),
        Inbound::Fact(_) => None,
    });
    transfers.collect()
}
