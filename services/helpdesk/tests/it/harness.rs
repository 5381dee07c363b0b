//! What every test here stands on: the pages of one replica, its session, its outbox and what
//! follows the log, two accounts with people, and the line's end that tells them something.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use contracts::topology::Service;
use desk::log::Heads;
use desk::log::follow;
use desk::store::account::{KeptAccount, keep};
use desk::{Session, outbox};
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
use tokio::task::JoinHandle;
use uuid::Uuid;
use web::people::{self, NewPerson};
use web::{Desk, Role};

pub const ACME: &str = "helpdesk-acme";
pub const GLOBEX: &str = "helpdesk-globex";
/// Bytes of a file, at most.
pub const FILE_BYTES: u64 = 64 * 1024;
const PASSWORD: &str = "correct horse battery";

/// An answer.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub location: String,
    pub cookies: Vec<String>,
    pub body: String,
}

impl Answer {
    /// Whether the page has this in it, else the page.
    #[track_caller]
    pub fn has(&self, text: &str) -> &Self {
        assert!(self.body.contains(text), "{text:?} is not in {}", self.body);
        self
    }

    #[track_caller]
    pub fn lacks(&self, text: &str) -> &Self {
        assert!(!self.body.contains(text), "{text:?} is in {}", self.body);
        self
    }

    #[track_caller]
    pub fn is(&self, status: u16) -> &Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }

    /// What stands between two texts.
    #[track_caller]
    pub fn between(&self, before: &str, after: &str) -> String {
        let rest = self.body.split_once(before).unwrap_or_else(|| panic!("{before:?}: {self:?}")).1;
        rest.split_once(after).unwrap_or_else(|| panic!("{after:?}: {self:?}")).0.to_owned()
    }
}

/// Somebody who is signed in.
#[derive(Clone, Debug)]
pub struct Somebody {
    pub id: Uuid,
    cookie: String,
}

