#![doc = include_str!("../README.md")]
#![warn(missing_docs)]

pub mod address;
pub mod asyncapi;
pub mod command;
pub mod comment;
pub mod comparable;
pub mod compatibility;
pub mod contact;
pub mod delivery;
pub mod epoch;
pub mod event;
pub mod fields;
pub mod flow_picture;
pub mod ids;
pub mod limits;
pub mod link;
pub mod mailbox;
pub mod pattern;
pub mod people;
pub mod reason;
pub mod receipt;
pub mod routing;
pub mod sharing_url;
pub mod sync;
pub mod terms;
pub mod time;
pub mod topology;

pub use epoch::Epoch;
pub use ids::{AccountName, AgreementId, ChainId, CommentId, CopyId, ShareId, TicketId};
pub use people::{Actor, Person, Role};
pub use reason::Reason;
pub use receipt::{Decision, Item, ItemOutcome, Receipt, ReceiptOutcome};
pub use sharing_url::SharingUrl;
pub use terms::Terms;
pub use time::Timestamp;

/// A message of the contract: fields, documentation and a name.
pub trait Message: serde::Serialize + serde::de::DeserializeOwned {
    /// The AMQP `type`: `<entity>.<verb>.v<version>`.
    const NAME: &'static str;
}
