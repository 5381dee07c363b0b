#![doc = include_str!("../README.md")]

pub mod calls;
mod clock;
mod config;
mod edge;
pub mod follow;
pub mod http;
pub mod keys;
mod operator_api;
mod pages_api;
pub mod rules;
mod start;
pub mod store;
mod sweep;
mod trail;
#[cfg(test)]
mod vectors;

use std::sync::LazyLock;

use sqlx::migrate::{Migration, Migrator};

pub use config::{CallSettings, Config, Keys, Limits};
pub use edge::NhdBridge;
pub use start::start;
pub use trail::trailing;

/// The desk's tables, those of files and the bridge's own, to which `bootstrap` adds the runtime's.
pub static MIGRATOR: LazyLock<Migrator> = LazyLock::new(|| {
    let own = sqlx::migrate!().migrations.to_vec();
    Migrator::with_migrations([desk::migrations(), files::migrations(800), own].concat())
});

/// Every table of this service's schema: the runtime's, the desk's and its own.
#[must_use]
pub fn migrations() -> Vec<Migration> {
    messaging::migrations().into_iter().chain(MIGRATOR.iter().cloned()).collect()
}
