//! A message ready to go.

use std::borrow::Cow;

use contracts::topology::{Exchange, bulk_key};

use crate::message::envelope::header;
use crate::message::output::StoredOutput;
use crate::message::trace_context::TraceContext;

/// The content type of everything that Deskmesh itself makes.
pub(crate) const JSON: &str = "application/json";

/// A message as it is published; the publisher adds what is the same in all.
#[derive(Clone, Debug)]
pub(crate) struct OutgoingMessage<'a> {
    pub exchange: String,
    pub routing_key: String,
    pub message_id: String,
    pub message_type: String,
    pub content_type: Option<Cow<'static, str>>,
    pub correlation_id: Option<String>,
    /// Built anew for each letter, never copied from a delivery.
    pub headers: Vec<(&'static str, String)>,
    /// The context of what caused it: the parent of its `send` span.
    pub trace: TraceContext,
    /// How often it is sent with this, from 1.
    pub attempt: usize,
    /// Of an output it stays where the output is: a batch's may be megabytes.
    pub body: Cow<'a, [u8]>,
    /// Whether it has to find a queue. An event has not: perhaps nobody listens.
    pub mandatory: bool,
    /// For how many milliseconds it lies in its queue at most; then the broker sends it back.
    pub delay_ms: Option<u32>,
}

impl<'a> OutgoingMessage<'a> {
    /// The letter for an output.
    pub fn of(stored: &'a StoredOutput) -> Self {
        let output = &stored.output;
        Self {
            exchange: output.exchange().to_owned(),
            routing_key: output.routing_key().to_owned(),
            message_id: stored.id.to_string(),
            message_type: output.message_type().to_owned(),
            content_type: Some(Cow::Borrowed(JSON)),
            correlation_id: output.correlation_id().map(str::to_owned),
            headers: output
                .share_id()
                .map(|share| (header::SHARE_ID, share.to_owned()))
                .into_iter()
                .collect(),
            trace: stored.trace.clone(),
            attempt: 1,
            body: Cow::Borrowed(output.body().as_bytes()),
            mandatory: true,
            delay_ms: None,
        }
    }

    /// The same to the bulk queue, if it goes to a service.
    #[must_use]
    pub fn in_bulk(mut self) -> Self {
        if self.exchange == Exchange::Sync.name() {
            self.routing_key = bulk_key(&self.routing_key);
        }
        self
    }

    /// The share that it tells of.
    pub fn share_id(&self) -> Option<&str> {
        self.headers
            .iter()
            .find(|(name, _)| *name == header::SHARE_ID)
            .map(|(_, share)| share.as_str())
    }
}
