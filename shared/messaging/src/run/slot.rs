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
use tokio::sync::SemaphorePermit;
use tokio_util::sync::CancellationToken;

use crate::cause::cause;
use crate::clock::now;
use crate::decide::plan::{Disposition, Item};
use crate::decide::step::{Database, StepError, decide_first};
use crate::failure::Fault;
use crate::intake::admission::admit;
use crate::message::envelope::{Envelope, header};
use crate::message::outgoing::{JSON, OutgoingMessage};
use crate::message::output::StoredOutput;
use crate::message::trace_context::TraceContext;
use crate::observe::measure;
use crate::observe::span;
use crate::publish::event;
use crate::publish::leading;
use crate::publish::publisher::Publisher;
use crate::publish::undelivered;
use crate::run::connection::Connections;
use crate::run::fetch_budget::FetchBudget;
use crate::run::runtime::{Shared, backoff, pause};
use crate::service::Service;
use crate::timeout;

const CONSUMER_TAG: &str = "slot";
/// Bytes of a batch, unless its one message has more: some 150 updates with a comment of 3 KB. While it
/// is decided and sent, a batch is held in several forms at once.
const BATCH_BYTES: usize = 640 * 1024;
/// Bytes of all batches of a process that are being decided. A parsed message takes up to twenty
/// times its bytes (JSON that is all small numbers or names), and what it causes comes on top.
pub(crate) const DECIDED_BYTES: usize = 2 * 1024 * 1024;

/// One slot on one queue.
pub(crate) struct Slot<S: Service> {
    shared: Arc<Shared<S>>,
    queue: String,
    channel: Channel,
    consumer: Consumer,
    /// Fetched, and too large for the batch before it.
    waiting: Option<Delivery>,
    publisher: Publisher,
    connections: Arc<Connections>,
    budget: FetchBudget,
}

impl<S: Service> Slot<S> {
    /// Opens its channels and begins to consume.
    pub async fn open(
        shared: Arc<Shared<S>>,
        connections: &Arc<Connections>,
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
        let (queue, budget) = (queue.to_owned(), connections.budget.clone());
        let connections = Arc::clone(connections);
        Ok(Self { shared, queue, channel, consumer, waiting: None, publisher, connections, budget })
    }

    /// Works until it is told to stop. Then the batch at work is finished, and what else was
    /// fetched is handed back.
    pub async fn run(mut self, stop: CancellationToken) -> Result<(), Fault> {
        while let Some(batch) = self.collect(&stop).await? {
            self.shared.health.turned();
            let _held = self.budget.hold();
            let bytes = batch.iter().map(|delivery| delivery.data.len()).sum();
            let Some(_permit) = self.permit(bytes, &stop).await else { break };
            if !self.step(batch, &stop).await? {
                break;
            }
            self.budget.give_back(bytes);
        }
        self.hand_back().await
    }

    /// What is there now, up to the batch's size and bytes; waits for the first only.
    async fn collect(&mut self, stop: &CancellationToken) -> Result<Option<Vec<Delivery>>, Fault> {
        let first = match self.waiting.take() {
            Some(delivery) => delivery,
            None => match self.first(stop).await {
                Some(next) => self.delivery(next)?,
                None => return Ok(None),
            },
        };
        let mut bytes = first.data.len();
        let mut batch = vec![first];
        while batch.len() < self.shared.settings.batch_size {
            let Some(next) = self.consumer.next().now_or_never() else { break };
            let delivery = self.delivery(next)?;
            bytes += delivery.data.len();
            if bytes > BATCH_BYTES {
                self.waiting = Some(delivery);
                break;
            }
            batch.push(delivery);
        }
        Ok(Some(batch))
    }

