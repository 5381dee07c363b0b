//! What every test here stands on: the pages of one replica, its session, its outbox and what
//! follows the log, two accounts with people, and the line's end that tells them something.

mod outside;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use bootstrap::Secret;
use contracts::topology::Service;
use desk::log::Heads;
use desk::log::follow;
use desk::store::account::{KeptAccount, keep};
use desk::{Session, outbox};
use egress::{Egress, Ports};
use files::{Files, sweep};
use helpdesk::Helpdesk;
use helpdesk::mails::EndUserMails;
use helpdesk::pages::Pages;
use helpdesk::work::changes::Changes;
use helpdesk::work::follow::IntoTickets;
use local::{MailSink, TestEnvironment};
use mail::{MailLoop, Server, ServerAddress};
use messaging::CommandSender;
use serde_json::{Value, json};
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use testkit::desk::{PATIENCE, clock};
use testkit::{Replicas, ServiceBefore, until};
use tokio::sync::Notify;
use uuid::Uuid;
use web::people::{self, NewPerson};
use web::{EdgeDesk, Oidc, StaffRole};

pub use self::outside::{Answer, Somebody};

pub const ACME: &str = "helpdesk-acme";
pub const GLOBEX: &str = "helpdesk-globex";
/// Bytes of a file, at most.
pub const FILE_BYTES: u64 = 64 * 1024;
const PASSWORD: &str = "correct horse battery";

pub struct HelpdeskHarness {
    pub world: TestEnvironment,
    pub pool: PgPool,
    /// What the pages are served from.
    served: PgPool,
    pub url: String,
    /// The same pages without a network between.
    pub router: Router,
    pub sink: MailSink,
    pub files_url: String,
    folder: PathBuf,
    holds: Arc<AtomicBool>,
    line: ServiceBefore,
    replicas: Replicas,
    /// How much each account was told.
    told: Mutex<BTreeMap<String, i64>>,
}

