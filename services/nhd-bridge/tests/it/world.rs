//! What every test stands on: the line's services as processes, and the bridge in this one, twice
//! wherever replicas share work.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bootstrap::Tls;
use contracts::delivery::DeliveryBody;
use contracts::ids::derive_id;
use contracts::topology::Service;
use contracts::{AccountName, Receipt, ReceiptOutcome, SharingUrl};
use desk::log::Heads;
use desk::log::follow;
use desk::store::account::{KeptAccount, keep};
use desk::{Session, outbox};
use egress::{Egress, Ports, RetrySchedule};
use files::Files;
use local::{
    Certificates, Fleet, Installation, Instance, MailSink, TestEnvironment, test_environment,
};
use messaging::CommandSender;
use nhd_bridge::calls::{self, Calls};
use nhd_bridge::follow::ToCalls;
use nhd_bridge::http::{Bounds, Bridge};
use nhd_bridge::keys::AccessKeys;
use nhd_bridge::{NhdBridge, migrations};
use serde_json::{Value, json};
use sqlx::PgPool;
use testkit::desk::PATIENCE;
use testkit::{Desk, Replicas, until};
use tokio::sync::Notify;

use crate::partner::Partner;

const READY: Duration = Duration::from_mins(3);
const BODY: usize = 256 * 1024;
const REPLICAS: usize = 2;
/// Bytes of a partner's file, at most.
const FILE_BYTES: u64 = 64;
/// Calls of all replicas at the same time.
pub const AT_ONCE: usize = 32;

pub struct World {
    environment: TestEnvironment,
    pub pool: PgPool,
    /// What all sharing URLs begin with.
    pub url: String,
    /// What links to copies begin with.
    pub files_url: String,
    pub certificates: Certificates,
    operator: Desk,
    services: Vec<Instance>,
    replicas: Replicas,
    _mail: MailSink,
    dir: PathBuf,
    counter: AtomicU64,
}

impl World {
    pub async fn open() -> Self {
        let environment = TestEnvironment::new("nhd_bridge").await;
        let dir = test_environment::target().join("nhd-bridge").join(environment.name());
        std::fs::create_dir_all(&dir).expect("a folder");
        let mail = MailSink::start("127.0.0.1:0").await.expect("a mail sink");
        let installation = environment.installation.clone();
        let fleet = Fleet::new(&dir, &installation, &environment.database, &mail.url());
        let fleet = fleet.expect("addresses");
        environment.edge(Service::NhdBridge, &[]).await;
        let services = tokio::task::spawn_blocking(move || {
            fleet.migrate_all()?;
            fleet.start_all_ready(READY)
        });
        let services = services.await.expect("no panic").expect("the services start");
        let operator = installation.operator_url().expect("an address");
        let operator = Desk::open(&operator, "operator");
        let registration = json!({ "account": "nhd-bridge", "display_name": "Bridge",
            "kind": "connected", "may_operate": true, "third_parties": true, "admins": [] });
        applied(&operator.ask("account.register.v1", &registration).await);
        let certificates = Certificates::open(&dir).expect("certificates");
        let pool = environment.pool(Service::NhdBridge, migrations()).await;
        let files = files(&pool, &dir).await;
        let files_url = files.settings().origin.clone();
        let (replicas, url) = bridge(&installation, &pool, &certificates, files).await;
        Self {
            environment,
            pool,
            url,
            files_url,
            certificates,
            operator,
            services,
            replicas,
            _mail: mail,
            dir,
            counter: AtomicU64::new(1),
        }
    }

    pub async fn close(mut self, passed: bool) {
        self.replicas.end().await;
        self.pool.close().await;
        let ended = tokio::task::spawn_blocking(move || {
            self.services.iter().for_each(Instance::signal_end);
            for service in &mut self.services {
                service.wait_exit(READY).expect("it ends");
            }
        });
        ended.await.expect("the services end");
        if passed {
            std::fs::remove_dir_all(&self.dir).ok();
            self.environment.remove().await;
        } else {
            eprintln!("logs: {}", self.dir.display());
        }
    }

