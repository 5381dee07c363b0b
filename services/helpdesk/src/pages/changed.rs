//! `GET /tickets/live`: an event `changed` whenever one of the account's tickets does.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::{Query, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use web::Viewer;

use super::Pages;

const HEARTBEAT: Duration = Duration::from_secs(15);
/// After so long a stream ends, and whoever has no session any more does not come back.
const LONGEST: Duration = Duration::from_mins(10);

struct Changes {
    watched: watch::Receiver<u64>,
    ends: Instant,
    stop: CancellationToken,
}

/// What the page was made of.
#[derive(Deserialize)]
pub(super) struct From {
    after: Option<i64>,
}

pub(super) async fn stream(
    State(pages): State<Pages>,
    Query(from): Query<From>,
    viewer: Viewer,
) -> Response {
    let mut watched = pages.changes.watch(&viewer.account);
    if from.after.is_some_and(|after| viewer.is_told_more_than(after)) {
        // The account was told something between the page and this stream.
        watched.mark_changed();
    }
    let changes =
        Changes { watched, ends: Instant::now() + LONGEST, stop: pages.desk.shutdown.clone() };
    let events = futures_util::stream::unfold(changes, next);
    Sse::new(events).keep_alive(KeepAlive::new().interval(HEARTBEAT)).into_response()
}

async fn next(mut looked: Changes) -> Option<(Result<Event, Infallible>, Changes)> {
    tokio::select! {
        changed = looked.watched.changed() => changed.ok()?,
        () = tokio::time::sleep_until(looked.ends) => return None,
        () = looked.stop.cancelled() => return None,
    }
    let number = *looked.watched.borrow_and_update();
    let event = Event::default().event("changed").id(number.to_string()).data("");
    Some((Ok(event), looked))
}
