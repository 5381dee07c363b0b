//! A file on its way into the bucket. Parts of S3 are large, and an edge's memory is not: an upload
//! has one part in memory, and all of them together have no more than a few. What fits into one is
//! one request.

use std::time::Duration;

use object_store::multipart::{MultipartStore as _, PartId};
use object_store::path::Path;
use object_store::{ObjectStoreExt as _, PutPayload, PutPayloadMut};
use sqlx::PgPool;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout};
use uuid::Uuid;

use super::S3Bucket;
use crate::keep::KeepError;
use crate::store;

/// What an upload may have in memory without a turn.
pub(super) const WITHOUT_TURN: usize = 128 * 1024;
/// What is taken of memory at once.
const BLOCK: usize = 128 * 1024;
/// How long an upload waits for its turn.
const TURN: Duration = Duration::from_mins(1);
/// How long a part may take to arrive: slow uploads must not keep the turns of all others.
const FILLED: Duration = Duration::from_mins(5);

/// An upload that has begun.
#[derive(Debug)]
pub(crate) struct S3Upload {
    bucket: S3Bucket,
    file: Uuid,
    place: Path,
    part: PutPayloadMut,
    turn: Option<(OwnedSemaphorePermit, Instant)>,
    sent: Option<Sent>,
}

/// Parts that are there already.
#[derive(Debug)]
struct Sent {
    upload: String,
    parts: Vec<PartId>,
}

impl S3Upload {
    pub(super) fn new(bucket: S3Bucket, file: Uuid, place: Path) -> Self {
        Self { bucket, file, place, part: empty(), turn: None, sent: None }
    }

    /// Takes bytes, and sends each part that is full before it takes more.
    pub(crate) async fn write(&mut self, pool: &PgPool, bytes: &[u8]) -> Result<(), KeepError> {
        let mut left = bytes;
        while !left.is_empty() {
            let there = self.part.content_length();
            let most = if there < WITHOUT_TURN { WITHOUT_TURN } else { self.bucket.part };
            if there >= WITHOUT_TURN {
                self.wait_for_turn().await?;
            }
            let (now, later) = left.split_at(left.len().min(most - there));
            self.part.extend_from_slice(now);
            left = later;
            if self.part.content_length() == self.bucket.part {
                self.send(pool).await?;
            }
        }
        Ok(())
    }

    /// Ends the file: from now on it is there.
    pub(crate) async fn finish(mut self, pool: &PgPool) -> Result<(), KeepError> {
        if self.sent.is_none() {
            let all: PutPayload = std::mem::take(&mut self.part).into();
            self.bucket.store.put(&self.place, all).await?;
            return Ok(());
        }
        if !self.part.is_empty() {
            self.send(pool).await?;
        }
        if let Some(Sent { upload, parts }) = self.sent {
            self.bucket.store.complete_multipart(&self.place, &upload, parts).await?;
        }
        Ok(())
    }

    async fn wait_for_turn(&mut self) -> Result<(), KeepError> {
        if let Some((_, since)) = &self.turn {
            return if since.elapsed() < FILLED { Ok(()) } else { Err(KeepError::BrokeOff) };
        }
        let turn = timeout(TURN, self.bucket.parts.clone().acquire_owned()).await;
        let Ok(Ok(turn)) = turn else { return Err(KeepError::Busy) };
        self.turn = Some((turn, Instant::now()));
        Ok(())
    }

    async fn send(&mut self, pool: &PgPool) -> Result<(), KeepError> {
        let part: PutPayload = std::mem::replace(&mut self.part, empty()).into();
        if self.sent.is_none() {
            let upload = self.bucket.store.create_multipart(&self.place).await?;
            // Noted before the first part, so that whatever dies, somebody knows what to end.
            if !store::upload_began(pool, self.file, &upload).await? {
                self.bucket.store.abort_multipart(&self.place, &upload).await?;
                return Err(KeepError::BrokeOff);
            }
            self.sent = Some(Sent { upload, parts: Vec::new() });
        }
        if let Some(Sent { upload, parts }) = &mut self.sent {
            let store = &self.bucket.store;
            parts.push(store.put_part(&self.place, upload, parts.len(), part).await?);
        }
        self.turn = None;
        Ok(())
    }
}

fn empty() -> PutPayloadMut {
    PutPayloadMut::new().with_block_size(BLOCK)
}
