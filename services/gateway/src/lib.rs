#![doc = include_str!("../README.md")]

mod clock;
mod config;
mod edge;
pub mod http;
pub mod openapi;
mod operator_api;
pub mod pages;
pub mod rules;
mod start;
pub mod store;
mod tokens;
mod trail;
pub mod webhooks;

use std::sync::LazyLock;

use sqlx::migrate::{Migration, Migrator};

pub use config::{Config, Limits, WebhookSettings};
pub use edge::Gateway;
pub use start::start;
pub use trail::trailing;

/// Tables of files were the gateway's own before other edges had them: versions from here to 1099
/// are theirs in its schema, and its own go on with 1100.
const FILES: i64 = 1002;

/// The desk's tables, those of pages and files and the gateway's own, to which `bootstrap` adds the
/// runtime's.
pub static MIGRATOR: LazyLock<Migrator> = LazyLock::new(|| {
    let own = sqlx::migrate!().migrations.to_vec();
    let all = [desk::migrations(), web::migrations(), files::migrations(FILES), own];
    let mut all = all.concat();
    all.sort_by_key(|migration| migration.version);
    Migrator::with_migrations(all)
});

/// Every table of this service's schema: the runtime's, the desk's and its own.
#[must_use]
pub fn migrations() -> Vec<Migration> {
    messaging::migrations().into_iter().chain(MIGRATOR.iter().cloned()).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// What databases of the gateway keep of the migration that made the table `file`.
    const FILE_1002: &str = "78b480433be355e6334780970881266253606c3a76f297ea\
        0640aa1894f9014e171c9e2179bf188dd8c15cfd07a50ba8";

    #[test]
    fn a_database_from_before_files_were_shared_stays_valid() {
        let file = MIGRATOR.iter().find(|it| it.version == 1002).unwrap();
        assert_eq!(files::hex(&file.checksum), FILE_1002);
        let versions: BTreeSet<i64> = migrations().iter().map(|it| it.version).collect();
        assert_eq!(versions.len(), migrations().len(), "two migrations have one version");
        let shared = files::migrations(FILES).len();
        let between = versions.range(FILES..1100).count();
        assert_eq!(between, shared, "a migration of the gateway's own stands among those of files");
    }
}
