#![doc = include_str!("../README.md")]

mod config;
mod inbound;
mod limits;
mod outbound;
pub mod rules;
mod service;
mod store;

use std::sync::LazyLock;

use sqlx::migrate::{Migration, Migrator};

pub use config::Config;
pub use inbound::Inbound;
pub use rules::Keys;
pub use service::{BatchState, ShareDispatcher, start};

/// The tables of the line and this service's own, to which `bootstrap` adds the runtime's.
pub static MIGRATOR: LazyLock<Migrator> = LazyLock::new(|| {
    let own = sqlx::migrate!().migrations.to_vec();
    Migrator::with_migrations([line::migrations(), own].concat())
});

/// Every table of this service's schema: the runtime's, the line's and its own.
#[must_use]
pub fn migrations() -> Vec<Migration> {
    messaging::migrations().into_iter().chain(MIGRATOR.iter().cloned()).collect()
}
