//! What an operator or an accident does to the broker and the database.

use contracts::topology::Service;
use lapin::options::BasicAckOptions;
use lapin::types::{FieldTable, ShortString};
use lapin::{Connection, ConnectionProperties};
use testkit::desk::PATIENCE;
use testkit::until;

use crate::harness::ServiceHarness;

impl ServiceHarness {
    /// Binds or unbinds the desk's queue: without it, deliveries come back.
    pub async fn desk_queue_is_bound(&self, bound: bool) {
        self.on_broker(move |broker, vhost| {
            if bound {
                broker.bind(vhost, "desk", "desk.acme", "acme.#")
            } else {
                broker.unbind(vhost, "desk", "desk.acme", "acme.#")
            }
        })
        .await;
    }

    /// Binds or unbinds the next service's queue: without it, nothing can be passed on.
    pub async fn next_service_is_bound(&self, bound: bool) {
        self.on_broker(move |broker, vhost| {
            if bound {
                broker.bind(vhost, "sync", "comment-sync", "comment-sync.*")
            } else {
                broker.unbind(vhost, "sync", "comment-sync", "comment-sync.*")
            }
        })
        .await;
    }

    /// The bulk queue takes so many messages.
    pub async fn bulk_queue_takes(&self, messages: u32) {
        let small = serde_json::json!({ "max-length": messages, "overflow": "reject-publish" });
        self.on_broker(move |broker, vhost| {
            broker.put_policy(vhost, "small", "^share-dispatcher\\.bulk$", 10, &small)
        })
        .await;
    }

    /// The desk that is away is tried again after so long.
    pub async fn next_probe(&self, after: &'static str) {
        let mut transaction = self.pool.begin().await.expect("a transaction");
        // Nobody is at it meanwhile.
        sqlx::query(
            "select pg_advisory_xact_lock(hashtext(current_schema() || '.undelivered.acme'))",
        )
        .execute(&mut *transaction)
        .await
        .expect("the lock");
        sqlx::query("update desk_away set next_probe_at = clock_timestamp() + $1::text::interval")
            .bind(after)
            .execute(&mut *transaction)
            .await
            .expect("the table is there");
        transaction.commit().await.expect("it is committed");
    }

    pub async fn delete_queue(&self, queue: &'static str) {
        self.on_broker(move |broker, vhost| broker.delete_queue(vhost, queue)).await;
    }

    pub async fn install_topology(&self) {
        let installation = self.world.installation.clone();
        tokio::task::spawn_blocking(move || installation.install_topology())
            .await
            .expect("the task ends")
            .expect("it is taken");
    }

    async fn on_broker<E: std::fmt::Debug + Send + 'static>(
        &self,
        work: impl FnOnce(&local::Broker, &str) -> Result<(), E> + Send + 'static,
    ) {
        let (broker, vhost) =
            (self.world.installation.broker().clone(), self.world.installation.vhost().to_owned());
        tokio::task::spawn_blocking(move || work(&broker, &vhost))
            .await
            .expect("the task ends")
            .expect("the broker does it");
    }

    /// Lets the service's role into the database, or throws it out.
    pub async fn database_lets_in(&self, lets_in: bool) {
        let mut admin = <sqlx::PgConnection as sqlx::Connection>::connect(
            &self.world.database.url().expect("an address"),
        )
        .await
        .expect("in");
        let role = format!("{}_share_dispatcher", self.world.name());
        let alter = format!("alter role \"{role}\" {}", if lets_in { "login" } else { "nologin" });
        sqlx::query(sqlx::AssertSqlSafe(alter))
            .execute(&mut admin)
            .await
            .expect("the role is changed");
        if !lets_in {
            sqlx::query(
                "select pg_terminate_backend(pid) from pg_stat_activity where usename = $1",
            )
            .bind(role)
            .execute(&mut admin)
            .await
            .expect("out");
        }
    }

    /// Messages in a queue that nobody reads.
    pub async fn messages_in(&self, queue: &str) -> usize {
        usize::try_from(self.declared(queue).await.message_count()).unwrap_or_default()
    }

    pub async fn consumers_of(&self, queue: &str) -> u32 {
        self.declared(queue).await.consumer_count()
    }

    async fn declared(&self, queue: &str) -> lapin::Queue {
        let channel = self.service_channel().await;
        let passive = lapin::options::QueueDeclareOptions {
            passive: true,
            durable: true,
            ..Default::default()
        };
        channel
            .queue_declare(ShortString::from(queue), passive, FieldTable::default())
            .await
            .expect("the queue is there")
    }

    pub async fn work_queue_is_empty(&self) {
        until("the work queue to be empty", PATIENCE, async || {
            match self.messages_in("share-dispatcher").await {
                0 => Ok(()),
                count => Err(format!("{count} messages")),
            }
        })
        .await;
    }

    /// Takes a message out of the work queue for good.
    pub async fn take_out(&self, id: &str) {
        self.on_message(id, 1, async |delivery| {
            delivery.ack(BasicAckOptions::default()).await.map(|_| ())
        })
        .await;
    }

    /// Rejects a message: the broker dead-letters it.
    pub async fn reject(&self, id: &str) {
        self.on_message(id, 1, async |delivery| {
            delivery.reject(lapin::options::BasicRejectOptions { requeue: false }).await.map(|_| ())
        })
        .await;
    }

    /// So many processes began to decide a message, and died.
    pub async fn began(&self, id: &str, processes: i32) {
        let rows = "insert into suspect (queue, routing_key, message_id, process, begun_at)
                    select 'share-dispatcher', $1, $2, gen_random_uuid(), now()
                    from generate_series(1, $3)";
        let key = format!("{}.ticket.count", self.desk.account);
        sqlx::query(rows)
            .bind(key)
            .bind(id)
            .bind(processes)
            .execute(&self.pool)
            .await
            .expect("the table is there");
    }

    /// Fetches a message and puts it back, as crashing consumers do.
    pub async fn return_to_queue(&self, id: &str, times: usize) {
        self.on_message(id, times, async |delivery| {
            delivery
                .nack(lapin::options::BasicNackOptions { requeue: true, multiple: false })
                .await
                .map(|_| ())
        })
        .await;
    }

    async fn on_message(
        &self,
        id: &str,
        times: usize,
        work: impl AsyncFn(&lapin::message::Delivery) -> lapin::Result<()>,
    ) {
        let channel = self.service_channel().await;
        let mut done = 0;
        until(&format!("{id} in the work queue"), PATIENCE, async || {
            let queue = ShortString::from("share-dispatcher");
            let got = channel
                .basic_get(queue, lapin::options::BasicGetOptions::default())
                .await
                .map_err(|error| error.to_string())?;
            let Some(message) = got else { return Err("an empty queue".to_owned()) };
            if message
                .delivery
                .properties
                .message_id()
                .as_ref()
                .is_some_and(|found| found.as_str() == id)
            {
                work(&message.delivery).await.map_err(|error| error.to_string())?;
                done += 1;
            }
            if done == times { Ok(()) } else { Err(format!("{done} of {times} times")) }
        })
        .await;
        // What was fetched beside it goes back.
        channel.close(200, ShortString::from("done")).await.expect("the channel closes");
    }

    async fn service_channel(&self) -> lapin::Channel {
        let url =
            self.world.installation.service_url(Service::ShareDispatcher).expect("an address");
        let connection = Connection::connect(&url, ConnectionProperties::default())
            .await
            .expect("the broker lets it in");
        connection.create_channel().await.expect("a channel")
    }
}
