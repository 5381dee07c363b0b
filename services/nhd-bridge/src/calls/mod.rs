//! Partners are called: one loop finds calls that are due and the first of their ticket's queue,
//! and each is made by itself, so that a partner that hangs holds up none but its own.

mod call;
mod message;
mod outcome;
mod wording;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use egress::{Egress, RetrySchedule, Working};
use messaging::cause;
use sqlx::PgPool;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::clock::new_id;
use crate::keys::{AccessKeys, KeyError};
use crate::store::call::{self as queue, CallRow};

/// How often is looked for what is due.
const LOOK: Duration = Duration::from_millis(100);
/// How long a database that does not answer is left alone.
const PAUSE: Duration = Duration::from_secs(2);
/// How much longer than its calls one is held: what a replica that died held is made after it.
const MARGIN: Duration = Duration::from_mins(1);
/// Attempts that one call may take: another media type, an update in a share's place, read-backs.
const ATTEMPTS: u32 = 6;

/// How partners are called.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// When a call that failed is made again.
    pub schedule: RetrySchedule,
    /// How long one may take.
    pub timeout: Duration,
    /// How many are made at the same time. Those of agreements whose last call failed get half
    /// of it at most, so that they hold up nobody, however many they are.
    pub at_once: usize,
}

/// What calls partners. A clone is the same one.
#[derive(Clone, Debug)]
pub struct Calls {
    pub pool: PgPool,
    pub egress: Egress,
    pub keys: Arc<AccessKeys>,
    /// Told when there is a new command.
    pub new_command: Arc<Notify>,
    /// What all sharing URLs begin with.
    pub public_url: Arc<str>,
    pub settings: Settings,
}

/// Why a call was not made, or what came of it not kept.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    #[error(transparent)]
    Keys(#[from] KeyError),
}

impl Calls {
    /// Calls until it is told to stop; several replicas share the work. What is under way then is
    /// broken off and made again.
    ///
    /// # Errors
    /// None today: whatever fails is tried again.
    pub async fn run(self, stop: CancellationToken) -> Result<(), Infallible> {
        let mut working = Working::default();
        while !stop.is_cancelled() {
            let pause = match desk::turn(&stop, self.claim(&mut working, &stop)).await {
                None => break,
                Some(Ok(0)) => LOOK,
                Some(Ok(_)) => continue,
                Some(Err(error)) => {
                    tracing::warn!(cause = cause(&error), "calls cannot be looked for; they wait");
                    PAUSE
                }
            };
            tokio::select! {
                () = stop.cancelled() => break,
                () = working.one_ended(), if pause == LOOK => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
        working.all_ended().await;
        Ok(())
    }

    async fn claim(&self, working: &mut Working, stop: &CancellationToken) -> sqlx::Result<usize> {
        let mut claimed = 0;
        for failing in [false, true] {
            let free = working.free(self.settings.at_once, failing);
            if free == 0 {
                continue;
            }
            let lease = new_id();
            let held = (lease, self.settings.timeout * ATTEMPTS + MARGIN);
            let limit = i64::try_from(free).unwrap_or(i64::MAX);
            for row in queue::claim(&self.pool, held, failing, limit).await? {
                claimed += 1;
                let (calls, stop) = (self.clone(), stop.clone());
                working.begin(failing, held.1, async move { calls.make(row, lease, &stop).await });
            }
        }
        Ok(claimed)
    }

    async fn make(&self, row: CallRow, lease: Uuid, stop: &CancellationToken) {
        let (id, agreement) = (row.id, row.agreement.clone());
        let made = stop.run_until_cancelled(Box::pin(self.one(row, lease))).await;
        let released = match made {
            Some(Ok(())) => return,
            Some(Err(error)) => {
                tracing::warn!(cause = cause(&error), agreement, "a call to a partner waits");
                // Our own trouble is no failure of the partner's.
                queue::release(&self.pool, id, lease, PAUSE).await
            }
            None => queue::release(&self.pool, id, lease, Duration::ZERO).await,
        };
        if let Err(error) = released {
            tracing::warn!(cause = cause(&error), agreement, "a call to a partner is held in vain");
        }
    }
}