    pub fn number(&self) -> u64 {
        self.counter.fetch_add(1, Ordering::Relaxed)
    }

    /// An id that nobody else has got: 40 hexadecimal digits.
    pub fn hex(&self) -> String {
        let part = || derive_id("nhd-bridge test", &[&self.number().to_string()]).simple();
        format!("{}{}", part(), part())[..40].to_owned()
    }

    /// A desk of a registered account.
    pub async fn desk(&self, stem: &str) -> Desk {
        let name = format!("{stem}-{}", self.number());
        let access = self.environment.account(&name).await;
        let desk = Desk::open(&access.amqp_url, &name);
        let registration = json!({ "account": name, "display_name": format!("{name} Inc."),
            "kind": "connected", "admins": [] });
        applied(&self.operator.ask("account.register.v1", &registration).await);
        desk
    }

    /// A partner with its sharing URL, of which nobody has heard.
    pub fn partner(self: &Arc<Self>) -> Partner {
        Partner::open(self)
    }

    /// The sharing URL of a desk.
    pub fn sharing_url(&self, desk: &Desk) -> String {
        format!("{}/sharing/{}", self.url, desk.account)
    }
}

/// The bridge's loops and its server.
async fn bridge(
    installation: &Installation,
    pool: &PgPool,
    certificates: &Certificates,
    files: Files,
) -> (Replicas, String) {
    let name = "nhd-bridge".to_owned();
    let own = KeptAccount { account: name.clone(), address: name.clone(), display_name: name };
    keep(pool, &own).await.expect("it is kept");
    let mut replicas = Replicas::default();
    let broker = installation.service_url(Service::NhdBridge).expect("an address");
    replicas.start(Session::<NhdBridge>::default(), broker.clone(), pool);
    replicas.start(Session::<NhdBridge>::default(), broker.clone(), pool);
    let (heads, new_command) = (Arc::new(Heads::default()), Arc::new(Notify::new()));
    let sender = CommandSender::new(Service::NhdBridge, broker.into(), PATIENCE);
    let settings = outbox::OutboxSettings {
        again_after: Duration::from_mins(10),
        answer_timeout: Duration::from_secs(20),
    };
    let new = &new_command;
    replicas.spawn(|stop| outbox::run(pool.clone(), sender, settings, Arc::clone(new), stop));
    replicas.spawn(|stop| Arc::clone(&heads).run(pool.clone(), stop));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let keys = Arc::new(AccessKeys::new("a secret for tests, and only for them").expect("a key"));
    let egress = egress(certificates);
    let public_url: Arc<str> = Arc::from(url.as_str());
    let calls_of = ToCalls { keys: Arc::clone(&keys), public_url: Arc::clone(&public_url) };
    let calls = Calls {
        pool: pool.clone(),
        egress: egress.clone(),
        keys: Arc::clone(&keys),
        new_command: Arc::clone(&new_command),
        public_url,
        settings: calls::Settings {
            schedule: RetrySchedule { first: Duration::from_millis(50) },
            timeout: Duration::from_secs(20),
            at_once: AT_ONCE / REPLICAS,
        },
    };
    for _replica in 0..REPLICAS {
        replicas.spawn(|stop| {
            follow::run(calls_of.clone(), pool.clone(), Arc::clone(&new_command), stop)
        });
        replicas.spawn(|stop| calls.clone().run(stop));
    }
    let bounds = Bounds {
        body: BODY,
        open: 64,
        answer: Duration::from_secs(30),
        arrival: Duration::from_secs(2),
        invites: (3, 1_000, 1_000),
    };
    let origin = files.settings().origin.clone();
    let at: SocketAddr = origin.trim_start_matches("https://").parse().expect("an address");
    let tls = Tls { certificate: certificates.certificate.clone(), key: certificates.key.clone() };
    let new = Arc::clone(&new_command);
    let copying = (files.clone(), egress.clone());
    replicas.spawn(|stop| files::copy(copying.0, copying.1, new, stop));
    replicas.spawn(|stop| async move {
        bootstrap::serve("files", at, Some(tls), files.router(), stop).await.expect("it serves");
        Ok::<_, std::convert::Infallible>(())
    });
    let bridge = Bridge::new((pool.clone(), heads, new_command), keys, egress, &url, bounds)
        .keeping_files(Some(Arc::from(origin.as_str())));
    replicas.spawn(|stop| async move {
        let app = bridge.router().into_make_service_with_connect_info::<SocketAddr>();
        axum::serve(listener, app).with_graceful_shutdown(stop.cancelled_owned()).await
    });
    (replicas, url)
}

