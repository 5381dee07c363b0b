//! The five services at their most talkative, between two partners, and what happens to messages.

use std::collections::BTreeMap;
use std::time::Duration;

use contracts::sync::Transfer;
use contracts::topology::Service;
use contracts::{Message, Receipt, ReceiptOutcome};
use lapin::options::{
    BasicGetOptions, BasicPublishOptions, BasicRejectOptions, ConfirmSelectOptions,
};
use lapin::types::ShortString;
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties};
use local::{Broker, Fleet, Instance, MailSink, TestEnvironment, test_environment};
use serde_json::json;
use sqlx::{Connection as _, PgConnection};
use testkit::{Desk, until};

use super::lines::Lines;
use super::plant::{MARK, samples};
use super::{nobodys, secret, strangers_share};
use crate::collector::Collector;
use crate::partners::{Partners, bind, update};
use crate::whole_system;

pub const LIMIT: Duration = Duration::from_mins(1);
const POLICY: &str = "a-full-queue";

pub struct SecretsFixture {
    pub world: TestEnvironment,
    pub partners: Partners,
    fleet: Fleet,
    instances: Vec<Instance>,
    collector: Collector,
    mails: MailSink,
    logs: std::path::PathBuf,
}

impl SecretsFixture {
    pub async fn set() -> Self {
        let world = TestEnvironment::new("secrets").await;
        let collector = Collector::listen().await;
        let dir = test_environment::target().join("test-secrets").join(world.name());
        let mails = MailSink::start_in("127.0.0.1:0", &dir.join("mails")).await.expect("a sink");
        let fleet = Fleet::new(&dir, &world.installation, &world.database, &mails.url())
            .expect("a folder for logs");
        let fleet = [
            ("DESKMESH__TELEMETRY__LOG_FILTER", "trace"),
            ("RUST_LOG", "trace"),
            ("DESKMESH__TELEMETRY__OTLP_ENDPOINT", &collector.endpoint),
            ("DESKMESH__EVENTS__PUBLISH", "true"),
            ("OTEL_BSP_SCHEDULE_DELAY", "200"),
        ]
        .into_iter()
        .fold(fleet, |fleet, (name, value)| fleet.with_variable(name, value));
        let instances = whole_system::start_all(&fleet).await;
        let partners = Partners::agree(&world, "public_and_private").await;
        let logs = dir.join("services");
        Self { world, partners, fleet, instances, collector, mails, logs }
    }

    /// Acme sends a planted sample, and it is taken.
    pub async fn takes(&self, sample: &str, values: &[(&str, &str)]) -> Receipt {
        let command = samples().into_iter().find(|one| one.what == sample).expect("a sample");
        let mut command = command.planted().with(values);
        if let Some(content) = command.content.as_object_mut() {
            // Of a first share, the service makes one.
            content.remove("share_id");
        }
        let receipt = self.partners.acme.ask(&command.kind, &command.content).await;
        let taken = matches!(receipt.outcome, ReceiptOutcome::Applied | ReceiptOutcome::Partial);
        assert!(taken, "{sample} is taken: {receipt:?} {}", command.content);
        receipt
    }

    /// Waits until a desk was told these words of a secret.
    pub async fn delivered(&self, words: &str, desk: &Desk) {
        until(&format!("{words:?} at {}", desk.account), LIMIT, async || {
            desk.with_bodies(|bodies| {
                let says = |body: &String| body.contains(MARK) && body.contains(words);
                if bodies.iter().any(says) { Ok(()) } else { Err(format!("{}", bodies.len())) }
            })
        })
        .await;
    }

    async fn says(&self, id: &str, words: &str) -> Receipt {
        self.partners.acme.ask("ticket.update.v1", &update("4711", &secret(id, words))).await
    }

    /// Sends and does not wait for the receipt, which may be late.
    async fn sends(&self, id: &str, words: &str) -> String {
        let (acme, content) = (&self.partners.acme, update("4711", &secret(id, words)));
        let message = acme.next_id();
        acme.send_json(&message, "ticket.update.v1", &content).await.expect("the broker takes it");
        message
    }

    /// A delivery finds no queue.
    pub async fn returned(&self) {
        bind(&self.world, false).await;
        self.says("acme/returned", "without a queue").await;
        self.logged(&["deliveries wait", "\"account\":\"globex\"", "returned"]).await;
        bind(&self.world, true).await;
        self.delivered("without a queue", &self.partners.globex).await;
    }

    /// A delivery finds its queue full.
    pub async fn refused_by_a_full_queue(&self) {
        self.partners.globex.sleep();
        self.on_broker(|broker, vhost| {
            let small = json!({ "max-length": 1, "overflow": "reject-publish" });
            broker.put_policy(vhost, POLICY, "^desk\\.globex$", 10, &small)
        })
        .await;
        let mut sent = 0;
        until("a full queue", LIMIT, async || {
            sent += 1;
            self.says(&format!("acme/full-{sent}"), "into a full queue").await;
            self.found(&["deliveries wait", "\"account\":\"globex\"", "rejected"])
        })
        .await;
        self.on_broker(|broker, vhost| broker.delete_policy(vhost, POLICY)).await;
        self.partners.globex.wake();
        self.delivered("into a full queue", &self.partners.globex).await;
    }

