//! What a service is given at its start.

use std::sync::Arc;
use std::time::Duration;

use contracts::topology;
use messaging::{CommandSender, Health, RuntimeSettings};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::lifecycle::Tasks;

/// What a service is given at its start: its configuration, and the parts of the process.
///
/// There is no clock in it: messages arrive with their time.
pub struct Context<C> {
    /// The service's own configuration.
    pub config: C,
    /// The connections to the service's own schema.
    pub pool: PgPool,
    /// What `/livez` and `/readyz` answer from.
    pub health: Arc<Health>,
    /// Cancelled when the process is asked to stop.
    pub shutdown: CancellationToken,
    /// Spawns further loops; one that fails ends the process.
    pub tasks: Tasks,
    pub(crate) settings: RuntimeSettings,
}

impl<C> Context<C> {
    /// How long the database may take to answer, as configured: for loops beside the messages, see
    /// [`messaging::timeout`].
    #[must_use]
    pub fn answer_timeout(&self) -> Duration {
        self.settings.answer_timeout
    }

    /// Publishes commands of the accounts that an edge operates.
    #[must_use]
    pub fn command_sender(&self, edge: topology::Service) -> CommandSender {
        CommandSender::new(edge, self.settings.broker_url.clone(), self.settings.confirm_timeout)
    }

    /// Consumes messages with `service` until the process is asked to stop.
    ///
    /// # Errors
    ///
    /// When the runtime meets something that waiting does not cure.
    pub async fn run<S: messaging::Service>(self, service: S) -> anyhow::Result<()> {
        messaging::run(Arc::new(service), self.settings, self.pool, self.health, self.shutdown)
            .await?;
        Ok(())
    }
}
