use std::io;
use std::sync::{Arc, Mutex};

use opentelemetry::trace::TraceContextExt;
use serde_json::Value;
use tracing_opentelemetry::OpenTelemetrySpanExt;

use super::*;
use crate::config::{LogFormat, NoKeys, load};

#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Runs `work` under a subscriber of its own; returns what was logged.
fn logged(format: LogFormat, filter: &str, work: impl FnOnce()) -> String {
    let mut settings = load::<NoKeys>("", None, []).unwrap().common.telemetry;
    settings.log_format = format;
    filter.clone_into(&mut settings.log_filter);
    let provider = provider("comment-sync", &settings).unwrap();
    let written = Written::default();
    let target = written.clone();
    let subscriber =
        subscriber("comment-sync", &settings, &provider, move || target.clone()).unwrap();
    tracing::subscriber::with_default(subscriber, work);
    String::from_utf8(written.0.lock().unwrap().clone()).unwrap()
}

fn json(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_line_inside_a_span_carries_its_trace_id_and_fields() {
    let mut expected = String::new();
    let text = logged(LogFormat::Json, "info", || {
        let outer =
            tracing::info_span!("process", message.id = "m-1", share.id = tracing::field::Empty);
        outer.record("share.id", "s-1");
        let _outer = outer.enter();
        let inner = tracing::info_span!("decide", attempt = 2);
        expected = inner.context().span().span_context().trace_id().to_string();
        let _inner = inner.enter();
        tracing::info!(batch.size = 3, "decided");
    });
    let line = &json(&text)[0];
    assert_eq!(line["trace_id"], expected.as_str(), "{text}");
    assert_eq!(expected.len(), 32);
    assert_ne!(expected, "0".repeat(32));
    assert_eq!(line["message"], "decided");
    assert_eq!(line["message.id"], "m-1");
    assert_eq!(line["share.id"], "s-1");
    assert_eq!(line["attempt"], 2);
    assert_eq!(line["batch.size"], 3);
    assert_eq!(line["service"], "comment-sync");
    assert_eq!(line["level"], "INFO");
}

#[test]
fn a_line_outside_spans_has_no_trace_id() {
    let text = logged(LogFormat::Json, "info", || tracing::info!("ready"));
    assert_eq!(json(&text)[0].get("trace_id"), None);
}

#[test]
fn the_filter_hides_lines_but_never_the_trace_id() {
    let text = logged(LogFormat::Json, "warn", || {
        let _span = tracing::info_span!("process").entered();
        tracing::info!("hidden");
        tracing::warn!("shown");
    });
    let lines = json(&text);
    assert_eq!(lines.len(), 1, "{text}");
    assert_eq!(lines[0]["message"], "shown");
    assert!(lines[0]["trace_id"].is_string(), "{text}");
}

#[test]
fn a_parent_from_a_message_gives_the_line_its_trace() {
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let text = logged(LogFormat::Json, "info", || {
        let carrier = std::collections::HashMap::from([(
            "traceparent".to_owned(),
            format!("00-{trace}-b7ad6b7169203331-01"),
        )]);
        let parent = opentelemetry::propagation::TextMapPropagator::extract(
            &TraceContextPropagator::new(),
            &carrier,
        );
        let span = tracing::info_span!("process");
        span.set_parent(parent).unwrap();
        span.in_scope(|| tracing::info!("decided"));
    });
    assert_eq!(json(&text)[0]["trace_id"], trace, "{text}");
}

/// What libraries say at this filter, and what the project's own crates do.
fn everybody_speaks() {
    let secret = "The pump leaks";
    tracing::warn!(target: "lapin::returned_messages", message = ?secret, "Server returned it");
    tracing::trace!(target: "lapin::channels", frame = ?secret, "will handle frame");
    tracing::error!(target: "lapin::channel", method = ?secret, "not expected");
    tracing::error!(target: "lapin", secret);
    tracing::debug!(target: "sqlx::query", summary = secret);
    tracing::warn!(target: "sqlx::postgres::notice", message = secret);
    tracing::info!(target: "opentelemetry-otlp", response_body = secret);
    tracing::trace!(target: "lettre::transport::smtp", wrote = secret);
    tracing::error!(target: "hyper::proto", secret);
    tracing::error!(target: "messaging_of_others", secret);
    let frames = tracing::error_span!(target: "h2::codec", "frame", body = secret);
    frames.in_scope(|| tracing::error!(target: "lapin::channels", "Connection error"));
    tracing::error!(target: "lapin::heartbeat", "nothing heard");
    tracing::warn!(target: "sqlx::query", summary = "select …", "slow statement");
    tracing::warn!(target: "opentelemetry_sdk", name = "ExportError");
    tracing::trace!(target: "messaging::slot", "a batch");
}

#[test]
fn others_speak_where_they_are_listed_whatever_the_filter_says() {
    for filter in ["trace", "lapin=trace,lapin::returned_messages=trace,h2=trace,sqlx=debug,trace"]
    {
        let text = logged(LogFormat::Json, filter, everybody_speaks);
        assert!(!text.contains("The pump leaks"), "{filter}: {text}");
        let targets: Vec<String> =
            json(&text).iter().map(|line| line["target"].as_str().unwrap().to_owned()).collect();
        let listed = [
            "lapin::channels",
            "lapin::heartbeat",
            "sqlx::query",
            "opentelemetry_sdk",
            "messaging::slot",
        ];
        assert_eq!(targets, listed, "{filter}: {text}");
    }
}

#[test]
fn an_error_is_logged_without_the_values_that_it_quotes() {
    let text = logged(LogFormat::Json, "info", || {
        let error = serde_json::from_str::<u32>("\"The pump leaks\"").unwrap_err();
        tracing::warn!(error = &error as &dyn std::error::Error, "not read");
    });
    assert_eq!(json(&text)[0]["error"], "JSON of another form at line 1, column 16", "{text}");
}

#[test]
fn text_lines_are_for_people() {
    let text = logged(LogFormat::Text, "info", || {
        tracing::info!(http.address = "0.0.0.0:9090", "listening");
    });
    assert!(
        text.ends_with("INFO comment-sync listening http.address=\"0.0.0.0:9090\"\n"),
        "{text}"
    );
}

#[test]
fn the_last_spans_reach_the_collector() {
    let collector = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut settings = load::<NoKeys>("", None, []).unwrap().common.telemetry;
    settings.otlp_endpoint = format!("http://{}", collector.local_addr().unwrap());
    let provider = provider("comment-sync", &settings).unwrap();
    let received = std::thread::spawn(move || {
        let (mut connection, _) = collector.accept().unwrap();
        let mut request = Vec::new();
        let mut chunk = [0; 4096];
        // The name of the span stands at the end of what is sent.
        while !String::from_utf8_lossy(&request).contains("decide-one-batch") {
            let read = io::Read::read(&mut connection, &mut chunk).unwrap();
            assert_ne!(read, 0, "the request ended early");
            request.extend_from_slice(&chunk[..read]);
        }
        io::Write::write_all(&mut connection, b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
            .unwrap();
        String::from_utf8_lossy(&request).into_owned()
    });
    let subscriber = subscriber("comment-sync", &settings, &provider, io::sink).unwrap();
    tracing::subscriber::with_default(subscriber, || {
        let _span = tracing::info_span!("decide-one-batch").entered();
        everybody_speaks();
        tracing::warn!("something of our own");
    });
    Telemetry { provider }.shutdown();
    let request = received.join().unwrap();
    assert!(request.starts_with("POST /v1/traces HTTP/1.1\r\n"), "{request}");
    assert!(request.contains("comment-sync"), "{request}");
    assert!(request.contains("something of our own"), "{request}");
    assert!(request.contains("Connection error"), "{request}");
    assert!(!request.contains("The pump leaks"), "{request}");
}
