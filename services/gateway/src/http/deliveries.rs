//! What the account is told: long poll and stream over one log.

use std::convert::Infallible;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use desk::log::{self, Cursor, CursorError, LogPage, LogWaiter, Logged, ReadError};
use futures_util::Stream;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::Api;
use super::auth::Caller;
use super::limits::Open;
use super::problem::Refusal;
use super::query::{self, Between, CheckedQuery};
use crate::rules::problem::{Problem, Why};
use crate::rules::scope;
use crate::webhooks::before;

/// Entries of a page, at most.
pub(crate) const MOST: u64 = 500;
/// Entries that a stream reads at once.
const READ: usize = 500;
const USUALLY: usize = 100;
/// How often a quiet stream says that it is there.
const HEARTBEAT: Duration = Duration::from_secs(15);

#[derive(Debug, Deserialize)]
pub(crate) struct Polled {
    after: Option<String>,
    wait: Option<Between<0, { query::LONGEST_WAIT }>>,
    limit: Option<Between<1, MOST>>,
}

/// One delivery as it is told.
#[derive(Serialize)]
struct Delivered<'a> {
    cursor: String,
    message_id: &'a str,
    r#type: &'a str,
    told_at: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    share_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    correlation_id: Option<&'a str>,
    payload: &'a RawValue,
}

#[derive(Serialize)]
struct Answer<'a> {
    deliveries: Vec<Delivered<'a>>,
    /// Where to go on; also when there is nothing new.
    next: String,
    /// Whether there is more already.
    more: bool,
}

impl<'a> Delivered<'a> {
    fn of(entry: &'a Logged) -> Self {
        Self {
            cursor: entry.cursor.to_string(),
            message_id: &entry.message_id,
            r#type: &entry.message_type,
            told_at: &entry.told_at,
            share_id: entry.share_id.as_deref(),
            correlation_id: entry.correlation_id.as_deref(),
            payload: &entry.body,
        }
    }
}

/// `GET /v1/deliveries`: what came after the cursor; waits for it, if it is asked to.
pub(crate) async fn poll(
    State(api): State<Api>,
    caller: Caller,
    CheckedQuery(asked): CheckedQuery<Polled>,
) -> Result<Response, Refusal> {
    caller.may(scope::READ)?;
    let after = asked.after.as_deref().map(cursor).transpose()?.flatten();
    let limit = asked.limit.and_then(|limit| usize::try_from(limit.get()).ok());
    let limit = limit.unwrap_or(USUALLY);
    let wait = Duration::from_secs(asked.wait.map_or(0, Between::get));
    let _open = if wait.is_zero() { None } else { Some(api.limits.open(&caller.account)?) };
    let mut waiting = api.heads.wait(&caller.account);
    let mut page = page(&api, &caller.account, after, limit).await?;
    if page.entries.is_empty() && !wait.is_zero() {
        tokio::select! {
            () = waiting.beyond(page.next.position) => {}
            () = tokio::time::sleep(wait) => {}
            () = api.shutdown.cancelled() => {}
        }
        page = self::page(&api, &caller.account, Some(page.next), limit).await?;
    }
    let answer = Answer {
        deliveries: page.entries.iter().map(Delivered::of).collect(),
        next: page.next.to_string(),
        more: !page.is_last,
    };
    Ok(Json(answer).into_response())
}

/// `GET /v1/deliveries/stream`: the same as server-sent events, which go on after `Last-Event-ID`.
pub(crate) async fn stream(
    State(api): State<Api>,
    caller: Caller,
    CheckedQuery(asked): CheckedQuery<Polled>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    caller.may(scope::READ)?;
    let last = headers.get("last-event-id").map(|id| id.to_str().map_err(|_| unreadable()));
    let last = last.transpose()?;
    let after = last.or(asked.after.as_deref()).map(cursor).transpose()?.flatten();
    let open = api.limits.open(&caller.account)?;
    let waiting = api.heads.wait(&caller.account);
    let first = page(&api, &caller.account, after, READ).await?;
    let events = Events { api, account: caller.account, waiting, page: first, open };
    let keep_alive = KeepAlive::new().interval(HEARTBEAT);
    Ok(Sse::new(events.stream()).keep_alive(keep_alive).into_response())
}

/// A stream that is open.
struct Events {
    api: Api,
    account: String,
    waiting: LogWaiter,
    page: LogPage,
    open: Open,
}

impl Events {
    fn stream(self) -> impl Stream<Item = Result<Event, Infallible>> {
        let start = (self, 0);
        futures_util::stream::unfold(start, |(mut events, mut sent)| async move {
            loop {
                if let Some(entry) = events.page.entries.get(sent) {
                    let event = event(entry);
                    sent += 1;
                    return Some((Ok(event), (events, sent)));
                }
                events = events.more().await?;
                sent = 0;
            }
        })
    }

    /// The next page, when there is one. Nothing when the stream ends: whoever reads it comes
    /// again.
    async fn more(mut self) -> Option<Self> {
        let next = self.page.next;
        if self.page.is_last {
            tokio::select! {
                () = self.waiting.beyond(next.position) => {}
                () = self.api.shutdown.cancelled() => return None,
            }
        }
        let page = log::page(&self.api.pool, &self.account, Some(next), READ).await.ok()?;
        let Self { api, account, waiting, open, .. } = self;
        Some(Self { api, account, waiting, page, open })
    }
}

fn event(entry: &Logged) -> Event {
    let told = Delivered::of(entry);
    let id = told.cursor.clone();
    let event = Event::default().id(id).event(&entry.message_type);
    event.json_data(told).unwrap_or_default()
}

async fn page(
    api: &Api,
    account: &str,
    after: Option<Cursor>,
    limit: usize,
) -> Result<LogPage, Refusal> {
    let after = match after {
        // Everything from now on.
        Some(Cursor { position: i64::MAX, .. }) => log::head(&api.pool, account).await?,
        other => other,
    };
    log::page(&api.pool, account, after, limit).await.map_err(|error| match error {
        ReadError::Cursor(error) => gone(error),
        ReadError::Database(error) => error.into(),
    })
}

/// The place after which `after` begins, if it can be read on from.
pub(super) async fn place(api: &Api, account: &str, after: &str) -> Result<Cursor, Refusal> {
    Ok(before(&page(api, account, cursor(after)?, 1).await?))
}

/// `latest` stands for the head of the log.
fn cursor(text: &str) -> Result<Option<Cursor>, Refusal> {
    match text {
        "" => Ok(None),
        "latest" => Ok(Some(Cursor { incarnation: uuid::Uuid::nil(), position: i64::MAX })),
        _ => text.parse().map(Some).map_err(gone),
    }
}

fn unreadable() -> Refusal {
    let detail = "after: take it from an answer's next, or leave it out";
    Refusal(Problem::new(Why::Malformed, detail))
}

fn gone(error: CursorError) -> Refusal {
    match error {
        CursorError::Unreadable => unreadable(),
        CursorError::Gone => Refusal(Problem::new(Why::CursorGone, error.to_string())),
    }
}
