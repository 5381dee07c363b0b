//! What pages do as the account's desk: send a command, wait for its receipt, hear of changes.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use contracts::Receipt;
use desk::log::{Heads, LogWaiter};
use desk::outbox::{self, Accepted, Request};
use serde::Deserialize;
use serde_json::Value;
use sqlx::PgPool;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::failure::Failure;
use crate::viewer::Viewer;

/// How often an open stream says that it is there.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// After so long a stream ends, and whoever has no session any more does not come back.
const LONGEST: Duration = Duration::from_mins(10);
/// Streams that one process keeps open.
const STREAMS: usize = 2_000;

/// The edge's half of the contract, as pages need it.
#[derive(Clone, Debug)]
pub struct EdgeDesk {
    /// The edge's schema.
    pub pool: PgPool,
    /// Whoever waits for something new.
    pub heads: Arc<Heads>,
    /// Told when there is a new command.
    pub new_command: Arc<Notify>,
    /// Cancelled when the process stops.
    pub shutdown: CancellationToken,
}

impl EdgeDesk {
    /// Keeps a command of the viewer's account and waits for its receipt; nothing if that is not
    /// there in time: the command is sent all the same. `key` makes a repeat have no further
    /// effect.
    ///
    /// # Errors
    /// It cannot be kept, or cannot be sent.
    pub async fn send(
        &self,
        viewer: &Viewer,
        command_type: &str,
        key: &str,
        content: Value,
        wait: Duration,
    ) -> Result<Option<Receipt>, Failure> {
        let account = viewer.account_name()?;
        let request = Request::new(account, key, command_type, content);
        request.check().map_err(|error| Failure::Invalid(error.to_string()))?;
        match outbox::accept(&self.pool, &request).await? {
            Accepted::New => self.new_command.notify_one(),
            Accepted::Repeat(Some(receipt)) => return Ok(Some(*receipt)),
            Accepted::Repeat(None) => {}
            Accepted::KeyReused => {
                return Err(Failure::Conflict(viewer.say("failure.sent_twice").into_owned()));
            }
            Accepted::NoSuchAccount => return Err(Failure::NotFound),
        }
        self.receipt(viewer, outbox::entity_of(command_type), key, wait).await
    }

    async fn receipt(
        &self,
        viewer: &Viewer,
        entity: &str,
        key: &str,
        wait: Duration,
    ) -> Result<Option<Receipt>, Failure> {
        let (command, until) = ((entity, key), Instant::now() + wait);
        let waited = outbox::with_receipt(&self.pool, &self.heads, &viewer.account, command, until);
        let row = self.shutdown.run_until_cancelled(waited).await.transpose()?.flatten();
        let receipt = row.and_then(|row| row.receipt);
        let receipt = receipt.map(|receipt| serde_json::from_str(&receipt)).transpose();
        receipt.map_err(|error| Failure::internal(&error))
    }

    /// How much the account was told so far.
    pub(crate) async fn position(&self, account: &str) -> sqlx::Result<i64> {
        let head = desk::log::head(&self.pool, account).await?;
        Ok(head.map_or(0, |cursor| cursor.position))
    }
}

#[derive(Clone)]
struct Live {
    desk: EdgeDesk,
    streams: Arc<Semaphore>,
}

/// `GET /live`: an event `changed` whenever the viewer's account was told something, after what the
/// page was made of (`after`) or what was heard last.
pub fn router(desk: EdgeDesk) -> Router {
    let live = Live { desk, streams: Arc::new(Semaphore::new(STREAMS)) };
    Router::new().route("/live", get(stream)).with_state(live)
}

#[derive(Debug, Deserialize)]
struct From {
    after: Option<i64>,
}

async fn stream(
    State(live): State<Live>,
    viewer: Viewer,
    Query(from): Query<From>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let permit = live.streams.try_acquire_owned().map_err(|_| Failure::Unavailable)?;
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok()?.parse().ok());
    let last = last.or(from.after);
    let position = live.desk.position(&viewer.account).await?;
    let changes = Changes {
        waiting: live.desk.heads.wait(&viewer.account),
        known: last.filter(|last| *last <= position).unwrap_or(position),
        ends: Instant::now() + LONGEST,
        account: viewer.account,
        desk: live.desk,
        _permit: permit,
    };
    let events = futures_util::stream::unfold(changes, Changes::next);
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(HEARTBEAT)).into_response())
}

struct Changes {
    desk: EdgeDesk,
    account: String,
    waiting: LogWaiter,
    known: i64,
    ends: Instant,
    _permit: OwnedSemaphorePermit,
}

impl Changes {
    /// The next change; nothing when the stream ends: whoever reads it comes again.
    async fn next(mut self) -> Option<(Result<Event, Infallible>, Self)> {
        tokio::select! {
            () = self.waiting.beyond(self.known) => {}
            () = tokio::time::sleep_until(self.ends) => return None,
            () = self.desk.shutdown.cancelled() => return None,
        }
        self.known = self.desk.position(&self.account).await.ok()?;
        let event = Event::default().event("changed").id(self.known.to_string()).data("");
        Some((Ok(event), self))
    }
}
