//! Webhooks on their way: one loop finds queues in which something is due, and each is worked on by
//! itself, so that an endpoint that hangs holds up none but its own.

mod call;
mod queue;

use std::convert::Infallible;
use std::time::Duration;

use egress::{Egress, RetrySchedule, Working};
use messaging::cause;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

pub(crate) use queue::before;

use crate::clock::new_id;
use crate::store::webhook::claim;

/// How often is looked for what is due.
const LOOK: Duration = Duration::from_millis(200);
/// How long a database that does not answer is left alone.
const PAUSE: Duration = Duration::from_secs(2);
/// How much longer than a call a queue is held: what a replica that died held goes on after it.
const MARGIN: Duration = Duration::from_mins(1);

/// How endpoints are called.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// When a delivery that was not taken is tried again.
    pub schedule: RetrySchedule,
    /// How long a call may take.
    pub timeout: Duration,
    /// How many endpoints are called at the same time. Those whose last call failed get half of
    /// it at most, so that they hold up nobody, however many they are.
    pub at_once: usize,
}

/// What calls endpoints. A clone is the same one.
#[derive(Clone, Debug)]
pub struct Webhooks {
    pub(crate) pool: PgPool,
    pub(crate) egress: Egress,
    pub(crate) settings: Settings,
}

impl Webhooks {
    /// Calls with this client.
    #[must_use]
    pub fn new(pool: PgPool, egress: Egress, settings: Settings) -> Self {
        Self { pool, egress, settings }
    }

    fn lease(&self) -> Duration {
        self.settings.timeout + MARGIN
    }

    /// Sends until it is told to stop; several replicas share the work. What is under way then is
    /// broken off and sent again.
    ///
    /// # Errors
    /// None today: whatever fails is tried again.
    pub async fn run(self, stop: CancellationToken) -> Result<(), Infallible> {
        let mut working = Working::default();
        while !stop.is_cancelled() {
            let pause = match desk::turn(&stop, self.claim(&mut working, &stop)).await {
                None => break,
                Some(Ok(())) => LOOK,
                Some(Err(error)) => {
                    tracing::warn!(
                        cause = cause(&error),
                        "webhooks cannot be looked for; they wait"
                    );
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

    async fn claim(&self, working: &mut Working, stop: &CancellationToken) -> sqlx::Result<()> {
        for failing in [false, true] {
            let free = working.free(self.settings.at_once, failing);
            if free == 0 {
                continue;
            }
            let limit = i64::try_from(free).unwrap_or(i64::MAX);
            let lease = new_id();
            let held = (lease, self.lease());
            for webhook in claim(&self.pool, held, failing, limit).await? {
                let (webhooks, stop) = (self.clone(), stop.clone());
                working.begin(failing, self.lease(), async move {
                    queue::work(&webhooks, webhook, lease, &stop).await;
                });
            }
        }
        Ok(())
    }
}
