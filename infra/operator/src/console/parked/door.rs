//! How services are asked about parked messages, and told what to do with them.

use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, BodyDataStream, to_bytes};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use axum::http::{Method, Request, StatusCode};
use contracts::topology::Service;
use futures_util::StreamExt as _;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use operator::trace::Services;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::TcpStream;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::timeout;
use url::{Url, form_urlencoded};

use super::lines::OrderLines;
use super::told::{MessagesTold, OrderLine, ParkedOrder, ParkedQuestion, PlanTold, ServiceParked};

/// How long a service may take to answer.
const LIMIT: Duration = Duration::from_secs(12);
/// How long it may be silent while it works: it tells how far it is each second.
const SILENCE: Duration = Duration::from_mins(1);
/// Bytes of an answer, at most.
const LARGEST: usize = 16 * 1024 * 1024;

/// The services, for whoever may do something with what they parked.
#[derive(Clone)]
pub struct ParkedDoor {
    services: Services,
    secret: Arc<str>,
}

/// A connection that is closed when nobody reads it any more.
struct Held(JoinHandle<()>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What a service answers.
struct Answer {
    status: StatusCode,
    body: Body,
    held: Held,
}

/// What a service tells while it works. Dropped, the service stops.
pub struct OrderTold {
    parts: BodyDataStream,
    lines: OrderLines,
    _held: Held,
}

impl ParkedDoor {
    pub fn new(services: Services, secret: String) -> Self {
        Self { services, secret: secret.into() }
    }

    /// Who parks messages here: the line's services, and the edges that are deployed.
    pub async fn services(&self) -> Vec<Service> {
        let services = self.services.clone();
        // Names are looked up: on a thread that may wait.
        let edges = spawn_blocking(move || {
            Service::EDGES.into_iter().filter(|edge| services.has(*edge)).collect::<Vec<_>>()
        });
        Service::ALL.into_iter().chain(edges.await.unwrap_or_default()).collect()
    }

    /// What lies at a service.
    pub async fn standing(&self, service: Service) -> Result<ServiceParked, String> {
        self.read(service, "/parked", None, None).await
    }

    /// Messages of one reason, first arrived first.
    pub async fn messages(
        &self,
        service: Service,
        reason: &str,
        message_type: Option<&str>,
        limit: usize,
    ) -> Result<MessagesTold, String> {
        let query = listed(reason, message_type, limit);
        self.read(service, "/parked/messages", Some(&query), None).await
    }

    /// What would happen.
    pub async fn plan(
        &self,
        service: Service,
        question: &ParkedQuestion,
    ) -> Result<PlanTold, String> {
        self.read(service, "/parked/plan", None, Some(json(question)?)).await
    }

    /// Has it done.
    pub async fn carry_out(
        &self,
        service: Service,
        order: &ParkedOrder,
    ) -> Result<OrderTold, String> {
        let url = self.services.address(service, "/parked/actions", None)?;
        let answer = self.ask(&url, Some(json(order)?)).await?;
        if !answer.status.is_success() {
            return Err(refusal(&url, answer).await);
        }
        let Answer { body, held, .. } = answer;
        let parts = body.into_data_stream();
        Ok(OrderTold { parts, lines: OrderLines::default(), _held: held })
    }

    async fn read<T: DeserializeOwned>(
        &self,
        service: Service,
        path: &str,
        query: Option<&str>,
        body: Option<String>,
    ) -> Result<T, String> {
        let url = self.services.address(service, path, query)?;
        let read = async {
            let answer = self.ask(&url, body).await?;
            if !answer.status.is_success() {
                return Err(refusal(&url, answer).await);
            }
            let body =
                to_bytes(answer.body, LARGEST).await.map_err(|cause| failed(&url, &cause))?;
            serde_json::from_slice(&body).map_err(|cause| failed(&url, &cause))
        };
        timeout(LIMIT, read).await.unwrap_or_else(|_| Err(silent(&url, LIMIT)))
    }

    /// Asks, with a connection of its own: closed, it is the sign to stop.
    async fn ask(&self, url: &Url, body: Option<String>) -> Result<Answer, String> {
        let asked = async {
            let stream = connected(url).await.map_err(|cause| failed(url, &cause))?;
            let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
                .await
                .map_err(|cause| failed(url, &cause))?;
            // What ends it is told to whoever reads the answer.
            let held = Held(tokio::spawn(async { connection.await.unwrap_or_default() }));
            let request = request(url, &self.secret, body).map_err(|cause| failed(url, &cause))?;
            let answer = sender.send_request(request).await.map_err(|cause| failed(url, &cause))?;
            let (status, body) = (answer.status(), Body::new(answer.into_body()));
            Ok(Answer { status, body, held })
        };
        timeout(LIMIT, asked).await.unwrap_or_else(|_| Err(silent(url, LIMIT)))
    }
}

impl OrderTold {
    /// What came next; nothing when the service closed the connection.
    ///
    /// # Errors
    /// When it is silent for too long, or tells something else.
    pub async fn next(&mut self) -> Result<Option<Vec<OrderLine>>, String> {
        match timeout(SILENCE, self.parts.next()).await {
            Err(_) => Err(format!("it told nothing for {} seconds", SILENCE.as_secs())),
            Ok(None) => Ok(None),
            Ok(Some(Err(cause))) => Err(cause.to_string()),
            Ok(Some(Ok(part))) => self.lines.take(&part).map(Some),
        }
    }
}

fn listed(reason: &str, message_type: Option<&str>, limit: usize) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("reason", reason).append_pair("limit", &limit.to_string());
    query.extend_pairs(message_type.map(|it| ("message_type", it)));
    query.finish()
}

async fn connected(url: &Url) -> std::io::Result<TcpStream> {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    TcpStream::connect((host, url.port_or_known_default().unwrap_or(80))).await
}

fn request(
    url: &Url,
    secret: &str,
    body: Option<String>,
) -> Result<Request<Body>, axum::http::Error> {
    let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
    let method = if body.is_some() { Method::POST } else { Method::GET };
    Request::builder()
        .method(method)
        .uri(format!("{}{query}", url.path()))
        .header(HOST, url.authority())
        .header(AUTHORIZATION, format!("Bearer {secret}"))
        .header(CONTENT_TYPE, "application/json")
        .body(body.map_or_else(Body::empty, Body::from))
}

fn json(question: &impl Serialize) -> Result<String, String> {
    serde_json::to_string(question).map_err(|cause| format!("the question cannot be made: {cause}"))
}

async fn refusal(url: &Url, answer: Answer) -> String {
    let body = to_bytes(answer.body, LARGEST).await.unwrap_or_default();
    let sentence = String::from_utf8_lossy(&body);
    format!("{}: {}: {}", url.authority(), answer.status, sentence.trim())
}

fn failed(url: &Url, cause: &dyn Display) -> String {
    format!("{}: {cause}", url.authority())
}

fn silent(url: &Url, limit: Duration) -> String {
    format!("{}: no answer within {} seconds", url.authority(), limit.as_secs())
}
