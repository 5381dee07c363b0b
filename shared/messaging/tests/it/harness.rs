//! What every test here stands on: a world, the tally's tables, a desk, and replicas of the runtime
//! that can be killed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use contracts::topology::Service;
use lapin::message::Delivery;
use local::TestEnvironment;
use messaging::{Health, RedeliverySettings, Retention, RuntimeSettings, Service as _};
use sqlx::PgPool;
use testkit::desk::PATIENCE;
use testkit::{Desk, read_queue, until};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::tally::{Count, Tally, Treat};

pub struct ServiceHarness {
    pub world: TestEnvironment,
    pub pool: PgPool,
    pub desk: Desk,
    /// What reached the next service, by message id.
    pub passed_on: Arc<Mutex<BTreeMap<String, Arrivals>>>,
    collecting: JoinHandle<lapin::Result<()>>,
}

/// The arrivals of one message at the next service.
#[derive(Clone, Debug, Default)]
pub struct Arrivals {
    /// How often it came.
    pub times: usize,
    /// What it said.
    pub what: String,
    /// Its bodies: one, however often it came.
    pub bodies: BTreeSet<Vec<u8>>,
}

impl Arrivals {
    fn came(&mut self, what: String, body: &[u8]) {
        (self.times, self.what) = (self.times + 1, what);
        self.bodies.insert(body.to_vec());
    }
}

/// A running runtime.
pub struct Replica {
    pub health: Arc<Health>,
    running: JoinHandle<Result<(), messaging::Fault>>,
    stop: CancellationToken,
    /// Everything that it started runs here, the client library's tasks too.
    process: Option<tokio::runtime::Runtime>,
}

impl Drop for Replica {
    fn drop(&mut self) {
        if let Some(process) = self.process.take() {
            process.shutdown_background();
        }
    }
}

impl Replica {
    /// As `kill -9` does: nothing is finished, connections break. What is only aborted asks the
    /// broker to close them, and in their first moments the client library may never come to it.
    pub fn kill(self) {
        drop(self);
    }

    /// Waits until it works, and stops it.
    pub async fn stop_when_ready(self) {
        until("the replica to work", PATIENCE, async || {
            let waits = self.health.waiting_for();
            if waits.is_empty() { Ok(()) } else { Err(format!("{waits:?}")) }
        })
        .await;
        self.stop().await;
    }

    /// As SIGTERM does. Returns when the runtime has ended.
    pub async fn stop(mut self) {
        self.stop.cancel();
        let ended = tokio::time::timeout(PATIENCE, &mut self.running)
            .await
            .expect("the runtime stops in time");
        ended.expect("the runtime does not panic").expect("the runtime stops without a fault");
    }
}

impl ServiceHarness {
    pub async fn set(test: &str) -> Self {
        let world = TestEnvironment::new(test).await;
        let pool = world.pool(Service::ShareDispatcher, messaging::migrations()).await;
        sqlx::query(
            "create table tally (what text primary key, times integer not null check (times > 0))",
        )
        .execute(&pool)
        .await
        .expect("the table is made");
        let desk = Desk::open(&world.account("acme").await.amqp_url, "acme");
        let passed_on = Arc::default();
        let url = world.installation.service_url(Service::CommentSync).expect("an address");
        let queues = [Service::CommentSync.name().to_owned(), Service::CommentSync.bulk_queue()];
        let collecting = tokio::spawn(collect(url, queues, Arc::clone(&passed_on)));
        Self { world, pool, desk, passed_on, collecting }
    }

    pub fn replica(&self) -> Replica {
        self.replica_with(4)
    }

    pub fn replica_with(&self, slots: usize) -> Replica {
        self.replica_of(Tally, &self.pool, slots, RedeliverySettings::default().max_age)
    }

    /// A replica that keeps deliveries for a desk's missing queue for `max_age`.
    pub fn replica_keeping_for(&self, max_age: Duration) -> Replica {
        self.replica_of(Tally, &self.pool, 4, max_age)
    }

    /// A replica that reaches the broker at another address.
    pub fn replica_through(&self, broker_url: String) -> Replica {
        Self::replica_at(broker_url, Tally, &self.pool, 4, RedeliverySettings::default().max_age)
    }

    /// A replica of any service.
    pub fn replica_of<S: messaging::Service>(
        &self,
        service: S,
        pool: &PgPool,
        slots: usize,
        max_age: Duration,
    ) -> Replica {
        let broker_url = self.world.installation.service_url(S::SERVICE).expect("an address");
        Self::replica_at(broker_url, service, pool, slots, max_age)
    }

    /// A replica with one slot that waits no longer for the database than `limit`.
    pub fn replica_waiting(&self, limit: Duration) -> Replica {
        let broker_url = self.world.installation.service_url(Tally::SERVICE).expect("an address");
        let settings = settings(broker_url, 1, RedeliverySettings::default().max_age);
        Self::started(Tally, &self.pool, RuntimeSettings { answer_timeout: limit, ..settings })
    }

