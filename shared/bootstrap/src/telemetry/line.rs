//! One log line: the fields of the event and of the spans round it, flat, with the trace id.

use std::fmt::{self, Write as _};
use std::sync::{Arc, OnceLock};

use opentelemetry::trace::TraceContextExt;
use serde_json::{Map, Value};
use tracing::dispatcher::WeakDispatch;
use tracing::field::{Field, Visit};
use tracing::{Dispatch, Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::fmt::format::{FormatEvent, JsonFields, Writer};
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormattedFields};
use tracing_subscriber::registry::LookupSpan;

use crate::config::LogFormat;

/// The dispatch that a line is written for. The trace id of a span is asked from it, and the
/// current dispatch cannot be looked up while one is in use.
#[derive(Clone, Default)]
pub(super) struct OwnDispatch(Arc<OnceLock<WeakDispatch>>);

impl<S: Subscriber> Layer<S> for OwnDispatch {
    fn on_register_dispatch(&self, dispatch: &Dispatch) {
        self.0.get_or_init(|| dispatch.downgrade());
    }
}

/// Writes lines as JSON or as text.
pub(super) struct LineWriter {
    format: LogFormat,
    service: &'static str,
    dispatch: OwnDispatch,
}

impl LineWriter {
    pub(super) fn new(format: LogFormat, service: &'static str, dispatch: OwnDispatch) -> Self {
        Self { format, service, dispatch }
    }

    /// Collects the fields: those of outer spans first, so that inner spans and the event itself
    /// win.
    fn fields<S>(
        &self,
        ctx: &FmtContext<'_, S, JsonFields>,
        event: &Event<'_>,
    ) -> Map<String, Value>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let mut fields = Map::new();
        if let Some(scope) = ctx.event_scope() {
            for span in scope.from_root() {
                let extensions = span.extensions();
                let formatted = extensions.get::<FormattedFields<JsonFields>>();
                let parsed =
                    formatted.and_then(|formatted| serde_json::from_str(&formatted.fields).ok());
                fields.extend(parsed.unwrap_or_else(Map::new));
            }
        }
        event.record(&mut Recorder(&mut fields));
        let span = ctx.event_scope().and_then(|mut scope| scope.next());
        let dispatch = self.dispatch.0.get().and_then(WeakDispatch::upgrade);
        if let (Some(span), Some(dispatch)) = (span, dispatch)
            && let Some(context) = tracing_opentelemetry::get_otel_context(&span.id(), &dispatch)
        {
            let span = context.span();
            let ids = span.span_context();
            if ids.is_valid() {
                fields.insert("trace_id".to_owned(), ids.trace_id().to_string().into());
                fields.insert("span_id".to_owned(), ids.span_id().to_string().into());
            }
        }
        fields
    }
}

impl<S> FormatEvent<S, JsonFields> for LineWriter
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn format_event(
        &self,
        ctx: &FmtContext<'_, S, JsonFields>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut fields = self.fields(ctx, event);
        let mut timestamp = String::new();
        SystemTime.format_time(&mut Writer::new(&mut timestamp))?;
        let level = event.metadata().level();
        let target = event.metadata().target();
        match self.format {
            LogFormat::Json => {
                fields.insert("timestamp".to_owned(), timestamp.into());
                fields.insert("level".to_owned(), level.as_str().into());
                fields.insert("target".to_owned(), target.into());
                fields.insert("service".to_owned(), self.service.into());
                writeln!(writer, "{}", Value::Object(fields))
            }
            LogFormat::Text => {
                let message = fields.remove("message").unwrap_or_default();
                write!(writer, "{timestamp} {level:>5} {} {}", self.service, plain(&message))?;
                for (name, value) in &fields {
                    write!(writer, " {name}={value}")?;
                }
                writeln!(writer)
            }
        }
    }
}

fn plain(message: &Value) -> &str {
    message.as_str().unwrap_or_default()
}

struct Recorder<'a>(&'a mut Map<String, Value>);

impl Recorder<'_> {
    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}

impl Visit for Recorder<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let mut text = String::new();
        // Writing to a String fails only if the value's own Debug does; then what it wrote so far
        // is all there is.
        let _incomplete = write!(text, "{value:?}");
        self.put(field, text);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.put(field, messaging::cause(value));
    }
}
