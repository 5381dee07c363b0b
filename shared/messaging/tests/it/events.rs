//! Auditors: what became of each command, from a queue that the operator lets them read, once under
//! each id.

use std::collections::BTreeMap;

use contracts::event::CommandDecided;
use contracts::{Message, Reason, ReceiptOutcome};
use futures_util::StreamExt;
use lapin::options::{BasicAckOptions, BasicConsumeOptions};
use lapin::types::{FieldTable, ShortString};
use lapin::{Connection, ConnectionProperties};
use serde_json::json;
use testkit::desk::PATIENCE;
use url::Url;

use crate::harness::ServiceHarness;
use crate::tally::{Count, Treat};

const QUEUE: &str = "audit";

/// What the operator does for an auditor who may know everything.
async fn let_in(stage: &ServiceHarness, queue: serde_json::Value) -> String {
    let installation = stage.world.installation.clone();
    let done = tokio::task::spawn_blocking(move || {
        let (broker, vhost) = (installation.broker(), installation.vhost());
        // Passwords are derived from names, and users are the whole broker's.
        let user = format!("auditor-{vhost}");
        let url = installation.user_url(&user).expect("an address");
        let password =
            Url::parse(&url).expect("an address").password().expect("a password").to_owned();
        broker.put_user(&user, &password, "").expect("a user");
        broker.put_permissions(vhost, &user, "^$", "^$", &format!("^{QUEUE}$")).expect("rights");
        broker.declare_queue(vhost, QUEUE, &queue).expect("a queue");
        broker.bind(vhost, "events", QUEUE, "#").expect("bound");
        url
    });
    done.await.expect("no panic")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_auditor_learns_what_became_of_each_command_and_nothing_that_it_says() {
    let stage = ServiceHarness::set("events").await;
    let url = let_in(&stage, json!({ "x-queue-type": "quorum" })).await;
    let replica = stage.replica();
    stage.send(&["good"], Treat::Well).await;
    stage.desk.receipt("good").await;
    let odd = br#"{"what":"the text of it","treat":"nonsense"}"#;
    stage
        .desk
        .publish("acme.ticket.count", Count::NAME, "odd", odd, |it| it)
        .await
        .expect("the broker takes it");
    stage.desk.receipt("odd").await;

    let connection = Connection::connect(&url, ConnectionProperties::default())
        .await
        .expect("the auditor gets in");
    let channel = connection.create_channel().await.expect("a channel");
    let (queue, tag) = (ShortString::from(QUEUE), ShortString::from("audit"));
    let mut events = channel
        .basic_consume(queue, tag, BasicConsumeOptions::default(), FieldTable::default())
        .await
        .expect("the queue may be read");
    let mut heard: BTreeMap<String, (String, CommandDecided)> = BTreeMap::new();
    while heard.len() < 2 {
        let event = tokio::time::timeout(PATIENCE, events.next()).await.expect("two events come");
        let event = event.expect("the queue stays").expect("a delivery");
        assert_eq!(
            event.properties.kind().as_ref().map(ShortString::as_str),
            Some(CommandDecided::NAME)
        );
        let text = String::from_utf8_lossy(&event.data).into_owned();
        assert!(!text.contains("the text of it"), "{text}");
        let decided: CommandDecided = serde_json::from_str(&text).expect("an event");
        heard.insert(decided.command_id.clone(), (event.routing_key.to_string(), decided));
        event.ack(BasicAckOptions::default()).await.expect("acked");
    }
    let (key, good) = &heard["good"];
    assert_eq!(
        (key.as_str(), good.outcome, good.decided_by.as_str()),
        ("acme.ticket.applied", ReceiptOutcome::Applied, "share-dispatcher")
    );
    let (key, odd) = &heard["odd"];
    assert_eq!((key.as_str(), odd.reason), ("acme.ticket.rejected", Some(Reason::Malformed)));
    replica.stop().await;
    stage.world.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn m3_an_auditor_whose_queue_is_full_holds_nobody() {
    let stage = ServiceHarness::set("events-full").await;
    let full =
        json!({ "x-queue-type": "quorum", "x-max-length": 1, "x-overflow": "reject-publish" });
    let_in(&stage, full).await;
    let replica = stage.replica();
    let names: Vec<String> = (0..20).map(|number| format!("n{number}")).collect();
    for name in &names {
        stage.send(&[name], Treat::Well).await;
        stage.desk.receipt(name).await;
    }
    stage.work_queue_is_empty().await;
    stage.counts("nothing to wait", "select count(*) from undelivered", 0).await;
    replica.stop().await;
    stage.world.remove().await;
}
