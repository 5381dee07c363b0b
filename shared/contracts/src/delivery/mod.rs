//! What a desk is told (`desk` exchange → `desk.<account>`).

mod account;
mod agreement;
mod comparison;
mod share;
mod ticket;
mod ticket_state;

pub use account::{
    AccountRecovered, AccountState, AttributeHeld, FieldShown, LimitsShown, StatusShown,
    StatusesShown, Usage,
};
pub use agreement::{AgreementState, AgreementStatus, Decider, Side};
pub use comparison::{
    AgreementComparison, FieldCompared, FieldOfSide, FieldWay, Mend, MendBy, OptionDiffers,
};
pub use share::{ShareStanding, ShareState};
pub use ticket::{
    FieldValues, Received, Redaction, StatusDelivered, TagChanges, TicketBound, TicketCreated,
    TicketUnshared, TicketUpdated,
};
pub use ticket_state::{FieldHeld, StatusHeld, TagHeld, TicketState};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{AccountName, Receipt, ShareId};

/// One message to one desk.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Delivery {
    /// Whose desk.
    pub to: AccountName,
    /// For a receipt the command's `message_id`; else the share, agreement or account.
    pub correlation_id: String,
    /// The share it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share_id: Option<ShareId>,
    /// What the desk is told.
    pub told: DeliveryBody,
}

macro_rules! told {
    ($(#[doc = $sentence:literal] $variant:ident($payload:ty) = $name:literal,)*) => {
        /// What a desk is told: one variant per message type.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "type", content = "payload")]
        pub enum DeliveryBody {
            $(#[doc = $sentence] #[serde(rename = $name)] $variant(Box<$payload>),)*
        }

        impl DeliveryBody {
            /// The types of all deliveries.
            pub const NAMES: &'static [&'static str] = &[$($name,)*];

            /// What each of them tells.
            pub const SENTENCES: &'static [&'static str] = &[$($sentence,)*];

            /// The AMQP `type`.
            #[must_use]
            pub fn name(&self) -> &'static str {
                match self { $(Self::$variant(_) => $name,)* }
            }

            /// The body.
            ///
            /// # Errors
            /// Only if a payload cannot be written as JSON, which no type of the contract can
            /// cause.
            pub fn body(&self) -> serde_json::Result<Box<RawValue>> {
                match self {
                    $(Self::$variant(payload) => serde_json::value::to_raw_value(payload),)*
                }
            }

            /// Reads a delivery as a desk does.
            ///
            /// # Errors
            /// A type that is no delivery, or a body that is not of the type.
            pub fn read(name: &str, body: &[u8]) -> Result<Self, serde_json::Error> {
                match name {
                    $($name => serde_json::from_slice(body)
                        .map(|payload| Self::$variant(Box::new(payload))),)*
                    _ => Err(serde::de::Error::custom(format!("{name:?} is no delivery"))),
                }
            }
        }
    };
}

told! {
    /// The receiver was invited; to both sides.
    AgreementInvited(AgreementState) = "agreement.invited.v1",
    /// The receiver accepted; to both sides.
    AgreementAccepted(AgreementState) = "agreement.accepted.v1",
    #[doc = " The receiver declined, or declines all; to both sides, but to the sender alone when \
             it declines all."]
    AgreementDeclined(AgreementState) = "agreement.declined.v1",
    /// Either side ended it, and with it every share under it; to both sides.
    AgreementDeactivated(AgreementState) = "agreement.deactivated.v1",
    /// An agreement as it stands, because it was asked for.
    AgreementState(AgreementState) = "agreement.state.v1",
    /// How the fields of an agreement's two accounts fit, because it was asked for.
    AgreementComparison(AgreementComparison) = "agreement.comparison.v1",
    /// The account as it is held, because it was asked for.
    AccountState(AccountState) = "account.state.v1",
    /// The deployment was restored and may have forgotten what this account sent: send it again.
    AccountRecovered(AccountRecovered) = "account.recovered.v1",
    /// A ticket was shared with this account: create it.
    TicketCreated(TicketCreated) = "ticket.created.v1",
    /// Another copy of the ticket changed.
    TicketUpdated(TicketUpdated) = "ticket.updated.v1",
    /// The receiver of a share told its number.
    TicketBound(TicketBound) = "ticket.bound.v1",
    /// The sender stopped sharing.
    TicketUnshared(TicketUnshared) = "ticket.unshared.v1",
    /// A share as it stands, because it was asked for.
    ShareState(ShareState) = "share.state.v1",
    /// A copy as Deskmesh holds it, because it was asked for.
    TicketState(TicketState) = "ticket.state.v1",
    /// The answer to a command.
    Receipt(Receipt) = "command.receipt.v1",
}

impl Delivery {
    /// A receipt to `account`.
    #[must_use]
    pub fn receipt(to: &AccountName, receipt: Receipt) -> Self {
        Self {
            to: to.clone(),
            correlation_id: receipt.command_id.clone(),
            share_id: receipt.share_id.clone(),
            told: DeliveryBody::Receipt(Box::new(receipt)),
        }
    }

    /// `<account>.<entity>.<verb>`.
    #[must_use]
    pub fn routing_key(&self) -> String {
        let name = self.told.name();
        let entity_and_verb = name.rsplit_once(".v").map_or(name, |(stem, _version)| stem);
        format!("{}.{entity_and_verb}", self.to)
    }
}
