#![doc = include_str!("../README.md")]

mod config;
mod inbound;
mod outbound;
pub mod rules;
mod service;
mod store;

use sqlx::migrate::{Migration, Migrator};

pub use config::Config;
pub use inbound::Inbound;
pub use service::{AgreementService, start};

/// This service's own tables, to which `bootstrap` adds the runtime's.
pub static MIGRATOR: Migrator = sqlx::migrate!();

/// Every table of this service's schema: the runtime's and its own.
#[must_use]
pub fn migrations() -> Vec<Migration> {
    messaging::migrations().into_iter().chain(MIGRATOR.iter().cloned()).collect()
}