    /// Globex's desk rejects a delivery.
    pub async fn dead_lettered(&self) {
        self.partners.globex.sleep();
        let access = self.world.account("globex").await;
        let (connection, channel) = channel(&access.amqp_url).await;
        self.says("acme/rejected", "rejected by its desk").await;
        until("a delivery to reject", LIMIT, async || {
            let got = channel
                .basic_get(ShortString::from("desk.globex"), BasicGetOptions::default())
                .await
                .map_err(|error| error.to_string())?
                .ok_or("none")?;
            let rejected = got.delivery.reject(BasicRejectOptions { requeue: false }).await;
            rejected.map(drop).map_err(|error| error.to_string())
        })
        .await;
        connection.close(200, ShortString::from("done")).await.ok();
        self.partners.globex.wake();
        self.logged(&["message parked", "dead_lettered"]).await;
    }

    /// One of several comments cannot be stored, and the database says so with the comment's text.
    pub async fn poisoned(&self) {
        for statement in [
            "create function comment_sync.refuse() returns trigger language plpgsql as $$
             begin raise exception 'no such comment: %', new.content; end $$",
            "create trigger refuse before insert on comment_sync.comment for each row
             when (new.id = 'acme/poison') execute function comment_sync.refuse()",
        ] {
            self.in_database(statement.to_owned()).await;
        }
        let mut sent = Vec::new();
        for id in ["acme/well-1", "acme/poison", "acme/well-2"] {
            sent.push(self.sends(id, "with poison among it").await);
        }
        self.logged(&["message parked", "\"reason\":\"poison\""]).await;
        self.in_database("drop trigger refuse on comment_sync.comment".to_owned()).await;
        let replay = ["parked", "replay", "--reason", "poison", "--yes", "--as", "anna"];
        self.run(Service::CommentSync, &replay).await;
        for id in sent {
            self.partners.acme.receipt(&id).await;
        }
    }

    /// A message between services of another form.
    pub async fn undecodable(&self) {
        let url = self.world.installation.service_url(Service::ShareDispatcher);
        let (connection, channel) = channel(&url.expect("an address")).await;
        let body = json!({ "chain": format!("{MARK} a chain"), "comments": format!("{MARK}") });
        let properties = BasicProperties::default()
            .with_message_id("11111111-1111-4111-8111-111111111111".into())
            .with_type(Transfer::NAME.into())
            .with_content_type("application/json".into());
        publish(
            &channel,
            &Service::CommentSync.key_for::<Transfer>(),
            &body.to_string(),
            properties,
        )
        .await;
        connection.close(200, ShortString::from("done")).await.ok();
        self.logged(&["message parked", "undecodable"]).await;
    }

    /// The next service has no queue.
    pub async fn held(&self) {
        let bound = async |bound: bool| {
            self.on_broker(move |broker, vhost| {
                if bound {
                    broker.bind(vhost, "sync", "field-sync", "field-sync.*")
                } else {
                    broker.unbind(vhost, "sync", "field-sync", "field-sync.*")
                }
            })
            .await;
        };
        bound(false).await;
        // A status goes through field-sync; a private comment alone does not.
        let (acme, id) = (&self.partners.acme, self.partners.acme.next_id());
        let mut content = update("4711", &secret("acme/held", "between services"));
        content["status"] = json!("solved");
        acme.send_json(&id, "ticket.update.v1", &content).await.expect("the broker takes it");
        self.logged(&["messages between services were not taken"]).await;
        bound(true).await;
        acme.receipt(&id).await;
    }

    /// The database lets comment-sync in no more, for a while.
    pub async fn without_a_database(&self) {
        let url = self.world.database.service_url(Service::CommentSync).expect("an address");
        let role = url::Url::parse(&url).expect("an address").username().to_owned();
        self.in_database(format!("alter role \"{role}\" nologin")).await;
        self.in_database(format!(
            "select pg_terminate_backend(pid) from pg_stat_activity where usename = '{role}'"
        ))
        .await;
        let sent = self.sends("acme/away", "without a database").await;
        self.logged(&["the database does not answer; the batch is held"]).await;
        self.in_database(format!("alter role \"{role}\" login")).await;
        self.partners.acme.receipt(&sent).await;
    }

