//! One consumer: collects a batch, has it decided, publishes what it causes, acks it. One task, one
//! consume channel, one publish channel, at most one batch at a time; a `multiple` ack never
//! crosses a slot.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use contracts::Timestamp;
use contracts::topology::Exchange;
use futures_util::{FutureExt, StreamExt};
use lapin::message::Delivery;
use lapin::options::{
    BasicAckOptions, BasicCancelOptions, BasicConsumeOptions, BasicNackOptions, BasicQosOptions,
};
use lapin::types::{FieldTable, ShortString};
use lapin::{Channel, Consumer};
use tokio_util::sync::CancellationToken;

use crate::admission::admit;
use crate::connection::Connections;
use crate::envelope::{Envelope, header};
use crate::output::StoredOutput;
use crate::plan::{Disposition, Item};
use crate::publisher::{JSON, OutgoingMessage, Publisher};
use crate::runtime::{Shared, backoff, now, pause};
use crate::service::Service;
use crate::step::{Database, StepError, decide_all};
use crate::timeout;
use crate::trace_context::TraceContext;
use crate::{Fault, event, measure, span, undelivered};

const CONSUMER_TAG: &str = "slot";

/// One slot on one queue.
pub(crate) struct Slot<S: Service> {
    shared: Arc<Shared<S>>,
    queue: String,
    channel: Channel,
    consumer: Consumer,
    publisher: Publisher,
}

impl<S: Service> Slot<S> {
    /// Opens its channels and begins to consume.
    pub async fn open(
        shared: Arc<Shared<S>>,
        connections: &Connections,
        queue: &str,
    ) -> Result<Self, Fault> {
        let channel =
            timeout::broker("open a consuming channel", connections.consuming.create_channel())
                .await?;
        // Room for the batch at work and the next one.
        let prefetch = u16::try_from(shared.settings.batch_size * 2).unwrap_or(u16::MAX);
        timeout::broker(
            "set the prefetch",
            channel.basic_qos(prefetch, BasicQosOptions::default()),
        )
        .await?;
        let (name, tag) = (ShortString::from(queue), ShortString::from(CONSUMER_TAG));
        let consume =
            channel.basic_consume(name, tag, BasicConsumeOptions::default(), FieldTable::default());
        let consumer = timeout::broker("consume", consume).await?;
        let publisher =
            Publisher::open(&connections.publishing, S::SERVICE, shared.settings.confirm_timeout)
                .await?;
        Ok(Self { shared, queue: queue.to_owned(), channel, consumer, publisher })
    }

    /// Works until it is told to stop. Then the batch at work is finished, and what else was
    /// fetched is handed back.
    pub async fn run(mut self, stop: CancellationToken) -> Result<(), Fault> {
        while let Some(batch) = self.collect(&stop).await? {
            self.shared.health.turned();
            if !self.step(batch, &stop).await? {
                break;
            }
        }
        self.hand_back().await
    }

