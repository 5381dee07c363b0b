//! The recorder behind the `metrics` facade; `/metrics` renders it.

use std::time::{SystemTime, UNIX_EPOCH};

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

/// After an outage a message has waited for an hour, and whoever is woken by that must not read
/// that it was ten seconds.
const SECONDS: &[f64] = &[
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
    300.0, 1_800.0, 7_200.0,
];
/// From command to confirmed delivery: it includes retries.
const SYNC_SECONDS: &[f64] = &[
    0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1_800.0, 7_200.0,
    86_400.0,
];
const SIZES: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0];

/// Installs the recorder for the whole process.
pub(crate) fn install(service: &'static str) -> anyhow::Result<PrometheusHandle> {
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), SECONDS)?
        .set_buckets_for_metric(Matcher::Full("deskmesh_sync_seconds".to_owned()), SYNC_SECONDS)?
        .set_buckets_for_metric(Matcher::Suffix("_size".to_owned()), SIZES)?
        .install_recorder()?;
    metrics::describe_gauge!(
        "process_start_time_seconds",
        "When this process started, in seconds since 1970"
    );
    metrics::gauge!("process_start_time_seconds").set(seconds_since_1970());
    metrics::describe_gauge!("deskmesh_build_info", "Always 1; the labels say what runs");
    metrics::gauge!("deskmesh_build_info", "service" => service,
        "version" => env!("CARGO_PKG_VERSION"))
    .set(1.0);
    Ok(handle)
}

fn seconds_since_1970() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}
