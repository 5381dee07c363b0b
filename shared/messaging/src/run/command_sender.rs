//! How an edge publishes its accounts' commands: with confirms, on a connection of its own that is
//! built anew where it has to be.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::time::Duration;

use contracts::AccountName;
use contracts::topology::{Exchange, Service};
use lapin::Connection;

use crate::clock::now;
use crate::failure::Fault;
use crate::message::outgoing::{JSON, OutgoingMessage};
use crate::message::trace_context::TraceContext;
use crate::publish::publisher::Publisher;
use crate::run::connection::{self, BrokerUrl};

/// A command as it is published.
#[derive(Clone, Debug)]
pub struct Command {
    /// Whose it is.
    pub account: AccountName,
    /// The AMQP `message_id`.
    pub message_id: String,
    /// The AMQP `type`, `<entity>.<verb>.v1`.
    pub message_type: String,
    /// The body, JSON.
    pub body: Vec<u8>,
    /// How often it is sent with this, from 1.
    pub attempt: usize,
}

/// Publishes commands as an edge's broker user.
#[derive(Debug)]
pub struct CommandSender {
    edge: Service,
    url: BrokerUrl,
    timeout: Duration,
    open: Option<(Connection, Publisher)>,
}

impl CommandSender {
    /// One that is not logged in yet. The confirms of one call may take `timeout`.
    #[must_use]
    pub fn new(edge: Service, url: BrokerUrl, timeout: Duration) -> Self {
        Self { edge, url, timeout, open: None }
    }

    /// Publishes all and waits for all confirms. Returns the message ids of those that the broker
    /// did not take.
    ///
    /// # Errors
    /// Nobody knows what went out: all of it is to be sent again.
    pub async fn send(&mut self, commands: &[Command]) -> Result<BTreeSet<String>, Fault> {
        let (connection, publisher) = match self.open.take() {
            Some((connection, publisher)) if connection.status().connected() => {
                (connection, publisher)
            }
            _ => self.log_in().await?,
        };
        let letters: Vec<OutgoingMessage<'_>> = commands.iter().map(letter).collect();
        let refused = publisher.publish(&letters, now()).await?;
        self.open = Some((connection, publisher));
        let ids = commands.iter().map(|command| command.message_id.clone());
        Ok(ids.filter(|id| refused.contains(id)).collect())
    }

    /// Logs out, as far as the broker still answers.
    pub async fn close(self) {
        if let Some((connection, _)) = self.open {
            connection::close(connection).await;
        }
    }

    async fn log_in(&self) -> Result<(Connection, Publisher), Fault> {
        let name = format!("{} commands", self.edge.name());
        let connection = connection::connect(&self.url.now(), &name).await?;
        let publisher = Publisher::open(&connection, self.edge, self.timeout).await?;
        Ok((connection, publisher))
    }
}

fn letter(command: &Command) -> OutgoingMessage<'_> {
    let name = &command.message_type;
    let entity_and_verb = name.rsplit_once(".v").map_or(name.as_str(), |(stem, _version)| stem);
    OutgoingMessage {
        exchange: Exchange::Share.name().to_owned(),
        routing_key: format!("{}.{entity_and_verb}", command.account),
        message_id: command.message_id.clone(),
        message_type: name.clone(),
        content_type: Some(Cow::Borrowed(JSON)),
        correlation_id: None,
        headers: Vec::new(),
        trace: TraceContext::default(),
        attempt: command.attempt,
        body: Cow::Borrowed(&command.body),
        mandatory: true,
        delay_ms: None,
    }
}
