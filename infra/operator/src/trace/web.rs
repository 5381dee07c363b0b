//! The same over HTTP: `/trace/acme/4711`, `/trace/share/ID`, `/trace/agreement/ID`,
//! `/trace/message/acme/ID`.

use std::net::SocketAddr;

use anyhow::Context;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use timeline::{Target, render};
use tokio::net::TcpListener;

use super::{Services, trace};

/// Answers until SIGTERM or SIGINT: text, or JSON to who asks for `application/json`.
///
/// # Errors
/// When the address cannot be listened on.
pub async fn serve(listen: SocketAddr, services: Services) -> anyhow::Result<()> {
    let listener = TcpListener::bind(listen)
        .await
        .with_context(|| format!("{listen} cannot be listened on"))?;
    eprintln!("listening on http://{}/trace/acme/4711", listener.local_addr()?);
    let router = Router::new()
        .route("/livez", get(|| async { "alive\n" }))
        .route("/trace/{*what}", get(answer))
        .with_state(services);
    let mut terminated = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    let stop = async move {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminated.recv() => {}
        }
    };
    axum::serve(listener, router).with_graceful_shutdown(stop).await?;
    Ok(())
}

async fn answer(
    State(services): State<Services>,
    Path(what): Path<String>,
    headers: HeaderMap,
) -> Response {
    let target = match target(&what) {
        Ok(target) => target,
        Err(sentence) => return (StatusCode::BAD_REQUEST, format!("{sentence}\n")).into_response(),
    };
    let asked = tokio::task::spawn_blocking(move || trace(&services, &target)).await;
    let Ok(timeline) = asked else { return StatusCode::INTERNAL_SERVER_ERROR.into_response() };
    let wants_json = headers
        .get(ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.contains("json"));
    if wants_json {
        let body = serde_json::to_string(&timeline).unwrap_or_default();
        return ([(CONTENT_TYPE, "application/json")], body).into_response();
    }
    ([(CONTENT_TYPE, "text/plain; charset=utf-8")], render(&timeline)).into_response()
}

/// A path is the words of the command line with slashes between; a ticket has its own.
fn target(path: &str) -> Result<Target, String> {
    let words = match path.split_once('/') {
        Some((what @ ("share" | "agreement" | "message" | "ticket"), name)) => vec![what, name],
        _ => vec![path],
    };
    Target::of_words(&words).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_what_is_asked_for() {
        assert_eq!(target("acme/4711"), Ok(Target::Ticket("acme/4711".into())));
        assert_eq!(target("message/acme/u1"), Ok(Target::Message("acme/u1".into())));
        assert_eq!(target("share/s1"), Ok(Target::Share("s1".into())));
        assert!(target("4711").is_err());
    }
}
