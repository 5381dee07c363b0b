//! Files in a bucket of a store that speaks S3: [`object_store`] over hyper and ring.

mod client;
mod connector;
#[cfg(test)]
mod tests;
mod upload;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use bootstrap::Secret;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::multipart::MultipartStore as _;
use object_store::path::Path;
use object_store::{BackoffConfig, Error, ObjectStore, ObjectStoreExt as _, RetryConfig};
use tokio::sync::Semaphore;
use uuid::Uuid;

use self::client::{Bounds, Http};
pub(crate) use self::upload::S3Upload;
use crate::new_id;

/// What S3 takes as a part that is not the last.
const LEAST_PART: u64 = 5 * 1024 * 1024;
/// What S3 takes of parts.
const MOST_PARTS: u64 = 10_000;
/// Parts that are in memory at a time.
const PARTS_AT_ONCE: usize = 12;
/// Bounds of what is asked of the store.
const BOUNDS: Bounds = Bounds { head: Duration::from_mins(1), silence: Duration::from_secs(30) };
/// How often is asked again, and for how long.
const RETRIES: usize = 4;
const RETRIED: Duration = Duration::from_mins(1);

/// A bucket, and who may write it.
#[derive(Clone, Debug)]
pub struct S3Settings {
    /// Where the store answers, without a path.
    pub url: String,
    /// Its bucket.
    pub bucket: String,
    /// The region that requests are signed for.
    pub region: String,
    /// What the names of objects begin with, without slashes around it; or nothing.
    pub prefix: String,
    /// The key that requests are signed with.
    pub access_key: Secret,
    /// Its secret.
    pub secret_key: Secret,
    /// Authorities that are trusted beside the system's, or an empty path.
    pub ca_file: PathBuf,
}

impl S3Settings {
    fn client(&self, bounds: Bounds) -> anyhow::Result<AmazonS3> {
        let tls = egress::tls_config(&self.ca_file).context("`files.s3_ca_file`")?;
        let backoff = BackoffConfig {
            init_backoff: Duration::from_millis(100),
            max_backoff: Duration::from_secs(5),
            base: 2.0,
        };
        let retry = RetryConfig { backoff, max_retries: RETRIES, retry_timeout: RETRIED };
        let builder = AmazonS3Builder::new()
            .with_endpoint(&self.url)
            // The connector decides: http is for loopback alone, which the settings are held to.
            .with_allow_http(true)
            .with_virtual_hosted_style_request(false)
            .with_bucket_name(&self.bucket)
            .with_region(&self.region)
            .with_access_key_id(self.access_key.reveal())
            .with_secret_access_key(self.secret_key.reveal())
            // One by one: not every store has the other request.
            .with_disable_bulk_delete(true)
            .with_retry(retry)
            .with_http_connector(Http::new(tls, bounds));
        builder.build().context("the client of S3")
    }
}

/// The bucket, opened.
#[derive(Clone)]
pub(crate) struct S3Bucket {
    store: AmazonS3,
    prefix: Path,
    /// Bytes of each part of a file but the last.
    part: usize,
    parts: Arc<Semaphore>,
}

impl S3Bucket {
    /// Opens it for files of so many bytes at most, after a look at whether it can be written, read
    /// and cleared.
    pub(crate) async fn open(settings: &S3Settings, file_bytes: u64) -> anyhow::Result<Self> {
        let bucket = Self::new(settings, file_bytes, BOUNDS)?;
        bucket.probe(settings).await?;
        Ok(bucket)
    }

    fn new(settings: &S3Settings, file_bytes: u64, bounds: Bounds) -> anyhow::Result<Self> {
        Ok(Self {
            store: settings.client(bounds)?,
            prefix: Path::parse(&settings.prefix).context("`files.s3_prefix`")?,
            part: usize::try_from(part_bytes(file_bytes))?,
            parts: Arc::new(Semaphore::new(PARTS_AT_ONCE)),
        })
    }

    async fn probe(&self, settings: &S3Settings) -> anyhow::Result<()> {
        const SAID: &str = "written at the start";
        let place = self.under(&Path::from(format!("probe-{}", new_id())));
        let failed = |what: &'static str| {
            move |error: Error| {
                let S3Settings { url, bucket, .. } = settings;
                let advice = advice(&error);
                anyhow::Error::new(error).context(format!(
                    "`files.s3_bucket` names {bucket} at {url}, where an object cannot be {what}: \
                     {advice}"
                ))
            }
        };
        let written = self.store.put(&place, SAID.into()).await.map_err(failed("written"))?;
        let read = async { self.store.get(&place).await?.bytes().await };
        let read = read.await.map_err(failed("read"));
        self.store.delete(&place).await.map_err(failed("deleted"))?;
        let upload = self.store.create_multipart(&place).await.map_err(failed("begun in parts"))?;
        let ended = self.store.abort_multipart(&place, &upload).await;
        ended.map_err(failed("given up in parts"))?;
        anyhow::ensure!(
            read? == SAID,
            "`files.s3_bucket` names {} at {}, which answers with other bytes than were written: \
             see what stands between",
            settings.bucket,
            settings.url
        );
        let options = object_store::GetOptions { version: written.version, ..Default::default() };
        if options.version.is_some() && self.store.get_opts(&place, options).await.is_ok() {
            tracing::warn!(
                bucket = settings.bucket,
                "the bucket keeps versions of what is deleted, redacted files too: suspend its \
                 versioning, or let a lifecycle rule remove noncurrent versions"
            );
        }
        Ok(())
    }

    pub(crate) fn store(&self) -> &dyn ObjectStore {
        &self.store
    }

    /// Where something lies below the prefix.
    pub(crate) fn under(&self, place: &Path) -> Path {
        self.prefix.parts().chain(place.parts()).collect()
    }

    /// Takes in a file.
    pub(crate) fn upload(&self, file: Uuid, place: &Path) -> S3Upload {
        S3Upload::new(self.clone(), file, self.under(place))
    }

    /// Ends an upload in parts, if it is still there.
    pub(crate) async fn abort(&self, place: &Path, upload: &str) -> object_store::Result<()> {
        let aborted = self.store.abort_multipart(&self.under(place), &upload.to_owned()).await;
        or_not_there(aborted)
    }
}

/// Without the client, which shows its key.
impl fmt::Debug for S3Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3Bucket").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

/// What is not there need not be removed.
pub(crate) fn or_not_there(removed: object_store::Result<()>) -> object_store::Result<()> {
    match removed {
        Err(Error::NotFound { .. }) => Ok(()),
        other => other,
    }
}

/// Bytes of a part, so that a file of so many bytes has no more parts than it may have.
fn part_bytes(file_bytes: u64) -> u64 {
    LEAST_PART.max(file_bytes.div_ceil(MOST_PARTS))
}

/// What whoever reads the error may do.
fn advice(error: &Error) -> &'static str {
    match error {
        Error::NotFound { .. } => "make the bucket, or name another",
        Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => {
            "let the key of `files.s3_access_key` put, get and delete objects and abort uploads \
             there, and see that `files.s3_secret_key` and `files.s3_region` are right"
        }
        _ => "see that a store that speaks S3 answers there, for `files.s3_region`",
    }
}
