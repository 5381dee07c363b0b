//! A partner's server on loopback: it answers what its desk says, unless it misbehaves.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::{Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::books::ToldCall;
use crate::misbehaviour::Deed;
use crate::partner::Shared;
use crate::server::{Reply, Request, answer};

/// What a request may carry.
const BODY_BYTES: usize = 32 * 1024 * 1024;

/// The connection is to be closed without an answer.
type NoAnswer = Box<dyn std::error::Error + Send + Sync>;

/// Takes connections until it is dropped; they end with it.
pub(crate) async fn serve(
    at: SocketAddr,
    tls: Option<Arc<ServerConfig>>,
    shared: Arc<Shared>,
    listening: tokio::sync::oneshot::Sender<io::Result<SocketAddr>>,
) {
    let listener = match TcpListener::bind(at).await {
        Ok(listener) => listener,
        Err(failed) => return drop(listening.send(Err(failed))),
    };
    listening.send(listener.local_addr()).ok();
    let tls = tls.map(TlsAcceptor::from);
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let (shared, tls) = (Arc::clone(&shared), tls.clone());
        connections.spawn(async move {
            match tls {
                None => talk(stream, shared).await,
                Some(tls) => {
                    if let Ok(stream) = tls.accept(stream).await {
                        talk(stream, shared).await;
                    }
                }
            }
        });
        while connections.try_join_next().is_some() {}
    }
}

async fn talk(stream: impl AsyncRead + AsyncWrite + Unpin + Send, shared: Arc<Shared>) {
    let service = service_fn(move |request| reply(request, Arc::clone(&shared)));
    let connection = hyper::server::conn::http1::Builder::new();
    // Whoever calls notices what ends a connection; here it is nothing that failed.
    connection.serve_connection(TokioIo::new(stream), service).await.ok();
}

async fn reply(
    request: http::Request<Incoming>,
    shared: Arc<Shared>,
) -> Result<Response<Full<Bytes>>, NoAnswer> {
    let request = read(request).await?;
    let deed = shared.deed(&request);
    let is_done = deed.as_ref().is_none_or(Deed::is_done);
    let reply = is_done.then(|| shared.with(|desk| answer(desk, &request)));
    let response = match &deed {
        None | Some(Deed::DoneLate(_)) => reply.as_ref().map(said),
        Some(deed) => misdone(deed),
    };
    // Noted first: whoever waits no longer hangs up, and this ends there.
    shared.with(|desk| {
        desk.books.told.push(ToldCall {
            method: request.method.to_string(),
            path: request.path.clone(),
            headers: request.headers.clone(),
            body: String::from_utf8_lossy(&request.body).into_owned(),
            status: response.as_ref().map(|response| response.status().as_u16()),
            is_done: reply.is_some_and(|reply| reply.is_done),
        });
    });
    if let Some(Deed::DoneLate(time) | Deed::Hang(time)) = &deed {
        tokio::time::sleep(*time).await;
    }
    response.ok_or_else(|| NoAnswer::from("no answer"))
}

async fn read(request: http::Request<Incoming>) -> Result<Request, NoAnswer> {
    let (head, body) = request.into_parts();
    let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers: BTreeMap<String, String> =
        head.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect();
    let body = Limited::new(body, BODY_BYTES).collect().await?.to_bytes().to_vec();
    Ok(Request { method: head.method, path: head.uri.path().to_owned(), headers, body })
}

fn said(reply: &Reply) -> Response<Full<Bytes>> {
    response(reply.status, reply.content_type, reply.body.clone())
}

fn response(
    status: StatusCode,
    content_type: &str,
    body: impl Into<Bytes>,
) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    if let Ok(value) = http::HeaderValue::from_str(content_type) {
        response.headers_mut().insert(http::header::CONTENT_TYPE, value);
    }
    if status == StatusCode::UNAUTHORIZED {
        let scheme = http::HeaderValue::from_static("X-Ticket-Sharing");
        response.headers_mut().insert(http::header::WWW_AUTHENTICATE, scheme);
    }
    response
}

/// The answer of a partner that misbehaves, if it gives one.
fn misdone(deed: &Deed) -> Option<Response<Full<Bytes>>> {
    let status = |status: u16| StatusCode::from_u16(status).unwrap_or_default();
    match deed {
        Deed::Refuse { status: code, body } => {
            Some(response(status(*code), "text/plain", body.clone()))
        }
        Deed::HtmlPage => {
            let page = "<!doctype html><title>Welcome</title><p>Please sign in.</p>";
            Some(response(StatusCode::OK, "text/html; charset=utf-8", page))
        }
        Deed::DoneButFailed(code) => Some(response(status(*code), "text/plain", "it failed")),
        Deed::Elsewhere { status: code, location } => {
            let mut moved = response(status(*code), "text/plain", "");
            let location = http::HeaderValue::from_str(location).ok()?;
            moved.headers_mut().insert(http::header::LOCATION, location);
            Some(moved)
        }
        Deed::Huge(bytes) => Some(response(StatusCode::OK, "application/json", vec![b' '; *bytes])),
        Deed::Drop | Deed::DoneButDropped | Deed::DoneLate(_) | Deed::Hang(_) => None,
    }
}
