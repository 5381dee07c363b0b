//! A collector of traces: takes what the services export by OTLP over HTTP, and keeps it.
//!
//! With `OTLP_LISTEN` it listens there, and with `OTLP_COLLECTOR` the services send to that
//! address: so a third party's collector is put between the two (`tests/platform/check.sh traces`).

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use flate2::read::GzDecoder;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value::Value};
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, Span, status::StatusCode as Status};
use prost::Message;
use tokio::net::TcpListener;

/// A span as a test looks at it.
#[derive(Clone, Debug)]
pub struct Recorded {
    pub service: String,
    pub name: String,
    pub kind: SpanKind,
    pub trace: String,
    pub id: String,
    /// Empty for the first of a trace.
    pub parent: String,
    /// Spans that it links to: trace and id.
    pub links: Vec<(String, String)>,
    pub failed: bool,
    attributes: BTreeMap<String, String>,
}

impl Recorded {
    /// An attribute as text; empty when it has none.
    pub fn get(&self, name: &str) -> &str {
        self.attributes.get(name).map_or("", String::as_str)
    }
}

#[derive(Debug, Default)]
struct Received {
    spans: BTreeMap<String, Recorded>,
    bodies: Vec<Vec<u8>>,
}

type Kept = Arc<Mutex<Received>>;

/// Takes spans until it is dropped with its runtime.
pub struct Collector {
    /// Where services send to.
    pub endpoint: String,
    kept: Kept,
}

impl Collector {
    pub async fn listen() -> Self {
        let kept = Kept::default();
        let listener = TcpListener::bind(given("OTLP_LISTEN").as_deref().unwrap_or("127.0.0.1:0"))
            .await
            .expect("a free port");
        let own = format!("http://{}", listener.local_addr().expect("an address"));
        let router = Router::new().route("/v1/traces", post(take)).with_state(Arc::clone(&kept));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { endpoint: given("OTLP_COLLECTOR").unwrap_or(own), kept }
    }

    /// All spans so far, by id.
    pub fn spans(&self) -> BTreeMap<String, Recorded> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).spans.clone()
    }

    /// All that was sent so far, byte by byte: events and attributes of every kind are in it.
    pub fn bodies(&self) -> Vec<Vec<u8>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).bodies.clone()
    }
}

#[expect(clippy::disallowed_methods, reason = "who puts a collector between says where it is")]
fn given(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

async fn take(State(kept): State<Kept>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let plain = if headers.get("content-encoding").is_some_and(|encoding| encoding == "gzip") {
        unzipped(&body)
    } else {
        Ok(body)
    };
    let Ok(plain) = plain else { return StatusCode::UNSUPPORTED_MEDIA_TYPE };
    let body = plain.to_vec();
    let Ok(request) = ExportTraceServiceRequest::decode(plain) else {
        return StatusCode::BAD_REQUEST;
    };
    let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
    for span in request.resource_spans.into_iter().flat_map(recorded) {
        kept.spans.insert(span.id.clone(), span);
    }
    kept.bodies.push(body);
    StatusCode::OK
}

fn unzipped(body: &[u8]) -> std::io::Result<Bytes> {
    let mut plain = Vec::new();
    GzDecoder::new(body).read_to_end(&mut plain)?;
    Ok(plain.into())
}

fn recorded(spans: ResourceSpans) -> Vec<Recorded> {
    let resource = texts(&spans.resource.unwrap_or_default().attributes);
    let service = resource.get("service.name").cloned().unwrap_or_default();
    spans
        .scope_spans
        .into_iter()
        .flat_map(|scope| scope.spans)
        .map(|span| read(&service, &span))
        .collect()
}

fn read(service: &str, span: &Span) -> Recorded {
    Recorded {
        service: service.to_owned(),
        name: span.name.clone(),
        kind: span.kind(),
        trace: hex(&span.trace_id),
        id: hex(&span.span_id),
        parent: hex(&span.parent_span_id),
        links: span.links.iter().map(|link| (hex(&link.trace_id), hex(&link.span_id))).collect(),
        failed: span.status.as_ref().is_some_and(|status| status.code() == Status::Error),
        attributes: texts(&span.attributes),
    }
}

fn texts(attributes: &[KeyValue]) -> BTreeMap<String, String> {
    let text = |value: &Value| match value {
        Value::StringValue(text) => text.clone(),
        Value::IntValue(number) => number.to_string(),
        other => format!("{other:?}"),
    };
    let pairs = attributes
        .iter()
        .filter_map(|pair| Some((pair.key.clone(), text(pair.value.as_ref()?.value.as_ref()?))));
    pairs.collect()
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;

    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a String takes everything");
        text
    })
}
