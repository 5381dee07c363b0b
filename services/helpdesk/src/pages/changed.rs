//! `GET /tickets/live`: an event `changed` whenever one of the account's tickets does, and whenever
//! the account is told something: an invite waits in the frame of every page.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::{Query, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use desk::log::{self, LogWaiter};
use serde::Deserialize;
use sqlx::PgPool;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use web::{Failure, Viewer};

use super::Pages;

const HEARTBEAT: Duration = Duration::from_secs(15);
/// After so long a stream ends, and whoever has no session any more does not come back.
const LONGEST: Duration = Duration::from_mins(10);

struct Changes {
    watched: watch::Receiver<u64>,
    told: LogWaiter,
    /// How much the account was told when it was last looked.
    known: i64,
    account: String,
    pool: PgPool,
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
) -> Result<Response, Failure> {
    let mut watched = pages.changes.watch(&viewer.account);
    if from.after.is_some_and(|after| viewer.is_told_more_than(after)) {
        // The account was told something between the page and this stream.
        watched.mark_changed();
    }
    let pool = pages.desk.pool.clone();
    let changes = Changes {
        watched,
        told: pages.desk.heads.wait(&viewer.account),
        known: position(&pool, &viewer.account).await?,
        account: viewer.account,
        pool,
        ends: Instant::now() + LONGEST,
        stop: pages.desk.shutdown.clone(),
    };
    let events = futures_util::stream::unfold(changes, next);
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(HEARTBEAT)).into_response())
}

async fn position(pool: &PgPool, account: &str) -> sqlx::Result<i64> {
    Ok(log::head(pool, account).await?.map_or(0, |head| head.position))
}

async fn next(mut looked: Changes) -> Option<(Result<Event, Infallible>, Changes)> {
    tokio::select! {
        changed = looked.watched.changed() => changed.ok()?,
        () = looked.told.beyond(looked.known) => {
            looked.known = position(&looked.pool, &looked.account).await.ok()?;
        }
        () = tokio::time::sleep_until(looked.ends) => return None,
        () = looked.stop.cancelled() => return None,
    }
    looked.watched.mark_unchanged();
    let event = Event::default().event("changed").data("");
    Some((Ok(event), looked))
}
