//! What auditors are told: an event beside each receipt, under an id that follows from the
//! receipt's.

use std::borrow::Cow;

use contracts::event::CommandDecided;
use contracts::ids::derive_id;
use contracts::topology::{Exchange, Service};
use contracts::{Message, Receipt};

use crate::message::outgoing::{JSON, OutgoingMessage};
use crate::message::output::StoredOutput;

/// The event of a receipt; nothing for what is none, and nothing of a dry run: it did not happen.
pub(crate) fn of(service: Service, stored: &StoredOutput) -> Option<OutgoingMessage<'static>> {
    let output = &stored.output;
    let (account, arrived_at) = (output.desk()?, output.accepted_at()?);
    if output.message_type() != Receipt::NAME {
        return None;
    }
    let receipt: Receipt = serde_json::from_str(output.body()).ok()?;
    if receipt.dry_run {
        return None;
    }
    let event = CommandDecided::of(account, receipt, arrived_at, service.name());
    Some(OutgoingMessage {
        exchange: Exchange::Events.name().to_owned(),
        routing_key: event.routing_key(),
        message_id: derive_id("event", &[&stored.id.to_string()]).to_string(),
        message_type: CommandDecided::NAME.to_owned(),
        content_type: Some(Cow::Borrowed(JSON)),
        correlation_id: Some(event.command_id.clone()),
        headers: Vec::new(),
        trace: stored.trace.clone(),
        attempt: 1,
        body: Cow::Owned(serde_json::to_vec(&event).ok()?),
        mandatory: false,
        delay_ms: None,
    })
}
