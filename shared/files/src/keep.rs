//! An upload: streamed into the store, hashed on the way, held to its limits before it is written.

use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use futures_util::StreamExt as _;
use sha2::{Digest as _, Sha256};

use crate::place::FileWriting;
use crate::rules::capability::Capability;
use crate::store::{self, NewFile};
use crate::{Files, new_id};

/// How much more room is made when a file whose size was not announced needs more.
const MORE: u64 = 8 * 1024 * 1024;
/// Silence within an upload, at most.
const SILENCE: Duration = Duration::from_mins(1);
/// How long an upload may take.
pub(crate) const LONGEST: Duration = Duration::from_hours(1);

/// What comes.
#[derive(Debug)]
pub struct Upload {
    /// Whose it is.
    pub account: String,
    /// What it is called.
    pub filename: String,
    /// What it is.
    pub content_type: String,
    /// Its bytes, if that was announced.
    pub announced: Option<u64>,
    /// The bytes.
    pub body: Body,
}

/// A file that is kept, and its link, told this once.
#[derive(Clone, Debug)]
pub struct StoredFile {
    /// Its row.
    pub file: NewFile,
    /// Its bytes.
    pub size: u64,
    /// Their hash.
    pub sha256: [u8; 32],
    /// Its link.
    pub url: String,
}

/// Why nothing was kept.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    /// It has more bytes than a file may have.
    #[error("the file is larger than it may be")]
    TooLarge,
    /// The account's files would take more than they may.
    #[error("the account's files would take more than they may")]
    Quota,
    /// It broke off, fell silent or took too long.
    #[error("the file did not arrive whole")]
    BrokeOff,
    /// More arrive at once than there is memory for.
    #[error("too many files arrive at once")]
    Busy,
    /// The system gave no random numbers.
    #[error("the system gave no random numbers")]
    Chance,
    /// The bytes could not be written.
    #[error("the store of files failed")]
    Store(#[from] object_store::Error),
    /// The row could not be written.
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
}

impl Files {
    /// Keeps a file. Goes on to its end, good or bad, when whoever waits for it goes away.
    ///
    /// # Errors
    /// Nothing is kept.
    pub async fn keep(&self, upload: Upload) -> Result<StoredFile, KeepError> {
        let files = self.clone();
        let keeping = tokio::spawn(async move { files.keep_to_its_end(upload).await });
        keeping.await.map_err(|_| KeepError::BrokeOff)?
    }

    async fn keep_to_its_end(&self, upload: Upload) -> Result<StoredFile, KeepError> {
        let Upload { account, filename, content_type, announced, body } = upload;
        let room = announced.unwrap_or_default();
        if room > self.settings.file_bytes {
            return Err(KeepError::TooLarge);
        }
        let file = NewFile { id: new_id(), account, filename, content_type };
        if !store::begin(&self.pool, &file, room, self.settings.account_bytes).await? {
            return Err(KeepError::Quota);
        }
        let taking = self.take_in(&file, room, body.into_data_stream());
        let taken = tokio::time::timeout(LONGEST, taking).await.unwrap_or(Err(KeepError::BrokeOff));
        if let Err(error) = &taken {
            // The row first: what is not removed now, the sweep removes.
            let upload = store::give_up(&self.pool, file.id).await?;
            // A store that just failed is not asked again while somebody waits for an answer.
            if !matches!(error, KeepError::Store(_)) {
                self.place.remove(file.id, upload.as_deref()).await?;
                store::forget(&self.pool, file.id).await?;
            }
        }
        let (size, sha256, url) = taken?;
        Ok(StoredFile { file, size, sha256, url })
    }

    async fn take_in(
        &self,
        file: &NewFile,
        room: u64,
        body: BodyDataStream,
    ) -> Result<(u64, [u8; 32], String), KeepError> {
        let mut chance = [0; 32];
        getrandom::fill(&mut chance).map_err(|_| KeepError::Chance)?;
        let capability = Capability::of(chance);
        let mut writing = self.place.write(file.id).await?;
        let (size, sha256) = match self.write(&mut writing, file, room, body).await {
            Ok(written) => written,
            Err(error) => {
                writing.abort().await;
                return Err(error);
            }
        };
        writing.finish(&self.pool).await?;
        if !store::arrived(&self.pool, file.id, size, &sha256, &capability.hash()).await? {
            return Err(KeepError::BrokeOff);
        }
        Ok((size, sha256, capability.url(&self.settings.origin, &file.filename)))
    }

    async fn write(
        &self,
        writing: &mut FileWriting,
        file: &NewFile,
        mut room: u64,
        mut body: BodyDataStream,
    ) -> Result<(u64, [u8; 32]), KeepError> {
        let (mut size, mut hash) = (0, Sha256::new());
        loop {
            let next = tokio::time::timeout(SILENCE, body.next()).await;
            let Some(bytes) = next.map_err(|_| KeepError::BrokeOff)? else { break };
            let bytes = bytes.map_err(|_| KeepError::BrokeOff)?;
            size += bytes.len() as u64;
            if size > self.settings.file_bytes {
                return Err(KeepError::TooLarge);
            }
            if size > room {
                room = self.room_for(file, size).await?;
            }
            hash.update(&bytes);
            writing.write(&self.pool, &bytes).await?;
        }
        Ok((size, hash.finalize().into()))
    }

    /// Makes room for so many bytes, or some more.
    async fn room_for(&self, file: &NewFile, size: u64) -> Result<u64, KeepError> {
        for room in [size + MORE, size] {
            if store::grow(&self.pool, file, room, self.settings.account_bytes).await? {
                return Ok(room);
            }
        }
        Err(KeepError::Quota)
    }
}
