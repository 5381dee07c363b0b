//! What desks' queues did not take is tried again; how much waits is told, and what is watched is
//! looked up, at the same turn.

use std::sync::Arc;

use contracts::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::cause::cause;
use crate::clock::now;
use crate::failure::Fault;
use crate::observe::gauges;
use crate::publish::publisher::Publisher;
use crate::publish::undelivered::{due_accounts, retry};
use crate::run::connection::Connections;
use crate::run::runtime::{Settings, Shared, pause};
use crate::service::Service;
use crate::timeout;

/// Tries again until it is told to stop.
pub(crate) async fn run<S: Service>(
    shared: Arc<Shared<S>>,
    connections: Arc<Connections>,
    stop: CancellationToken,
) -> Result<(), Fault> {
    let publisher =
        Publisher::open(&connections.publishing, S::SERVICE, shared.settings.confirm_timeout)
            .await?;
    let Settings { undelivered: settings, answer_timeout, confirm_timeout, .. } = shared.settings;
    loop {
        match timeout::database(answer_timeout, turn(&shared, now())).await {
            Ok(accounts) => {
                for account in accounts {
                    // Its transaction is open while the broker confirms.
                    let limit = answer_timeout + confirm_timeout;
                    timeout::database(
                        limit,
                        retry(&shared.pool, &publisher, &account, settings.max_age),
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

async fn turn<S>(shared: &Shared<S>, now: Timestamp) -> sqlx::Result<Vec<String>> {
    let pool = &shared.pool;
    gauges::set(pool).await?;
    shared.watched.refresh(pool, now).await?;
    due_accounts(pool, now).await
}
