#![doc = include_str!("../README.md")]

mod config;
pub mod delivery;
mod inbound;
pub mod rules;
mod service;
mod start;
pub mod store;

pub use self::config::{Config, Smtp};
pub use self::inbound::Inbound;
pub use self::service::Notifier;
pub use self::start::start;

/// The service's own tables.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!();

/// Everything that stands in the service's schema: the runtime's tables and its own.
#[must_use]
pub fn migrations() -> Vec<sqlx::migrate::Migration> {
    messaging::migrations().into_iter().chain(MIGRATOR.iter().cloned()).collect()
}
