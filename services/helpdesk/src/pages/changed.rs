//! `GET /tickets/live`: an event `changed` whenever what a page shows does: its ticket (`ticket`),
//! or any of the account's. Whenever the account is told of an agreement, every page hears it: an
//! invite waits in the frame of all. Pages hear in turn.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::{Query, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use desk::log;
use serde::Deserialize;
use sqlx::PgConnection;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use web::{Failure, Viewer};

use super::Pages;
use crate::store::ticket;
use crate::work::looker::{Looker, MadeOf};

const HEARTBEAT: Duration = Duration::from_secs(15);
/// After so long a stream ends, and whoever has no session any more does not come back.
const LONGEST: Duration = Duration::from_mins(10);

struct Stream {
    looker: Looker,
    ends: Instant,
    stop: CancellationToken,
}

/// What the page shows, and what it was made of.
#[derive(Deserialize)]
pub(super) struct From {
    ticket: Option<i64>,
    changed: Option<i64>,
    after: Option<i64>,
}

/// The stream of a page that is about to be made: of a ticket, or of lists. What changes between
/// making the page and opening the stream is not missed.
pub(super) async fn path(
    connection: &mut PgConnection,
    account: &str,
    ticket: Option<i64>,
) -> sqlx::Result<String> {
    let changed = ticket::newest_change(connection, account, ticket).await?;
    let changed = changed.map_or(0, |at| at.timestamp_micros());
    let ticket = ticket.map(|number| format!("ticket={number}&")).unwrap_or_default();
    Ok(format!("/tickets/live?{ticket}changed={changed}"))
}

pub(super) async fn stream(
    State(pages): State<Pages>,
    Query(from): Query<From>,
    viewer: Viewer,
) -> Result<Response, Failure> {
    let told = match from.after {
        Some(after) => after,
        None => log::head(pages.pool(), &viewer.account).await?.map_or(0, |head| head.position),
    };
    let made = MadeOf { told, changed: from.changed };
    let stream = Stream {
        looker: pages.changes.look(&viewer.account, from.ticket, made),
        ends: Instant::now() + LONGEST,
        stop: pages.desk.shutdown.clone(),
    };
    let events = futures_util::stream::unfold(stream, next);
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(HEARTBEAT)).into_response())
}

async fn next(mut stream: Stream) -> Option<(Result<Event, Infallible>, Stream)> {
    tokio::select! {
        () = stream.looker.changed() => {}
        () = tokio::time::sleep_until(stream.ends) => return None,
        () = stream.stop.cancelled() => return None,
    }
    Some((Ok(Event::default().event("changed").data("")), stream))
}
