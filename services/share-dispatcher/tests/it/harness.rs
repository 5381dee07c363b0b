//! What every test here stands on: a world, desks, the service before this one, replicas, and what
//! reaches the next ones.

use contracts::sync::{Fact, Transfer};
use contracts::topology::Service;
use local::TestEnvironment;
use share_dispatcher::{Keys, ShareDispatcher};
use sqlx::PgPool;
use testkit::desk::PATIENCE;
use testkit::{Desk, NextServices, PassedOn, Replicas, ServiceBefore, until};

pub struct ServiceHarness {
    pub world: TestEnvironment,
    pub pool: PgPool,
    next: NextServices,
    agreement_service: ServiceBefore,
    replicas: Replicas,
}

fn keys() -> Keys {
    Keys::read("a-key-that-both-replicas-have-here").expect("a key")
}

impl ServiceHarness {
    pub async fn set(test: &str) -> Self {
        let world = TestEnvironment::new(test).await;
        let pool = world.pool(Service::ShareDispatcher, share_dispatcher::migrations()).await;
        let url = |service| world.installation.service_url(service).expect("an address");
        let next = NextServices::default();
        for to in [Service::CommentSync, Service::FieldSync] {
            next.listen(to, url(to));
        }
        let agreement_service = ServiceBefore::open(&url(Service::Agreement)).await;
        Self { world, pool, next, agreement_service, replicas: Replicas::default() }
    }

    /// Starts two replicas that share a queue.
    pub fn start_two_replicas(&mut self) {
        for _ in 0..2 {
            let url =
                self.world.installation.service_url(Service::ShareDispatcher).expect("an address");
            self.replicas.start(ShareDispatcher::new(keys()), url, &self.pool);
        }
    }

    pub async fn desk(&self, account: &str) -> Desk {
        Desk::open(&self.world.account(account).await.amqp_url, account)
    }

    /// Publishes a fact as agreement-service does, and waits until comment-sync has it: then it is
    /// in force here.
    pub async fn told(&self, id: &str, fact: &Fact) {
        let before = self.facts().len();
        self.agreement_service.publish(Service::ShareDispatcher, id, fact).await;
        until(&format!("the fact {id} at comment-sync"), PATIENCE, async || {
            match self.facts().len() {
                count if count > before => Ok(()),
                count => Err(format!("{count} facts")),
            }
        })
        .await;
    }

    /// What reached the next services so far.
    pub fn passed(&self) -> Vec<PassedOn> {
        self.next.all()
    }

    /// Facts that reached comment-sync.
    pub fn facts(&self) -> Vec<Fact> {
        let facts = self.next.of_type().into_iter();
        facts.filter(|(to, _)| *to == Service::CommentSync).map(|(_, fact)| fact).collect()
    }

    /// Transfers, with where they went.
    pub fn transfers(&self) -> Vec<(Service, Transfer)> {
        self.next.of_type()
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

    pub async fn end(self) {
        self.replicas.end().await;
        self.world.remove().await;
    }
}
