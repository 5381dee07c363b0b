//! What every test here stands on: a world, desks, replicas of the service, and what reaches
//! share-dispatcher.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use agreement_service::AgreementService;
use contracts::Reason;
use contracts::sync::Fact;
use contracts::topology::Service;
use futures_util::StreamExt;
use lapin::options::{BasicAckOptions, BasicConsumeOptions};
use lapin::types::{FieldTable, ShortString};
use lapin::{Connection, ConnectionProperties};
use messaging::{Fault, Health, Retention, Settings, Undelivered};
use serde_json::json;
use sqlx::{PgPool, Postgres, Transaction};
use testkit::desk::PATIENCE;
use testkit::{Desk, TestEnvironment, until};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Facts by message id: whoever gets one twice drops the second.
type Facts = Arc<Mutex<BTreeMap<String, Fact>>>;

pub struct ServiceHarness {
    pub world: TestEnvironment,
    pub pool: PgPool,
    facts: Facts,
    replicas: Vec<JoinHandle<Result<(), Fault>>>,
    stop: CancellationToken,
}

/// What a command came to here.
#[derive(Debug)]
pub enum Outcome {
    /// It goes along the line.
    Passed,
    /// It was refused.
    Refused(Option<Reason>),
}

impl ServiceHarness {
    pub async fn set(test: &str) -> Self {
        let world = TestEnvironment::new(test).await;
        let pool = world.pool(Service::Agreement, agreement_service::migrations()).await;
        let facts = Facts::default();
        let next = world.installation.service_url(Service::ShareDispatcher).expect("an address");
        tokio::spawn(collect(next, Arc::clone(&facts)));
        Self { world, pool, facts, replicas: Vec::new(), stop: CancellationToken::new() }
    }

    /// Starts two replicas that share a queue a few messages at a time, so that neighbours are
    /// decided at the same moment.
    pub fn start_two_replicas(&mut self) {
        for _ in 0..2 {
            let settings = Settings {
                broker_url: self
                    .world
                    .installation
                    .service_url(Service::Agreement)
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
                Arc::new(AgreementService),
                settings,
                self.pool.clone(),
                Health::new(),
                self.stop.clone(),
            );
            self.replicas.push(tokio::spawn(work));
        }
    }

    /// Lets the ladder's steps take milliseconds: of a queue's own time to live and its policy's,
    /// the shorter one counts.
    pub async fn shorten_the_ladder(&self) {
        let (broker, vhost) =
            (self.world.installation.broker().clone(), self.world.installation.vhost().to_owned());
        let policy = json!({
            "name": "short-ladder", "pattern": r"^agreement-service\.retry\.", "apply-to": "queues", "priority": 1,
            "definition": { "message-ttl": 50 },
        });
        let import = move || broker.import_definitions(&vhost, &json!({ "policies": [policy] }));
        tokio::task::spawn_blocking(import)
            .await
            .expect("the task ends")
            .expect("the broker takes it");
    }

    pub async fn desk(&self, account: &str) -> Desk {
        Desk::open(&self.world.account(account).await.amqp_url, account)
    }

    pub fn operator(&self) -> Desk {
        Desk::open(&self.world.installation.operator_url().expect("an address"), "operator")
    }

    /// What reached share-dispatcher so far.
    pub fn facts(&self) -> Vec<Fact> {
        self.facts.lock().expect("no test panics with it").values().cloned().collect()
    }

    /// Waits until as many facts have reached share-dispatcher.
    pub async fn facts_passed_on(&self, count: usize) -> Vec<Fact> {
        until("facts at share-dispatcher", PATIENCE, async || {
            let facts = self.facts();
            if facts.len() >= count {
                Ok(facts)
            } else {
                Err(format!("{} of {count}: {facts:?}", facts.len()))
            }
        })
        .await
    }

    /// Waits until a command is either passed on or refused.
    pub async fn outcome(&self, desk: &Desk, id: &str) -> Outcome {
        until(&format!("what {id} of {} comes to", desk.account), PATIENCE, async || {
            let is_its =
                |fact: &Fact| fact.command.account == desk.account && fact.command.message_id == id;
            if self.facts().iter().any(is_its) {
                return Ok(Outcome::Passed);
            }
            let receipt = desk.answer(id).map(|(receipt, _)| receipt);
            receipt
                .map(|receipt| Outcome::Refused(receipt.reason))
                .ok_or_else(|| "neither a fact nor a receipt".to_owned())
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

async fn collect(url: String, facts: Facts) -> lapin::Result<()> {
    let connection = Connection::connect(&url, ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    let (queue, tag) = (ShortString::from("share-dispatcher"), ShortString::from("test"));
    let mut consumer = channel
        .basic_consume(queue, tag, BasicConsumeOptions::default(), FieldTable::default())
        .await?;
    while let Some(delivery) = consumer.next().await {
        let delivery = delivery?;
        let id =
            delivery.properties.message_id().as_ref().map(ToString::to_string).unwrap_or_default();
        let fact = serde_json::from_slice(&delivery.data)
            .expect("agreement-service passes on facts and nothing else");
        facts.lock().expect("no test panics with it").entry(id).or_insert(fact);
        delivery.ack(BasicAckOptions::default()).await?;
    }
    Ok(())
}
