//! What every test here stands on: a world, desks, the service before this one, replicas, and what
//! reaches field-sync.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use comment_sync::CommentSync;
use contracts::Message;
use contracts::sync::{Fact, Transfer};
use contracts::topology::Service;
use futures_util::StreamExt;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, ConfirmSelectOptions,
};
use lapin::types::{FieldTable, ShortString};
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties};
use messaging::{Fault, Health, Retention, Settings, Undelivered};
use sqlx::{PgPool, Postgres, Transaction};
use testkit::desk::PATIENCE;
use testkit::{Desk, TestEnvironment, until};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Type and body by message id: whoever gets one twice drops the second.
type Passed = Arc<Mutex<BTreeMap<String, (String, Vec<u8>)>>>;

pub struct ServiceHarness {
    pub world: TestEnvironment,
    pub pool: PgPool,
    pub acme: Desk,
    pub globex: Desk,
    passed: Passed,
    share_dispatcher: Channel,
    replicas: Vec<JoinHandle<Result<(), Fault>>>,
    stop: CancellationToken,
}

impl ServiceHarness {
    /// Sets the stage with two replicas that share a queue a few messages at a time, so that
    /// neighbours are decided at the same moment.
    pub async fn set(test: &str) -> Self {
        let world = TestEnvironment::new(test).await;
        let pool = world.pool(Service::CommentSync, comment_sync::migrations()).await;
        let passed = Passed::default();
        let next = world.installation.service_url(Service::FieldSync).expect("an address");
        tokio::spawn(collect(next, Arc::clone(&passed)));
        let before = world.installation.service_url(Service::ShareDispatcher).expect("an address");
        let connection = Connection::connect(&before, ConnectionProperties::default())
            .await
            .expect("the broker lets it in");
        let share_dispatcher = connection.create_channel().await.expect("a channel");
        share_dispatcher.confirm_select(ConfirmSelectOptions::default()).await.expect("confirms");
        let acme = Desk::open(&world.account("acme").await.amqp_url, "acme");
        let globex = Desk::open(&world.account("globex").await.amqp_url, "globex");
        let stop = CancellationToken::new();
        let replicas = [(); 2].map(|()| {
            let settings = Settings {
                broker_url: world
                    .installation
                    .service_url(Service::CommentSync)
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
            tokio::spawn(messaging::run(
                Arc::new(CommentSync),
                settings,
                pool.clone(),
                Health::new(),
                stop.clone(),
            ))
        });
        Self {
            world,
            pool,
            acme,
            globex,
            passed,
            share_dispatcher,
            replicas: replicas.into(),
            stop,
        }
    }

    /// Publishes as share-dispatcher does.
    #[expect(clippy::disallowed_methods, reason = "stands for the service before this one")]
    pub async fn publish<M: Message>(&self, id: &str, message: &M) {
        let properties = BasicProperties::default()
            .with_message_id(ShortString::try_new(id).expect("a short id"))
            .with_type(ShortString::from(M::NAME))
            .with_content_type(ShortString::from("application/json"))
            .with_delivery_mode(2);
        let key = ShortString::try_new(Service::CommentSync.key_for::<M>()).expect("a short key");
        let body = serde_json::to_vec(message).expect("messages are writable as JSON");
        let exchange = ShortString::from("sync");
        let sent = self.share_dispatcher.basic_publish(
            exchange,
            key,
            BasicPublishOptions::default(),
            &body,
            properties,
        );
        let confirmed = sent.await.expect("it is written").await.expect("it is answered");
        assert!(confirmed.is_ack(), "{confirmed:?}");
    }

    /// Transfers that reached field-sync.
    pub fn transfers(&self) -> Vec<Transfer> {
        self.passed()
    }

    /// Waits for the transfer of a command at field-sync.
    pub async fn transfer(&self, command: &str) -> Transfer {
        until(&format!("the transfer of {command} at field-sync"), PATIENCE, async || {
            let transfers = self.transfers();
            let its = transfers.iter().find(|transfer| transfer.command.message_id == command);
            its.cloned().ok_or_else(|| format!("{transfers:?}"))
        })
        .await
    }

    /// Waits until as many facts are at field-sync: then they are in force here.
    pub async fn facts(&self, count: usize) -> Vec<Fact> {
        until("facts at field-sync", PATIENCE, async || {
            let facts: Vec<Fact> = self.passed();
            if facts.len() >= count {
                Ok(facts)
            } else {
                Err(format!("{} of {count}", facts.len()))
            }
        })
        .await
    }

    fn passed<M: Message>(&self) -> Vec<M> {
        let passed = self.passed.lock().expect("no test panics with it");
        let of_type = passed.values().filter(|(message_type, _)| message_type == M::NAME);
        of_type.map(|(_, body)| serde_json::from_slice(body).expect("what it says it is")).collect()
    }

    /// Lets nobody write a table; whoever wants to waits.
    pub async fn hold(&self, lock: &'static str) -> Transaction<'static, Postgres> {
        let mut held = self.pool.begin().await.expect("a transaction");
        sqlx::query(lock).execute(&mut *held).await.expect("the lock");
        held
    }

    /// Waits until several slots are in the middle of a decision, and lets them go at the same
    /// moment.
    pub async fn release(&self, held: Transaction<'static, Postgres>) {
        until("decisions that wait for each other", PATIENCE, async || {
            let query = "select count(*) from pg_stat_activity where usename = current_user and \
                wait_event_type = 'Lock'";
            let waiting: i64 = sqlx::query_scalar(query)
                .fetch_one(&self.pool)
                .await
                .map_err(|error| error.to_string())?;
            if waiting >= 2 { Ok(()) } else { Err(format!("{waiting}")) }
        })
        .await;
        held.rollback().await.expect("the lock goes");
    }

    pub async fn end(self) {
        self.stop.cancel();
        for replica in self.replicas {
            let ended =
                tokio::time::timeout(PATIENCE, replica).await.expect("the runtime stops in time");
            ended.expect("the runtime does not panic").expect("the runtime stops without a fault");
        }
        self.world.remove().await;
    }
}

async fn collect(url: String, passed: Passed) -> lapin::Result<()> {
    let connection = Connection::connect(&url, ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    let (queue, tag) = (ShortString::from("field-sync"), ShortString::from("test"));
    let mut consumer = channel
        .basic_consume(queue, tag, BasicConsumeOptions::default(), FieldTable::default())
        .await?;
    while let Some(delivery) = consumer.next().await {
        let delivery = delivery?;
        let text = |value: &Option<ShortString>| {
            value.as_ref().map(ToString::to_string).unwrap_or_default()
        };
        let (id, message_type) =
            (text(delivery.properties.message_id()), text(delivery.properties.kind()));
        passed
            .lock()
            .expect("no test panics with it")
            .entry(id)
            .or_insert((message_type, delivery.data.clone()));
        delivery.ack(BasicAckOptions::default()).await?;
    }
    Ok(())
}
