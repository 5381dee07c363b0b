//! What every test here stands on: a world, desks, replicas of the service, and what reaches
//! share-dispatcher.

use std::fmt::Debug;

use agreement_service::AgreementService;
use contracts::Reason;
use contracts::sync::Fact;
use contracts::topology::Service;
use local::{Broker, TestEnvironment};
use serde_json::json;
use sqlx::PgPool;
use testkit::desk::PATIENCE;
use testkit::{Desk, NextServices, PassedOn, Replicas, until};

pub struct ServiceHarness {
    pub world: TestEnvironment,
    pub pool: PgPool,
    next: NextServices,
    replicas: Replicas,
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
        let next = NextServices::default();
        let url = world.installation.service_url(Service::ShareDispatcher).expect("an address");
        next.listen(Service::ShareDispatcher, url);
        Self { world, pool, next, replicas: Replicas::default() }
    }

    /// Starts two replicas that share a queue.
    pub fn start_two_replicas(&mut self) {
        for _ in 0..2 {
            let url = self.world.installation.service_url(Service::Agreement).expect("an address");
            self.replicas.start(AgreementService::new(10_000), url, &self.pool);
        }
    }

    /// Lets the ladder's steps take milliseconds: of a queue's own time to live and its policy's,
    /// the shorter one counts.
    pub async fn shorten_the_ladder(&self) {
        let (broker, vhost) =
            (self.world.installation.broker().clone(), self.world.installation.vhost().to_owned());
        let policy = json!({
            "name": "short-ladder", "pattern": r"^agreement-service\.retry\.",
            "apply-to": "queues", "priority": 1,
            "definition": { "message-ttl": 50 },
        });
        let import = move || broker.import_definitions(&vhost, &json!({ "policies": [policy] }));
        tokio::task::spawn_blocking(import)
            .await
            .expect("the task ends")
            .expect("the broker takes it");
    }

    /// As `kill -9` does: nothing is finished, connections break.
    pub fn kill(&mut self) {
        self.replicas = Replicas::default();
    }

    /// Has something done at the broker, as its administrator.
    pub async fn at_broker<T: Send + 'static, E: Debug + Send + 'static>(
        &self,
        act: impl FnOnce(&Broker, &str) -> Result<T, E> + Send + 'static,
    ) -> T {
        let installation = self.world.installation.clone();
        tokio::task::spawn_blocking(move || act(installation.broker(), installation.vhost()))
            .await
            .expect("the task ends")
            .expect("the broker does it")
    }

    pub async fn desk(&self, account: &str) -> Desk {
        Desk::open(&self.world.account(account).await.amqp_url, account)
    }

    pub fn operator(&self) -> Desk {
        Desk::open(&self.world.installation.operator_url().expect("an address"), "operator")
    }

    /// What reached share-dispatcher so far.
    pub fn facts(&self) -> Vec<Fact> {
        self.next.all().iter().map(PassedOn::read).collect()
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

    pub async fn end(self) {
        self.replicas.end().await;
        self.world.remove().await;
    }
}
