//! Replicas of one service in the test's own process.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use messaging::{Health, RedeliverySettings, Retention, RuntimeSettings, Service};
use sqlx::PgPool;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::desk::PATIENCE;

/// What runs until the test ends.
#[derive(Debug, Default)]
pub struct Replicas {
    running: JoinSet<()>,
    stop: CancellationToken,
}

impl Replicas {
    /// Starts one that takes a few messages at a time, so that with another beside it neighbours
    /// in a queue are decided at the same moment.
    pub fn start<S: Service>(&mut self, service: S, broker_url: String, pool: &PgPool) {
        let settings = RuntimeSettings {
            broker_url: broker_url.into(),
            slots: 3,
            batch_size: 2,
            confirm_timeout: Duration::from_mins(1),
            answer_timeout: Duration::from_secs(20),
            journal_days: 30,
            events: true,
            undelivered: RedeliverySettings::default(),
            retention: Retention::default(),
        };
        let (service, pool) = (Arc::new(service), pool.clone());
        self.spawn(|stop| messaging::run(service, settings, pool, Health::new(), stop));
    }

    /// Starts something that ends when it is told to.
    ///
    /// # Panics
    /// In its task, when it ends with a fault.
    pub fn spawn<W, E>(&mut self, work: impl FnOnce(CancellationToken) -> W)
    where
        W: Future<Output = Result<(), E>> + Send + 'static,
        E: Debug,
    {
        let work = work(self.stop.clone());
        self.running.spawn(async move { work.await.expect("it stops without a fault") });
    }

    /// Tells all to stop, as SIGTERM does, and waits for them.
    ///
    /// # Panics
    /// When one does not stop in time, or stops with a fault.
    pub async fn end(mut self) {
        self.stop.cancel();
        while let Some(ended) = tokio::time::timeout(PATIENCE, self.running.join_next())
            .await
            .expect("it stops in time")
        {
            ended.expect("nothing panics");
        }
    }
}
