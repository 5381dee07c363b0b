//! One consumer: collects a batch, has it decided, publishes what it causes, acks it. One task, one
//! consume channel, one publish channel, at most one batch at a time; a `multiple` ack never
//! crosses a slot.

mod send;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use contracts::Timestamp;
use futures_util::{FutureExt, StreamExt};
use lapin::message::Delivery;
use lapin::options::{
    BasicAckOptions, BasicCancelOptions, BasicConsumeOptions, BasicNackOptions, BasicQosOptions,
};
use lapin::types::{FieldTable, ShortString};
use lapin::{Channel, Consumer};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio_util::sync::CancellationToken;

use crate::cause::cause;
use crate::clock::now;
use crate::decide::plan::{Disposition, Item};
use crate::decide::step::{Database, StepError, decide_first, set_aside};
use crate::failure::Fault;
use crate::intake::admission::admit;
use crate::message::envelope::Envelope;
use crate::message::trace_context::TraceContext;
use crate::observe::measure;
use crate::observe::span;
use crate::publish::publisher::Publisher;
use crate::run::batch::{Batch, Portion, Slow};
use crate::run::bulk;
use crate::run::connection::{Connections, Consuming};
use crate::run::divert::{self, divert};
use crate::run::fetch_budget::FetchBudget;
use crate::run::flood::Backlog;
use crate::run::lane::Lane;
use crate::run::runtime::{Shared, backoff, pause};
use crate::service::Service;
use crate::timeout;

const CONSUMER_TAG: &str = "slot";
/// Bytes of a batch, unless its one message has more: some 150 updates with a comment of 3 KB.
/// While it is decided and sent, a batch is held in several forms at once.
const BATCH_BYTES: usize = 640 * 1024;
/// Bytes of all batches of a process that are being decided. A parsed message takes up to twenty
/// times its bytes (JSON that is all small numbers or names), and what it causes comes on top.
pub(crate) const DECIDED_BYTES: usize = 2 * 1024 * 1024;

/// One slot on one queue.
pub(crate) struct Slot<S: Service> {
    shared: Arc<Shared<S>>,
    queue: String,
    lane: Lane,
    channel: Channel,
    consumer: Consumer,
    /// Fetched, and too large for the batch before it.
    waiting: Option<Delivery>,
    /// Where desks' commands arrive: who sends much at once.
    backlog: Option<Backlog>,
    publisher: Publisher,
    connections: Arc<Connections>,
    budget: FetchBudget,
    /// How much of a batch is decided at once.
    portion: Portion,
}

impl<S: Service> Slot<S> {
    /// Opens its channels and begins to consume.
    pub async fn open(
        shared: Arc<Shared<S>>,
        connections: &Arc<Connections>,
        queue: &str,
    ) -> Result<Self, Fault> {
        let lane = Lane::of(S::SERVICE, queue);
        let Consuming { connection, budget } = connections.consuming(lane);
        let channel =
            timeout::broker("open a consuming channel", connection.create_channel()).await?;
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
        let arrive = S::SERVICE.is_entry() && queue == S::SERVICE.name();
        let backlog = arrive.then(Backlog::default);
        let (queue, budget) = (queue.to_owned(), budget.clone());
        let (connections, waiting) = (Arc::clone(connections), None);
        let portion = Portion::whole(shared.settings.batch_size);
        Ok(Self {
            shared,
            queue,
            lane,
            channel,
            consumer,
            waiting,
            backlog,
            publisher,
            connections,
            budget,
            portion,
        })
    }

    /// Works until it is told to stop. Then the batch at work is finished, and what else was
    /// fetched is handed back.
    pub async fn run(mut self, stop: CancellationToken) -> Result<(), Fault> {
        while let Some((batch, is_full)) = self.collect(&stop).await? {
            self.shared.health.turned();
            let budget = self.budget.clone();
            let _held = budget.hold();
            let bytes = batch.iter().map(|delivery| delivery.data.len()).sum();
            let shared = Arc::clone(&self.shared);
            let _working = match self.lane {
                Lane::Work => Some(shared.work_lane.begins()),
                Lane::Bulk => {
                    shared.work_lane.give_way().await;
                    None
                }
            };
            let Some(_permit) = permit(&shared.deciding, bytes, &stop).await else { break };
            if !self.step(batch, is_full, &stop).await? {
                break;
            }
            self.budget.give_back(bytes);
        }
        self.hand_back().await
    }

    /// What is there now, up to the batch's size and bytes, and whether more may wait; waits for
    /// the first only.
    async fn collect(
        &mut self,
        stop: &CancellationToken,
    ) -> Result<Option<(Vec<Delivery>, bool)>, Fault> {
        let first = match self.waiting.take() {
            Some(delivery) => delivery,
            None => match self.first(stop).await {
                Some(next) => self.delivery(next)?,
                None => return Ok(None),
            },
        };
        let mut bytes = first.data.len();
        let mut batch = vec![first];
        let most = self.most();
        while batch.len() < most {
            let Some(next) = self.consumer.next().now_or_never() else { break };
            let delivery = self.delivery(next)?;
            bytes += delivery.data.len();
            if bytes > BATCH_BYTES {
                self.waiting = Some(delivery);
                break;
            }
            batch.push(delivery);
        }
        let is_full = self.waiting.is_some() || batch.len() >= most;
        Ok(Some((batch, is_full)))
    }