    /// What is there now, up to the batch size; waits for the first only.
    async fn collect(&mut self, stop: &CancellationToken) -> Result<Option<Vec<Delivery>>, Fault> {
        let first = loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(None),
                next = self.consumer.next() => break next,
                () = tokio::time::sleep(Duration::from_secs(5)) => self.shared.health.turned(),
            }
        };
        let mut batch = vec![self.delivery(first)?];
        while batch.len() < self.shared.settings.batch_size {
            match self.consumer.next().now_or_never() {
                None => break,
                Some(next) => batch.push(self.delivery(next)?),
            }
        }
        Ok(Some(batch))
    }

    /// A consumer that the broker cancelled looks like a stream that simply ends.
    fn delivery(&self, next: Option<Result<Delivery, lapin::Error>>) -> Result<Delivery, Fault> {
        match next {
            Some(Ok(delivery)) => Ok(delivery),
            Some(Err(error)) => Err(Fault::broker("receive a message")(error)),
            None => Err(Fault::ConsumerCancelled(self.queue.clone())),
        }
    }

    /// Decides, sends, acks. Returns whether to go on.
    async fn step(&self, batch: Vec<Delivery>, stop: &CancellationToken) -> Result<bool, Fault> {
        let (started, arrived) = (Instant::now(), now());
        let _in_hand = self.shared.health.begins();
        let last_tag = batch.iter().map(|delivery| delivery.delivery_tag).max().unwrap_or_default();
        let (items, spans): (Vec<_>, Vec<_>) =
            batch.into_iter().map(|delivery| self.item(delivery, arrived)).unzip();
        let Some(dispositions) = self.decide(&items, stop).await? else { return Ok(false) };
        if !self.send(&items, &dispositions, stop).await? {
            return Ok(false);
        }
        timeout::broker(
            "ack a batch",
            self.channel.basic_ack(last_tag, BasicAckOptions { multiple: true }),
        )
        .await?;
        self.shared.watched.tell(&items, &dispositions);
        measure::batch(&items, &dispositions, arrived, started);
        span::came_to(&spans, &items, &dispositions);
        Ok(true)
    }

    fn item(&self, delivery: Delivery, arrived: Timestamp) -> (Item<S::Inbound>, tracing::Span) {
        let envelope = Envelope::read(S::SERVICE, delivery, arrived);
        let span = span::process(S::SERVICE, &self.queue, &envelope);
        let trace = TraceContext::of(&span);
        let admission = span.in_scope(|| admit(&*self.shared.service, &self.queue, &envelope));
        let item = Item { envelope, admission, trace };
        span::is_about(&span, &item);
        (item, span)
    }

    /// Holds the batch while the database is away. Nothing when it is told to stop meanwhile.
    async fn decide(
        &self,
        items: &[Item<S::Inbound>],
        stop: &CancellationToken,
    ) -> Result<Option<Vec<Disposition>>, Fault> {
        let mut delays = backoff();
        loop {
            let database =
                Database { pool: &self.shared.pool, limit: self.shared.settings.answer_timeout };
            match decide_all(&*self.shared.service, database, &self.queue, items, now()).await {
                Ok(dispositions) => {
                    self.shared.health.reached("database");
                    return Ok(Some(dispositions));
                }
                Err(StepError::Hold(error)) => {
                    self.shared.health.lost("database");
                    tracing::warn!(error = %error, "the database does not answer; the batch is held");
                    if !pause(delays.next(), stop, &self.shared.health).await {
                        return Ok(None);
                    }
                    if !self.channel.status().connected() {
                        return Err(Fault::ConsumerCancelled(self.queue.clone()));
                    }
                }
            }
        }
    }

    /// Publishes what the batch causes. What a desk's queue does not take waits in `undelivered`;
    /// what a service's queue does not take holds the batch. Returns false when it is told to stop
    /// meanwhile.
    async fn send(
        &self,
        items: &[Item<S::Inbound>],
        dispositions: &[Disposition],
        stop: &CancellationToken,
    ) -> Result<bool, Fault> {
        let outputs = outputs(dispositions);
        let mut letters: Vec<OutgoingMessage> =
            outputs.iter().map(|(_, output)| OutgoingMessage::of(output)).collect();
        letters.extend(
            items
                .iter()
                .zip(dispositions)
                .filter_map(|(item, disposition)| onward::<S>(item, disposition)),
        );
        if self.shared.settings.events {
            letters.extend(outputs.iter().filter_map(|(_, stored)| event::of(S::SERVICE, stored)));
        }
        let mut delays = backoff();
        loop {
            let sent_at = now();
            let refused = self.publisher.publish(&letters, sent_at).await?;
            measure::deliveries(&outputs, &refused, sent_at);
            if refused.is_empty() {
                return Ok(true);
            }
            let to_desks = outputs
                .iter()
                .filter(|(id, output)| output.output.desk().is_some() && refused.contains(id));
            let rows: Vec<&StoredOutput> = to_desks.map(|(_, output)| *output).collect();
            let missed = |letter: &OutgoingMessage| {
                letter.exchange != Exchange::Desk.name() && refused.contains(&letter.message_id)
            };
            let services: Vec<OutgoingMessage> = letters.into_iter().filter(missed).collect();
            timeout::database(
                self.shared.settings.answer_timeout,
                undelivered::keep(&self.shared.pool, &rows, now()),
            )
            .await?;
            if services.is_empty() {
                return Ok(true);
            }
            let fault = Fault::SyncRefused { count: services.len() };
            tracing::warn!(error = %fault, "messages between services were not taken; the batch is \
                held");
            letters = services;
            for letter in &mut letters {
                letter.attempt += 1;
            }
            if !pause(delays.next(), stop, &self.shared.health).await {
                return Ok(false);
            }
        }
    }

    async fn hand_back(self) -> Result<(), Fault> {
        let cancel = self
            .channel
            .basic_cancel(ShortString::from(CONSUMER_TAG), BasicCancelOptions::default());
        timeout::broker("stop consuming", cancel).await?;
        let mut consumer = self.consumer;
        let mut last = None;
        while let Some(Some(Ok(delivery))) = consumer.next().now_or_never() {
            last = Some(delivery.delivery_tag);
        }
        if let Some(tag) = last {
            let options = BasicNackOptions { multiple: true, requeue: true };
            timeout::broker("hand messages back", self.channel.basic_nack(tag, options)).await?;
        }
        timeout::broker("close a channel", self.channel.close(200, ShortString::from("stopping")))
            .await
    }
}

