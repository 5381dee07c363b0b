//! Files: bytes in a store, rows beside them, links that answer on an origin of their own.

mod follow;
mod keep;
mod links;
mod sweep;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use object_store::ObjectStoreExt as _;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use sqlx::PgPool;
use uuid::Uuid;

pub use follow::accept;
pub use keep::{KeepError, Kept, Upload};
pub(crate) use links::hex;
pub use sweep::sweep;

use crate::clock::new_id;

/// What files may take, and where they are.
#[derive(Clone, Debug)]
pub struct Settings {
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
    pub(crate) settings: Arc<Settings>,
}

impl Files {
    /// Opens the store, after a look at whether it can be written.
    ///
    /// # Errors
    /// It is not there, or cannot be written.
    pub async fn open(pool: PgPool, settings: Settings) -> anyhow::Result<Self> {
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
