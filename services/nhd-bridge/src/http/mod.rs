//! The server: what partners ask.

mod agreements;
mod deadline;
mod refusal;
mod registration;
mod tickets;
mod token;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, Request as HttpRequest, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use desk::log::Heads;
use desk::outbox::{Accepted, Request, accept_within};
use egress::Egress;
use futures_util::StreamExt as _;
use serde_json::Value;
use sqlx::{PgConnection, PgPool};
use tokio::sync::{Notify, Semaphore};

use crate::keys::AccessKeys;
use crate::rules::answer::{Refusal, Why};
use crate::rules::place::{Place, Resource, sharing_url};

pub(crate) use deadline::Deadline;
pub(crate) use refusal::RequestFault;
pub(crate) use registration::introduction;

/// Of a body that is too large, so many times as much as may be kept is read before it is refused.
const DRAINED: usize = 64;

/// What partners may take.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Bytes of a body.
    pub body: usize,
    /// Requests at the same time.
    pub open: usize,
    /// How long an answer waits for the line.
    pub answer: Duration,
    /// In which a request has to arrive.
    pub arrival: Duration,
    /// Unproven invites: for one address, and in a day of one source and in all.
    pub invites: (i64, i64, i64),
}

/// What requests are answered from. A clone is the same one.
#[derive(Clone, Debug)]
pub struct Bridge {
    pub(crate) pool: PgPool,
    pub(crate) heads: Arc<Heads>,
    pub(crate) new_command: Arc<Notify>,
    pub(crate) keys: Arc<AccessKeys>,
    pub(crate) egress: Egress,
    /// What all sharing URLs begin with.
    pub(crate) public_url: Arc<str>,
    pub(crate) bounds: Bounds,
    /// What links to copies of partners' files begin with, where there are any.
    pub(crate) files: Option<Arc<str>>,
    places: Arc<Semaphore>,
}

/// A request that arrived whole.
pub(crate) struct Asked {
    pub place: Place,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// The network address it came from.
    pub source: String,
    pub deadline: Deadline,
}

/// What is answered: a status, and a body.
pub(crate) type Answer = (StatusCode, Value);

impl Bridge {
    /// Answers from these.
    #[must_use]
    pub fn new(
        (pool, heads, new_command): (PgPool, Arc<Heads>, Arc<Notify>),
        keys: Arc<AccessKeys>,
        egress: Egress,
        public_url: &str,
        bounds: Bounds,
    ) -> Self {
        let places = Arc::new(Semaphore::new(bounds.open));
        let public_url = Arc::from(public_url);
        Self { pool, heads, new_command, keys, egress, public_url, bounds, files: None, places }
    }

    /// The same, where files of partners are copied, and links to the copies begin so.
    #[must_use]
    pub fn keeping_files(mut self, origin: Option<Arc<str>>) -> Self {
        self.files = origin;
        self
    }

    /// Keeps a command of a partner's; one that names files is sent once they are copied.
    pub(crate) async fn accept(
        &self,
        connection: &mut PgConnection,
        request: &Request,
    ) -> sqlx::Result<()> {
        let accepted = accept_within(connection, request).await?;
        match &self.files {
            Some(origin) if accepted == Accepted::New => {
                files::follow(connection, request, origin).await
            }
            _ => Ok(()),
        }
    }

    /// Every route.
    pub fn router(self) -> Router {
        Router::new().fallback(answer).with_state(self)
    }

    /// Our sharing URL of an address.
    pub(crate) fn url_of(&self, address: &str) -> String {
        sharing_url(&self.public_url, address)
    }
}

async fn answer(
    State(bridge): State<Bridge>,
    ConnectInfo(source): ConnectInfo<SocketAddr>,
    request: HttpRequest,
) -> Response {
    let strict = speaks_x_json(request.headers());
    let method = request.method().clone();
    let answered = match asked(&bridge, source, request).await {
        Ok((asked, _place)) => decided(&bridge, &method, asked).await,
        Err(refusal) => Err(RequestFault::Refused(refusal)),
    };
    match answered {
        Ok((status, body)) => {
            let kind = if strict { "text/x-json; charset=UTF-8" } else { "application/json" };
            (status, [(CONTENT_TYPE, kind)], body.to_string()).into_response()
        }
        Err(fault) => fault.into_response(),
    }
}

/// Whether whoever asks sends the media type of the protocol's text, and so reads no other.
pub(crate) fn speaks_x_json(headers: &HeaderMap) -> bool {
    headers
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .is_some_and(|kind| kind.to_ascii_lowercase().starts_with("text/x-json"))
}

/// Reads a request, for which there must be a place.
async fn asked(
    bridge: &Bridge,
    source: SocketAddr,
    request: HttpRequest,
) -> Result<(Asked, tokio::sync::OwnedSemaphorePermit), Refusal> {
    let permit = Arc::clone(&bridge.places).try_acquire_owned().map_err(|_| {
        Refusal::new(Why::Busy, "too many requests are worked on; send it again in a moment")
    })?;
    let place = Place::read(request.uri().path()).ok_or_else(|| {
        let detail =
            "the path is none of /sharing/<address>/agreements/<uuid> and …/tickets/<uuid>";
        Refusal::new(Why::NotFound, detail)
    })?;
    let (parts, body) = request.into_parts();
    let body = read(body, bridge.bounds).await?;
    let asked = Asked {
        place,
        headers: parts.headers,
        body,
        source: source.ip().to_canonical().to_string(),
        deadline: Deadline::after(bridge.bounds.answer),
    };
    Ok((asked, permit))
}

async fn read(body: Body, bounds: Bounds) -> Result<Bytes, Refusal> {
    let arrived = tokio::time::timeout(bounds.arrival, collect(body, bounds.body)).await;
    arrived.map_err(|_| Refusal::new(Why::Late, "the body did not arrive in time"))?
}

/// Reads a body to its end, though no more than the bound is kept: whoever still sends does not
/// read an answer.
async fn collect(body: Body, at_most: usize) -> Result<Bytes, Refusal> {
    let (mut kept, mut seen) = (Vec::new(), 0_usize);
    let mut parts = body.into_data_stream();
    while let Some(part) = parts.next().await {
        let part = part.map_err(|_| Refusal::content("the body did not arrive whole"))?;
        seen = seen.saturating_add(part.len());
        if seen <= at_most {
            kept.extend_from_slice(&part);
        } else if seen > at_most.saturating_mul(DRAINED) {
            break;
        }
    }
    if seen <= at_most {
        return Ok(Bytes::from(kept));
    }
    Err(Refusal::content(format!(
        "the body has over {} KiB; send comments in several requests, and files as links",
        at_most / 1024
    )))
}

async fn decided(bridge: &Bridge, method: &Method, asked: Asked) -> Result<Answer, RequestFault> {
    let resource = asked.place.resource;
    match (resource, method) {
        (Resource::Agreement, &Method::POST) => agreements::invited(bridge, asked).await,
        (Resource::Agreement, &Method::PUT) => agreements::changed(bridge, asked).await,
        (Resource::Agreement, &Method::GET) => agreements::shown(bridge, asked).await,
        (Resource::Ticket, &Method::POST) => tickets::shared(bridge, asked).await,
        (Resource::Ticket, &Method::PUT) => tickets::updated(bridge, asked).await,
        (Resource::Ticket, &Method::DELETE) => tickets::unshared(bridge, asked).await,
        (Resource::Ticket, &Method::GET) => tickets::shown(bridge, asked).await,
        _ => {
            let detail = "agreements take GET, POST and PUT, tickets DELETE as well";
            Err(Refusal::new(Why::Method, detail).into())
        }
    }
}
