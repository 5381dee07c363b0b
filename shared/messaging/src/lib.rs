#![doc = include_str!("../README.md")]

mod about;
mod admission;
mod cause;
mod connection;
mod content;
mod dead_letters;
mod envelope;
mod event;
mod failure;
mod fetch_budget;
mod gauges;
mod health;
mod journal;
mod ladder;
mod measure;
mod members;
mod origin;
mod output;
pub mod parked;
mod parking;
mod plan;
mod publisher;
pub mod replay;
mod retention;
mod runtime;
mod sending;
mod service;
mod slot;
mod span;
mod step;
mod suspects;
pub mod timeout;
mod trace_context;
mod trail;
mod transport;
mod trial;
mod undelivered;
mod watched;

pub use about::About;
pub use cause::cause;
pub use connection::BrokerUrl;
pub use content::{Content, DecodeError, decode, parse};
pub use failure::{DecideError, Fault};
pub use health::Health;
pub use output::Output;
pub use parking::ParkReason;
pub use plan::MAX_OUTPUT;
pub use retention::{Aged, Retention};
pub use runtime::{Settings, Undelivered, run};
pub use sending::Sending;
pub use service::{HandlerResult, Otherwise, Received, Service};
pub use step::decide_and_apply;
pub use trail::{Question, Related, Trailing, trailing};
pub use trial::{dead_letter_trial, trial};
pub use watched::{Watched, can_be_watched, unwatch, watch, watched};

/// The runtime's own tables (journal, outputs, undelivered, parked). They live in the service's
/// schema, beside its own, and are migrated together with them; versions 1 to 499 are the
/// runtime's.
#[must_use]
pub fn migrations() -> Vec<sqlx::migrate::Migration> {
    sqlx::migrate!("./migrations").migrations.to_vec()
}