/// Files of partners in a folder of the world's own.
async fn files(pool: &PgPool, dir: &Path) -> Files {
    let folder = dir.join("files");
    std::fs::create_dir_all(&folder).expect("a folder");
    let [port] = local::ports::free().expect("a free port");
    let settings = files::FilesSettings {
        origin: format!("https://127.0.0.1:{port}"),
        place: files::FilesPlace::Folder(folder),
        file_bytes: FILE_BYTES,
        account_bytes: 1024 * 1024,
        unlinked: Duration::from_hours(24),
    };
    Files::open(pool.clone(), settings).await.expect("the folder can be written")
}

/// A client that may call loopback, and trusts what stands there.
fn egress(certificates: &Certificates) -> Egress {
    let loopback =
        vec!["127.0.0.0/8".parse().expect("a network"), "::1/128".parse().expect("a network")];
    let settings = egress::EgressSettings {
        allow: loopback,
        ports: vec![Ports::all()],
        ca_file: certificates.authority.clone(),
        ..egress::EgressSettings::default()
    };
    Egress::new(settings).expect("a client")
}

/// The account of a sharing URL.
pub fn account_of(sharing_url: &str) -> AccountName {
    let edge = AccountName::new("nhd-bridge").expect("a name");
    SharingUrl::read(sharing_url).expect("a URL").account_under(&edge).expect("a name")
}

#[track_caller]
pub fn applied(receipt: &Receipt) {
    let done = [ReceiptOutcome::Applied, ReceiptOutcome::Partial].contains(&receipt.outcome);
    assert!(done, "{receipt:?}");
}

/// The agreement as a desk was told it with this status.
pub async fn agreement_told(desk: &Desk, status: &str) -> Value {
    agreement_where(desk, status, |_| true).await
}

/// The same, for which `wanted` holds.
pub async fn agreement_where(desk: &Desk, status: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    let (state, _) = desk
        .told(&format!("an agreement that is {status}"), |told| {
            let state = match told {
                DeliveryBody::AgreementInvited(it)
                | DeliveryBody::AgreementAccepted(it)
                | DeliveryBody::AgreementDeclined(it)
                | DeliveryBody::AgreementDeactivated(it) => json!(it),
                _ => return None,
            };
            (state["status"] == status && wanted(&state)).then_some(state)
        })
        .await;
    state
}

/// The first delivery of a type for which `wanted` holds.
pub async fn told(desk: &Desk, message: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    let (body, _) = desk
        .told(message, |told| {
            let body = match told {
                DeliveryBody::TicketCreated(it) => json!(it),
                DeliveryBody::TicketUpdated(it) => json!(it),
                DeliveryBody::TicketUnshared(it) => json!(it),
                _ => return None,
            };
            (told.name() == message && wanted(&body)).then_some(body)
        })
        .await;
    body
}

/// Waits until a question to the database has this answer.
pub async fn answers(pool: &PgPool, what: &str, query: &'static str, of: &str, expected: &str) {
    until(what, PATIENCE, async || {
        let row: Option<String> = sqlx::query_scalar(query)
            .bind(of)
            .fetch_optional(pool)
            .await
            .expect("the database answers");
        let got = row.unwrap_or_default();
        if got == expected { Ok(()) } else { Err(got) }
    })
    .await;
}

pub fn admin() -> Value {
    json!({ "id": "1", "name": "Ada", "role": "admin" })
}