    /// The next thing on the stream. Nothing when it is told to stop meanwhile.
    async fn first(
        &mut self,
        stop: &CancellationToken,
    ) -> Option<Option<Result<Delivery, lapin::Error>>> {
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return None,
                next = self.consumer.next() => return Some(next),
                () = tokio::time::sleep(Duration::from_secs(5)) => self.shared.health.turned(),
            }
        }
    }

    /// Waits until the process may decide so many bytes more. Nothing when it is told to stop
    /// meanwhile.
    async fn permit(&self, bytes: usize, stop: &CancellationToken) -> Option<SemaphorePermit<'_>> {
        let bytes = u32::try_from(bytes.min(DECIDED_BYTES)).unwrap_or(u32::MAX);
        tokio::select! {
            biased;
            () = stop.cancelled() => None,
            permit = self.shared.deciding.acquire_many(bytes) => permit.ok(),
        }
    }

    /// A consumer that the broker cancelled looks like a stream that simply ends.
    fn delivery(&self, next: Option<Result<Delivery, lapin::Error>>) -> Result<Delivery, Fault> {
        match next {
            Some(Ok(delivery)) => Ok(delivery),
            Some(Err(error)) => Err(Fault::broker("receive a message")(error)),
            None => Err(Fault::ConsumerCancelled(self.queue.clone())),
        }
    }

    /// Decides and sends, as much at once as fits, and acknowledges all of it. Returns whether to
    /// go on.
    async fn step(&self, batch: Vec<Delivery>, stop: &CancellationToken) -> Result<bool, Fault> {
        let (started, arrived) = (Instant::now(), now());
        let _in_hand = self.shared.health.begins();
        let last_tag = batch.iter().map(|delivery| delivery.delivery_tag).max().unwrap_or_default();
        let (items, spans): (Vec<_>, Vec<_>) =
            batch.into_iter().map(|delivery| self.item(delivery, arrived)).unzip();
        let (mut items_left, mut spans_left) = (items.as_slice(), spans.as_slice());
        while !items_left.is_empty() {
            let Some(dispositions) = self.decide(items_left, stop).await? else { return Ok(false) };
            let (items, spans) =
                (&items_left[..dispositions.len()], &spans_left[..dispositions.len()]);
            if !self.send(items, &dispositions, stop).await? {
                return Ok(false);
            }
            self.shared.watched.tell(items, &dispositions);
            measure::outcomes(items, &dispositions, arrived);
            span::came_to(spans, items, &dispositions);
            items_left = &items_left[dispositions.len()..];
            spans_left = &spans_left[dispositions.len()..];
        }
        let all = BasicAckOptions { multiple: true };
        timeout::broker("ack a batch", self.channel.basic_ack(last_tag, all)).await?;
        measure::batch(items.len(), started);
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

    /// One disposition for each of the first items, one at least. Holds the batch while the
    /// database is away. Nothing when it is told to stop meanwhile.
    async fn decide(
        &self,
        items: &[Item<S::Inbound>],
        stop: &CancellationToken,
    ) -> Result<Option<Vec<Disposition>>, Fault> {
        let mut delays = backoff();
        loop {
            let database =
                Database { pool: &self.shared.pool, limit: self.shared.settings.answer_timeout };
            match decide_first(&*self.shared.service, database, &self.queue, items, now()).await {
                Ok(dispositions) => {
                    self.shared.health.reached("database");
                    return Ok(Some(dispositions));
                }
                Err(StepError::Hold(error)) => {
                    self.shared.health.lost("database");
                    tracing::warn!(
                        queue = self.queue,
                        count = items.len(),
                        cause = cause(&error),
                        "the database does not answer; the batch is held"
                    );
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
        leading::lead(&self.connections.publishing, outputs.iter().map(|(_, stored)| *stored))
            .await?;
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
            let taken = outputs.iter().filter(|(id, _)| !refused.contains(id));
            measure::deliveries(taken.map(|(_, stored)| *stored), sent_at);
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
                undelivered::keep(&self.shared.pool, &rows, &refused, now()),
            )
            .await?;
            if services.is_empty() {
                return Ok(true);
            }
            refused.tell_held(&self.queue, &services);
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
        let mut last = self.waiting.map(|delivery| delivery.delivery_tag);
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
fn onward<'a, S: Service>(
    item: &'a Item<S::Inbound>,
    disposition: &Disposition,
) -> Option<OutgoingMessage<'a>> {
    let (routing_key, waits, delay_ms) = match disposition {
        Disposition::Wait(step) => (S::SERVICE.retry_key(*step), 1, Some(step.delay_ms)),
        Disposition::Forward(entry) => (entry.retried_key(), 0, None),
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
        body: Cow::Borrowed(&envelope.body),
        mandatory: true,
        delay_ms,
    })
}
