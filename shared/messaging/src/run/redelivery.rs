//! What desks' queues did not take is tried again; how much waits is told, and what is watched is
//! looked up, at the same turn.

use std::sync::Arc;
use std::time::{Duration, Instant};

use contracts::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::cause::cause;
use crate::clock::now;
use crate::failure::Fault;
use crate::observe::gauges;
use crate::publish::desk_away;
use crate::publish::publisher::Publisher;
use crate::publish::redeliver::redeliver;
use crate::run::connection::Connections;
use crate::run::runtime::{RuntimeSettings, Shared, pause};
use crate::service::Service;
use crate::timeout;

/// What lies in the tables is counted so often.
const COUNT_EVERY: Duration = Duration::from_secs(10);

/// Tries again until it is told to stop.
pub(crate) async fn run<S: Service>(
    shared: Arc<Shared<S>>,
    connections: Arc<Connections>,
    stop: CancellationToken,
) -> Result<(), Fault> {
    let publisher =
        Publisher::open(&connections.publishing, S::SERVICE, shared.settings.confirm_timeout)
            .await?;
    let RuntimeSettings { undelivered: settings, answer_timeout, confirm_timeout, .. } =
        shared.settings;
    let mut counted = None;
    loop {
        match timeout::database(answer_timeout, turn(&shared, &mut counted, now())).await {
            Ok(desks) => {
                for account in desks {
                    // Its transaction is open while the broker confirms.
                    let limit = answer_timeout + confirm_timeout;
                    timeout::database(
                        limit,
                        redeliver(&shared.pool, &publisher, &account, settings.max_age),
                    )
                    .await?;
                }
            }
            Err(error) => {
                tracing::warn!(
                    cause = cause(&error),
                    "the database does not answer; undelivered messages wait"
                );
            }
        }
        if !pause(Some(settings.interval), &stop, &shared.health).await {
            return Ok(());
        }
    }
}

/// The desks that are to be tried now.
async fn turn<S>(
    shared: &Shared<S>,
    counted: &mut Option<Instant>,
    now: Timestamp,
) -> sqlx::Result<Vec<String>> {
    let pool = &shared.pool;
    shared.watched.refresh(pool, now).await?;
    let look = desk_away::look(pool, &shared.desks_away, now).await?;
    gauges::oldest_undelivered(look.oldest_seconds);
    if counted.is_none_or(|at| at.elapsed() >= COUNT_EVERY) {
        gauges::count(pool).await?;
        *counted = Some(Instant::now());
    }
    Ok(look.due)
}
