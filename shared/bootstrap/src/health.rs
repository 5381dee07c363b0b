//! What the process tells its surroundings: `/livez`, `/readyz`, `/metrics`, and beside them
//! `/trace` and `/parked`.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use messaging::Health;
use metrics_exporter_prometheus::PrometheusHandle;
use serde_json::json;
use tokio::net::TcpListener;

use crate::parked::{self, ParkedAnswers};
use crate::trace::{self, TraceAnswers};

/// How often collected histogram samples are folded, so that they do not pile up when nobody
/// scrapes.
const UPKEEP: Duration = Duration::from_secs(5);

/// Where the process is in its life.
#[derive(Clone)]
pub(crate) enum Phase {
    /// Nothing is consumed before the database answers and has the tables.
    Preparing(&'static str),
    /// The runtime says what it waits for. Its clock starts here, however long the preparation
    /// took.
    Running(Arc<Health>),
    /// A stop was asked for.
    Stopping,
}

/// What the endpoints answer from.
#[derive(Clone)]
pub(crate) struct Probes {
    phase: Arc<Mutex<Phase>>,
    metrics: PrometheusHandle,
}

impl Probes {
    pub(crate) fn new(metrics: PrometheusHandle) -> Self {
        Self { phase: Arc::new(Mutex::new(Phase::Preparing("database"))), metrics }
    }

    /// Moves to another phase; a process that stops does not become ready again.
    pub(crate) fn enter(&self, phase: Phase) {
        let mut current = self.phase.lock().unwrap_or_else(PoisonError::into_inner);
        if !matches!(*current, Phase::Stopping) {
            *current = phase;
        }
    }

    fn phase(&self) -> Phase {
        self.phase.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Tells whether the process works at all. It must not depend on broker or database: restarting
    /// every process does not bring them back, and adds a storm of connections.
    fn alive(&self) -> bool {
        match self.phase() {
            Phase::Running(health) => health.alive(),
            Phase::Preparing(_) | Phase::Stopping => true,
        }
    }

    /// Gauges that are true of this moment are set when somebody asks.
    fn measure(&self) {
        let phase = self.phase();
        let other_schema = matches!(phase, Phase::Preparing("migrations"));
        metrics::gauge!("deskmesh_schema_mismatch").set(if other_schema { 1.0 } else { 0.0 });
        if let Phase::Running(health) = phase {
            health.measure();
        }
    }

    fn waiting_for(&self) -> Vec<&'static str> {
        match self.phase() {
            Phase::Preparing(what) => vec![what],
            Phase::Running(health) => health.waiting_for(),
            Phase::Stopping => vec!["stop"],
        }
    }
}

/// Serves the endpoints until it is dropped.
pub(crate) async fn serve(
    listener: TcpListener,
    probes: Probes,
    answers: TraceAnswers,
    parked: ParkedAnswers,
) {
    let metrics = probes.metrics.clone();
    let upkeep = async move {
        let mut interval = tokio::time::interval(UPKEEP);
        loop {
            interval.tick().await;
            metrics.run_upkeep();
        }
    };
    let router = Router::new()
        .route("/livez", get(livez))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics_text))
        .with_state(probes)
        .merge(Router::new().route("/trace", get(trace::answer)).with_state(answers))
        .merge(parked::router(parked));
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    tokio::select! {
        () = upkeep => {}
        outcome = async { axum::serve(listener, service).await } => {
            if let Err(error) = outcome {
                tracing::error!(cause = messaging::cause(&error), "health endpoints ended");
            }
        }
    }
}

async fn livez(State(probes): State<Probes>) -> impl IntoResponse {
    if probes.alive() {
        (StatusCode::OK, "alive\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "no progress\n")
    }
}

async fn readyz(State(probes): State<Probes>) -> impl IntoResponse {
    let waiting_for = probes.waiting_for();
    let status =
        if waiting_for.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body = json!({ "ready": waiting_for.is_empty(), "waiting_for": waiting_for });
    (status, [(CONTENT_TYPE, "application/json")], body.to_string())
}

async fn metrics_text(State(probes): State<Probes>) -> impl IntoResponse {
    probes.measure();
    ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], probes.metrics.render())
}

#[cfg(test)]
mod tests {
    use metrics_exporter_prometheus::PrometheusBuilder;

    use super::*;

    #[test]
    fn readiness_follows_the_phases_and_liveness_does_not() {
        let probes = Probes::new(PrometheusBuilder::new().build_recorder().handle());
        assert_eq!((probes.alive(), probes.waiting_for()), (true, vec!["database"]));
        probes.enter(Phase::Preparing("migrations"));
        assert_eq!((probes.alive(), probes.waiting_for()), (true, vec!["migrations"]));
        probes.enter(Phase::Running(Health::new()));
        assert_eq!((probes.alive(), probes.waiting_for()), (true, vec!["broker", "database"]));
        probes.enter(Phase::Stopping);
        probes.enter(Phase::Running(Health::new()));
        assert_eq!((probes.alive(), probes.waiting_for()), (true, vec!["stop"]));
    }
}