    /// A replica of any service, with a retention of its own.
    pub fn replica_retaining<S: messaging::Service>(
        &self,
        service: S,
        pool: &PgPool,
        retention: Retention,
    ) -> Replica {
        let broker_url = self.world.installation.service_url(S::SERVICE).expect("an address");
        let settings = settings(broker_url, 4, RedeliverySettings::default().max_age);
        Self::started(service, pool, RuntimeSettings { retention, ..settings })
    }

    fn replica_at<S: messaging::Service>(
        broker_url: String,
        service: S,
        pool: &PgPool,
        slots: usize,
        max_age: Duration,
    ) -> Replica {
        Self::started(service, pool, settings(broker_url, slots, max_age))
    }

    fn started<S: messaging::Service>(
        service: S,
        pool: &PgPool,
        settings: RuntimeSettings,
    ) -> Replica {
        let (health, stop) = (Health::new(), CancellationToken::new());
        let process = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime of its own");
        // Its own connections, too: they end with the runtime that they were made in.
        let pool = {
            let _inside = process.enter();
            pool.options().clone().connect_lazy_with((*pool.connect_options()).clone())
        };
        let work =
            messaging::run(Arc::new(service), settings, pool, Arc::clone(&health), stop.clone());
        Replica { health, running: process.spawn(work), stop, process: Some(process) }
    }

    /// Nobody reads the next service's queue from here on.
    pub async fn next_service_is_away(&self) {
        self.collecting.abort();
        until("nobody to read", PATIENCE, async || match self.consumers_of("comment-sync").await {
            0 => Ok(()),
            count => Err(format!("{count} consumers")),
        })
        .await;
    }

    /// Publishes commands under their own names as ids.
    pub async fn send(&self, names: &[&str], treat: Treat) {
        for name in names {
            let count = Count { what: (*name).to_owned(), treat };
            self.desk.send_as(name, &count).await.expect("the broker takes it");
        }
    }

    /// How often each was decided.
    pub async fn tally(&self) -> BTreeMap<String, i32> {
        let rows: Vec<(String, i32)> = sqlx::query_as("select what, times from tally")
            .fetch_all(&self.pool)
            .await
            .expect("rows");
        rows.into_iter().collect()
    }

    /// Waits until each of `names` was passed on, answered, and decided once; then says so of
    /// nothing else.
    pub async fn all_done_once(&self, names: &[&str]) {
        for name in names {
            self.desk.receipt(name).await;
        }
        until("everything to be passed on", PATIENCE, async || {
            let said: Vec<String> =
                self.passed_on().into_values().map(|passed| passed.what).collect();
            if names.iter().all(|name| said.iter().any(|what| what == name)) {
                Ok(())
            } else {
                Err(format!("{said:?}"))
            }
        })
        .await;
        let once: BTreeMap<String, i32> =
            names.iter().map(|name| ((*name).to_owned(), 1)).collect();
        assert_eq!(self.tally().await, once, "each is decided once");
        let mut said: Vec<String> =
            self.passed_on().into_values().map(|passed| passed.what).collect();
        said.sort();
        let mut expected: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        expected.sort();
        assert_eq!(
            said, expected,
            "each is one message to the next service, however often it comes"
        );
    }

    pub fn passed_on(&self) -> BTreeMap<String, Arrivals> {
        self.passed_on.lock().expect("no test panics with it").clone()
    }

    /// Waits for a count in the database.
    pub async fn counts(&self, what: &str, query: &'static str, expected: i64) {
        until(what, PATIENCE, async || {
            let count: i64 = sqlx::query_scalar(query)
                .fetch_one(&self.pool)
                .await
                .map_err(|error| error.to_string())?;
            if count == expected { Ok(()) } else { Err(format!("{count}, not {expected}")) }
        })
        .await;
    }

    /// Reasons in the parking table.
    pub async fn parked(&self) -> Vec<(String, String)> {
        sqlx::query_as("select reason, coalesce(message_id, '') from parked order by message_id")
            .fetch_all(&self.pool)
            .await
            .expect("rows")
    }
}

fn settings(broker_url: String, slots: usize, max_age: Duration) -> RuntimeSettings {
    RuntimeSettings {
        broker_url: broker_url.into(),
        slots,
        batch_size: 64,
        confirm_timeout: Duration::from_mins(1),
        answer_timeout: Duration::from_secs(20),
        journal_days: 30,
        events: true,
        undelivered: RedeliverySettings { interval: Duration::from_millis(100), max_age },
        retention: Retention::default(),
    }
}

async fn collect(
    url: String,
    queues: [String; 2],
    passed_on: Arc<Mutex<BTreeMap<String, Arrivals>>>,
) -> lapin::Result<()> {
    let came = |delivery: &Delivery| {
        let id =
            delivery.properties.message_id().as_ref().map(ToString::to_string).unwrap_or_default();
        let said: serde_json::Value = serde_json::from_slice(&delivery.data).unwrap_or_default();
        let what = said["what"].as_str().unwrap_or_default().to_owned();
        let mut passed_on = passed_on.lock().expect("no test panics with it");
        passed_on.entry(id).or_default().came(what, &delivery.data);
    };
    let [work, bulk] = &queues;
    tokio::try_join!(read_queue(&url, work, came), read_queue(&url, bulk, came)).map(drop)
}
