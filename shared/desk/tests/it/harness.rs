//! What every test here stands on: an edge with two accounts, the line's end that tells them
//! something, and the line's entry that reads what they send.

use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use contracts::AccountName;
use contracts::topology::Service;
use desk::outbox::{self, Accepted, Request, accept};
use desk::store::account::{KeptAccount, keep};
use desk::{Edge, Session};
use local::TestEnvironment;
use messaging::parked::{self, ParkedAction, ParkedFilter};
use messaging::{CommandSender, Sending};
use serde_json::Value;
use sqlx::PgPool;
use testkit::desk::PATIENCE;
use testkit::{Replicas, ServiceBefore, read_queue, until};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

pub const ACME: &str = "gateway-acme";
pub const GLOBEX: &str = "gateway-globex";

#[derive(Debug)]
pub struct TestEdge;

impl Edge for TestEdge {
    const SERVICE: Service = Service::Gateway;
}

/// A command as the line's entry gets it.
#[derive(Clone, Debug, PartialEq)]
pub struct Arrived {
    pub key: String,
    pub message_id: String,
    pub message_type: String,
    pub user_id: String,
    pub body: Value,
}

pub struct DeskHarness {
    pub world: TestEnvironment,
    pub pool: PgPool,
    pub new_command: Arc<Notify>,
    replicas: Replicas,
    line: ServiceBefore,
}

impl DeskHarness {
    /// Nothing runs yet.
    pub async fn set(test: &str) -> Self {
        let world = TestEnvironment::new(test).await;
        world.edge(Service::Gateway, &[ACME, GLOBEX]).await;
        let migrations = messaging::migrations().into_iter().chain(desk::migrations()).collect();
        let pool = world.pool(Service::Gateway, migrations).await;
        for account in ["gateway", ACME, GLOBEX] {
            let address = account.trim_start_matches("gateway-").to_owned();
            let (account, display_name) = (account.to_owned(), address.clone());
            keep(&pool, &KeptAccount { account, address, display_name }).await.expect("it is kept");
        }
        let url = world.installation.service_url(Service::FieldSync).expect("an address");
        world.let_tell_anything(Service::FieldSync).await;
        let line = ServiceBefore::open(&url).await;
        Self { world, pool, new_command: Arc::default(), replicas: Replicas::default(), line }
    }

    /// The address with which the edge logs in.
    pub fn url(&self) -> String {
        self.world.installation.service_url(Service::Gateway).expect("an address")
    }

    /// Starts a replica that takes what accounts are told.
    pub fn start_session(&mut self) {
        let url = self.url();
        self.replicas.start(Session::<TestEdge>::default(), url, &self.pool);
    }

    /// Starts a replica that sends what accounts ask for; without a receipt again after `again`.
    pub fn start_outbox(&mut self, again: Duration) {
        let settings =
            outbox::OutboxSettings { again_after: again, answer_timeout: Duration::from_secs(20) };
        let sender = CommandSender::new(Service::Gateway, self.url().into(), PATIENCE);
        let (pool, new) = (self.pool.clone(), Arc::clone(&self.new_command));
        self.replicas.spawn(|stop| outbox::run(pool, sender, settings, new, stop));
    }

    /// Tells an account something, as the line's last stage does.
    pub async fn tell(&self, account: &str, message_type: &str, id: &str, body: &Value) {
        self.line.tell(account, message_type, id, body).await;
    }

    /// What an account's log has: types and bodies.
    pub async fn log(&self, account: &str) -> Vec<(String, Value)> {
        let rows: Vec<(String, String)> =
            sqlx::query_as("select type, body from desk_log where account = $1 order by position")
                .bind(account)
                .fetch_all(&self.pool)
                .await
                .expect("the database answers");
        let json = |body: &str| serde_json::from_str(body).expect("a body is JSON");
        rows.into_iter().map(|(kind, body)| (kind, json(&body))).collect()
    }

    /// Has everything that is parked taken in again, as `gateway parked replay --all` does.
    pub async fn replay_parked(&self) -> usize {
        let all = ParkedFilter::default();
        let plan = parked::plan(&self.pool, Service::Gateway, ParkedAction::Replay, &all).await;
        let sending = Sending {
            broker_url: self.url(),
            confirm_timeout: PATIENCE,
            rate: NonZeroU32::new(50).expect("not zero"),
            by: "anna".to_owned(),
        };
        let (plan, stop) = (plan.expect("a plan"), CancellationToken::new());
        let outcome = parked::carry_out(&self.pool, &plan, &sending, &stop, |_| ()).await;
        outcome.expect("it can begin").done
    }

    /// Waits until an account's log has so many entries.
    pub async fn logged(&self, account: &str, count: usize) -> Vec<(String, Value)> {
        until(&format!("{count} entries of {account}"), PATIENCE, async || {
            let log = self.log(account).await;
            if log.len() >= count { Ok(log) } else { Err(format!("{} so far", log.len())) }
        })
        .await
    }

    /// Has an account ask for something.
    pub async fn ask(
        &self,
        account: &str,
        key: &str,
        command_type: &str,
        content: &Value,
    ) -> Accepted {
        let account = AccountName::new(account).expect("a name");
        let request = Request::new(account, key, command_type, content.clone());
        let accepted = accept(&self.pool, &request).await.expect("the database takes it");
        self.new_command.notify_one();
        accepted
    }

    /// Reads what arrives at the entry of the line, from now on, without taking part in it.
    pub fn read_entry(&mut self, service: Service) -> Arc<Mutex<Vec<Arrived>>> {
        let arrived: Arc<Mutex<Vec<Arrived>>> = Arc::default();
        let url = self.world.installation.service_url(service).expect("an address");
        let into = Arc::clone(&arrived);
        self.replicas.spawn(|stop| async move {
            let reading = read_queue(&url, service.name(), |delivery| {
                let text = |value: &Option<lapin::types::ShortString>| {
                    value.as_ref().map(ToString::to_string).unwrap_or_default()
                };
                into.lock().unwrap_or_else(PoisonError::into_inner).push(Arrived {
                    key: delivery.routing_key.to_string(),
                    message_id: text(delivery.properties.message_id()),
                    message_type: text(delivery.properties.kind()),
                    user_id: text(delivery.properties.user_id()),
                    body: serde_json::from_slice(&delivery.data).expect("a command is JSON"),
                });
            });
            tokio::select! {
                () = stop.cancelled() => Ok::<(), std::convert::Infallible>(()),
                ended = reading => panic!("the entry cannot be read: {ended:?}"),
            }
        });
        arrived
    }

    pub async fn remove(self) {
        self.replicas.end().await;
        self.pool.close().await;
        self.world.remove().await;
    }
}

/// Waits until so many commands arrived.
pub async fn arrivals(arrived: &Mutex<Vec<Arrived>>, count: usize) -> Vec<Arrived> {
    until(&format!("{count} commands at the entry"), PATIENCE, async || {
        let arrived = arrived.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if arrived.len() >= count { Ok(arrived) } else { Err(format!("{arrived:?}")) }
    })
    .await
}
