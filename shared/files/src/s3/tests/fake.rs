//! A store that speaks as much of S3 as is asked of it here, and fails when it shall.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use axum::serve::Listener;
use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::{iter, pending};
use http::{HeaderMap, Method, StatusCode};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::server::TlsStream;

use crate::new_id;

/// By what requests are signed.
pub const KEY: &str = "GK31c2f218a2e44f485b94239e";
pub const SECRET: &str = "b892c0665f0ada8a4755dae98baa3b133590e11dae3bcc1f9d769d67f16c3835";

/// What was asked.
#[derive(Clone, Debug)]
pub struct AskedS3 {
    pub path: String,
    pub range: String,
    pub authorization: String,
}

#[derive(Clone, Copy, Default, PartialEq)]
enum Mood {
    #[default]
    Well,
    /// Answers nothing.
    Silent,
    /// Answers the half of a file, and nothing after it.
    Half,
    /// Breaks off within the next file.
    HalfOnce,
}

#[derive(Default)]
struct Inside {
    asked: Vec<AskedS3>,
    objects: BTreeMap<String, Bytes>,
    uploads: BTreeMap<String, BTreeMap<usize, Bytes>>,
    failing: Option<(usize, StatusCode)>,
    mood: Mood,
}

pub struct FakeS3 {
    pub url: String,
    /// Who vouches for it, if it speaks TLS.
    pub ca_file: PathBuf,
    inside: Arc<Mutex<Inside>>,
}

impl FakeS3 {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let inside = serve(listener);
        Self { url, ca_file: PathBuf::new(), inside }
    }

    /// With TLS.
    pub async fn secure() -> Self {
        let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let ca_file = std::env::temp_dir().join(format!("files-s3-{}.pem", new_id()));
        std::fs::write(&ca_file, own.cert.pem()).unwrap();
        let key = PrivateKeyDer::try_from(own.signing_key.serialize_der()).unwrap();
        let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![own.cert.der().clone()], key)
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
        let inside = serve(Secure(listener, TlsAcceptor::from(Arc::new(config))));
        Self { url, ca_file, inside }
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap()
    }

    pub fn names(&self) -> Vec<String> {
        self.inside().objects.keys().cloned().collect()
    }

    pub fn requests(&self) -> Vec<AskedS3> {
        self.inside().asked.clone()
    }

    /// How many uploads have begun and not ended.
    pub fn uploads(&self) -> usize {
        self.inside().uploads.len()
    }

    /// The next requests get this answer.
    pub fn fail(&self, times: usize, with: StatusCode) {
        self.inside().failing = Some((times, with));
    }

    pub fn silent(&self) {
        self.inside().mood = Mood::Silent;
    }

    pub fn half(&self) {
        self.inside().mood = Mood::Half;
    }

    pub fn half_once(&self) {
        self.inside().mood = Mood::HalfOnce;
    }
}

impl Drop for FakeS3 {
    fn drop(&mut self) {
        if !self.ca_file.as_os_str().is_empty() {
            std::fs::remove_file(&self.ca_file).ok();
        }
    }
}

fn serve<L: Listener>(listener: L) -> Arc<Mutex<Inside>>
where
    L::Addr: std::fmt::Debug,
{
    let inside = Arc::new(Mutex::new(Inside::default()));
    let router = Router::new().fallback(answer).with_state(Arc::clone(&inside));
    // It ends with the runtime of the test.
    tokio::spawn(async move { axum::serve(listener, router).await });
    inside
}

struct Secure(TcpListener, TlsAcceptor);

