//! What comment-sync accepts.

use contracts::Message;
use contracts::sync::{Fact, Transfer};
use messaging::{Content, DecodeError, decode};

/// Every message that comment-sync accepts.
#[derive(Debug)]
pub enum Inbound {
    /// A ticket command on its way along the line.
    Transfer(Box<Transfer>),
    /// A changed account or agreement.
    Fact(Box<Fact>),
}

impl Inbound {
    /// Reads content by the name of its type.
    pub(crate) fn decode(message_type: &str, content: Content<'_>) -> Result<Self, DecodeError> {
        match message_type {
            Transfer::NAME => decode(content).map(|transfer| Self::Transfer(Box::new(transfer))),
            Fact::NAME => decode(content).map(|fact| Self::Fact(Box::new(fact))),
            unknown => Err(DecodeError::UnknownType(unknown.to_owned())),
        }
    }
}
