//! What every test here stands on: a world, the service before this one, replicas with their mail
//! loops, and a mail server.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use contracts::sync::Notice;
use contracts::topology::Service;
use contracts::{Message, Timestamp};
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties};
use messaging::{Health, Retention, Settings, Undelivered};
use notifier::Notifier;
use notifier::delivery::{MailLoop, Mailer, Server, ServerAddress, Templates};
use sqlx::{FromRow, PgPool};
use testkit::desk::{PATIENCE, clock};
use testkit::{TestEnvironment, until};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::responder::{Answers, Responder};

pub struct ServiceHarness {
    pub world: TestEnvironment,
    pub pool: PgPool,
    pub mail_server: Arc<Responder>,
    ahead: Arc<AtomicI64>,
    field_sync: Channel,
    replicas: JoinSet<()>,
    stop: CancellationToken,
}

/// One row of table `notice`.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct Row {
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
        let connection = Connection::connect(&before, ConnectionProperties::default())
            .await
            .expect("the broker lets it in");
        let field_sync = connection.create_channel().await.expect("a channel");
        field_sync.confirm_select(ConfirmSelectOptions::default()).await.expect("confirms");
        let mail_server = Arc::new(Responder::start(answers).await);
        let (ahead, stop) = (Arc::default(), CancellationToken::new());
        Self { world, pool, mail_server, ahead, field_sync, replicas: JoinSet::new(), stop }
    }

    /// Publishes a notice as field-sync does.
    #[expect(clippy::disallowed_methods, reason = "stands for the service before this one")]
    pub async fn publish(&self, id: &str, notice: &Notice) {
        let properties = BasicProperties::default()
            .with_message_id(id.into())
            .with_type(Notice::NAME.into())
            .with_content_type("application/json".into())
            .with_delivery_mode(2);
        let key = Service::Notifier.key_for::<Notice>();
        let body = serde_json::to_vec(notice).expect("notices are writable as JSON");
        let options = BasicPublishOptions::default();
        let sent = self.field_sync.basic_publish(
            "sync".into(),
            key.as_str().into(),
            options,
            &body,
            properties,
        );
        let confirmed = sent.await.expect("it is written").await.expect("it is answered");
        assert!(confirmed.is_ack(), "{confirmed:?}");
    }

    /// Starts the part of a replica that takes notices in.
    pub fn start_intake(&mut self) {
        let settings = Settings {
            broker_url: self
                .world
                .installation
                .service_url(Service::Notifier)
                .expect("an address")
                .into(),
            slots: 3,
            batch_size: 2,
            confirm_timeout: Duration::from_mins(1),
            answer_timeout: Duration::from_secs(20),
            journal_days: 30,
            events: true,
            undelivered: Undelivered::default(),
            retention: Retention::default(),
        };
        let work = messaging::run(
            Arc::new(Notifier),
            settings,
            self.pool.clone(),
            Health::new(),
            self.stop.clone(),
        );
        self.replicas.spawn(async move { work.await.expect("the runtime stops without a fault") });
    }

    /// Starts the part of a replica that sends mails.
    pub fn start_mail_loop(&mut self) {
        let ahead = Arc::clone(&self.ahead);
        let work = self
            .mail_loop(move || clock().plus_seconds(ahead.load(Ordering::Relaxed)))
            .run(self.stop.clone());
        self.replicas.spawn(async move { work.await.expect("the loop stops without a fault") });
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
        let work = tokio::spawn(self.mail_loop(clock).run(self.stop.clone()));
        let ended = tokio::time::timeout(PATIENCE, work).await.expect("it dies in time");
        assert!(ended.is_err_and(|error| error.is_panic()), "it dies and does not stop");
    }

    fn mail_loop<Clock: Fn() -> Timestamp>(&self, clock: Clock) -> MailLoop<Clock> {
        let address = ServerAddress::read(&self.mail_server.url()).expect("an address");
        let mailer = Mailer {
            server: Server::new(address, Duration::from_secs(30)),
            templates: Templates::new().expect("templates"),
            from: "Deskmesh <mesh@mesh.example>".parse().expect("a mailbox"),
        };
        MailLoop::new(self.pool.clone(), Duration::from_secs(20), mailer, clock)
    }

    /// Puts the mail loops' clock ahead.
    pub fn let_pass(&self, seconds: i64) {
        self.ahead.fetch_add(seconds, Ordering::Relaxed);
    }

    /// Waits until the table is as `wanted` says; rows by message and recipient.
    pub async fn rows(&self, what: &str, wanted: impl Fn(&[Row]) -> bool) -> Vec<Row> {
        until(what, PATIENCE, async || {
            let query = "select message_id, recipient, state, reason, attempts, notice #>> \
                '{about,comment,body}' as comment
                         from notice order by message_id, recipient";
            let rows: Vec<Row> = sqlx::query_as(query)
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

    pub async fn end(mut self) {
        self.stop.cancel();
        while let Some(ended) = tokio::time::timeout(PATIENCE, self.replicas.join_next())
            .await
            .expect("it stops in time")
        {
            ended.expect("nothing panics");
        }
        self.world.remove().await;
    }
}
