//! The client: from a call to its answer, over redirects.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use http::header::{ACCEPT_ENCODING, LOCATION, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, Request, Uri};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::{CaptureConnection, capture_connection};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::time::{Instant, sleep_until, timeout_at};
use url::{Host, Url};

use crate::address::reachable;
use crate::call::{Body, HttpCall, Outgoing, Progress};
use crate::connector::Connector;
use crate::error::{Error, Phase, ProtocolFault, SetupError, Size};
use crate::lookup::{Lookup, SystemLookup};
use crate::places::Places;
use crate::redirect::{self, Sent, Stop};
use crate::response::{Bounds, Response};
use crate::settings::{EgressSettings, milliseconds};
use crate::url::{UrlFault, acceptable, host, place};

/// The most bytes of an answer's head. A connection's buffer grows to about as many, and no more.
const HEAD_BYTES: usize = 64 * 1024;
const HEADERS: usize = 100;
/// A connection without a call is kept for so long, and at most so many per host.
const KEPT: Duration = Duration::from_secs(30);
const KEPT_PER_HOST: usize = 2;

/// The client. A clone is the same one.
#[derive(Clone)]
pub struct Egress(Arc<Inner>);

struct Inner {
    http: Client<Connector, Outgoing>,
    settings: Arc<EgressSettings>,
    user_agent: HeaderValue,
    places: Places,
}

impl Egress {
    /// A client that asks the system's resolver.
    ///
    /// # Errors
    ///
    /// A setting that cannot be, or no certificates to trust.
    pub fn new(settings: EgressSettings) -> Result<Self, SetupError> {
        Self::with_lookup(settings, SystemLookup::default())
    }

    /// A client that finds names in another way.
    ///
    /// # Errors
    ///
    /// As [`Self::new`].
    pub fn with_lookup(settings: EgressSettings, lookup: impl Lookup) -> Result<Self, SetupError> {
        settings.check()?;
        let user_agent = settings.user_agent()?;
        let size = |given: u32| usize::try_from(given).unwrap_or(usize::MAX);
        let places = Places::new(size(settings.calls_per_host), size(settings.calls));
        let settings = Arc::new(settings);
        let connector = Connector::new(Arc::clone(&settings), Arc::new(lookup))?;
        let http = Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(KEPT)
            .pool_max_idle_per_host(KEPT_PER_HOST)
            .http1_max_buf_size(HEAD_BYTES)
            .http1_max_headers(HEADERS)
            .build(connector);
        Ok(Self(Arc::new(Inner { http, settings, user_agent, places })))
    }

    /// Reads a URL that somebody gave, and says at once what can be said without calling it.
    ///
    /// # Errors
    ///
    /// `BadUrl`; `RefusedAddress` if it has an address for a host.
    pub fn check(&self, url: &str) -> Result<Url, Error> {
        let url = acceptable(url, self.0.settings.url_rules()).map_err(Error::BadUrl)?;
        let address = match url.host() {
            Some(Host::Ipv4(address)) => address.into(),
            Some(Host::Ipv6(address)) => address.into(),
            Some(Host::Domain(_)) | None => return Ok(url),
        };
        match reachable(address, url.scheme() != "https", self.0.settings.networks()) {
            Ok(_) => Ok(url),
            Err(class) => Err(Error::RefusedAddress { host: place(&url), class }),
        }
    }

    /// Calls. Whatever the status, an answer is an answer.
    ///
    /// # Errors
    ///
    /// Why there is none.
    pub async fn send(&self, call: HttpCall) -> Result<Response, Error> {
        let url = self.check(&call.url)?;
        let settings = &self.0.settings;
        let total = call.total_timeout.unwrap_or(milliseconds(settings.total_timeout_ms));
        let until = Instant::now() + total;
        let head = call.head_timeout.unwrap_or(milliseconds(settings.head_timeout_ms));
        let HttpCall { method, headers, mut body, redirects, answer_bytes, .. } = call;
        let mut step = Step { url, method, headers };
        let mut carries = body.carries();
        let mut followed = 0;
        loop {
            let told = place(&step.url);
            let late = || Error::TimedOut { host: told.clone(), phase: Phase::Queue };
            let waited = timeout_at(until, self.0.places.take(host(&step.url)));
            let taken = waited.await.map_err(|_| late())?.ok_or_else(late)?;
            let request = step.request(body.outgoing(), &self.0.user_agent)?;
            let answer = self.exchange(request, &told, head, until).await?;
            let sent = Sent { url: &step.url, method: &step.method, body: carries, followed };
            if head_bytes(answer.headers()) > HEAD_BYTES {
                return Err(Error::TooLarge { host: told, size: Size::Head });
            }
            let location = answer.headers().get(LOCATION).map(HeaderValue::as_bytes);
            let rules = settings.url_rules();
            let next = redirect::next(sent, answer.status(), location, redirects, rules);
            let Some(onward) = next.map_err(|stop| stopped(stop, told))? else {
                let idle = milliseconds(settings.idle_timeout_ms);
                let bounds = Bounds { at_most: answer_bytes, read: 0, idle, until };
                let (parts, body) = answer.into_parts();
                return Ok(Response {
                    status: parts.status,
                    headers: parts.headers,
                    url: step.url,
                    body,
                    bounds,
                    place: Some(taken),
                });
            };
            followed += 1;
            if !onward.with_body {
                body = Body::empty();
                carries = body.carries();
            }
            let headers = redirect::headers(&onward, &step.headers);
            step = Step { url: onward.url, method: onward.method, headers };
        }
    }

