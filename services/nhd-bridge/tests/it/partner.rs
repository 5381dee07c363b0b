//! A partner: it asks the bridge as its dialect has it, and answers what it is asked.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use contracts::AccountName;
use serde_json::{Value, json};
use testkit::desk::PATIENCE;
use testkit::{Desk, until};
use tokio::sync::{OwnedRwLockWriteGuard, RwLock};
use tokio_util::sync::CancellationToken;

use crate::world::{World, account_of};

/// A request that the partner was sent.
#[derive(Clone, Debug)]
pub struct Heard {
    pub method: String,
    pub path: String,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Heard {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// What it answers: a status, headers and a body. Status 0: nothing, ever.
pub type Said = (u16, Vec<(&'static str, String)>, String);
type Answers = Box<dyn FnMut(&Heard) -> Option<Said> + Send>;

#[derive(Clone, Default)]
struct Ear {
    heard: Arc<Mutex<Vec<Heard>>>,
    answers: Arc<Mutex<Option<Answers>>>,
    /// Whoever writes here holds all answers back.
    speaking: Arc<RwLock<()>>,
}

pub struct Partner {
    world: Arc<World>,
    /// Its sharing URL.
    pub url: String,
    pub account: AccountName,
    ear: Ear,
    stop: CancellationToken,
}

impl Drop for Partner {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// What the bridge answered.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub body: String,
}

impl Answer {
    #[track_caller]
    pub fn is(&self, status: u16) -> &Self {
        assert_eq!(self.status, status, "{}", self.body);
        self
    }

    #[track_caller]
    pub fn says(&self, text: &str) -> &Self {
        assert!(self.body.contains(text), "{text:?} is not in {:?}", self.body);
        self
    }
}

/// An agreement as the partner knows it.
#[derive(Clone, Debug)]
pub struct Known {
    pub uuid: String,
    pub key: String,
    /// The other side's sharing URL.
    pub url: String,
}

impl Known {
    pub fn token(&self) -> String {
        format!("{}:{}", self.uuid, self.key)
    }
}

impl Partner {
    pub fn open(world: &Arc<World>) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let at: SocketAddr = listener.local_addr().expect("an address");
        drop(listener);
        let ear = Ear::default();
        let router = Router::new().fallback(hear).with_state(ear.clone());
        let certificates = &world.certificates;
        let tls = bootstrap::Tls {
            certificate: PathBuf::from(&certificates.certificate),
            key: PathBuf::from(&certificates.key),
        };
        let stop = CancellationToken::new();
        tokio::spawn(bootstrap::serve("partner", at, Some(tls), router, stop.clone()));
        let url = format!("https://127.0.0.1:{}/sharing", at.port());
        let account = account_of(&url);
        Self { world: Arc::clone(world), url, account, ear, stop }
    }

    /// From now on it answers so, where that says something.
    pub fn answers(&self, answer: impl FnMut(&Heard) -> Option<Said> + Send + 'static) {
        *self.ear.answers.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(answer));
    }

    /// Answers nothing, for as long as this is kept: then what it had to say.
    pub async fn hold(&self) -> OwnedRwLockWriteGuard<()> {
        Arc::clone(&self.ear.speaking).write_owned().await
    }

    /// All that it was asked.
    pub fn heard(&self) -> Vec<Heard> {
        self.ear.heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits for a request.
    pub async fn hears(&self, method: &str, path: &str, wanted: impl Fn(&Heard) -> bool) -> Heard {
        until(&format!("{method} {path} at the partner"), PATIENCE, async || {
            let heard = self.heard();
            let found =
                heard.iter().find(|it| it.method == method && it.path.contains(path) && wanted(it));
            found.cloned().ok_or_else(|| format!("{heard:#?}"))
        })
        .await
    }

    /// Asks the bridge.
    pub async fn asks(
        &self,
        method: &str,
        url: &str,
        headers: &[(&str, &str)],
        body: impl Into<Vec<u8>>,
    ) -> Answer {
        let (method, url, body) = (method.to_owned(), url.to_owned(), body.into());
        let headers: Vec<(String, String)> =
            headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        tokio::task::spawn_blocking(move || ask(&method, &url, &headers, body))
            .await
            .expect("the request ends")
    }

    /// Asks with a token, as Zendesk's client does: JSON, no version header.
    pub async fn with(&self, known: &Known, method: &str, path: &str, body: &Value) -> Answer {
        let url = format!("{}{path}", known.url);
        let token = known.token();
        let headers = [("content-type", "application/json"), ("x-ticket-sharing-token", &token)];
        let text = if body.is_null() { String::new() } else { body.to_string() };
        self.asks(method, &url, &headers, text).await
    }

    /// An invite as Zendesk's client sends it: no token, and null for what is not meant.
    pub fn invite(&self, desk: &Desk, changes: &[(&str, Value)]) -> (Known, Value) {
        let known = Known {
            uuid: self.world.hex(),
            key: self.world.hex(),
            url: self.world.sharing_url(desk),
        };
        let mut body = json!({ "uuid": known.uuid, "access_key": known.key,
            "name": "Globex @ Zendesk", "sender_url": self.url, "receiver_url": known.url,
            "status": "pending",
            "current_actor": { "uuid": "a1", "name": "Kim", "role": "agent" }, "sync_tags": true,
            "sync_custom_fields": true, "allows_public_comments": true, "deactivated_by": null });
        for (member, value) in changes {
            body[*member] = value.clone();
        }
        (known, body)
    }

    /// Sends an invite.
    pub async fn invites(&self, known: &Known, body: &Value) -> Answer {
        let url = format!("{}/agreements/{}", known.url, known.uuid);
        let headers = [("content-type", "application/json")];
        self.asks("POST", &url, &headers, body.to_string()).await
    }

    /// An agreement that the partner invited a desk to, accepted and proven.
    pub async fn agreed(&self, desk: &Desk, changes: &[(&str, Value)]) -> Known {
        let (known, body) = self.invite(desk, changes);
        self.invites(&known, &body).await.is(201);
        let account = self.account.to_string();
        let of_this = |state: &Value| state["sender"]["account"] == account;
        let state = crate::world::agreement_where(desk, "pending", of_this).await;
        let accept =
            json!({ "agreement_id": state["agreement_id"], "actor": crate::world::admin() });
        crate::world::applied(&desk.ask("agreement.accept.v1", &accept).await);
        let path = format!("/agreements/{}", known.uuid);
        self.hears("PUT", &path, |it| it.body["status"] == "accepted").await;
        self.is_proven(&known).await;
        known
    }

    /// Waits until the bridge has taken all that the partner's account was told, and looks whether
    /// anybody was to call the partner.
    pub async fn is_never_called(&self) {
        let followed = "select (follow.position = desk_account.position)::text
            from desk_account join follow using (account) where account = $1";
        let (pool, account) = (&self.world.pool, self.account.as_str());
        crate::world::answers(pool, "all is followed", followed, account, "true").await;
        let calls: i64 = sqlx::query_scalar(
            "select (select count(*) from call join agreement on agreement.id = call.agreement
                 where agreement.account = $1)
             + (select count(*) from attempt where account = $1 and kind <> 'received')",
        )
        .bind(account)
        .fetch_one(pool)
        .await
        .expect("the database answers");
        assert_eq!((calls, self.heard().len()), (0, 0), "a stranger's URL was called");
    }

    pub async fn is_proven(&self, known: &Known) {
        let query = "select proof from agreement where uuid = $1";
        crate::world::answers(&self.world.pool, "the proof", query, &known.uuid, "proven").await;
    }
}

async fn hear(
    State(ear): State<Ear>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let body = serde_json::from_slice(&body)
        .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&body).into_owned()));
    let heard = Heard { method: method.to_string(), path: uri.path().to_owned(), headers, body };
    let said = {
        let mut answers = ear.answers.lock().unwrap_or_else(PoisonError::into_inner);
        answers.as_mut().and_then(|answer| answer(&heard))
    };
    ear.heard.lock().unwrap_or_else(PoisonError::into_inner).push(heard);
    let (status, headers, text) = said
        .unwrap_or_else(|| (200, vec![("content-type", "application/json".into())], "{}".into()));
    if status == 0 {
        return std::future::pending().await;
    }
    drop(ear.speaking.read().await);
    let status = StatusCode::from_u16(status).expect("a status");
    let mut response = (status, text).into_response();
    for (name, value) in headers {
        response.headers_mut().insert(name, value.parse().expect("a header"));
    }
    response
}

fn ask(method: &str, url: &str, headers: &[(String, String)], body: Vec<u8>) -> Answer {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_global(Some(PATIENCE))
        .max_redirects(0)
        .http_status_as_error(false)
        .allow_non_standard_methods(true)
        .build()
        .into();
    let mut builder = ureq::http::Request::builder().method(method).uri(url);
    for (name, value) in headers {
        builder = builder.header(name, value);
    }
    let answered = if body.is_empty() {
        agent.run(builder.body(()).expect("a request"))
    } else {
        agent.run(builder.body(body).expect("a request"))
    };
    let mut response = answered.expect("the bridge answers");
    let body = response.body_mut().read_to_string().expect("a body of text");
    Answer { status: response.status().as_u16(), body }
}
