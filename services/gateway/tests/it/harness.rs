//! What every test here stands on: the API of one replica, its session and its outbox, two accounts
//! with a token each, and the line's end that tells them something.

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bootstrap::Secret;
use contracts::topology::Service;
use desk::log::Heads;
use desk::store::account::{KeptAccount, keep};
use desk::{Session, outbox};
use egress::{Addresses, Egress, Lookup, Ports, RetrySchedule};
use files::{Files, FilesPlace, FilesSettings, S3Settings, copy, sweep};
use gateway::Gateway;
use gateway::http::{AccountLimiter, Api, with_pages};
use gateway::pages::Others;
use gateway::rules::token::Token;
use gateway::store::token::{TokenRow, insert};
use gateway::webhooks::{self, Webhooks};
use local::TestEnvironment;
use messaging::CommandSender;
use serde_json::{Value, json};
use sqlx::PgPool;
use testkit::desk::PATIENCE;
use testkit::{Replicas, ServiceBefore};
use tokio::sync::Notify;
use uuid::Uuid;
use web::Oidc;

pub const ACME: &str = "gateway-acme";
pub const GLOBEX: &str = "gateway-globex";

/// An answer.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Value,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value)
    }

    /// The problem's reason, after a look at all that a problem document needs.
    pub fn problem(&self) -> String {
        assert_eq!(self.header("content-type"), "application/problem+json", "{self:?}");
        assert_eq!(self.body["status"], self.status, "{self:?}");
        let reason = self.body["reason"].as_str().expect("a reason").to_owned();
        assert_eq!(self.body["type"], format!("urn:deskmesh:reason:{reason}"));
        assert!(self.body["detail"].as_str().is_some_and(|detail| detail.len() > 10), "{self:?}");
        reason
    }
}

pub struct GatewayHarness {
    pub world: TestEnvironment,
    pub pool: PgPool,
    pub url: String,
    /// The origin of links to files.
    pub files_url: String,
    /// A folder of the test's own, where files lie if they do not in S3.
    pub folder: PathBuf,
    pub files: FilesSettings,
    served_files: Files,
    line: ServiceBefore,
    replicas: Replicas,
}

impl GatewayHarness {
    pub async fn set(test: &str) -> Self {
        Self::limited(test, 10_000, 100).await
    }

    /// With so many requests a second, and so many open streams.
    pub async fn limited(test: &str, requests: u32, streams: usize) -> Self {
        Self::open(test, (requests, streams), 2, |_| ()).await
    }

    /// With other limits of files.
    pub async fn with_files(test: &str, change: impl FnOnce(&mut FilesSettings)) -> Self {
        Self::open(test, (10_000, 100), 2, change).await
    }

    /// Where nobody copies files that lie elsewhere.
    pub async fn without_copies(test: &str) -> Self {
        Self::open(test, (10_000, 100), 0, |_| ()).await
    }