pub struct HelpdeskHarness {
    pub world: TestEnvironment,
    pub pool: PgPool,
    /// What the pages are served from.
    served: PgPool,
    pub url: String,
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
        let settings = outbox::Settings {
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
        let settings = files::Settings {
            origin: files_url.clone(),
            folder: folder.clone(),
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
        replicas.spawn(|stop| async move {
            let desk = Desk { pool: pages_pool, heads, new_command, shutdown: stop.clone() };
            let pages = Pages::new(desk, changes, kept, public_url);
            let serving = axum::serve(listener, pages.router());
            serving.with_graceful_shutdown(stop.cancelled_owned()).await
        });
        Self {
            world,
            pool,
            served,
            url,
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
    pub async fn person(&self, account: &'static str, name: &str, role: Role) -> Somebody {
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

    pub async fn get(&self, who: &Somebody, path: &str) -> Answer {
        self.ask("GET", path, Some(who), None).await
    }

    pub async fn post(&self, who: &Somebody, path: &str, form: &[(&str, &str)]) -> Answer {
        self.ask("POST", path, Some(who), Some(form)).await
    }

    /// A request, with a form where there is one.
    pub async fn ask(
        &self,
        method: &str,
        path: &str,
        who: Option<&Somebody>,
        form: Option<&[(&str, &str)]>,
    ) -> Answer {
        let (method, url) = (method.to_owned(), format!("{}{path}", self.url));
        let (origin, cookie) = (self.url.clone(), who.map(|who| who.cookie.clone()));
        let form = form.map(|form| {
            url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish()
        });
        let form =
            form.map(|form| ("application/x-www-form-urlencoded".to_owned(), form.into_bytes()));
        tokio::task::spawn_blocking(move || request(&method, &url, &origin, cookie, form))
            .await
            .expect("the request ends")
    }

    /// Sends a form with files, as a browser does: their names and bytes.
    pub async fn upload(
        &self,
        who: &Somebody,
        path: &str,
        form: &[(&str, &str)],
        files: &[(&str, &[u8])],
    ) -> Answer {
        let boundary = "xXxBOUNDARYxXx";
        let mut body = Vec::new();
        for (name, value) in form {
            let head = format!("content-disposition: form-data; name=\"{name}\"");
            body.extend(format!("--{boundary}\r\n{head}\r\n\r\n{value}\r\n").into_bytes());
        }
        for (name, bytes) in files {
            let head =
                format!("content-disposition: form-data; name=\"file\"; filename=\"{name}\"");
            let kind = "content-type: text/html";
            body.extend(format!("--{boundary}\r\n{head}\r\n{kind}\r\n\r\n").into_bytes());
            body.extend_from_slice(bytes);
            body.extend(b"\r\n");
        }
        body.extend(format!("--{boundary}--\r\n").into_bytes());
        let (url, origin) = (format!("{}{path}", self.url), self.url.clone());
        let cookie = Some(who.cookie.clone());
        let kind = format!("multipart/form-data; boundary={boundary}");
        tokio::task::spawn_blocking(move || {
            request("POST", &url, &origin, cookie, Some((kind, body)))
        })
        .await
        .expect("the request ends")
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

    /// Sends no mail for now.
    pub fn hold_mails(&self) {
        self.holds.store(true, Ordering::Relaxed);
    }

    pub fn let_mails_go(&self) {
        self.holds.store(false, Ordering::Relaxed);
    }

    /// The mails that went to an address, as their readers see them, once there are as many.
    pub async fn mails_to(&self, address: &str, count: usize) -> Vec<String> {
        until(&format!("{count} mails to {address}"), PATIENCE, async || {
            let mails = self.sink.mails();
            let to = mails.iter().filter(|mail| mail.recipients == [address]);
            let read: Vec<String> = to.map(|mail| readable(&mail.raw)).collect();
            if read.len() >= count { Ok(read) } else { Err(format!("{mails:?}")) }
        })
        .await
    }

    /// How many mails to an address are kept, sent or not.
    pub async fn mailed(&self, address: &str) -> i64 {
        sqlx::query_scalar("select count(*) from mail where lower(recipient) = lower($1)")
            .bind(address)
            .fetch_one(&self.pool)
            .await
            .expect("the database answers")
    }

    pub async fn all_mailed(&self) -> i64 {
        sqlx::query_scalar("select count(*) from mail")
            .fetch_one(&self.pool)
            .await
            .expect("the database answers")
    }

    /// Waits until the one mail to an address is in this state.
    pub async fn mail_is(&self, address: &str, state: &str) {
        until(&format!("the mail is {state}"), PATIENCE, async || {
            let found: Vec<String> =
                sqlx::query_scalar("select state from mail where recipient = $1")
                    .bind(address)
                    .fetch_all(&self.pool)
                    .await
                    .expect("the database answers");
            if found == [state] { Ok(()) } else { Err(format!("{found:?}")) }
        })
        .await;
    }

    /// Waits until so many mails are sent.
    pub async fn mail_is_sent(&self, count: i64) {
        until(&format!("{count} mails are sent"), PATIENCE, async || {
            let sent: i64 = sqlx::query_scalar("select count(*) from mail where state = 'sent'")
                .fetch_one(&self.pool)
                .await
                .expect("the database answers");
            if sent == count { Ok(()) } else { Err(sent.to_string()) }
        })
        .await;
    }

    /// The path of the link in a mail.
    #[track_caller]
    pub fn link_in(&self, mail: &str) -> String {
        let rest = mail.split_once(&self.url).unwrap_or_else(|| panic!("no link: {mail}")).1;
        rest.split_whitespace().next().unwrap_or_default().to_owned()
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
        let party = |name: &str| json!({ "account": name, "address": name, "display_name": name.to_uppercase() });
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

    /// Waits until a page has this in it.
    pub async fn shows(&self, who: &Somebody, path: &str, text: &str) -> Answer {
        until(&format!("{text:?} on {path}"), PATIENCE, async || {
            let answer = self.get(who, path).await;
            if answer.body.contains(text) { Ok(answer) } else { Err(answer.body) }
        })
        .await
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

    /// Looks at a stream until it says this, and not longer than for a while.
    pub fn hears(&self, who: &Somebody, path: &str, line: &str) -> JoinHandle<()> {
        let (url, cookie) = (format!("{}{path}", self.url), who.cookie.clone());
        let line = line.to_owned();
        tokio::task::spawn_blocking(move || {
            let agent = ureq::Agent::new_with_defaults();
            let mut response = agent.get(url).header("cookie", cookie).call().expect("an answer");
            assert_eq!(response.headers()["content-type"], "text/event-stream");
            let lines = BufReader::new(response.body_mut().as_reader()).lines();
            let heard = lines.map_while(Result::ok).any(|heard| heard == line);
            assert!(heard, "the stream ended before {line:?}");
        })
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

fn request(
    method: &str,
    url: &str,
    origin: &str,
    cookie: Option<String>,
    form: Option<(String, Vec<u8>)>,
) -> Answer {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_global(Some(PATIENCE))
        .http_status_as_error(false)
        .max_redirects(0)
        .build()
        .into();
    let mut builder = ureq::http::Request::builder()
        .method(method)
        .uri(url)
        .header("origin", origin)
        .header("accept-language", "en");
    if let Some(cookie) = cookie {
        builder = builder.header("cookie", cookie);
    }
    let mut response = match form {
        Some((kind, form)) => {
            let builder = builder.header("content-type", kind);
            agent.run(builder.body(form).expect("a request"))
        }
        None => agent.run(builder.body(()).expect("a request")),
    }
    .expect("the help desk answers");
    let header = |name: &str| -> Vec<String> {
        let values = response.headers().get_all(name).iter();
        values.map(|value| value.to_str().unwrap_or_default().to_owned()).collect()
    };
    let (location, cookies) = (header("location").concat(), header("set-cookie"));
    let status = response.status().as_u16();
    let body = response.body_mut().read_to_string().expect("a body of text");
    Answer { status, location, cookies, body }
}

/// A time at which nothing is due.
fn earlier() -> contracts::Timestamp {
    contracts::Timestamp::parse("2001-01-01T00:00:00Z").expect("a time")
}

/// A mail with its encoding taken away (RFC 2045, quoted-printable).
fn readable(raw: &str) -> String {
    if !raw.contains("quoted-printable") {
        return raw.to_owned();
    }
    let joined = raw.replace("=\r\n", "");
    let (mut bytes, mut rest) = (Vec::new(), joined.as_bytes());
    while let Some((first, after)) = rest.split_first() {
        let code = (*first == b'=').then(|| after.get(..2)).flatten();
        let code = code.and_then(|code| std::str::from_utf8(code).ok());
        let code = code.and_then(|code| u8::from_str_radix(code, 16).ok());
        bytes.push(code.unwrap_or(*first));
        rest = if code.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
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
