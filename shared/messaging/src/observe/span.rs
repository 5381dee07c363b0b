//! Spans by OpenTelemetry's conventions for messaging (semantic conventions 1.44, *Development*):
//! all names stand here.
//!
//! `process …` (consumer) is one message from its arrival to its ack; `send …` (producer) is one
//! publish until the broker has confirmed it. What is sent carries the context of its `send`, so a
//! gap between the two is time in a queue. A message between services, also one that waited or was
//! replayed, is a child of what sent it and links to it. A desk's own context is only linked: an
//! account must not be able to write into the traces of others, nor switch them off.

use std::sync::LazyLock;

use contracts::topology::Service;
use opentelemetry::global::{self, BoxedTracer};
use opentelemetry::trace::{SpanKind, Status, TraceContextExt, Tracer};
use opentelemetry::{Context, KeyValue};
use tracing::Span;
use tracing::field::{Empty, display};
use tracing_opentelemetry::OpenTelemetrySpanExt;

use crate::decide::plan::{Disposition, Item};
use crate::message::envelope::{Envelope, Via};
use crate::message::outgoing::OutgoingMessage;
use crate::message::trace_context::TraceContext;
use crate::observe::measure::outcome;

const SYSTEM: &str = "messaging.system";
const RABBITMQ: &str = "rabbitmq";
const OPERATION_NAME: &str = "messaging.operation.name";
const OPERATION_TYPE: &str = "messaging.operation.type";
const DESTINATION: &str = "messaging.destination.name";
const ROUTING_KEY: &str = "messaging.rabbitmq.destination.routing_key";
const MESSAGE_ID: &str = "messaging.message.id";
const CONVERSATION: &str = "messaging.message.conversation_id";
const BODY_SIZE: &str = "messaging.message.body.size";
const ERROR_TYPE: &str = "error.type";
const MESSAGE_TYPE: &str = "deskmesh.message.type";
const SHARE: &str = "deskmesh.share.id";
/// How often it was tried, from 1.
const ATTEMPT: &str = "deskmesh.attempt";
/// How often the broker had delivered it before.
const REDELIVERIES: &str = "deskmesh.redeliveries";
/// The row of the parking table that is replayed.
const PARKED: &str = "deskmesh.parked.id";
const OUTCOME: &str = "deskmesh.outcome";

/// The provider is set before the first message arrives, and once.
static TRACER: LazyLock<BoxedTracer> = LazyLock::new(|| global::tracer("deskmesh"));

/// One message on its way through `service`, which it reached through `queue`.
pub(crate) fn process(service: Service, queue: &str, envelope: &Envelope) -> Span {
    let span = tracing::info_span!(
        "process",
        otel.name = format!("process {}", service.name()),
        otel.kind = "consumer",
        message_id = envelope.message_id,
        message_type = envelope.message_type,
        trace_id = Empty,
        about = Empty,
        command = Empty,
    );
    if envelope.via != Via::Share {
        envelope.trace.continue_in(&span);
    }
    envelope.trace.link_in(&span);
    record_trace_id(&span);
    // Attributes for traces alone; a log line has enough with the fields above.
    if is_recorded(&span) {
        for attribute in of_envelope(queue, envelope) {
            span.set_attribute(attribute.key, attribute.value);
        }
    }
    span
}

fn of_envelope(queue: &str, envelope: &Envelope) -> Vec<KeyValue> {
    let destination = format!("{}:{}:{queue}", envelope.exchange, envelope.routing_key);
    let mut attributes = vec![
        KeyValue::new(SYSTEM, RABBITMQ),
        KeyValue::new(OPERATION_NAME, "process"),
        KeyValue::new(OPERATION_TYPE, "process"),
        KeyValue::new(DESTINATION, destination),
        KeyValue::new(ROUTING_KEY, envelope.routing_key.clone()),
        KeyValue::new(BODY_SIZE, count(envelope.body.len())),
        KeyValue::new(ATTEMPT, count(envelope.attempt + 1)),
    ];
    let texts = [
        (MESSAGE_ID, &envelope.message_id),
        (MESSAGE_TYPE, &envelope.message_type),
        (CONVERSATION, &envelope.correlation_id),
        (SHARE, &envelope.share_id),
    ];
    attributes.extend(
        texts
            .into_iter()
            .filter_map(|(name, text)| text.clone().map(|text| KeyValue::new(name, text))),
    );
    attributes.extend(envelope.parked.map(|row| KeyValue::new(PARKED, row.to_string())));
    if envelope.deliveries > 0 {
        attributes.push(KeyValue::new(
            REDELIVERIES,
            i64::try_from(envelope.deliveries).unwrap_or(i64::MAX),
        ));
    }
    attributes
}

