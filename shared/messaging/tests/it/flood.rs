//! One account sends much at once: others wait for little of it, and all of it is decided once.

use std::time::Duration;

use local::Broker;
use testkit::{Desk, until};

use crate::harness::ServiceHarness;
use crate::tally::{Count, Treat};

const MINUTE: Duration = Duration::from_mins(1);
/// Some ten batches.
const MANY: usize = 600;
const IN_BULK: &str = "select count(*) from bulk_account where account = 'acme'";

impl ServiceHarness {
    /// So many commands of acme lie in the work queue.
    async fn floods(&self, many: usize) -> Vec<String> {
        let names: Vec<String> = (0..many).map(|number| format!("flood-{number}")).collect();
        let borrowed: Vec<&str> = names.iter().map(String::as_str).collect();
        self.send(&borrowed, Treat::Well).await;
        names
    }

    /// Waits until the broker leads acme's commands to the bulk queue, or does so no more.
    async fn is_led_to_bulk(&self, is_led: bool) {
        let installation = &self.world.installation;
        until("acme's commands to be led", MINUTE, async || {
            let (broker, vhost) = (installation.broker().clone(), installation.vhost().to_owned());
            let found = tokio::task::spawn_blocking(move || leads_to_bulk(&broker, &vhost));
            let found = found.await.map_err(|error| error.to_string())?;
            if found == is_led { Ok(()) } else { Err(format!("led to the bulk queue: {found}")) }
        })
        .await;
    }
}

fn leads_to_bulk(broker: &Broker, vhost: &str) -> bool {
    let definitions = broker.definitions(vhost).expect("the broker tells");
    let bindings = definitions["bindings"].as_array().expect("a list");
    bindings.iter().any(|one| {
        one["source"] == "share-dispatcher.entry"
            && one["destination"] == "share-dispatcher.bulk"
            && one["routing_key"] == "acme.#"
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_after_a_flood_waits_for_little_of_it() {
    let stage = ServiceHarness::set("flood-others").await;
    let globex = Desk::open(&stage.world.account("globex").await.amqp_url, "globex");
    let mut names = stage.floods(MANY).await;
    let after = Count { what: "after".to_owned(), treat: Treat::Well };
    globex.send_as("after", &after).await.expect("the broker takes it");
    let replica = stage.replica_with(1);
    globex.receipt("after").await;
    let before = stage.desk.answered_like("flood-");
    assert!(before < MANY / 2, "{before} of the flood were answered first");
    stage.is_led_to_bulk(true).await;
    names.push("more".to_owned());
    stage.send(&["more"], Treat::Well).await;
    for name in &names {
        stage.desk.receipt(name).await;
    }
    stage
        .counts("each to be decided once", "select count(*) from tally where times = 1", 602)
        .await;
    until("each to be passed on", MINUTE, async || {
        let passed = stage.passed_on();
        let once = passed.values().filter(|arrivals| arrivals.bodies.len() == 1).count();
        if once == MANY + 2 { Ok(()) } else { Err(format!("{once} of {}", passed.len())) }
    })
    .await;
    replica.stop().await;
    assert!(stage.parked().await.is_empty());
    stage.world.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_let_go_when_its_flood_is_over() {
    let stage = ServiceHarness::set("flood-over").await;
    stage.floods(MANY / 2).await;
    let replica = stage.replica_with(1);
    stage.is_led_to_bulk(true).await;
    stage.counts("acme to be in bulk", IN_BULK, 1).await;
    sqlx::query("update bulk_account set until = now() - interval '1 second'")
        .execute(&stage.pool)
        .await
        .expect("a row");
    stage.is_led_to_bulk(false).await;
    stage.counts("acme to be forgotten", IN_BULK, 0).await;
    stage.send(&["more"], Treat::Well).await;
    stage.desk.receipt("more").await;
    stage.counts("all to be decided", "select count(*) from tally where times = 1", 301).await;
    replica.stop().await;
    stage.world.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_survives_whoever_moves_it() {
    let stage = ServiceHarness::set("flood-kill").await;
    let mut names = stage.floods(MANY / 2).await;
    let mut replica = stage.replica_with(2);
    for turn in 0..3 {
        let seen = stage.desk.answered_like("flood-");
        until("some more to be answered", MINUTE, async || {
            let answered = stage.desk.answered_like("flood-");
            if answered > seen { Ok(()) } else { Err(format!("{answered}")) }
        })
        .await;
        replica.kill();
        replica = stage.replica_with(2);
        let name = format!("flood-more-{turn}");
        stage.send(&[&name], Treat::Well).await;
        names.push(name);
    }
    for name in &names {
        stage.desk.receipt(name).await;
    }
    stage
        .counts("each to be decided once", "select count(*) from tally where times = 1", 303)
        .await;
    replica.stop().await;
    assert!(stage.parked().await.is_empty());
    stage.world.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_full_bulk_queue_does_not_take_is_decided_where_it_lies() {
    let stage = ServiceHarness::set("flood-full").await;
    stage.bulk_queue_takes(5).await;
    let names = stage.floods(MANY / 2).await;
    let replica = stage.replica_with(1);
    for name in &names {
        stage.desk.receipt(name).await;
    }
    stage
        .counts("each to be decided once", "select count(*) from tally where times = 1", 300)
        .await;
    replica.stop().await;
    assert!(stage.parked().await.is_empty());
    stage.world.remove().await;
}