    async fn open(
        test: &str,
        (requests, streams): (u32, usize),
        copying: usize,
        change: impl FnOnce(&mut FilesSettings),
    ) -> Self {
        let world = TestEnvironment::new(test).await;
        world.edge(Service::Gateway, &[ACME, GLOBEX]).await;
        let pool = world.pool(Service::Gateway, gateway::migrations()).await;
        for account in ["gateway", ACME, GLOBEX] {
            let address = account.trim_start_matches("gateway-").to_owned();
            let (account, display_name) = (account.to_owned(), address.clone());
            keep(&pool, &KeptAccount { account, address, display_name }).await.expect("it is kept");
        }
        let before = world.installation.service_url(Service::FieldSync).expect("an address");
        world.let_tell_anything(Service::FieldSync).await;
        let line = ServiceBefore::open(&before).await;
        let mut replicas = Replicas::default();
        let url = world.installation.service_url(Service::Gateway).expect("an address");
        replicas.start(Session::<Gateway>::default(), url.clone(), &pool);
        let (heads, new) = (Arc::new(Heads::default()), Arc::new(Notify::new()));
        let sender = CommandSender::new(Service::Gateway, url.into(), PATIENCE);
        let settings = outbox::OutboxSettings {
            again_after: Duration::from_mins(10),
            answer_timeout: Duration::from_secs(20),
        };
        replicas.spawn(|stop| outbox::run(pool.clone(), sender, settings, Arc::clone(&new), stop));
        replicas.spawn(|stop| Arc::clone(&heads).run(pool.clone(), stop));
        let webhooks = Webhooks::new(pool.clone(), egress(), calls());
        let (files, folder, served) = files(test, change).await;
        let files_url = files.origin.clone();
        let served_files = Files::open(pool.clone(), files.clone()).await.expect("a place");
        let looked_into = served_files.clone();
        for _ in 0..copying {
            let copying = (served_files.clone(), egress(), Arc::clone(&new));
            replicas.spawn(|stop| copy(copying.0, copying.1, copying.2, stop));
        }
        // Two, of which each may work on any queue.
        replicas.spawn(|stop| webhooks.clone().run(stop));
        replicas.spawn(|stop| webhooks.clone().run(stop));
        let limits = AccountLimiter::new(NonZeroU32::new(requests).expect("one at least"), streams);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        replicas.spawn(|stop| sweep(served_files.clone(), stop));
        let links = served_files.clone().router();
        replicas.spawn(|stop| async move {
            axum::serve(served, links).with_graceful_shutdown(stop.cancelled_owned()).await
        });
        let (api_pool, public_url) = (pool.clone(), url.clone());
        replicas.spawn(|stop| async move {
            let desk = web::EdgeDesk {
                pool: api_pool.clone(),
                heads: Arc::clone(&heads),
                new_command: Arc::clone(&new),
                shutdown: stop.clone(),
            };
            let secret = Secret::new("a secret of this test alone, long enough");
            let oidc = Oidc::open(&secret, egress(), &public_url);
            let others = Others { bridge: None, oidc };
            let pages = gateway::pages::router(desk, &public_url, others);
            let api = Api::new(api_pool, heads, new, limits, served_files, webhooks, stop.clone());
            let serving = axum::serve(listener, with_pages(api.router(), pages));
            serving.with_graceful_shutdown(stop.cancelled_owned()).await
        });
        let served_files = looked_into;
        Self { world, pool, url, files_url, folder, files, served_files, line, replicas }
    }

    /// A token of an account, with these scopes.
    pub async fn token(&self, account: &str, scopes: &[&str]) -> String {
        let mut chance = [0; 32];
        for byte in &mut chance {
            *byte = fastrand::u8(..);
        }
        let token = Token::of(chance);
        let row = TokenRow {
            id: Uuid::from_u128(fastrand::u128(..)),
            account: account.to_owned(),
            name: "test".to_owned(),
            scopes: scopes.iter().map(|&scope| scope.to_owned()).collect(),
            created_at: chrono::DateTime::UNIX_EPOCH,
            expires_at: None,
            last_used_at: None,
        };
        insert(&self.pool, &row, &token.hash()).await.expect("it is kept");
        token.reveal().to_owned()
    }

    /// Tells an account something, as the line's last stage does.
    pub async fn tell(&self, account: &str, message_type: &str, id: &str, body: &Value) {
        self.line.tell(account, message_type, id, body).await;
    }

    /// Answers a command as the line does.
    pub async fn answer(&self, account: &str, command_type: &str, key: &str) {
        let receipt = json!({ "command_id": key, "command_type": command_type,
            "outcome": "applied", "decisions": [] });
        self.tell(account, "command.receipt.v1", &format!("receipt of {key}"), &receipt).await;
    }

