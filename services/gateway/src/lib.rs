#![doc = include_str!("../README.md")]

mod clock;
mod config;
mod edge;
pub mod files;
pub mod http;
pub mod openapi;
mod operator_api;
pub mod pages;
pub mod rules;
mod start;
pub mod store;
mod tokens;
pub mod webhooks;

use std::sync::LazyLock;

use sqlx::migrate::{Migration, Migrator};

pub use config::{Api, Config, Files, Limits, Operator, WebhookSettings};
pub use edge::Gateway;
pub use start::start;

/// The desk's tables, those of pages and the gateway's own, to which `bootstrap` adds the runtime's.
pub static MIGRATOR: LazyLock<Migrator> = LazyLock::new(|| {
    let own = sqlx::migrate!().migrations.to_vec();
    Migrator::with_migrations([desk::migrations(), web::migrations(), own].concat())
});

/// Every table of this service's schema: the runtime's, the desk's and its own.
#[must_use]
pub fn migrations() -> Vec<Migration> {
    messaging::migrations().into_iter().chain(MIGRATOR.iter().cloned()).collect()
}
