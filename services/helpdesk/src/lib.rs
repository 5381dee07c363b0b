#![doc = include_str!("../README.md")]

mod clock;
mod config;
mod edge;
pub mod mails;
mod operator_api;
pub mod pages;
pub mod rules;
mod start;
pub mod store;
pub mod work;

use std::sync::LazyLock;

use sqlx::migrate::{Migration, Migrator};

pub use config::Config;
pub use edge::Helpdesk;
pub use operator_api::OperatorApi;
pub use start::start;

/// The desk's tables, those of pages and files and the help desk's own, to which `bootstrap` adds
/// the runtime's.
pub static MIGRATOR: LazyLock<Migrator> = LazyLock::new(|| {
    let own = sqlx::migrate!().migrations.to_vec();
    let all = [desk::migrations(), web::migrations(), files::migrations(800), own];
    Migrator::with_migrations(all.concat())
});

/// Every table of this service's schema: the runtime's, the desk's, those of pages and its own.
#[must_use]
pub fn migrations() -> Vec<Migration> {
    messaging::migrations().into_iter().chain(MIGRATOR.iter().cloned()).collect()
}
