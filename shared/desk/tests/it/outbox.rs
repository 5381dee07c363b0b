use std::time::Duration;

use contracts::topology::Service;
use desk::outbox::Accepted;
use desk::store::read::{self, TicketName};
use serde_json::json;
use testkit::desk::PATIENCE;
use testkit::until;

use crate::harness::{ACME, DeskHarness, GLOBEX, arrivals};
use crate::session::SHARE;

fn share() -> serde_json::Value {
    let actor = json!({ "id": "1", "name": "Bo", "role": "agent" });
    json!({ "agreement_id": SHARE, "share_id": SHARE, "actor": actor,
        "occurred_at": "2026-11-29T12:00:00.000Z",
        "ticket": { "id": "4711", "subject": "The pump leaks", "status": "hold",
            "requester": actor, "comments": [{ "id": "gateway-acme/1", "body": "It drips." }] } })
}

fn receipt(key: &str, revision: u64) -> serde_json::Value {
    json!({ "command_id": key, "command_type": "ticket.share.v1", "outcome": "applied",
        "share_id": SHARE, "revision": revision, "decisions": [] })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_is_sent_until_its_receipt_comes_and_then_no_more() {
    let mut harness = DeskHarness::set("desk-outbox").await;
    let arrived = harness.read_entry(Service::ShareDispatcher);
    harness.start_session();
    harness.start_outbox(Duration::from_millis(300));
    assert_eq!(harness.ask(ACME, "k1", "ticket.share.v1", &share()).await, Accepted::New);
    let sent = arrivals(&arrived, 3).await;
    assert!(sent.iter().all(|it| *it == sent[0]), "again under the same id, byte for byte");
    assert_eq!(sent[0].key, "gateway-acme.ticket.share");
    assert_eq!((sent[0].message_id.as_str(), sent[0].user_id.as_str()), ("k1", "gateway"));
    assert_eq!(sent[0].body, share());

    harness.tell(ACME, "command.receipt.v1", "d1", &receipt("k1", 1)).await;
    until("the command answered", PATIENCE, async || {
        let row = read::command(&harness.pool, ACME, "ticket", "k1").await.unwrap();
        let row = row.expect("it is kept");
        if row.receipt.is_some() { Ok(()) } else { Err(format!("{row:?}")) }
    })
    .await;
    let due: Option<i64> =
        sqlx::query_scalar("select count(*) from desk_outbox where due_at is not null")
            .fetch_one(&harness.pool)
            .await
            .unwrap();
    assert_eq!(due, Some(0), "nothing is sent any more");
    // The fields take value and revision with the receipt; the comment was there at once.
    let mut connection = harness.pool.acquire().await.unwrap();
    let row =
        read::ticket(&mut connection, ACME, TicketName::Number("4711")).await.unwrap().unwrap();
    drop(connection);
    assert_eq!(row.ticket.fields["status"], (json!({ "value": "hold" }), 1));
    assert_eq!(row.ticket.comments["gateway-acme/1"].body, "It drips.");
    assert_eq!(row.shares[0].side.as_deref(), Some("sender"));
    assert!(matches!(harness.ask(ACME, "k1", "ticket.share.v1", &share()).await,
        Accepted::Repeat(Some(receipt)) if receipt.revision == Some(1)));
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_has_no_effect_and_another_request_is_refused() {
    let mut harness = DeskHarness::set("desk-repeat").await;
    let arrived = harness.read_entry(Service::ShareDispatcher);
    assert_eq!(harness.ask(ACME, "k1", "ticket.share.v1", &share()).await, Accepted::New);
    assert_eq!(harness.ask(ACME, "k1", "ticket.share.v1", &share()).await, Accepted::Repeat(None));
    let mut other = share();
    other["ticket"]["subject"] = json!("Something else");
    assert_eq!(harness.ask(ACME, "k1", "ticket.share.v1", &other).await, Accepted::KeyReused);
    // The same key is another account's own.
    assert_eq!(harness.ask(GLOBEX, "k1", "ticket.share.v1", &other).await, Accepted::New);
    assert_eq!(
        harness.ask("gateway-initech", "k1", "ticket.share.v1", &other).await,
        Accepted::NoSuchAccount
    );
    // Two replicas share the work.
    harness.start_outbox(PATIENCE);
    harness.start_outbox(PATIENCE);
    assert_eq!(arrivals(&arrived, 2).await.len(), 2);
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_key_asked_for_at_once_is_one_command() {
    let harness = DeskHarness::set("desk-at-once").await;
    let content = share();
    let asking = (0..8).map(|_| harness.ask(ACME, "k1", "ticket.share.v1", &content));
    let accepted = futures_util::future::join_all(asking).await;
    let new = accepted.iter().filter(|it| **it == Accepted::New).count();
    let repeats = accepted.iter().filter(|it| **it == Accepted::Repeat(None)).count();
    assert_eq!((new, repeats), (1, 7), "{accepted:?}");
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_died_between_publish_and_confirm_goes_out_again() {
    let mut harness = DeskHarness::set("desk-crash").await;
    let arrived = harness.read_entry(Service::ShareDispatcher);
    harness.ask(ACME, "k1", "ticket.share.v1", &share()).await;
    // Sent, and the process ends before it can write that down: its transaction is gone.
    let mut sender =
        messaging::CommandSender::new(Service::Gateway, harness.url().into(), PATIENCE);
    let mut transaction = harness.pool.begin().await.unwrap();
    sqlx::query("select from desk_outbox for update").execute(&mut *transaction).await.unwrap();
    let command = messaging::Command {
        account: contracts::AccountName::new(ACME).unwrap(),
        message_id: "k1".into(),
        message_type: "ticket.share.v1".into(),
        body: share().to_string().into_bytes(),
        attempt: 1,
    };
    sender.send(&[command]).await.unwrap();
    transaction.rollback().await.unwrap();
    arrivals(&arrived, 1).await;

    harness.start_outbox(PATIENCE);
    let sent = arrivals(&arrived, 2).await;
    assert_eq!(sent[0], sent[1], "the line knows it by its id");
    harness.remove().await;
}
