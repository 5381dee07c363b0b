//! The HTTP under [`object_store`]: hyper, as everywhere here, within bounds of time. Of an answer
//! that is an error no more than its code goes on: the rest may repeat keys and signatures, and is
//! logged.

use std::error::Error as StdError;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HeaderValue, USER_AGENT};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpRequestBody,
    HttpResponse, HttpResponseBody, HttpService,
};
use tokio::time::{Sleep, sleep, timeout};
use tokio_rustls::rustls::ClientConfig;

use super::connector::Connector;

/// How long a connection without a request is kept: less than servers keep theirs.
const IDLE: Duration = Duration::from_secs(15);
/// Of an error no more is read.
const ERROR_BYTES: usize = 64 * 1024;

/// How long what may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// A request, with a part of a file in it, until its answer begins.
    pub head: Duration,
    /// Silence within an answer.
    pub silence: Duration,
}

/// Makes calls.
#[derive(Clone, Debug)]
pub(super) struct Http {
    client: Client<Connector, HttpRequestBody>,
    bounds: Bounds,
}

impl Http {
    pub(super) fn new(tls: ClientConfig, bounds: Bounds) -> Self {
        let client = Client::builder(TokioExecutor::new())
            .pool_idle_timeout(IDLE)
            .pool_timer(TokioTimer::new())
            .build(Connector::new(tls));
        Self { client, bounds }
    }

    async fn answer(&self, mut request: HttpRequest) -> Result<HttpResponse, HttpError> {
        request.headers_mut().insert(USER_AGENT, HeaderValue::from_static("Deskmesh"));
        let answered = timeout(self.bounds.head, self.client.request(request));
        let answered = answered.await.map_err(|_| late("it did not begin to answer in time"))?;
        let (mut head, body) = answered.map_err(failed)?.into_parts();
        let body = Watched { body, silence: self.bounds.silence, until: None };
        if !head.status.is_client_error() && !head.status.is_server_error() {
            return Ok(HttpResponse::from_parts(head, HttpResponseBody::new(body)));
        }
        let said = Limited::new(body, ERROR_BYTES).collect().await;
        let said = said.map_or_else(|_| Bytes::new(), |said| code(&said.to_bytes()));
        head.headers.remove(CONTENT_LENGTH);
        Ok(HttpResponse::from_parts(head, said.into()))
    }
}

impl HttpConnector for Http {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.clone()))
    }
}

impl HttpService for Http {
    fn call<'a, 'b>(
        &'a self,
        request: HttpRequest,
    ) -> Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'b>>
    where
        'a: 'b,
        Self: 'b,
    {
        Box::pin(self.answer(request))
    }
}

/// The code of an error of S3, as `NoSuchBucket`; nothing, if there is none.
fn code(said: &[u8]) -> Bytes {
    let said = String::from_utf8_lossy(said);
    let code = said.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>"));
    let code = code.map_or("", |(code, _)| code);
    let is_code = code.len() <= 64 && code.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if is_code { Bytes::copy_from_slice(code.as_bytes()) } else { Bytes::new() }
}

fn late(said: &'static str) -> HttpError {
    HttpError::new(HttpErrorKind::Timeout, io::Error::new(io::ErrorKind::TimedOut, said))
}

/// Says what may be tried again: what was not sent always, what broke off if it does no harm twice.
fn failed(error: impl StdError + Send + Sync + 'static) -> HttpError {
    let mut kind = HttpErrorKind::Unknown;
    let mut source: Option<&(dyn StdError + 'static)> = Some(&error);
    while let Some(error) = source.filter(|_| kind == HttpErrorKind::Unknown) {
        if let Some(error) = error.downcast_ref::<hyper_util::client::legacy::Error>()
            && error.is_connect()
        {
            kind = HttpErrorKind::Connect;
        } else if let Some(error) = error.downcast_ref::<hyper::Error>()
            && (error.is_closed() || error.is_canceled() || error.is_incomplete_message())
        {
            kind = HttpErrorKind::Request;
        } else if let Some(error) = error.downcast_ref::<io::Error>() {
            kind = match error.kind() {
                io::ErrorKind::TimedOut => HttpErrorKind::Timeout,
                io::ErrorKind::ConnectionAborted
                | io::ErrorKind::ConnectionReset
                | io::ErrorKind::BrokenPipe
                | io::ErrorKind::UnexpectedEof => HttpErrorKind::Interrupted,
                _ => HttpErrorKind::Unknown,
            };
        }
        source = error.source();
    }
    HttpError::new(kind, error)
}

/// A body that must not be silent while it is waited for; whoever reads it may take its time.
struct Watched {
    body: Incoming,
    silence: Duration,
    until: Option<Pin<Box<Sleep>>>,
}

impl Body for Watched {
    type Data = Bytes;
    type Error = HttpError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, HttpError>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
            self.until = None;
            return Poll::Ready(frame.map(|frame| frame.map_err(failed)));
        }
        let silence = self.silence;
        let until = self.until.get_or_insert_with(|| Box::pin(sleep(silence)));
        until.as_mut().poll(context).map(|()| Some(Err(late("its answer fell silent"))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
