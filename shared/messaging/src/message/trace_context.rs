//! W3C trace context in message headers: one trace per command from admission to delivery.

use opentelemetry::Context;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use opentelemetry::trace::TraceContextExt;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use serde::{Deserialize, Serialize};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// `traceparent` and `tracestate` as they stand in headers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TraceContext {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tracestate: Option<String>,
}

impl TraceContext {
    /// The context that a message sent inside `span` carries.
    pub fn of(span: &Span) -> Self {
        Self::of_context(&span.context())
    }

    /// The same for a span that is no `tracing` span.
    pub fn of_context(context: &Context) -> Self {
        let mut headers = Self::default();
        TraceContextPropagator::new().inject_context(context, &mut headers);
        headers.tracestate = headers.tracestate.filter(|state| !state.is_empty());
        headers
    }

    /// As a parent.
    pub fn context(&self) -> Context {
        TraceContextPropagator::new().extract(self)
    }

    /// The trace's id, 32 hex digits, as it stands in `traceparent`.
    pub fn trace_id(&self) -> Option<&str> {
        self.traceparent.as_deref().and_then(|parent| parent.split('-').nth(1))
    }

    /// Goes on with this trace in `span`.
    pub fn continue_in(&self, span: &Span) {
        // Fails only where no trace layer is installed, and then there is no trace to go on with.
        drop(span.set_parent(self.context()));
    }

    /// Names this trace in `span` without going on with it.
    pub fn link_in(&self, span: &Span) {
        let context = self.context();
        let linked = context.span().span_context().clone();
        if linked.is_valid() {
            span.add_link(linked);
        }
    }
}

impl Extractor for TraceContext {
    fn get(&self, key: &str) -> Option<&str> {
        match key {
            "traceparent" => self.traceparent.as_deref(),
            "tracestate" => self.tracestate.as_deref(),
            _ => None,
        }
    }

    fn keys(&self) -> Vec<&str> {
        vec!["traceparent", "tracestate"]
    }
}

impl Injector for TraceContext {
    fn set(&mut self, key: &str, value: String) {
        match key {
            "traceparent" => self.traceparent = Some(value),
            "tracestate" => self.tracestate = Some(value),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partners_nonsense_is_no_trace() {
        for header in
            ["", "x", "00-0-0-00", "00-00000000000000000000000000000000-0000000000000000-01"]
        {
            let context = TraceContext { traceparent: Some(header.to_owned()), tracestate: None };
            let extracted = TraceContextPropagator::new().extract(&context);
            assert!(!extracted.span().span_context().is_valid(), "{header}");
        }
    }
}
