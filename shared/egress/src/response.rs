//! The answer: its head, and its body within bounds.

use std::fmt;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::Stream;
use futures_util::stream::try_unfold;
use http::{HeaderMap, StatusCode};
use http_body::Body as _;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::time::{Instant, timeout_at};
use url::Url;

use crate::client::protocol;
use crate::error::{Error, Phase, Size};
use crate::places::Place;
use crate::url::place;

/// An answer whose body is still to be read. Its call counts until it is dropped or read.
///
/// The body is as it was sent: nothing is decompressed.
pub struct Response {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) url: Url,
    pub(crate) body: Incoming,
    pub(crate) bounds: Bounds,
    pub(crate) place: Option<Place>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub at_most: u64,
    pub read: u64,
    pub idle: Duration,
    pub until: Instant,
}

impl Response {
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    #[must_use]
    pub const fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// What answered: another URL than was called after a redirect. May hold secrets in its query.
    #[must_use]
    pub const fn url(&self) -> &Url {
        &self.url
    }

    /// The bytes that the body is announced to have.
    #[must_use]
    pub fn announced(&self) -> Option<u64> {
        self.body.size_hint().exact()
    }

    /// The next part of the body, nothing at its end.
    ///
    /// # Errors
    ///
    /// `TooLarge` as soon as it is announced or happens, `TimedOut`, `Protocol` if it breaks off.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        let too_large =
            Error::TooLarge { host: place(&self.url), size: Size::Body(self.bounds.at_most) };
        if self.body.size_hint().lower() > self.bounds.at_most.saturating_sub(self.bounds.read) {
            return Err(too_large);
        }
        loop {
            let until = self.bounds.until.min(Instant::now() + self.bounds.idle);
            let frame = timeout_at(until, self.body.frame())
                .await
                .map_err(|_| Error::TimedOut { host: place(&self.url), phase: Phase::Body })?;
            let Some(frame) = frame else {
                self.place = None;
                return Ok(None);
            };
            // trailers say nothing to anybody here
            let Ok(part) = frame.map_err(|error| protocol(&error, &place(&self.url)))?.into_data()
            else {
                continue;
            };
            self.bounds.read += u64::try_from(part.len()).unwrap_or(u64::MAX);
            if self.bounds.read > self.bounds.at_most {
                return Err(too_large);
            }
            if !part.is_empty() {
                return Ok(Some(part));
            }
        }
    }

    /// The whole body.
    ///
    /// # Errors
    ///
    /// As [`Self::chunk`].
    pub async fn collect(mut self) -> Result<Bytes, Error> {
        let mut all = BytesMut::new();
        while let Some(part) = self.chunk().await? {
            all.extend_from_slice(&part);
        }
        Ok(all.freeze())
    }

    /// The first bytes of the body, at most so many, or as many as came: what one keeps to show
    /// why a call was refused. The rest is not read.
    pub async fn start(mut self, at_most: usize) -> Bytes {
        self.bounds.at_most = u64::MAX;
        let mut first = BytesMut::new();
        while first.len() < at_most
            && let Ok(Some(part)) = self.chunk().await
        {
            first.extend_from_slice(&part);
        }
        first.truncate(at_most);
        first.freeze()
    }

    /// The body as a stream, which ends after an error; at most one part is in memory.
    pub fn into_stream(self) -> impl Stream<Item = Result<Bytes, Error>> + Send {
        try_unfold(self, |mut response| async move {
            Ok(response.chunk().await?.map(|part| (part, response)))
        })
    }
}

/// Without URL and values of headers, each of which may hold a secret.
impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response").field("status", &self.status).finish_non_exhaustive()
    }
}
