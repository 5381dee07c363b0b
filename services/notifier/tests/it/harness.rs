//! What every test here stands on: a world, the service before this one, replicas with their mail
//! loops, and a mail server.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use contracts::Timestamp;
use contracts::sync::Notice;
use contracts::topology::Service;
use local::TestEnvironment;
use mail::{MailLoop, Server, ServerAddress};
use notifier::Notifier;
use notifier::delivery::{Mailer, Templates};
use notifier::store::due::Notices;
use sqlx::{FromRow, PgPool};
use testkit::desk::{PATIENCE, clock};
use testkit::{Replicas, ServiceBefore, until};
use tokio_util::sync::CancellationToken;

use crate::responder::{Answers, Responder};

pub struct ServiceHarness {
    pub world: TestEnvironment,
    pub pool: PgPool,
    pub mail_server: Arc<Responder>,
    ahead: Arc<AtomicI64>,
    field_sync: ServiceBefore,
    replicas: Replicas,
}

/// One row of table `notice`.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct NoticeRow {
    pub message_id: String,
    pub recipient: String,
    pub state: String,
    pub reason: Option<String>,
    pub attempts: i32,
    /// The text of the comment that is told, if one is.
    pub comment: Option<String>,
}

impl ServiceHarness {
    pub async fn set(test: &str, answers: Answers) -> Self {
        let world = TestEnvironment::new(test).await;
        let pool = world.pool(Service::Notifier, notifier::migrations()).await;
        let before = world.installation.service_url(Service::FieldSync).expect("an address");
        let field_sync = ServiceBefore::open(&before).await;
        let mail_server = Arc::new(Responder::start(answers).await);
        let (ahead, replicas) = (Arc::default(), Replicas::default());
        Self { world, pool, mail_server, ahead, field_sync, replicas }
    }

    /// Publishes a notice as field-sync does.
    pub async fn publish(&self, id: &str, notice: &Notice) {
        self.field_sync.publish(Service::Notifier, id, notice).await;
    }

    /// Starts the part of a replica that takes notices in.
    pub fn start_intake(&mut self) {
        let url = self.world.installation.service_url(Service::Notifier).expect("an address");
        self.replicas.start(Notifier, url, &self.pool);
    }

    /// Starts the part of a replica that sends mails.
    pub fn start_mail_loop(&mut self) {
        let ahead = Arc::clone(&self.ahead);
        let clock = move || clock().plus_seconds(ahead.load(Ordering::Relaxed));
        let mail_loop = self.mail_loop(clock);
        self.replicas.spawn(|stop| mail_loop.run(stop));
    }

    /// Runs a mail loop that dies as `kill -9` has it: at the first thing it does after the server
    /// took a mail from it.
    pub async fn run_mail_loop_that_dies_after_a_mail(&self) {
        let mail_server = Arc::clone(&self.mail_server);
        let clock = move || {
            if !mail_server.mails().is_empty() {
                // Without the words of a panic, which nobody here has to read.
                std::panic::resume_unwind(Box::new("killed"));
            }
            clock()
        };
        let work = tokio::spawn(self.mail_loop(clock).run(CancellationToken::new()));
        let ended = tokio::time::timeout(PATIENCE, work).await.expect("it dies in time");
        assert!(ended.is_err_and(|error| error.is_panic()), "it dies and does not stop");
    }

    fn mail_loop<Clock: Fn() -> Timestamp>(&self, clock: Clock) -> MailLoop<Notices, Clock> {
        let address = ServerAddress::read(&self.mail_server.url()).expect("an address");
        let mailer = Mailer {
            server: Server::new(address, Duration::from_secs(30)),
            templates: Templates::new().expect("templates"),
            from: "Deskmesh <mesh@mesh.example>".parse().expect("a mailbox"),
        };
        let notices = Notices { pool: self.pool.clone(), mailer };
        MailLoop::new(notices, Duration::from_secs(20), clock)
    }

    /// Puts the mail loops' clock ahead.
    pub fn let_pass(&self, seconds: i64) {
        self.ahead.fetch_add(seconds, Ordering::Relaxed);
    }

    /// Waits until the table is as `wanted` says; rows by message and recipient.
    pub async fn rows(&self, what: &str, wanted: impl Fn(&[NoticeRow]) -> bool) -> Vec<NoticeRow> {
        until(what, PATIENCE, async || {
            let query = "select message_id, recipient, state, reason, attempts, notice #>> \
                '{about,comment,body}' as comment
                         from notice order by message_id, recipient";
            let rows: Vec<NoticeRow> = sqlx::query_as(query)
                .fetch_all(&self.pool)
                .await
                .map_err(|error| error.to_string())?;
            if wanted(&rows) { Ok(rows) } else { Err(format!("{rows:?}")) }
        })
        .await
    }

    /// The `Message-ID` of each mail that the server took, in order.
    pub fn mail_ids(&self) -> Vec<String> {
        let id = |mail: &String| {
            mail.lines().find_map(|line| line.strip_prefix("Message-ID: ").map(str::to_owned))
        };
        self.mail_server
            .mails()
            .iter()
            .map(|mail| id(mail).unwrap_or_else(|| panic!("no Message-ID: {mail}")))
            .collect()
    }

    pub async fn end(self) {
        self.replicas.end().await;
        self.world.remove().await;
    }
}