    /// A request, with a body where there is one.
    pub async fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
    ) -> Answer {
        let (method, url) = (method.to_owned(), format!("{}{path}", self.url));
        let headers: Vec<(String, String)> =
            headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let body = body.map(<[u8]>::to_vec);
        tokio::task::spawn_blocking(move || request(&method, &url, &headers, body))
            .await
            .expect("the request ends")
    }

    /// The same with a token, and a body of JSON.
    pub async fn json(&self, method: &str, path: &str, token: &str, body: &Value) -> Answer {
        self.keyed(method, path, token, None, body).await
    }

    /// The same with a key.
    pub async fn keyed(
        &self,
        method: &str,
        path: &str,
        token: &str,
        key: Option<&str>,
        body: &Value,
    ) -> Answer {
        let bearer = format!("Bearer {token}");
        let mut headers =
            vec![("authorization", bearer.as_str()), ("content-type", "application/json")];
        headers.extend(key.map(|key| ("idempotency-key", key)));
        let text = body.to_string();
        let body = (!body.is_null()).then_some(text.as_bytes());
        self.ask(method, path, &headers, body).await
    }

    pub async fn get(&self, path: &str, token: &str) -> Answer {
        self.json("GET", path, token, &Value::Null).await
    }

    /// How many objects lie where files do, with what has not arrived yet.
    pub async fn objects(&self) -> usize {
        match &self.files.place {
            FilesPlace::Folder(folder) => count(folder),
            FilesPlace::S3(_) => self.served_files.objects().await.expect("the bucket is listed"),
        }
    }

    pub async fn remove(self) {
        self.replicas.end().await;
        self.pool.close().await;
        self.world.remove().await;
        std::fs::remove_dir_all(&self.folder).expect("the folder goes");
    }
}

/// Where files lie, a folder of the test's own, and a listener for links.
async fn files(
    test: &str,
    change: impl FnOnce(&mut FilesSettings),
) -> (FilesSettings, PathBuf, tokio::net::TcpListener) {
    let name = format!("{test}-{}", fastrand::u64(..));
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(&name);
    std::fs::create_dir_all(&folder).expect("a folder for files");
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let mut settings = FilesSettings {
        origin: format!("http://{address}"),
        place: s3(&name).map_or_else(|| FilesPlace::Folder(folder.clone()), FilesPlace::S3),
        file_bytes: 100 * 1024 * 1024,
        account_bytes: 1024 * 1024 * 1024,
        unlinked: Duration::from_hours(24),
    };
    change(&mut settings);
    (settings, folder, listener)
}

/// The bucket that `make check-s3` names.
fn s3(prefix: &str) -> Option<S3Settings> {
    let given = |name: &str| std::env::var_os(name)?.into_string().ok();
    Some(S3Settings {
        url: given("FILES_S3_URL")?,
        bucket: given("FILES_S3_BUCKET")?,
        region: given("FILES_S3_REGION")?,
        prefix: prefix.to_owned(),
        access_key: Secret::new(given("FILES_S3_ACCESS_KEY")?),
        secret_key: Secret::new(given("FILES_S3_SECRET_KEY")?),
        ca_file: PathBuf::new(),
    })
}

/// Files in a folder, however deep.
fn count(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder).expect("the folder is there");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths.map(|path| if path.is_dir() { count(&path) } else { 1 }).sum()
}

/// A client that may call loopback, and finds every name inside.
pub fn egress() -> Egress {
    struct Inside;
    impl Lookup for Inside {
        fn lookup<'a>(&'a self, _: &'a str) -> Addresses<'a> {
            Box::pin(async { Ok(vec!["10.0.0.8".parse().expect("an address")]) })
        }
    }
    let loopback = vec!["127.0.0.0/8".parse().expect("a network")];
    let settings = egress::EgressSettings {
        allow: loopback.clone(),
        plain_http: loopback,
        ports: vec![Ports::all()],
        ..egress::EgressSettings::default()
    };
    Egress::with_lookup(settings, Inside).expect("a client")
}

/// No delays but those that are asked for, and a call that outlasts a test.
fn calls() -> webhooks::Settings {
    webhooks::Settings {
        schedule: RetrySchedule { first: Duration::ZERO },
        timeout: Duration::from_secs(50),
        at_once: 4,
    }
}

pub fn request(
    method: &str,
    url: &str,
    headers: &[(String, String)],
    body: Option<Vec<u8>>,
) -> Answer {
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
    let mut response = match body {
        Some(body) => agent.run(builder.body(body).expect("a request")),
        None => agent.run(builder.body(()).expect("a request")),
    }
    .expect("the gateway answers");
    let text = response.body_mut().read_to_string().expect("a body of text");
    Answer {
        status: response.status().as_u16(),
        headers: response
            .headers()
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap_or_default().to_owned()))
            .collect(),
        body: serde_json::from_str(&text).unwrap_or(Value::String(text)),
    }
}
