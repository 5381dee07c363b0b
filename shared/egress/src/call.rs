//! One call, and its body on the way out.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use http::header::{
    CONNECTION, CONTENT_LENGTH, EXPECT, HOST, PROXY_AUTHORIZATION, TE, TRAILER, TRANSFER_ENCODING,
    UPGRADE,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use http_body::{Frame, SizeHint};
use tokio::time::Instant;

use crate::redirect::{Carries, Redirects};

/// The most bytes of an answer's body, if the call says nothing else.
const ANSWER_BYTES: u64 = 1024 * 1024;
/// Bytes go out in such parts: one that the connection takes is a sign of life.
const PART_BYTES: usize = 64 * 1024;

/// One call. What it does not say, the settings do; it follows no redirect and reads at most 1 MiB.
pub struct HttpCall {
    pub(crate) method: Method,
    pub(crate) url: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Body,
    pub(crate) redirects: Redirects,
    pub(crate) answer_bytes: u64,
    pub(crate) head_timeout: Option<Duration>,
    pub(crate) total_timeout: Option<Duration>,
}

impl HttpCall {
    #[must_use]
    pub fn new(method: Method, url: impl Into<String>) -> Self {
        Self {
            method,
            url: url.into(),
            headers: HeaderMap::new(),
            body: Body::empty(),
            redirects: Redirects::none(),
            answer_bytes: ANSWER_BYTES,
            head_timeout: None,
            total_timeout: None,
        }
    }

    #[must_use]
    pub fn get(url: impl Into<String>) -> Self {
        Self::new(Method::GET, url)
    }

    #[must_use]
    pub fn post(url: impl Into<String>, body: impl Into<Body>) -> Self {
        Self::new(Method::POST, url).body(body)
    }

    #[must_use]
    pub fn put(url: impl Into<String>, body: impl Into<Body>) -> Self {
        Self::new(Method::PUT, url).body(body)
    }

    #[must_use]
    pub fn delete(url: impl Into<String>) -> Self {
        Self::new(Method::DELETE, url)
    }

    #[must_use]
    pub fn body(mut self, body: impl Into<Body>) -> Self {
        self.body = body.into();
        self
    }

    /// Sets a header. Those that belong to the connection or say how long the body is are the
    /// client's: setting one has no effect.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        let ours = [
            CONNECTION,
            CONTENT_LENGTH,
            EXPECT,
            HOST,
            PROXY_AUTHORIZATION,
            TE,
            TRAILER,
            TRANSFER_ENCODING,
            UPGRADE,
        ];
        if !ours.contains(&name) && !["keep-alive", "proxy-connection"].contains(&name.as_str()) {
            self.headers.insert(name, value);
        }
        self
    }

    #[must_use]
    pub const fn redirects(mut self, redirects: Redirects) -> Self {
        self.redirects = redirects;
        self
    }

    /// The most bytes of the answer's body.
    #[must_use]
    pub const fn answer_bytes(mut self, at_most: u64) -> Self {
        self.answer_bytes = at_most;
        self
    }

    /// For `head_timeout_ms` of the settings.
    #[must_use]
    pub const fn head_timeout(mut self, at_most: Duration) -> Self {
        self.head_timeout = Some(at_most);
        self
    }

    /// For `total_timeout_ms` of the settings: what moves large files needs more.
    #[must_use]
    pub const fn total_timeout(mut self, at_most: Duration) -> Self {
        self.total_timeout = Some(at_most);
        self
    }
}

/// Without URL, values of headers and body, each of which may hold a secret.
impl fmt::Debug for HttpCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("method", &self.method).finish_non_exhaustive()
    }
}

type Parts = Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>;

/// What a call sends.
pub struct Body(pub(crate) Content);

pub(crate) enum Content {
    Bytes(Bytes),
    Stream(Parts, Option<u64>),
    /// Was a stream, which was sent.
    Gone,
}

impl Body {
    #[must_use]
    pub const fn empty() -> Self {
        Self(Content::Bytes(Bytes::new()))
    }

    /// A body that is read as it is sent. With a length the other side is told it, and a stream
    /// that is not as long fails the call; without, it is sent in chunks.
    pub fn stream<S>(parts: S, length: Option<u64>) -> Self
    where
        S: Stream<Item = io::Result<Bytes>> + Send + 'static,
    {
        Self(Content::Stream(Box::pin(parts), length))
    }

    pub(crate) fn carries(&self) -> Carries {
        match &self.0 {
            Content::Bytes(bytes) if bytes.is_empty() => Carries::Nothing,
            Content::Bytes(_) => Carries::Bytes,
            Content::Stream(..) | Content::Gone => Carries::Stream,
        }
    }

    /// What is sent now; of a stream this is the only time.
    pub(crate) fn outgoing(&mut self) -> Outgoing {
        let content = match &mut self.0 {
            Content::Bytes(bytes) => Content::Bytes(bytes.clone()),
            once => std::mem::replace(once, Content::Gone),
        };
        Outgoing { content, progress: Progress::default() }
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Body({:?})", self.carries())
    }
}

impl<T: Into<Bytes>> From<T> for Body {
    fn from(bytes: T) -> Self {
        Self(Content::Bytes(bytes.into()))
    }
}

/// When the connection last took something of a request.
#[derive(Clone, Default)]
pub(crate) struct Progress(Arc<Mutex<Option<Instant>>>);

impl Progress {
    pub(crate) fn mark(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    pub(crate) fn last(&self) -> Option<Instant> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A body on its way.
pub(crate) struct Outgoing {
    content: Content,
    pub(crate) progress: Progress,
}

impl http_body::Body for Outgoing {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        self.progress.mark();
        let (parts, left) = match &mut self.content {
            Content::Gone => return Poll::Ready(None),
            Content::Bytes(bytes) => {
                let part = bytes.split_to(bytes.len().min(PART_BYTES));
                return Poll::Ready((!part.is_empty()).then(|| Ok(Frame::data(part))));
            }
            Content::Stream(parts, left) => (parts, left),
        };
        let part = ready!(parts.as_mut().poll_next(context));
        let wrong = || Some(Err(io::Error::other("the stream is not as long as was said")));
        Poll::Ready(match part {
            Some(Ok(bytes)) => {
                let taken = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
                match left {
                    Some(rest) if *rest < taken => wrong(),
                    Some(rest) => {
                        *rest -= taken;
                        Some(Ok(Frame::data(bytes)))
                    }
                    None => Some(Ok(Frame::data(bytes))),
                }
            }
            Some(Err(error)) => Some(Err(error)),
            None if left.is_some_and(|rest| rest > 0) => wrong(),
            None => None,
        })
    }

    fn is_end_stream(&self) -> bool {
        match &self.content {
            Content::Bytes(bytes) => bytes.is_empty(),
            Content::Stream(_, left) => *left == Some(0),
            Content::Gone => true,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Bytes(bytes) => {
                SizeHint::with_exact(u64::try_from(bytes.len()).unwrap_or(u64::MAX))
            }
            Content::Stream(_, Some(left)) => SizeHint::with_exact(*left),
            Content::Stream(_, None) => SizeHint::default(),
            Content::Gone => SizeHint::with_exact(0),
        }
    }
}