impl Listener for Secure {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, SocketAddr) {
        loop {
            let (stream, address) = self.0.accept().await.unwrap();
            if let Ok(stream) = self.1.accept(stream).await {
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

async fn answer(State(inside): State<Arc<Mutex<Inside>>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let header = |name| head.headers.get(name).map_or("", |it| it.to_str().unwrap()).to_owned();
    let asked = AskedS3 {
        path: head.uri.path().to_owned(),
        range: header("range"),
        authorization: header("authorization"),
    };
    let query: BTreeMap<String, String> =
        url::form_urlencoded::parse(head.uri.query().unwrap_or_default().as_bytes())
            .into_owned()
            .collect();
    let mood = {
        let mut inside = inside.lock().unwrap();
        inside.asked.push(asked.clone());
        if let Some((times @ 1.., status)) = &mut inside.failing {
            *times -= 1;
            let said =
                format!("<Error><Code>TheCode</Code><Message>{KEY} {SECRET}</Message></Error>");
            return (*status, said).into_response();
        }
        inside.mood
    };
    if mood == Mood::Silent {
        std::future::pending::<()>().await;
    }
    let name = asked.path.strip_prefix("/files/").unwrap_or_default().to_owned();
    let mut inside = inside.lock().unwrap();
    match inside.in_parts(&head.method, &name, &query, &body) {
        Some(response) => response,
        None => inside.whole(&head.method, &name, &asked.range, body),
    }
}

impl Inside {
    fn in_parts(
        &mut self,
        method: &Method,
        name: &str,
        query: &BTreeMap<String, String>,
        body: &Bytes,
    ) -> Option<Response> {
        if query.contains_key("uploads") {
            let id = format!("upload-{}", self.asked.len());
            self.uploads.insert(id.clone(), BTreeMap::new());
            let said = format!(
                "<InitiateMultipartUploadResult><UploadId>{id}</UploadId>\
                </InitiateMultipartUploadResult>"
            );
            return Some(said.into_response());
        }
        let id = query.get("uploadId")?;
        let Some(parts) = self.uploads.get_mut(id) else {
            let said = "<Error><Code>NoSuchUpload</Code></Error>";
            return Some((StatusCode::NOT_FOUND, said).into_response());
        };
        if let Some(number) = query.get("partNumber") {
            parts.insert(number.parse().unwrap(), body.clone());
            return Some([("etag", format!("\"part {number}\""))].into_response());
        }
        let whole: Vec<Bytes> = self.uploads.remove(id).unwrap().into_values().collect();
        if method == Method::DELETE {
            return Some(StatusCode::NO_CONTENT.into_response());
        }
        self.objects.insert(name.to_owned(), whole.concat().into());
        let said =
            "<CompleteMultipartUploadResult><ETag>whole</ETag></CompleteMultipartUploadResult>";
        Some(said.into_response())
    }

    fn whole(&mut self, method: &Method, name: &str, range: &str, body: Bytes) -> Response {
        let etag = [("etag", "\"whole\"")];
        if method == Method::PUT {
            self.objects.insert(name.to_owned(), body);
            return etag.into_response();
        }
        if method == Method::DELETE {
            self.objects.remove(name);
            return StatusCode::NO_CONTENT.into_response();
        }
        let Some(bytes) = self.objects.get(name).cloned() else {
            let said = "<Error><Code>NoSuchKey</Code></Error>";
            return (StatusCode::NOT_FOUND, said).into_response();
        };
        let mut headers = HeaderMap::new();
        let mut set = |name: &'static str, value: String| {
            headers.insert(name, value.parse().unwrap());
        };
        set("last-modified", "Mon, 05 Jan 2026 10:00:00 GMT".to_owned());
        let mut status = StatusCode::OK;
        let mut part = bytes.clone();
        if let Some((from, to)) = range.strip_prefix("bytes=").and_then(|it| it.split_once('-')) {
            let (from, to): (usize, usize) = (from.parse().unwrap(), to.parse().unwrap());
            set("content-range", format!("bytes {from}-{to}/{}", bytes.len()));
            part = bytes.slice(from..=to);
            status = StatusCode::PARTIAL_CONTENT;
        }
        set("content-length", part.len().to_string());
        let half = iter([Ok(part.slice(..part.len() / 2))]);
        let body = match std::mem::take(&mut self.mood) {
            Mood::Half => {
                self.mood = Mood::Half;
                Body::from_stream(half.chain(pending::<io::Result<Bytes>>()))
            }
            Mood::HalfOnce => {
                let broken = io::Error::from(io::ErrorKind::ConnectionReset);
                // After a while, so that the first half has left.
                let broken = futures_util::stream::once(async {
                    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                    Err(broken)
                });
                Body::from_stream(half.chain(broken))
            }
            Mood::Well | Mood::Silent => Body::from(part),
        };
        (status, etag, headers, body).into_response()
    }
}