/// Writes what the message is about, and the command that caused it, into its span and into every
/// line inside it.
pub(crate) fn is_about<M>(span: &Span, item: &Item<M>) {
    let Some(about) = item.about() else { return };
    for (field, name) in [("about", &about.subject), ("command", &about.command)] {
        if let Some(name) = name {
            span.record(field, display(name));
        }
    }
}

/// Writes what became of the messages into their spans, and links one that repeats another to it.
pub(crate) fn came_to<M>(spans: &[Span], items: &[Item<M>], dispositions: &[Disposition]) {
    for ((span, item), disposition) in spans.iter().zip(items).zip(dispositions) {
        if !is_recorded(span) {
            continue;
        }
        span.set_attribute(OUTCOME, outcome(disposition));
        match disposition {
            Disposition::Parked => {
                span.set_attribute(ERROR_TYPE, "parked");
                span.set_status(Status::error("set aside for a person"));
            }
            Disposition::Send { outputs, .. } => {
                let earlier = outputs
                    .first()
                    .map(|stored| &stored.trace)
                    .filter(|trace| **trace != item.trace);
                if let Some(earlier) = earlier {
                    earlier.link_in(span);
                }
            }
            Disposition::Wait(_) | Disposition::Forward(_) | Disposition::Move => {}
        }
    }
}

/// One publish. It carries its own context, where traces are recorded, else that of what caused it.
#[derive(Debug)]
pub(crate) struct Sent {
    span: Option<Context>,
}

impl Sent {
    /// Begins with the publish.
    pub fn begin(letter: &OutgoingMessage) -> Self {
        let cause = letter.trace.context();
        if !cause.span().span_context().is_sampled() {
            return Self { span: None };
        }
        let builder =
            TRACER.span_builder(format!("send {}", letter.exchange)).with_kind(SpanKind::Producer);
        let span = builder.with_attributes(of_letter(letter)).start_with_context(&*TRACER, &cause);
        Self { span: Some(Context::new().with_span(span)) }
    }

    /// What the message carries.
    pub fn trace(&self, letter: &OutgoingMessage) -> TraceContext {
        self.span.as_ref().map_or_else(|| letter.trace.clone(), TraceContext::of_context)
    }

    /// The broker took no responsibility for it.
    pub fn refused(&self, cause: &'static str) {
        if let Some(context) = &self.span {
            context.span().set_attribute(KeyValue::new(ERROR_TYPE, cause));
            context.span().set_status(Status::error(cause));
        }
    }
}

impl Drop for Sent {
    fn drop(&mut self) {
        if let Some(context) = &self.span {
            context.span().end();
        }
    }
}

fn of_letter(letter: &OutgoingMessage) -> Vec<KeyValue> {
    let mut attributes = vec![
        KeyValue::new(SYSTEM, RABBITMQ),
        KeyValue::new(OPERATION_NAME, "send"),
        KeyValue::new(OPERATION_TYPE, "send"),
        KeyValue::new(DESTINATION, format!("{}:{}", letter.exchange, letter.routing_key)),
        KeyValue::new(ROUTING_KEY, letter.routing_key.clone()),
        KeyValue::new(MESSAGE_ID, letter.message_id.clone()),
        KeyValue::new(MESSAGE_TYPE, letter.message_type.clone()),
        KeyValue::new(BODY_SIZE, count(letter.body.len())),
        KeyValue::new(ATTEMPT, count(letter.attempt)),
    ];
    attributes.extend(letter.correlation_id.clone().map(|id| KeyValue::new(CONVERSATION, id)));
    attributes.extend(letter.share_id().map(|share| KeyValue::new(SHARE, share.to_owned())));
    attributes
}

fn is_recorded(span: &Span) -> bool {
    span.context().span().span_context().is_sampled()
}

/// Writes the trace's id into the span's field `trace_id`, so that every log line inside it has it.
fn record_trace_id(span: &Span) {
    let context = span.context();
    let trace_id = context.span().span_context().trace_id();
    if trace_id != opentelemetry::TraceId::INVALID {
        span.record("trace_id", display(trace_id));
    }
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