impl HelpdeskHarness {
    pub async fn set(test: &str) -> Self {
        let world = TestEnvironment::new(test).await;
        world.edge(Service::Helpdesk, &[ACME, GLOBEX]).await;
        let pool = world.pool(Service::Helpdesk, helpdesk::migrations()).await;
        for (account, display_name) in
            [("helpdesk", "Help desk"), (ACME, "Acme Energy"), (GLOBEX, "Globex Repairs")]
        {
            let address = account.trim_start_matches("helpdesk-").to_owned();
            let (account, display_name) = (account.to_owned(), display_name.to_owned());
            keep(&pool, &KeptAccount { account, address, display_name }).await.expect("it is kept");
        }
        let before = world.installation.service_url(Service::FieldSync).expect("an address");
        world.let_tell_anything(Service::FieldSync).await;
        let line = ServiceBefore::open(&before).await;
        let mut replicas = Replicas::default();
        let url = world.installation.service_url(Service::Helpdesk).expect("an address");
        replicas.start(Session::<Helpdesk>::default(), url.clone(), &pool);
        let (heads, new_command) = (Arc::new(Heads::default()), Arc::new(Notify::new()));
        let changes = Arc::new(Changes::default());
        let sender = CommandSender::new(Service::Helpdesk, url.into(), PATIENCE);
        let settings = outbox::OutboxSettings {
            again_after: Duration::from_mins(10),
            answer_timeout: Duration::from_secs(20),
        };
        let new = &new_command;
        replicas.spawn(|stop| outbox::run(pool.clone(), sender, settings, Arc::clone(new), stop));
        replicas.spawn(|stop| Arc::clone(&heads).run(pool.clone(), stop));
        replicas.spawn(|stop| Arc::clone(&changes).run(pool.clone(), stop));
        // Two, of which each may follow any account.
        replicas.spawn(|stop| follow::run(IntoTickets, pool.clone(), Arc::clone(new), stop));
        replicas.spawn(|stop| follow::run(IntoTickets, pool.clone(), Arc::clone(new), stop));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let sink = MailSink::start("127.0.0.1:0").await.expect("a mail sink");
        let holds = Arc::<AtomicBool>::default();
        let address = ServerAddress::read(&sink.url()).expect("an address");
        let table = EndUserMails {
            pool: pool.clone(),
            server: Server::new(address, PATIENCE),
            from: "Deskmesh <desk@mesh.example>".parse().expect("a mailbox"),
            public_url: url.clone(),
        };
        let held = Arc::clone(&holds);
        // Held mails are not due yet.
        let time = move || if held.load(Ordering::Relaxed) { earlier() } else { clock() };
        let mails = MailLoop::new(table, PATIENCE, time);
        replicas.spawn(|stop| mails.run(stop));
        let links = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let files_url = format!("http://{}", links.local_addr().expect("an address"));
        let folder = std::env::temp_dir().join(format!("{test}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let settings = files::FilesSettings {
            origin: files_url.clone(),
            place: files::FilesPlace::Folder(folder.clone()),
            file_bytes: FILE_BYTES,
            account_bytes: 10 * FILE_BYTES,
            unlinked: Duration::from_hours(1),
        };
        let served = one_connection(&pool).await;
        let kept = Files::open(served.clone(), settings).await.expect("a folder");
        replicas.spawn(|stop| sweep(kept.clone(), stop));
        let router = kept.clone().router();
        replicas.spawn(|stop| async move {
            axum::serve(links, router).with_graceful_shutdown(stop.cancelled_owned()).await
        });
        let (pages_pool, public_url) = (served.clone(), url.clone());
        let mut router = Router::new();
        replicas.spawn(|stop| {
            let desk = EdgeDesk { pool: pages_pool, heads, new_command, shutdown: stop.clone() };
            let secret = Secret::new("a secret of these tests alone, long enough");
            let oidc = Oidc::open(&secret, egress(), &public_url);
            let pages = Pages::new(desk, changes, kept, public_url).with_oidc(oidc);
            router = pages.router();
            let serving = axum::serve(listener, router.clone());
            async move { serving.with_graceful_shutdown(stop.cancelled_owned()).await }
        });
        Self {
            world,
            pool,
            served,
            url,
            router,
            sink,
            files_url,
            folder,
            holds,
            line,
            replicas,
            told: Mutex::default(),
        }
    }

    /// Somebody new, who signs in by a link as people do.
    pub async fn person(&self, account: &'static str, name: &str, role: StaffRole) -> Somebody {
        let email = format!("{}@{account}.example", name.to_lowercase());
        let new = NewPerson { account, email: &email, name, role };
        let id = people::add(&self.pool, new).await.expect("it is kept").expect("a new person");
        let link = people::make_link(&self.pool, id).await.expect("a link");
        let form = [("password", PASSWORD), ("again", PASSWORD)];
        let answer = self.ask("POST", &link, None, Some(&form)).await;
        answer.is(303);
        let cookie = answer.cookies.first().expect("a session");
        let cookie = cookie.split(';').next().unwrap_or_default().to_owned();
        Somebody { id, cookie }
    }

    /// Opens a ticket with one public comment; its number.
    pub async fn ticket(&self, who: &Somebody, subject: &str, more: &[(&str, &str)]) -> i64 {
        let mut form = vec![
            ("subject", subject),
            ("requester_name", "Robin Vale"),
            ("requester_email", "robin@customer.example"),
            ("body", "The meter goes dark."),
            ("mode", "public"),
        ];
        form.extend_from_slice(more);
        let answer = self.post(who, "/tickets", &form).await;
        answer.is(303);
        answer.location.trim_start_matches("/tickets/").parse().expect("a number")
    }

    /// Tells an account something, as the line's last stage does.
    pub async fn tell(&self, account: &str, message_type: &str, id: &str, body: &Value) {
        self.line.tell(account, message_type, id, body).await;
        let mut told = self.told.lock().expect("nobody panicked");
        *told.entry(account.to_owned()).or_default() += 1;
    }

    /// An agreement as one of its parties is told of it.
    pub async fn agreement(&self, account: &str, id: &str, side: &str, partner: &str, terms: &str) {
        self.agreement_in(account, id, side, partner, terms, "accepted", 2).await;
    }

    #[expect(clippy::too_many_arguments, reason = "each is a member of what is told")]
    pub async fn agreement_in(
        &self,
        account: &str,
        id: &str,
        side: &str,
        partner: &str,
        terms: &str,
        status: &str,
        version: u64,
    ) {
        let party = |name: &str| {
            json!({
                "account": name,
                "address": name,
                "display_name": name.to_uppercase(),
            })
        };
        let (sender, receiver) =
            if side == "sender" { (account, partner) } else { (partner, account) };
        let body = json!({ "agreement_id": id, "version": version, "side": side,
            "sender": party(sender), "receiver": party(receiver), "partner_support_addresses": [],
            "terms": { "comments": terms, "tags": true, "custom_fields": true },
            "status": status, "by": { "side": "sender", "name": "Ada" },
            "at": "2026-11-29T12:00:00.000Z" });
        let verb = match status {
            "accepted" => "agreement.accepted.v1",
            "inactive" => "agreement.deactivated.v1",
            "declined" => "agreement.declined.v1",
            _ => "agreement.invited.v1",
        };
        self.tell(account, verb, &format!("{id}-{version}"), &body).await;
        until("the agreement", PATIENCE, async || {
            let held: Option<i64> = sqlx::query_scalar(
                "select version from desk_agreement where account = $1 and agreement_id = $2",
            )
            .bind(account)
            .bind(id)
            .fetch_optional(&self.pool)
            .await
            .expect("the database answers");
            if held == i64::try_from(version).ok() { Ok(()) } else { Err(format!("{held:?}")) }
        })
        .await;
    }

    /// The commands of an account, in the order in which they were kept: key, type and content.
    pub async fn commands(&self, account: &str) -> Vec<(String, String, Value)> {
        let rows: Vec<(String, String, String)> = sqlx::query_as(
            "select key, type, body from desk_outbox where account = $1 order by number",
        )
        .bind(account)
        .fetch_all(&self.pool)
        .await
        .expect("the database answers");
        rows.into_iter()
            .map(|(key, name, body)| (key, name, serde_json::from_str(&body).expect("JSON")))
            .collect()
    }

    /// The newest command of this type.
    pub async fn command(&self, account: &str, command_type: &str) -> (String, Value) {
        let commands = self.commands(account).await;
        let found = commands.into_iter().rfind(|(_, name, _)| name == command_type);
        let (key, _, content) = found.unwrap_or_else(|| panic!("no {command_type} was sent"));
        (key, content)
    }

    /// Answers the newest command of this type as the line does.
    pub async fn answer(&self, account: &str, command_type: &str, more: Value) -> Value {
        let (key, content) = self.command(account, command_type).await;
        let mut receipt = json!({ "command_id": key, "command_type": command_type,
            "outcome": "applied", "decisions": [] });
        for (name, value) in more.as_object().into_iter().flatten() {
            receipt[name] = value.clone();
        }
        self.tell(account, "command.receipt.v1", &format!("receipt of {key}"), &receipt).await;
        content
    }

    /// Waits until all that an account was told is taken into its tickets.
    pub async fn follows(&self, account: &str) {
        let told = self.told.lock().expect("nobody panicked").get(account).copied();
        until("what was told is taken in", PATIENCE, async || {
            let position: Option<i64> =
                sqlx::query_scalar("select position from follow where account = $1")
                    .bind(account)
                    .fetch_optional(&self.pool)
                    .await
                    .expect("the database answers");
            if position >= told { Ok(()) } else { Err(format!("{position:?} of {told:?}")) }
        })
        .await;
    }

    pub async fn remove(self) {
        self.replicas.end().await;
        self.served.close().await;
        self.pool.close().await;
        self.world.remove().await;
        std::fs::remove_dir_all(&self.folder).expect("the folder goes");
    }
}

/// The same database by one connection: a page that takes another while it holds one gets none.
async fn one_connection(pool: &PgPool) -> PgPool {
    PgPoolOptions::new()
        .max_connections(1)
        .acquire_timeout(Duration::from_secs(5))
        .connect_with(pool.connect_options().as_ref().clone())
        .await
        .expect("the role can log in")
}

/// A time at which nothing is due.
fn earlier() -> contracts::Timestamp {
    contracts::Timestamp::parse("2001-01-01T00:00:00Z").expect("a time")
}

/// A client that may call loopback.
fn egress() -> Egress {
    let loopback = vec!["127.0.0.0/8".parse().expect("a network")];
    let settings = egress::EgressSettings {
        allow: loopback.clone(),
        plain_http: loopback,
        ports: vec![Ports::all()],
        ..egress::EgressSettings::default()
    };
    Egress::new(settings).expect("a client")
}

/// A share's id of a test.
pub fn id(number: u128) -> String {
    Uuid::from_u128(0x0b9f_0a52_7c1e_4d9a_9a36_0000_0000_0000 + number).to_string()
}

/// A person of another account.
pub fn placeholder(name: &str) -> Value {
    let number = name.bytes().map(u128::from).sum();
    json!({ "id": format!("placeholder-{}", id(number)), "name": name, "role": "end_user",
        "placeholder": true })
}

/// A ticket that comes by sharing, with what else it has.
#[expect(clippy::needless_pass_by_value, reason = "written where it is used")]
pub fn created(share: &str, agreement: &str, from: &str, more: Value) -> Value {
    let mut told = json!({ "share_id": share, "agreement_id": agreement, "received_from": from,
        "via": "ticket_sharing", "original_ticket_id": "77", "subject": "The pump leaks",
        "status": "open", "requester": placeholder("Robin Vale"), "form": "default", "tags": [],
        "custom_fields": {}, "revision": 1,
        "comments": [{ "id": format!("{from}/1"), "author": placeholder("Jo Park"),
            "body": "It drips.", "public": true }] });
    for (name, value) in more.as_object().into_iter().flatten() {
        told[name] = value.clone();
    }
    told
}
