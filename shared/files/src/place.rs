//! Where bytes lie: in a folder, or in a bucket of S3. Both are the same to all but what stands
//! here: how a file comes in, and what of an upload that died is left.

use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use futures_util::TryStreamExt as _;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{GetOptions, GetResult, ObjectStore, ObjectStoreExt as _, WriteMultipart};
use sqlx::PgPool;
use uuid::Uuid;

use crate::keep::KeepError;
use crate::new_id;
use crate::s3::{S3Bucket, S3Settings, S3Upload, or_not_there};

/// Bytes that are written to a folder at once. Two parts are in memory at most: one that fills, one
/// that is written.
const PART: usize = 1024 * 1024;

/// Where bytes lie.
#[derive(Clone, Debug)]
pub enum FilesPlace {
    /// In this folder, which must be there.
    Folder(PathBuf),
    /// In this bucket, which must be there.
    S3(S3Settings),
}

/// The same, opened.
#[derive(Clone, Debug)]
pub(crate) enum OpenedPlace {
    Folder(Arc<LocalFileSystem>),
    S3(S3Bucket),
}

impl OpenedPlace {
    /// Opens a place for files of so many bytes at most, after a look at whether it can be written.
    pub(crate) async fn open(place: &FilesPlace, file_bytes: u64) -> anyhow::Result<Self> {
        match place {
            FilesPlace::Folder(folder) => folder_at(folder).await.map(Arc::new).map(Self::Folder),
            FilesPlace::S3(settings) => S3Bucket::open(settings, file_bytes).await.map(Self::S3),
        }
    }

    fn store(&self) -> &dyn ObjectStore {
        match self {
            Self::Folder(folder) => folder,
            Self::S3(bucket) => bucket.store(),
        }
    }

    /// Where a file's bytes lie. In 256 folders, so that none of them grows long.
    fn of(&self, file: Uuid) -> Path {
        match self {
            Self::Folder(_) => within(file),
            Self::S3(bucket) => bucket.under(&within(file)),
        }
    }

    pub(crate) async fn read(
        &self,
        file: Uuid,
        options: GetOptions,
    ) -> object_store::Result<GetResult> {
        self.store().get_opts(&self.of(file), options).await
    }

    pub(crate) async fn write(&self, file: Uuid) -> object_store::Result<FileWriting> {
        match self {
            Self::Folder(folder) => {
                let upload = folder.put_multipart(&within(file)).await?;
                Ok(FileWriting::Folder(WriteMultipart::new_with_chunk_size(upload, PART)))
            }
            Self::S3(bucket) => Ok(FileWriting::S3(bucket.upload(file, &within(file)))),
        }
    }

    pub(crate) async fn objects(&self) -> object_store::Result<usize> {
        let below = match self {
            Self::Folder(_) => Path::default(),
            Self::S3(bucket) => bucket.under(&Path::default()),
        };
        self.store().list(Some(&below)).try_fold(0, async |all, _| Ok(all + 1)).await
    }

    /// Removes a file's bytes, also those of an upload that did not come to its end.
    pub(crate) async fn remove(
        &self,
        file: Uuid,
        upload: Option<&str>,
    ) -> object_store::Result<()> {
        match (self, upload) {
            (Self::Folder(folder), _) => {
                // The store keeps these beside the place, under a name that it neither lists nor
                // deletes.
                let mut unfinished = folder.path_to_filesystem(&within(file))?.into_os_string();
                unfinished.push("#1");
                // Most often there is none.
                tokio::task::spawn_blocking(move || std::fs::remove_file(unfinished).ok()).await?;
            }
            (Self::S3(bucket), Some(upload)) => bucket.abort(&within(file), upload).await?,
            (Self::S3(_), None) => {}
        }
        or_not_there(self.store().delete(&self.of(file)).await)
    }
}

fn within(file: Uuid) -> Path {
    let id = file.simple().to_string();
    Path::from_iter([&id[..2], id.as_str()])
}

async fn folder_at(path: &FilePath) -> anyhow::Result<LocalFileSystem> {
    let folder = path.display();
    let store = LocalFileSystem::new_with_prefix(path).with_context(|| {
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
        format!("`files.folder` names {folder}, which cannot be written: let this user write it")
    })?;
    Ok(store)
}

/// A file on its way in.
#[derive(Debug)]
pub(crate) enum FileWriting {
    Folder(WriteMultipart),
    S3(S3Upload),
}

impl FileWriting {
    /// Takes bytes, as fast as they can be written.
    pub(crate) async fn write(&mut self, pool: &PgPool, bytes: &[u8]) -> Result<(), KeepError> {
        match self {
            Self::Folder(writer) => {
                writer.wait_for_capacity(1).await?;
                writer.write(bytes);
                Ok(())
            }
            Self::S3(upload) => upload.write(pool, bytes).await,
        }
    }

    /// From now on the file is there.
    pub(crate) async fn finish(self, pool: &PgPool) -> Result<(), KeepError> {
        match self {
            Self::Folder(writer) => writer.finish().await.map(drop).map_err(KeepError::from),
            Self::S3(upload) => upload.finish(pool).await,
        }
    }

    /// Gives up what was written.
    pub(crate) async fn abort(self) {
        match self {
            // Whether it can or not, what went wrong before is the error.
            Self::Folder(writer) => drop(writer.abort().await),
            // Its row says what is to be ended, and whoever removes the file does.
            Self::S3(_) => {}
        }
    }
}
