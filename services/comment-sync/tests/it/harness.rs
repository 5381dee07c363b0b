//! What every test here stands on: a world, desks, the service before this one, replicas, and what
//! reaches field-sync.

use comment_sync::CommentSync;
use contracts::Message;
use contracts::sync::{Fact, Transfer};
use contracts::topology::Service;
use local::TestEnvironment;
use sqlx::PgPool;
use testkit::desk::PATIENCE;
use testkit::{Desk, NextServices, Replicas, ServiceBefore, until};

pub struct ServiceHarness {
    pub world: TestEnvironment,
    pub pool: PgPool,
    pub acme: Desk,
    pub globex: Desk,
    next: NextServices,
    share_dispatcher: ServiceBefore,
    replicas: Replicas,
}

impl ServiceHarness {
    /// Sets the stage with two replicas that share a queue.
    pub async fn set(test: &str) -> Self {
        let world = TestEnvironment::new(test).await;
        let pool = world.pool(Service::CommentSync, comment_sync::migrations()).await;
        let url = |service| world.installation.service_url(service).expect("an address");
        let next = NextServices::default();
        next.listen(Service::FieldSync, url(Service::FieldSync));
        let share_dispatcher = ServiceBefore::open(&url(Service::ShareDispatcher)).await;
        let acme = Desk::open(&world.account("acme").await.amqp_url, "acme");
        let globex = Desk::open(&world.account("globex").await.amqp_url, "globex");
        let mut replicas = Replicas::default();
        for _ in 0..2 {
            replicas.start(CommentSync, url(Service::CommentSync), &pool);
        }
        Self { world, pool, acme, globex, next, share_dispatcher, replicas }
    }

    /// Publishes as share-dispatcher does.
    pub async fn publish<M: Message>(&self, id: &str, message: &M) {
        self.share_dispatcher.publish(Service::CommentSync, id, message).await;
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
        self.next.of_type().into_iter().map(|(_, message)| message).collect()
    }

    pub async fn end(self) {
        self.replicas.end().await;
        self.world.remove().await;
    }
}
