//! What the runtime counts. Labels are types that were admitted, outcomes, reasons and exchanges:
//! never an account, a ticket or an id.

use std::collections::BTreeMap;
use std::time::Instant;

use contracts::Timestamp;

use crate::decide::plan::{Disposition, Item};
use crate::message::output::StoredOutput;

/// One batch, from its first message to its ack.
pub(crate) fn batch(messages: usize, started: Instant) {
    #[expect(clippy::cast_precision_loss, reason = "a batch is small")]
    metrics::histogram!("deskmesh_batch_size").record(messages as f64);
    metrics::histogram!("deskmesh_step_seconds").record(started.elapsed().as_secs_f64());
}

/// What became of messages, and how long each had waited in its queue.
pub(crate) fn outcomes<M>(items: &[Item<M>], dispositions: &[Disposition], arrived: Timestamp) {
    let mut outcomes: BTreeMap<(&str, &'static str), u64> = BTreeMap::new();
    let mut waits: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for (item, disposition) in items.iter().zip(dispositions) {
        // Only a type that was admitted is a label: anybody can invent others.
        let message_type =
            item.accepted().map_or("refused", |received| received.message_type.as_str());
        *outcomes.entry((message_type, outcome(disposition))).or_default() += 1;
        if let Some(published_at) = item.envelope.published_at() {
            waits.entry(message_type).or_default().push(seconds_between(published_at, arrived));
        }
    }
    for ((message_type, outcome), count) in outcomes {
        metrics::counter!("deskmesh_messages_total", "type" => message_type.to_owned(),
            "outcome" => outcome)
        .increment(count);
    }
    for (message_type, waits) in waits {
        let histogram =
            metrics::histogram!("deskmesh_queue_wait_seconds", "type" => message_type.to_owned());
        for wait in waits {
            histogram.record(wait);
        }
    }
}

/// What became of a message, in one word: a label, and an attribute of its span.
pub(crate) fn outcome(disposition: &Disposition) -> &'static str {
    match disposition {
        Disposition::Send { outcome, .. } => outcome,
        Disposition::Wait(_) => "not_yet",
        Disposition::Forward(_) => "forwarded",
        Disposition::Move => "moved",
        Disposition::Parked => "parked",
    }
}

/// Deliveries that desks' queues took: how long after their command had arrived.
pub(crate) fn deliveries<'a>(taken: impl Iterator<Item = &'a StoredOutput>, at: Timestamp) {
    let mut delays: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for stored in taken.filter(|stored| stored.output.desk().is_some()) {
        if let Some(accepted_at) = stored.output.accepted_at() {
            delays
                .entry(stored.output.message_type())
                .or_default()
                .push(seconds_between(accepted_at, at));
        }
    }
    for (message_type, delays) in delays {
        let histogram =
            metrics::histogram!("deskmesh_sync_seconds", "type" => message_type.to_owned());
        for delay in delays {
            histogram.record(delay);
        }
    }
}

/// A publish for which the broker took no responsibility: `returned` found no queue, `rejected` a
/// full one.
pub(crate) fn refused_publish(exchange: &str, cause: &'static str) {
    metrics::counter!("deskmesh_refused_publishes_total", "exchange" => exchange.to_owned(),
        "cause" => cause)
    .increment(1);
}

/// Clocks of two machines differ: what would be negative counts as nothing.
fn seconds_between(earlier: Timestamp, later: Timestamp) -> f64 {
    (later.utc() - earlier.utc()).as_seconds_f64().max(0.0)
}
