#![doc = include_str!("../README.md")]

mod config;
mod copies;
mod follow;
mod keep;
mod links;
mod place;
pub mod rules;
mod s3;
pub mod store;
mod sweep;

use std::sync::Arc;
use std::time::Duration;

use sqlx::PgPool;
use sqlx::migrate::Migration;
use uuid::Uuid;

use self::place::OpenedPlace;

pub use config::FilesConfig;
pub use copies::copy;
pub use follow::{accept, follow};
pub use keep::{KeepError, StoredFile, Upload};
pub use links::hex;
pub use place::FilesPlace;
pub use s3::S3Settings;
pub use sweep::sweep;

/// The tables of files, the first of them with the version `first`: 800 in an edge that had none
/// before. They come after those of `desk`, whose accounts they belong to.
#[must_use]
pub fn migrations(first: i64) -> Vec<Migration> {
    const FIRST: i64 = 800;
    let mut migrations = sqlx::migrate!("./migrations").migrations.to_vec();
    for migration in &mut migrations {
        migration.version += first - FIRST;
    }
    migrations
}

/// An id that nothing has.
#[expect(clippy::disallowed_methods, reason = "a file comes without an id")]
fn new_id() -> Uuid {
    Uuid::new_v4()
}

/// What files may take, and where they are.
#[derive(Clone, Debug)]
pub struct FilesSettings {
    /// The origin of links, without a slash at its end.
    pub origin: String,
    /// Where the bytes lie.
    pub place: FilesPlace,
    /// Bytes of one file, at most.
    pub file_bytes: u64,
    /// Bytes of an account's files, at most.
    pub account_bytes: u64,
    /// After so long a file that no command named goes.
    pub unlinked: Duration,
}

/// The files of all accounts.
#[derive(Clone, Debug)]
pub struct Files {
    pool: PgPool,
    place: OpenedPlace,
    settings: Arc<FilesSettings>,
}

impl Files {
    /// What they may take, and where they are.
    #[must_use]
    pub fn settings(&self) -> &FilesSettings {
        &self.settings
    }

    /// Opens the place, after a look at whether it can be written.
    ///
    /// # Errors
    /// It is not there, or cannot be written.
    pub async fn open(pool: PgPool, settings: FilesSettings) -> anyhow::Result<Self> {
        let place = OpenedPlace::open(&settings.place, settings.file_bytes).await?;
        Ok(Self { pool, place, settings: Arc::new(settings) })
    }

    /// How many objects lie there. Nothing here asks for it: tests of edges do, and it takes as
    /// long as there are many.
    ///
    /// # Errors
    /// The place cannot be listed.
    pub async fn objects(&self) -> object_store::Result<usize> {
        self.place.objects().await
    }
}
