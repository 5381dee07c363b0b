//! What a batch causes: the outputs of its messages, and the messages that go on themselves.

use std::borrow::Cow;
use std::collections::BTreeSet;

use contracts::topology::Exchange;

use crate::decide::plan::{Disposition, Item};
use crate::message::envelope::header;
use crate::message::outgoing::{JSON, OutgoingMessage};
use crate::message::output::StoredOutput;
use crate::service::Service;

/// All outputs of a batch with their ids, in the order of the messages, and of each message as it
/// caused them: a list comes before its receipt. One that several messages share goes out once.
pub(crate) fn outputs(dispositions: &[Disposition]) -> Vec<(String, &StoredOutput)> {
    let mut seen = BTreeSet::new();
    let sent = dispositions.iter().flat_map(|disposition| match disposition {
        Disposition::Send { outputs, .. } => outputs.as_slice(),
        Disposition::Wait(_)
        | Disposition::Forward(_)
        | Disposition::Move
        | Disposition::Parked => &[],
    });
    sent.filter(|output| seen.insert(output.id))
        .map(|output| (output.id.to_string(), output))
        .collect()
}

/// The letter that puts a command on the delay ladder or into the bulk queue, or hands it to the
/// service whose it is: the publisher's content with our own headers round it, built anew.
pub(crate) fn onward<'a, S: Service>(
    item: &'a Item<S::Inbound>,
    disposition: &Disposition,
) -> Option<OutgoingMessage<'a>> {
    let (routing_key, waits, delay_ms) = match disposition {
        Disposition::Wait(step) => (S::SERVICE.retry_key(*step), 1, Some(step.delay_ms)),
        Disposition::Forward(entry) => (entry.retried_key(), 0, None),
        Disposition::Move => (S::SERVICE.moved_key(), 0, None),
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