    /// Messages of a batch, at most.
    fn most(&self) -> usize {
        let most = self.shared.settings.batch_size;
        match self.lane {
            Lane::Work => most,
            Lane::Bulk => self.shared.work_lane.bulk_batch(most),
        }
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
    async fn step(
        &mut self,
        batch: Vec<Delivery>,
        is_full: bool,
        stop: &CancellationToken,
    ) -> Result<bool, Fault> {
        let (started, arrived) = (Instant::now(), now());
        let shared = Arc::clone(&self.shared);
        let _in_hand = shared.health.begins();
        let last_tag = batch.iter().map(|delivery| delivery.delivery_tag).max().unwrap_or_default();
        let batch: Vec<_> =
            batch.into_iter().map(|delivery| self.item(delivery, arrived)).collect();
        let batch = self.in_its_lane(batch, is_full, arrived).await?;
        let mut batch = Batch::of(batch.into_iter());
        while !batch.left().is_empty() {
            let Some(dispositions) = self.decide(&mut batch, stop).await? else {
                return Ok(false);
            };
            let (items, spans) = batch.next(dispositions.len());
            if !self.send(items, &dispositions, stop).await? {
                return Ok(false);
            }
            shared.watched.tell(items, &dispositions);
            measure::outcomes(items, &dispositions, arrived);
            span::came_to(spans, items, &dispositions);
            batch.finish(dispositions.len());
        }
        let all = BasicAckOptions { multiple: true };
        timeout::broker("ack a batch", self.channel.basic_ack(last_tag, all)).await?;
        measure::batch(batch.len(), started);
        Ok(true)
    }

    /// What of a batch is decided here. Where desks' commands arrive, a flood goes to the bulk
    /// queue; there its accounts stay while more waits.
    async fn in_its_lane(
        &mut self,
        batch: Vec<divert::Message<S::Inbound>>,
        is_full: bool,
        arrived: Timestamp,
    ) -> Result<Vec<divert::Message<S::Inbound>>, Fault> {
        let (shared, connections) = (&self.shared, &self.connections);
        if let Some(backlog) = &mut self.backlog {
            return divert(shared, connections, &self.publisher, backlog, batch, is_full, arrived)
                .await;
        }
        if self.lane == Lane::Bulk && S::SERVICE.is_entry() && is_full {
            let accounts: BTreeSet<&str> =
                batch.iter().filter_map(|(item, _)| divert::account(item)).collect();
            bulk::extend(shared, accounts.into_iter().map(str::to_owned).collect()).await;
        }
        Ok(batch)
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

    /// One disposition for each of the next messages, one at least. Holds the batch while the
    /// database is away, and asks for less at once while it is slow. Nothing when it is told to
    /// stop meanwhile.
    async fn decide(
        &mut self,
        batch: &mut Batch<Item<S::Inbound>, tracing::Span>,
        stop: &CancellationToken,
    ) -> Result<Option<Vec<Disposition>>, Fault> {
        let shared = Arc::clone(&self.shared);
        let database = Database { pool: &shared.pool, limit: shared.settings.answer_timeout };
        let (mut delays, mut slow) = (backoff(), Slow::TryAgain);
        loop {
            let items = self.portion.of(batch.left());
            let deciding = match slow {
                Slow::SetAside => set_aside(database, &self.queue, &items[0], now()).await,
                Slow::PutOff | Slow::TryAgain => {
                    decide_first(&*shared.service, database, &self.queue, items, now()).await
                }
            };
            slow = Slow::TryAgain;
            match deciding {
                Ok(dispositions) => {
                    shared.health.reached("database");
                    shared.decided.fetch_add(dispositions.len() as u64, Ordering::Relaxed);
                    self.portion.was_decided();
                    return Ok(Some(dispositions));
                }
                Err(StepError::TooSlow(tried)) => {
                    self.tell_slow(&items[..tried]);
                    self.portion.took_too_long(tried);
                    shared.health.turned();
                    if stop.is_cancelled() {
                        return Ok(None);
                    }
                    if tried > 1 {
                        continue;
                    }
                    slow = batch.took_too_long(shared.decided.load(Ordering::Relaxed));
                    if slow != Slow::TryAgain {
                        continue;
                    }
                }
                Err(StepError::Hold(error)) => {
                    shared.health.lost("database");
                    tracing::warn!(
                        queue = self.queue,
                        count = items.len(),
                        cause = cause(&error),
                        "the database does not answer; the batch is held"
                    );
                }
            }
            if !pause(delays.next(), stop, &shared.health).await {
                return Ok(None);
            }
            if !self.channel.status().connected() {
                return Err(Fault::ConsumerCancelled(self.queue.clone()));
            }
        }
    }

    fn tell_slow(&self, tried: &[Item<S::Inbound>]) {
        let first = &tried[0].envelope;
        tracing::warn!(
            queue = self.queue,
            count = tried.len(),
            limit_seconds = self.shared.settings.answer_timeout.as_secs(),
            key = first.routing_key,
            message_id = first.message_id,
            message_type = first.message_type,
            "the database did not decide this in time; less is tried at once"
        );
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

/// Waits until the process may decide so many bytes more. Nothing when it is told to stop
/// meanwhile.
async fn permit<'a>(
    deciding: &'a Semaphore,
    bytes: usize,
    stop: &CancellationToken,
) -> Option<SemaphorePermit<'a>> {
    let bytes = u32::try_from(bytes.min(DECIDED_BYTES)).unwrap_or(u32::MAX);
    tokio::select! {
        biased;
        () = stop.cancelled() => None,
        permit = deciding.acquire_many(bytes) => permit.ok(),
    }
}
