#![doc = include_str!("../README.md")]
#![warn(missing_docs)]

mod decide;
pub mod epoch;
mod intake;
mod message;
mod observe;
mod operate;
mod publish;
mod run;
pub use operate::{parked, replay};
mod cause;
mod clock;
mod failure;
mod park_reason;
mod service;
pub mod timeout;

pub use cause::cause;
pub use decide::plan::MAX_OUTPUT;
pub use decide::step::{decide_and_apply, loadable};
pub use failure::{DecideError, Fault};
pub use intake::encoding::unreadable;
pub use message::about::Correlation;
pub use message::content::{Content, DecodeError, Parsed, UnknownMembers, decode, parse, parsed};
pub use message::output::Output;
pub use observe::watched::{Watched, can_be_watched, unwatch, watch, watched};
pub use operate::sending::Sending;
pub use operate::trail::{Question, Trailing, trailing};
#[cfg(feature = "fuzzing")]
pub use operate::trial::{dead_letter_trial, trial};
pub use park_reason::ParkReason;
pub use run::command_sender::{Command, CommandSender};
pub use run::connection::BrokerUrl;
pub use run::health::Health;
pub use run::retention::Retention;
pub use run::runtime::{RedeliverySettings, RuntimeSettings, run};
pub use service::{Aged, HandlerResult, Otherwise, Patience, ReceivedMessage, Related, Service};

/// The runtime's own tables (journal, outputs, undelivered, parked). They live in the service's
/// schema, beside its own, and are migrated together with them; versions 1 to 499 are the
/// runtime's.
#[must_use]
pub fn migrations() -> Vec<sqlx::migrate::Migration> {
    sqlx::migrate!("./migrations").migrations.to_vec()
}
