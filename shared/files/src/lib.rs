#![doc = include_str!("../README.md")]

mod config;
mod copies;
mod follow;
mod keep;
mod links;
pub mod rules;
pub mod store;
mod sweep;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use object_store::ObjectStoreExt as _;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use sqlx::PgPool;
use sqlx::migrate::Migration;
use uuid::Uuid;

pub use config::FilesConfig;
pub use copies::copy;
pub use follow::{accept, follow};
pub use keep::{KeepError, StoredFile, Upload};
pub use links::hex;
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
    /// Where the bytes lie. It must be there.
    pub folder: PathBuf,
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
    store: Arc<LocalFileSystem>,
    settings: Arc<FilesSettings>,
}

impl Files {
    /// What they may take, and where they are.
    #[must_use]
    pub fn settings(&self) -> &FilesSettings {
        &self.settings
    }

    /// Opens the store, after a look at whether it can be written.
    ///
    /// # Errors
    /// It is not there, or cannot be written.
    pub async fn open(pool: PgPool, settings: FilesSettings) -> anyhow::Result<Self> {
        let folder = settings.folder.display();
        let store = LocalFileSystem::new_with_prefix(&settings.folder).with_context(|| {
            format!("`files.folder` names {folder}, which is not there: make it, or name another")
        })?;
        // What was answered with 201 is on the disk.
        let store = store.with_fsync(true);
        let probe = Path::from(format!("probe-{}", new_id()));
        let written = async {
            store.put(&probe, "written at the start".into()).await?;
            store.delete(&probe).await
        };
        written.await.with_context(|| {
            format!(
                "`files.folder` names {folder}, which cannot be written: let this user write it"
            )
        })?;
        Ok(Self { pool, store: Arc::new(store), settings: Arc::new(settings) })
    }

    /// Where a file's bytes lie. In 256 folders, so that none of them grows long.
    fn place(id: Uuid) -> Path {
        let id = id.simple().to_string();
        Path::from_iter([&id[..2], id.as_str()])
    }

    /// Removes a file's bytes, also those of an upload that the process did not survive: the store
    /// keeps these beside the place under a name that it neither lists nor deletes.
    async fn remove_bytes(&self, id: Uuid) -> object_store::Result<()> {
        let place = Self::place(id);
        let mut unfinished = self.store.path_to_filesystem(&place)?.into_os_string();
        unfinished.push("#1");
        // Most often there is none.
        tokio::task::spawn_blocking(move || std::fs::remove_file(unfinished).ok()).await?;
        match self.store.delete(&place).await {
            Err(object_store::Error::NotFound { .. }) => Ok(()),
            other => other,
        }
    }
}