/// All outputs of a batch with their ids, in the order of the messages, and of each message as it
/// caused them: a list comes before its receipt. One that several messages share goes out once.
fn outputs(dispositions: &[Disposition]) -> Vec<(String, &StoredOutput)> {
    let mut seen = BTreeSet::new();
    let sent = dispositions.iter().flat_map(|disposition| match disposition {
        Disposition::Send { outputs, .. } => outputs.as_slice(),
        Disposition::Wait(_) | Disposition::Forward(_) | Disposition::Parked => &[],
    });
    sent.filter(|output| seen.insert(output.id))
        .map(|output| (output.id.to_string(), output))
        .collect()
}

/// The letter that puts a command on the delay ladder, or hands it to the service whose it is: the
/// publisher's content with our own headers round it, built anew.
fn onward<S: Service>(
    item: &Item<S::Inbound>,
    disposition: &Disposition,
) -> Option<OutgoingMessage> {
    let (routing_key, waits) = match disposition {
        Disposition::Wait(step) => (S::SERVICE.retry_key(*step), 1),
        Disposition::Forward(entry) => (entry.retried_key(), 0),
        Disposition::Send { .. } | Disposition::Parked => return None,
    };
    let envelope = &item.envelope;
    let mut headers = vec![
        (header::ACCOUNT_KEY, envelope.routing_key.clone()),
        (header::PUBLISHER, envelope.publisher.clone().unwrap_or_default()),
        (header::ATTEMPT, (envelope.attempt + waits).to_string()),
        (header::FIRST_ARRIVAL, envelope.first_arrival.to_string()),
    ];
    headers.extend(envelope.parked.map(|row| (header::PARKED, row.to_string())));
    Some(OutgoingMessage {
        exchange: Exchange::Sync.name().to_owned(),
        routing_key,
        message_id: envelope.message_id.clone().unwrap_or_default(),
        message_type: envelope.message_type.clone().unwrap_or_default(),
        // Only what has this content type was admitted.
        content_type: Some(Cow::Borrowed(JSON)),
        correlation_id: None,
        headers,
        trace: item.trace.clone(),
        attempt: 1,
        body: envelope.body.clone(),
        mandatory: true,
    })
}
