//! What goes: files that no command named in time, and all that were taken away. First the row is
//! marked, then the bytes go, then the row: whatever dies in between, the next turn goes on.

use std::convert::Infallible;
use std::time::Duration;

use messaging::cause;
use tokio_util::sync::CancellationToken;

use crate::keep::LONGEST;
use crate::{Files, store};

/// How often is looked.
const LOOK: Duration = Duration::from_secs(5);
/// How long a look may take, with what it removes.
const TURN: Duration = Duration::from_mins(10);
/// Files that go at once, at most.
const BATCH: i64 = 100;

/// Sweeps until it is told to stop. Several replicas do no harm to each other.
///
/// # Errors
/// None: whatever fails is tried again.
pub async fn sweep(files: Files, stop: CancellationToken) -> Result<(), Infallible> {
    while !stop.is_cancelled() {
        let turn = tokio::time::timeout(TURN, files.turn());
        match stop.run_until_cancelled(turn).await {
            None => break,
            Some(Ok(Ok(()))) => {}
            Some(Ok(Err(error))) => {
                tracing::warn!(cause = error, "files could not be removed; they wait");
            }
            Some(Err(_)) => tracing::warn!("files were not removed in time; they wait"),
        }
        tokio::select! {
            () = stop.cancelled() => break,
            () = tokio::time::sleep(LOOK.min(files.settings.unlinked)) => {}
        }
    }
    Ok(())
}

impl Files {
    async fn turn(&self) -> Result<(), String> {
        let database = |error: sqlx::Error| cause(&error);
        let unlinked = self.settings.unlinked;
        store::take_unlinked(&self.pool, unlinked, 2 * LONGEST).await.map_err(database)?;
        for (id, upload) in store::taken(&self.pool, BATCH).await.map_err(database)? {
            if let Err(error) = self.place.remove(id, upload.as_deref()).await {
                // Whatever is wrong with it, others must not wait behind it.
                store::put_back(&self.pool, id).await.map_err(database)?;
                return Err(cause(&error));
            }
            store::forget(&self.pool, id).await.map_err(database)?;
        }
        Ok(())
    }
}
