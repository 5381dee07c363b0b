use std::time::Duration;

use contracts::topology::Service;
use desk::outbox::{self, Accepted, Request};
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
async fn c4_what_the_line_may_have_forgotten_goes_out_again() {
    let mut harness = DeskHarness::set("desk-recovered").await;
    let arrived = harness.read_entry(Service::ShareDispatcher);
    harness.start_session();
    harness.start_outbox(PATIENCE);
    for key in ["k1", "k2"] {
        harness.ask(ACME, key, "ticket.share.v1", &share()).await;
    }
    arrivals(&arrived, 2).await;
    harness.tell(ACME, "command.receipt.v1", "d1", &receipt("k1", 1)).await;
    let mut refused = receipt("k2", 1);
    refused["outcome"] = json!("rejected");
    harness.tell(ACME, "command.receipt.v1", "d2", &refused).await;
    harness.logged(ACME, 2).await;
    let before = desk::log::head(&harness.pool, ACME).await.unwrap().unwrap();
    for (id, since) in [("d3", "2999-01-01T00:00:00.000Z"), ("d4", "2026-01-01T00:00:00.000Z")] {
        let recovered = json!({ "epoch": 1, "since": since });
        harness.tell(ACME, "account.recovered.v1", id, &recovered).await;
    }
    harness.logged(ACME, 4).await;
    harness.new_command.notify_one();
    let sent = arrivals(&arrived, 3).await;
    assert_eq!(sent[2], sent[0], "under the same id, byte for byte");
    // Its receipt comes again, with another delivery's id, and with what it is decided to now.
    harness.tell(ACME, "command.receipt.v1", "d5", &receipt("k1", 1 << 40)).await;
    harness.logged(ACME, 5).await;
    let mut connection = harness.pool.acquire().await.unwrap();
    let row = read::ticket(&mut connection, ACME, TicketName::Number("4711")).await.unwrap();
    drop(connection);
    assert_eq!(row.unwrap().ticket.fields["status"], (json!({ "value": "hold" }), 1 << 40));
    assert_eq!(arrivals(&arrived, 3).await.len(), 3, "what was refused stays so");
    let read = desk::log::page(&harness.pool, ACME, Some(before), 9).await;
    assert!(matches!(read, Err(desk::log::ReadError::Cursor(_))), "it is another log: {read:?}");
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

#[tokio::test(flavor = "multi_thread")]
async fn what_is_about_a_held_commands_ticket_waits_behind_it() {
    let mut harness = DeskHarness::set("desk-held").await;
    let arrived = harness.read_entry(Service::ShareDispatcher);
    let request = |key: &str, command_type: &str, content: serde_json::Value| Request {
        account: contracts::AccountName::new(ACME).unwrap(),
        key: key.to_owned(),
        command_type: command_type.to_owned(),
        hash: Request::hash_of(command_type, &content),
        content,
    };
    let mut transaction = harness.pool.begin().await.unwrap();
    let held = request("share", "ticket.share.v1", share());
    assert_eq!(outbox::accept_within(&mut transaction, &held).await.unwrap(), Accepted::New);
    let number = outbox::hold(&mut transaction, &held).await.unwrap();
    transaction.commit().await.unwrap();
    let say = |ticket: &str| {
        json!({ "ticket_id": ticket, "comments": [{ "id": "gateway-acme/2",
        "body": "And now?" }] })
    };
    let update = "ticket.update.v1";
    harness.ask(ACME, "behind", update, &say("4711")).await;
    harness.ask(ACME, "by share", update, &json!({ "share_id": SHARE, "status": "open" })).await;
    harness.ask(ACME, "other ticket", update, &say("4712")).await;
    harness.ask(GLOBEX, "other account", update, &say("4711")).await;
    let redact = json!({ "ticket_id": "4711", "comment_id": "gateway-acme/9" });
    harness.ask(ACME, "redact", "ticket.redact.v1", &redact).await;
    harness.start_outbox(PATIENCE);
    let ids = |arrived: &[crate::harness::Arrived]| -> Vec<String> {
        arrived.iter().map(|it| it.message_id.clone()).collect()
    };
    let first = arrivals(&arrived, 3).await;
    assert_eq!(ids(&first), ["other ticket", "other account", "redact"]);

    let mut transaction = harness.pool.begin().await.unwrap();
    assert!(outbox::release(&mut transaction, number).await.unwrap());
    assert!(!outbox::release(&mut transaction, number).await.unwrap(), "once");
    transaction.commit().await.unwrap();
    harness.new_command.notify_one();
    let all = arrivals(&arrived, 6).await;
    assert_eq!(ids(&all)[3..], ["share", "behind", "by share"]);
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_a_held_command_is_replaced_there_and_at_home() {
    let harness = DeskHarness::set("desk-replaced").await;
    let mut content = share();
    let file = json!({ "id": "f", "filename": "pump.png", "url": "https://elsewhere.example/1" });
    content["ticket"]["comments"][0]["attachments"] = json!([file]);
    let request = Request {
        account: contracts::AccountName::new(ACME).unwrap(),
        key: "k1".to_owned(),
        command_type: "ticket.share.v1".to_owned(),
        hash: Vec::new(),
        content,
    };
    let mut connection = harness.pool.acquire().await.unwrap();
    outbox::accept_within(&mut connection, &request).await.unwrap();
    let number = outbox::hold(&mut connection, &request).await.unwrap();
    let of = outbox::FileOfComment {
        comment: "gateway-acme/1",
        attachment: "f",
        url: "https://elsewhere.example/1",
    };
    let copy = json!({ "url": "https://files.example/f/1", "size": 5 });
    let replaced = outbox::replace_file(&mut connection, number, of, &copy, &copy).await.unwrap();
    assert!(replaced);
    let again = outbox::replace_file(&mut connection, number, of, &copy, &copy).await.unwrap();
    assert!(!again, "it names the copy now");
    let row =
        read::ticket(&mut connection, ACME, TicketName::Number("4711")).await.unwrap().unwrap();
    let held = &row.ticket.comments["gateway-acme/1"].attachments["f"];
    assert_eq!((&held["url"], &held["size"]), (&copy["url"], &copy["size"]));
    let body: String = sqlx::query_scalar("select body from desk_outbox where number = $1")
        .bind(number)
        .fetch_one(&mut *connection)
        .await
        .unwrap();
    assert!(body.contains("files.example") && !body.contains("elsewhere"), "{body}");
    drop(connection);
    harness.remove().await;
}
