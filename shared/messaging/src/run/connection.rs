//! Connections to the broker: two per process, because a blocked one blocks acks too.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use lapin::options::QueueDeclareOptions;
use lapin::types::{FieldTable, ShortString};
use lapin::{Connection, ConnectionProperties};

use crate::failure::Fault;
use crate::run::fetch_budget::{FETCHED_BYTES, FetchBudget};
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

/// The two connections of a process.
#[derive(Debug)]
pub(crate) struct Connections {
    pub consuming: Connection,
    pub publishing: Connection,
    /// What may be read on `consuming`.
    pub budget: FetchBudget,
}

impl Connections {
    /// Connects, and checks that the queues are there. Services declare nothing: who installs the
    /// definitions does.
    pub async fn open(url: &str, name: &str, queues: &[String]) -> Result<Self, Fault> {
        let budget = FetchBudget::new(FETCHED_BYTES);
        let (address, properties) = (with_heartbeat(url), named(&format!("{name} consume")));
        let consuming =
            timeout::broker("connect", transport::connect(&address, properties, budget.clone()))
                .await?;
        let publishing = connect(url, &format!("{name} publish")).await?;
        let channel = timeout::broker("open a channel", consuming.create_channel()).await?;
        let passive =
            QueueDeclareOptions { passive: true, durable: true, ..QueueDeclareOptions::default() };
        for queue in queues {
            let declared = channel.queue_declare(
                ShortString::from(queue.as_str()),
                passive,
                FieldTable::default(),
            );
            timeout::broker("look for the queues", declared).await?;
        }
        Ok(Self { consuming, publishing, budget })
    }

    /// Closes both, as far as the broker still answers.
    pub async fn close(self) {
        close(self.consuming).await;
        close(self.publishing).await;
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
    timeout::broker("connect", Connection::connect(&with_heartbeat(url), named(name))).await
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
