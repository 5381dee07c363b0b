//! The process: connections, slots, and what it looks after beside the messages.

pub(crate) mod batch;
pub(crate) mod bulk;
pub(crate) mod caused;
pub(crate) mod command_sender;
pub(crate) mod connection;
pub(crate) mod dead_letters;
pub(crate) mod divert;
pub(crate) mod fetch_budget;
pub(crate) mod flood;
pub(crate) mod health;
pub(crate) mod lane;
pub(crate) mod redelivery;
pub(crate) mod retaking;
pub(crate) mod retention;
pub(crate) mod runtime;
pub(crate) mod slot;
pub(crate) mod transport;
