//! Connections to the broker: one that publishes, because a blocked one blocks acks too, and one
//! that consumes for each lane, because what a flood has put into a socket is read first.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use contracts::topology::Service;
use lapin::options::QueueDeclareOptions;
use lapin::types::{FieldTable, ShortString};
use lapin::{Connection, ConnectionProperties};

use crate::failure::Fault;
use crate::run::fetch_budget::{BULK_FETCHED_BYTES, FETCHED_BYTES, FetchBudget};
use crate::run::lane::Lane;
use crate::run::transport;
use crate::timeout;

/// Where the broker is, `amqp://user:password@host:port/vhost`. It is asked for at every
/// connection, so that a changed password needs no restart.
#[derive(Clone)]
pub struct BrokerUrl(Arc<dyn Fn() -> String + Send + Sync>);

impl BrokerUrl {
    /// What `address` says whenever it is asked.
    #[must_use]
    pub fn asked_from(address: impl Fn() -> String + Send + Sync + 'static) -> Self {
        Self(Arc::new(address))
    }

    pub(crate) fn now(&self) -> String {
        (self.0)()
    }
}

impl From<String> for BrokerUrl {
    fn from(url: String) -> Self {
        Self::asked_from(move || url.clone())
    }
}

/// A password stands in it.
impl fmt::Debug for BrokerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BrokerUrl")
    }
}

/// The connections of a process.
#[derive(Debug)]
pub(crate) struct Connections {
    work: Consuming,
    /// A service that has no bulk queue has none.
    bulk: Option<Consuming>,
    pub publishing: Connection,
}

/// A connection that consumes.
#[derive(Debug)]
pub(crate) struct Consuming {
    pub connection: Connection,
    /// What may be read on it.
    pub budget: FetchBudget,
}

impl Connections {
    /// Connects, and checks that the queues are there. Services declare nothing: who installs the
    /// definitions does.
    pub async fn open(url: &str, service: Service) -> Result<Self, Fault> {
        let name = service.name();
        let work = Consuming::open(url, &format!("{name} consume"), FETCHED_BYTES).await?;
        let (queues, bulk) = (service.work_queues(), service.bulk_queue());
        let bulk = if queues.contains(&bulk) {
            Some(Consuming::open(url, &format!("{name} consume bulk"), BULK_FETCHED_BYTES).await?)
        } else {
            None
        };
        let publishing = connect(url, &format!("{name} publish")).await?;
        let channel = timeout::broker("open a channel", work.connection.create_channel()).await?;
        let passive =
            QueueDeclareOptions { passive: true, durable: true, ..QueueDeclareOptions::default() };
        for queue in queues.into_iter().chain(service.dead_letter_queues()) {
            let declared = channel.queue_declare(
                ShortString::from(queue.as_str()),
                passive,
                FieldTable::default(),
            );
            timeout::broker("look for the queues", declared).await?;
        }
        Ok(Self { work, bulk, publishing })
    }

    /// The one on which the messages of a lane are consumed.
    pub fn consuming(&self, lane: Lane) -> &Consuming {
        match lane {
            Lane::Work => &self.work,
            Lane::Bulk => self.bulk.as_ref().unwrap_or(&self.work),
        }
    }

    /// What may be read on each.
    pub fn budgets(&self) -> impl Iterator<Item = &FetchBudget> {
        std::iter::once(&self.work).chain(&self.bulk).map(|consuming| &consuming.budget)
    }

    /// Closes them, as far as the broker still answers.
    pub async fn close(self) {
        close(self.work.connection).await;
        if let Some(bulk) = self.bulk {
            close(bulk.connection).await;
        }
        close(self.publishing).await;
    }
}

impl Consuming {
    async fn open(url: &str, name: &str, bytes: usize) -> Result<Self, Fault> {
        let (address, budget) = (with_heartbeat(url), FetchBudget::new(bytes));
        let opening = transport::connect(&address, named(name), budget.clone());
        Ok(Self { connection: timeout::broker("connect", opening).await?, budget })
    }
}

/// Closes a connection, as far as the broker still answers.
pub(crate) async fn close(connection: Connection) {
    drop(
        tokio::time::timeout(
            Duration::from_secs(2),
            connection.close(200, ShortString::from("stopping")),
        )
        .await,
    );
}

/// Connects under a name that the broker shows.
pub(crate) async fn connect(url: &str, name: &str) -> Result<Connection, Fault> {
    // lapin ignores the address's own timeout.
    let address = with_heartbeat(url);
    timeout::broker("connect", broker_address::connect(&address, named(name))).await
}

fn named(name: &str) -> ConnectionProperties {
    ConnectionProperties::default().with_connection_name(name.into())
}

/// A half-open connection is noticed after twice the heartbeat; the broker's default is a minute.
fn with_heartbeat(url: &str) -> String {
    if url.contains("heartbeat=") {
        return url.to_owned();
    }
    let separator = if url.contains('?') { '&' } else { '?' };
    format!("{url}{separator}heartbeat=10")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_heartbeat_is_added_where_none_is_set() {
        assert_eq!(with_heartbeat("amqp://h/v"), "amqp://h/v?heartbeat=10");
        assert_eq!(
            with_heartbeat("amqp://h/v?channel_max=8"),
            "amqp://h/v?channel_max=8&heartbeat=10"
        );
        assert_eq!(with_heartbeat("amqp://h/v?heartbeat=5"), "amqp://h/v?heartbeat=5");
    }
}