    async fn exchange(
        &self,
        mut request: Request<Outgoing>,
        host: &str,
        head: Duration,
        until: Instant,
    ) -> Result<http::Response<Incoming>, Error> {
        let late = |phase| Err(Error::TimedOut { host: host.to_owned(), phase });
        let progress = request.body().progress.clone();
        let captured = capture_connection(&mut request);
        let sending = self.0.http.request(request);
        let silent = silent(captured.clone(), progress, head);
        tokio::select! {
            biased;
            answer = sending => answer.map_err(|error| protocol(&error, host)),
            () = silent => late(Phase::Head),
            () = sleep_until(until) => {
                let connected = captured.connection_metadata().is_some();
                late(if connected { Phase::Head } else { Phase::Connect })
            }
        }
    }
}

impl fmt::Debug for Egress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Egress").field("settings", &self.0.settings).finish_non_exhaustive()
    }
}

/// One request of a call.
struct Step {
    url: Url,
    method: Method,
    headers: HeaderMap,
}

impl Step {
    fn request(&self, body: Outgoing, agent: &HeaderValue) -> Result<Request<Outgoing>, Error> {
        let unfit = |_| Error::BadUrl(UrlFault::Unfit);
        let uri: Uri = self.url.as_str().parse().map_err(unfit)?;
        let mut request = Request::new(body);
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = uri;
        let headers = request.headers_mut();
        headers.insert(USER_AGENT, agent.clone());
        // nothing is decompressed here: a small answer would become a large one
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        headers.extend(self.headers.clone());
        Ok(request)
    }
}

/// Ends when the other side has been silent for too long since it last took something.
async fn silent(mut captured: CaptureConnection, progress: Progress, head: Duration) {
    if captured.wait_for_connection_metadata().await.is_none() {
        return std::future::pending().await;
    }
    let connected = Instant::now();
    loop {
        let due = progress.last().map_or(connected, |last| last.max(connected)) + head;
        if due <= Instant::now() {
            return;
        }
        sleep_until(due).await;
    }
}

/// Names, values, and what stands between them.
fn head_bytes(headers: &HeaderMap) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum()
}

fn stopped(stop: Stop, host: String) -> Error {
    match stop {
        Stop::TooMany(at_most) => Error::TooManyRedirects { host, at_most },
        Stop::Refused(fault) => Error::RedirectRefused { host, fault },
    }
}

/// What an error of the HTTP library means; its own words may hold what must not be told.
pub(crate) fn protocol(error: &(dyn StdError + 'static), host: &str) -> Error {
    let host = host.to_owned();
    let mut fault = ProtocolFault::Other;
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(ours) = error.downcast_ref::<Error>() {
            return ours.clone();
        }
        if let Some(error) = error.downcast_ref::<hyper::Error>() {
            if error.is_parse_too_large() {
                return Error::TooLarge { host, size: Size::Head };
            }
            if error.is_user() {
                return Error::RequestBody { host };
            }
            if error.is_parse() {
                fault = ProtocolFault::NotHttp;
            } else if error.is_incomplete_message() || error.is_closed() || error.is_canceled() {
                fault = ProtocolFault::BrokenOff;
            }
        } else if let Some(error) = error.downcast_ref::<io::Error>()
            && fault == ProtocolFault::Other
        {
            // what is wrong with the lengths of chunks comes as this
            let is_content = [io::ErrorKind::InvalidInput, io::ErrorKind::InvalidData];
            fault = if is_content.contains(&error.kind()) {
                ProtocolFault::NotHttp
            } else {
                ProtocolFault::BrokenOff
            };
        }
        next = error.source();
    }
    Error::Protocol { host, fault }
}