    /// A command of an account that is not registered: parked, and given up.
    pub async fn discarded(&self) {
        let initech = Desk::open(&self.world.account("initech").await.amqp_url, "initech");
        let share = strangers_share(&self.partners.agreement);
        initech.send_json("initech-1", "ticket.share.v1", &share).await.expect("it is taken");
        self.logged(&["message parked", "unknown_account"]).await;
        let discard = ["parked", "discard", "--account", "initech", "--because", "a trial"];
        let act = ["--yes", "--as", "anna"];
        self.run(Service::ShareDispatcher, &[&discard[..], &act].concat()).await;
        initech.receipt("initech-1").await;
    }

    pub async fn without_a_publisher(&self) {
        nobodys(&self.partners.acme).await;
    }

    /// What operators' commands print, as long as nobody asks for bodies.
    pub async fn operators_read(&self, share: &str) -> BTreeMap<String, String> {
        let mut told = BTreeMap::new();
        for service in Service::ALL {
            for words in [
                &["parked", "list"][..],
                &["parked", "list", "--json"],
                &["parked", "summary"],
                &["parked", "audit"],
                &["trace", "share", share],
                &["trace", "acme/4711"],
            ] {
                let name = format!("{} {}", service.name(), words.join(" "));
                told.insert(name, self.run(service, words).await);
            }
            let listed = self.run(service, &["parked", "list", "--json"]).await;
            let listed: serde_json::Value = serde_json::from_str(&listed).expect("it is JSON");
            for message in listed["messages"].as_array().into_iter().flatten() {
                let words = ["parked", "show", message["id"].as_str().expect("an id")];
                let name = format!("{} {}", service.name(), words.join(" "));
                told.insert(name, self.run(service, &words).await);
            }
        }
        told
    }

    /// Stops everything; all that was printed, and all that was exported.
    pub async fn end(mut self) -> (Lines, Vec<Vec<u8>>) {
        until("a mail to who is in copy", LIMIT, async || {
            let mails = self.mails.mails();
            let has = |mail: &local::Mail| mail.recipients.iter().any(|to| to.contains(MARK));
            if mails.iter().any(has) { Ok(()) } else { Err(format!("{} mails", mails.len())) }
        })
        .await;
        let stopped = tokio::task::spawn_blocking(move || {
            self.instances.iter().for_each(Instance::signal_end);
            for instance in &mut self.instances {
                instance.wait_exit(LIMIT).expect("it ends");
            }
            self
        });
        let ground = stopped.await.expect("all stop");
        let (lines, spans) = (Lines::read(&ground.logs), ground.collector.bodies());
        ground.world.remove().await;
        (lines, spans)
    }

    async fn run(&self, service: Service, words: &[&str]) -> String {
        let (fleet, words) =
            (self.fleet.clone(), words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
        tokio::task::spawn_blocking(move || {
            fleet.run(service, &words.iter().map(String::as_str).collect::<Vec<_>>())
        })
        .await
        .expect("no panic")
        .expect("it does it")
    }

    /// Waits for a line with all these words.
    async fn logged(&self, words: &[&str]) {
        until(&format!("a line with {words:?}"), LIMIT, async || self.found(words)).await;
    }

    fn found(&self, words: &[&str]) -> Result<(), String> {
        let all = Lines::read(&self.logs);
        let lines = all.files.values().flat_map(|text| text.lines());
        let has = |line: &str| words.iter().all(|word| line.contains(word));
        let mut like = lines.clone().filter(|line| line.contains(words[0]));
        if lines.clone().any(has) {
            return Ok(());
        }
        Err(format!("{:?} of {} lines", like.next_back(), lines.count()))
    }

    async fn on_broker<E: std::fmt::Debug + Send + 'static>(
        &self,
        work: impl FnOnce(&Broker, &str) -> Result<(), E> + Send + 'static,
    ) {
        let installation = self.world.installation.clone();
        tokio::task::spawn_blocking(move || work(installation.broker(), installation.vhost()))
            .await
            .expect("the task ends")
            .expect("the broker does it");
    }

    async fn in_database(&self, statement: String) {
        let url = self.world.database.url().expect("an address");
        let mut database = PgConnection::connect(&url).await.expect("it answers");
        sqlx::query(sqlx::AssertSqlSafe(statement))
            .execute(&mut database)
            .await
            .expect("it is done");
        database.close().await.expect("it closes");
    }
}

async fn channel(url: &str) -> (Connection, Channel) {
    let connection =
        Connection::connect(url, ConnectionProperties::default()).await.expect("the user logs in");
    let channel = connection.create_channel().await.expect("a channel");
    (connection, channel)
}

#[expect(clippy::disallowed_methods, reason = "a message that no service would send")]
async fn publish(channel: &Channel, key: &str, body: &str, properties: BasicProperties) {
    channel.confirm_select(ConfirmSelectOptions::default()).await.expect("confirms");
    let confirm = channel
        .basic_publish(
            ShortString::from("sync"),
            ShortString::from(key),
            BasicPublishOptions::default(),
            body.as_bytes(),
            properties,
        )
        .await
        .expect("it is written");
    confirm.await.expect("it is confirmed");
}
