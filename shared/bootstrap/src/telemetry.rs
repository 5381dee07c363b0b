//! Logs, traces and the panic hook: set up once, before the runtime, and flushed on every way out.

mod line;
mod speakers;

use std::time::Duration;

use opentelemetry::global;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::filter::{FilterExt, filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::JsonFields;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use self::line::{LineWriter, OwnDispatch};
use self::speakers::{is_own, may_speak};
use crate::config;

/// How long the last spans may take to reach the collector; a stop must not hang on telemetry.
const FLUSH: Duration = Duration::from_secs(5);

/// All that is said of a panic, beside its place.
const PANICKED: &str = "the program panicked; what it says may quote a message, and is not logged";

/// What must be flushed before the process ends.
pub(crate) struct Telemetry {
    provider: SdkTracerProvider,
}

impl Telemetry {
    /// Sets up logs and traces for the whole process.
    pub(crate) fn install(
        service: &'static str,
        settings: &config::TelemetryConfig,
    ) -> anyhow::Result<Self> {
        let provider = provider(service, settings)?;
        subscriber(service, settings, &provider, std::io::stdout)?.try_init()?;
        global::set_text_map_propagator(TraceContextPropagator::new());
        global::set_tracer_provider(provider.clone());
        Ok(Self { provider })
    }

    /// Sends the last spans. Must be called outside the runtime: it blocks.
    pub(crate) fn shutdown(self) {
        if let Err(error) = self.provider.shutdown_with_timeout(FLUSH) {
            tracing::warn!(cause = messaging::cause(&error), "the last spans were not sent");
        }
    }
}

/// Makes the provider, also when nothing is sent: trace ids are needed in logs and message headers.
fn provider(
    service: &'static str,
    settings: &config::TelemetryConfig,
) -> anyhow::Result<SdkTracerProvider> {
    let version = opentelemetry::KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
    let resource = Resource::builder().with_service_name(service).with_attribute(version).build();
    let recorded = if settings.otlp_endpoint.is_empty() { 0.0 } else { settings.trace_ratio.get() };
    let root = Sampler::TraceIdRatioBased(recorded);
    let builder = SdkTracerProvider::builder()
        .with_resource(resource)
        .with_sampler(Sampler::ParentBased(Box::new(root)));
    if settings.otlp_endpoint.is_empty() {
        return Ok(builder.build());
    }
    let exporter = SpanExporter::builder()
        .with_http()
        .with_endpoint(format!("{}/v1/traces", settings.otlp_endpoint))
        .build()?;
    Ok(builder.with_batch_exporter(exporter).build())
}

fn subscriber<W>(
    service: &'static str,
    settings: &config::TelemetryConfig,
    provider: &SdkTracerProvider,
    writer: W,
) -> anyhow::Result<impl Subscriber + Send + Sync + 'static + use<W>>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let dispatch = OwnDispatch::default();
    let wanted = EnvFilter::try_new(&settings.log_filter)?;
    // The filter is for lines only. A span hidden by it would take its trace id from the lines
    // inside it. What may not speak at all is beyond its reach.
    let lines = wanted.or(filter_fn(is_own_span)).and(filter_fn(may_speak));
    let logs = tracing_subscriber::fmt::layer()
        .fmt_fields(JsonFields::new())
        .event_format(LineWriter::new(settings.log_format, service, dispatch.clone()))
        .with_writer(writer)
        .with_filter(lines);
    let traces = tracing_opentelemetry::layer()
        .with_tracer(provider.tracer("deskmesh"))
        .with_location(false)
        .with_threads(false)
        .with_tracked_inactivity(false)
        .with_filter(filter_fn(|metadata| is_own_span(metadata) || is_trouble(metadata)));
    Ok(tracing_subscriber::registry().with(dispatch).with(traces).with(logs))
}

/// Spans are made by the runtime alone. Those of libraries stay out, above all those of the
/// exporter: exporting them would make new ones.
fn is_own_span(metadata: &Metadata<'_>) -> bool {
    let own = ["messaging", "bootstrap"]
        .iter()
        .any(|name| metadata.target().split("::").next() == Some(name));
    own && metadata.is_span() && *metadata.level() <= Level::INFO
}

/// What is told in the span in which it happened. Not what the exporter says of itself.
fn is_trouble(metadata: &Metadata<'_>) -> bool {
    let exporter = !is_own(metadata.target()) && metadata.target().starts_with("opentelemetry");
    metadata.is_event() && *metadata.level() <= Level::WARN && may_speak(metadata) && !exporter
}

/// A panic becomes a log line with its place, or a line on standard error before there are logs.
/// What it says stays out: a rule may say there what it was given, a ticket's text. Of a message
/// that was parked for it, the row keeps it.
pub(crate) fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        if tracing::dispatcher::has_been_set() {
            tracing::error!(code.location = place, "{PANICKED}");
        } else {
            eprintln!("{PANICKED} (at {place})");
        }
    }));
}

#[cfg(test)]
mod tests;
