//! What every test here stands on: a world, desks, the service before this one, replicas, and what
//! reaches the next ones.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

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
use share_dispatcher::ShareDispatcher;
use sqlx::{PgPool, Postgres, Transaction};
use testkit::desk::PATIENCE;
use testkit::{Desk, TestEnvironment, until};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// One message at the next service.
#[derive(Clone, Debug)]
pub struct Passed {
    pub to: Service,
    message_type: String,
    pub body: String,
}

/// By message id: whoever gets one twice drops the second.
type AllPassed = Arc<Mutex<BTreeMap<String, Passed>>>;

pub struct ServiceHarness {
    pub world: TestEnvironment,
    pub pool: PgPool,
    passed: AllPassed,
    agreement_service: Channel,
    replicas: Vec<JoinHandle<Result<(), Fault>>>,
    stop: CancellationToken,
}

impl ServiceHarness {
    pub async fn set(test: &str) -> Self {
        let world = TestEnvironment::new(test).await;
        let pool = world.pool(Service::ShareDispatcher, share_dispatcher::migrations()).await;
        let passed = AllPassed::default();
        for next in [Service::CommentSync, Service::FieldSync] {
            let url = world.installation.service_url(next).expect("an address");
            tokio::spawn(collect(url, next, Arc::clone(&passed)));
        }
        let before = world.installation.service_url(Service::Agreement).expect("an address");
        let connection = Connection::connect(&before, ConnectionProperties::default())
            .await
            .expect("the broker lets it in");
        let agreement_service = connection.create_channel().await.expect("a channel");
        agreement_service.confirm_select(ConfirmSelectOptions::default()).await.expect("confirms");
        Self {
            world,
            pool,
            passed,
            agreement_service,
            replicas: Vec::new(),
            stop: CancellationToken::new(),
        }
    }

    /// Starts two replicas that share a queue a few messages at a time, so that neighbours are
    /// decided at the same moment.
    pub fn start_two_replicas(&mut self) {
        for _ in 0..2 {
            let settings = Settings {
                broker_url: self
                    .world
                    .installation
                    .service_url(Service::ShareDispatcher)
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
                Arc::new(ShareDispatcher),
                settings,
                self.pool.clone(),
                Health::new(),
                self.stop.clone(),
            );
            self.replicas.push(tokio::spawn(work));
        }
    }

    pub async fn desk(&self, account: &str) -> Desk {
        Desk::open(&self.world.account(account).await.amqp_url, account)
    }

    /// Publishes a fact as agreement-service does, and waits until comment-sync has it: then it is
    /// in force here.
    #[expect(clippy::disallowed_methods, reason = "stands for the service before this one")]
    pub async fn told(&self, id: &str, fact: &Fact) {
        let before = self.facts().len();
        let key = Service::ShareDispatcher.key_for::<Fact>();
        let properties = BasicProperties::default()
            .with_message_id(ShortString::try_new(id).expect("a short id"))
            .with_type(ShortString::from(Fact::NAME))
            .with_content_type(ShortString::from("application/json"))
            .with_delivery_mode(2);
        let body = serde_json::to_vec(fact).expect("facts are writable as JSON");
        let (exchange, key) =
            (ShortString::from("sync"), ShortString::try_new(key).expect("a short key"));
        let sent = self.agreement_service.basic_publish(
            exchange,
            key,
            BasicPublishOptions::default(),
            &body,
            properties,
        );
        let confirmed = sent.await.expect("it is written").await.expect("it is answered");
        assert!(confirmed.is_ack(), "{confirmed:?}");
        until(&format!("the fact {id} at comment-sync"), PATIENCE, async || {
            match self.facts().len() {
                count if count > before => Ok(()),
                count => Err(format!("{count} facts")),
            }
        })
        .await;
    }

    /// What reached the next services so far.
    pub fn passed(&self) -> Vec<Passed> {
        self.passed.lock().expect("no test panics with it").values().cloned().collect()
    }

    /// Facts that reached comment-sync.
    pub fn facts(&self) -> Vec<Fact> {
        let passed = self.passed();
        let facts = passed.iter().filter(|passed| {
            passed.message_type == Fact::NAME && passed.to == Service::CommentSync
        });
        facts.map(|passed| serde_json::from_str(&passed.body).expect("a fact")).collect()
    }

    /// Transfers, with where they went.
    pub fn transfers(&self) -> Vec<(Service, Transfer)> {
        let passed = self.passed();
        let transfers = passed.iter().filter(|passed| passed.message_type == Transfer::NAME);
        transfers
            .map(|passed| (passed.to, serde_json::from_str(&passed.body).expect("a transfer")))
            .collect()
    }

    /// Waits for the transfer of a command.
    pub async fn transfer(&self, desk: &Desk, id: &str) -> (Service, Transfer) {
        until(&format!("the transfer of {id} of {}", desk.account), PATIENCE, async || {
            let of_it = |(_, transfer): &(Service, Transfer)| {
                transfer.command.account == desk.account && transfer.command.message_id == id
            };
            let refused = desk.answer(id).and_then(|(receipt, _)| receipt.reason);
            self.transfers()
                .into_iter()
                .find(of_it)
                .ok_or_else(|| format!("none; refused: {refused:?}"))
        })
        .await
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

async fn collect(url: String, to: Service, all: AllPassed) -> lapin::Result<()> {
    let connection = Connection::connect(&url, ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    let (queue, tag) = (ShortString::from(to.name()), ShortString::from("test"));
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
        let body = String::from_utf8_lossy(&delivery.data).into_owned();
        all.lock().expect("no test panics with it").entry(id).or_insert(Passed {
            to,
            message_type,
            body,
        });
        delivery.ack(BasicAckOptions::default()).await?;
    }
    Ok(())
}
