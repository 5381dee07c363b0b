//! Everything this service accepts.

use contracts::Message;
use contracts::command::{TicketBind, TicketShare, TicketUnshare, TicketUpdate};
use contracts::sync::Fact;
use messaging::{DecodeError, decode};
use serde_json::Value;

use crate::rules::limits;

/// The messages this service accepts.
#[derive(Debug)]
pub enum Inbound {
    /// A desk shares a ticket.
    Share(Box<TicketShare>),
    /// A desk changed a shared ticket.
    Update(Box<TicketUpdate>),
    /// A desk tells its number for a copy.
    Bind(TicketBind),
    /// A desk ends its outbound share.
    Unshare(TicketUnshare),
    /// An account or agreement changed.
    Fact(Box<Fact>),
}

impl Inbound {
    /// Reads a message by its type; a command is held to the contract's limits here.
    ///
    /// # Errors
    /// An unknown type, or content that breaks the contract.
    pub fn decode(message_type: &str, content: Value) -> Result<Self, DecodeError> {
        match message_type {
            TicketShare::NAME => {
                let share: TicketShare = decode(content)?;
                limits::share(&share)?;
                Ok(Self::Share(Box::new(share)))
            }
            TicketUpdate::NAME => {
                let update: TicketUpdate = decode(content)?;
                limits::update(&update)?;
                Ok(Self::Update(Box::new(update)))
            }
            TicketBind::NAME => decode(content).map(Self::Bind),
            TicketUnshare::NAME => {
                let unshare: TicketUnshare = decode(content)?;
                limits::names_a_ticket(unshare.ticket_id.as_ref(), unshare.share_id.as_ref())?;
                Ok(Self::Unshare(unshare))
            }
            Fact::NAME => decode(content).map(|fact| Self::Fact(Box::new(fact))),
            other => Err(DecodeError::UnknownType(other.to_owned())),
        }
    }
}
