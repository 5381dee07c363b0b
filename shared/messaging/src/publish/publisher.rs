//! The only place that publishes. A batch goes out together; its confirms are awaited together;
//! what came back is told by message id, because a returned message may ride on a neighbour's
//! confirm.

use std::collections::BTreeMap;
use std::time::Duration;

use contracts::Timestamp;
use contracts::topology::Service;
use futures_util::future::try_join_all;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::{BasicProperties, Channel, Confirmation, Connection};

use crate::failure::Fault;
use crate::message::envelope::header;
use crate::message::outgoing::OutgoingMessage;
use crate::message::trace_context::TraceContext;
use crate::observe::measure;
use crate::observe::span::Sent;
use crate::timeout;

/// What the broker took no responsibility for: message ids, each with `returned`, which found no
/// queue, or `rejected`, by a full one.
#[derive(Debug, Default)]
pub(crate) struct Refused(BTreeMap<String, &'static str>);

impl Refused {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn contains(&self, message_id: &str) -> bool {
        self.0.contains_key(message_id)
    }

    /// Why a message was not taken.
    pub fn cause(&self, message_id: &str) -> Option<&'static str> {
        self.0.get(message_id).copied().map(|cause| match cause {
            "returned" => "returned: the queue is missing or not bound",
            _ => "rejected: the queue is full",
        })
    }

    /// Writes a line for each key by which letters to services were not taken, with the first of
    /// them. The batch came from `queue`.
    pub fn tell_held(&self, queue: &str, letters: &[OutgoingMessage]) {
        let mut by_key: BTreeMap<_, Vec<&OutgoingMessage>> = BTreeMap::new();
        for letter in letters {
            by_key
                .entry((&letter.routing_key, self.cause(&letter.message_id)))
                .or_default()
                .push(letter);
        }
        for ((key, cause), held) in by_key {
            tracing::warn!(
                queue,
                exchange = held[0].exchange,
                key,
                cause,
                count = held.len(),
                message_id = held[0].message_id,
                message_type = held[0].message_type,
                about = held[0].share_id(),
                trace_id = held[0].trace.trace_id(),
                "messages between services were not taken; the batch is held"
            );
        }
    }
}

/// Owns one channel in confirm mode. Not shared between tasks: lapin numbers a publish and queues
/// it in two steps.
#[derive(Debug)]
pub(crate) struct Publisher {
    channel: Channel,
    service: Service,
    /// The service's broker user. The broker vouches for it, so that a dead letter is known as a
    /// service's.
    user_id: ShortString,
    timeout: Duration,
}

impl Publisher {
    /// Opens a channel on the connection that only publishes.
    pub async fn open(
        connection: &Connection,
        service: Service,
        timeout: Duration,
    ) -> Result<Self, Fault> {
        let channel =
            timeout::broker("open a publishing channel", connection.create_channel()).await?;
        timeout::broker(
            "turn on confirms",
            channel.confirm_select(ConfirmSelectOptions::default()),
        )
        .await?;
        Ok(Self { channel, service, user_id: ShortString::from(service.user()), timeout })
    }

    /// Publishes all and waits for all confirms. Returns what was returned or refused.
    ///
    /// A fault or a timeout means: nobody knows what went out. The caller does not ack, and all of
    /// it is sent again.
    pub async fn publish(
        &self,
        letters: &[OutgoingMessage<'_>],
        now: Timestamp,
    ) -> Result<Refused, Fault> {
        if letters.is_empty() {
            return Ok(Refused::default());
        }
        tokio::time::timeout(self.timeout, self.publish_all(letters, now))
            .await
            .map_err(|_| Fault::Timeout("confirm a batch"))?
    }

    async fn publish_all(
        &self,
        letters: &[OutgoingMessage<'_>],
        now: Timestamp,
    ) -> Result<Refused, Fault> {
        let sent = try_join_all(letters.iter().map(|letter| self.send(letter, now))).await?;
        let (spans, confirms): (Vec<Sent>, Vec<_>) = sent.into_iter().unzip();
        let mut refused: BTreeMap<String, &'static str> = BTreeMap::new();
        for (letter, confirm) in letters.iter().zip(confirms) {
            let confirmation = confirm.await.map_err(Fault::broker("confirm a message"))?;
            match &confirmation {
                Confirmation::Ack(_) => {}
                Confirmation::Nack(_) => {
                    refused.insert(letter.message_id.clone(), "rejected");
                }
                Confirmation::NotRequested => {
                    return Err(Fault::Protocol("the channel is not in confirm mode".to_owned()));
                }
            }
            if let Some(returned) = confirmation.take_message()
                && let Some(id) = returned.delivery.properties.message_id()
            {
                refused.insert(id.to_string(), "returned");
            }
        }
        for (letter, span) in letters.iter().zip(&spans) {
            if let Some(cause) = refused.get(&letter.message_id) {
                measure::refused_publish(&letter.exchange, cause);
                span.refused(cause);
            }
        }
        Ok(Refused(refused))
    }

    #[expect(clippy::disallowed_methods, reason = "the one place that publishes")]
    async fn send(
        &self,
        letter: &OutgoingMessage<'_>,
        now: Timestamp,
    ) -> Result<(Sent, impl Future<Output = lapin::Result<Confirmation>> + use<>), Fault> {
        let sent = Sent::begin(letter);
        let short = |text: &str| {
            let length = text.len();
            let too_long = format!("a name or key of {length} bytes is longer than 255");
            ShortString::try_new(text).map_err(|_| Fault::Protocol(too_long))
        };
        let mut headers = FieldTable::default();
        let TraceContext { traceparent, tracestate } = sent.trace(letter);
        let trace = [(header::TRACEPARENT, traceparent), (header::TRACESTATE, tracestate)];
        let trace = trace.into_iter().filter_map(|(name, value)| value.map(|value| (name, value)));
        for (name, value) in letter.headers.iter().cloned().chain(trace) {
            headers.insert(ShortString::from(name), AMQPValue::LongString(value.into()));
        }
        let mut properties = BasicProperties::default()
            .with_message_id(short(&letter.message_id)?)
            .with_type(short(&letter.message_type)?)
            .with_user_id(self.user_id.clone())
            .with_app_id(ShortString::from(self.service.name()))
            .with_timestamp(now.utc().timestamp().unsigned_abs())
            .with_delivery_mode(2)
            .with_headers(headers);
        if let Some(content_type) = &letter.content_type {
            properties = properties.with_content_type(short(content_type)?);
        }
        if let Some(correlation_id) = &letter.correlation_id {
            properties = properties.with_correlation_id(short(correlation_id)?);
        }
        if let Some(delay_ms) = letter.delay_ms {
            properties = properties.with_expiration(ShortString::from(delay_ms.to_string()));
        }
        let options =
            BasicPublishOptions { mandatory: letter.mandatory, ..BasicPublishOptions::default() };
        let confirm = self
            .channel
            .basic_publish(
                short(&letter.exchange)?,
                short(&letter.routing_key)?,
                options,
                &letter.body,
                properties,
            )
            .await
            .map_err(Fault::broker("publish a message"))?;
        Ok((sent, confirm))
    }
}
