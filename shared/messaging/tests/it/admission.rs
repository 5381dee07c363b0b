//! Commands as anybody may send them: each is answered, or parked where there is nobody to answer.

use contracts::{Message, Reason, ReceiptOutcome};
use lapin::types::{AMQPValue, FieldTable, ShortString};
use testkit::desk::PATIENCE;
use testkit::until;

use crate::harness::ServiceHarness;
use crate::tally::{Count, Treat};

#[tokio::test(flavor = "multi_thread")]
async fn every_command_whose_account_is_known_gets_a_receipt() {
    let stage = ServiceHarness::set("admission-receipts").await;
    let replica = stage.replica();
    let desk = &stage.desk;
    let body = br#"{"what":"x"}"#;
    let publish = async |key: &str, name: &str, id: &str, body: &[u8]| {
        desk.publish(key, name, id, body, |properties| properties)
            .await
            .expect("the broker takes it");
        let receipt = desk.receipt(id).await;
        assert_eq!(receipt.outcome, ReceiptOutcome::Rejected, "{id}: {receipt:?}");
        receipt.reason.expect("a reason")
    };
    assert_eq!(publish("acme.ticket.count", Count::NAME, "json", b"{").await, Reason::Malformed);
    assert_eq!(publish("acme.ticket.count", Count::NAME, "field", b"{}").await, Reason::Malformed);
    assert_eq!(publish("acme.ticket.other", Count::NAME, "key", body).await, Reason::Malformed);
    assert_eq!(
        publish("acme.ticket.other", "ticket.other.v1", "type", body).await,
        Reason::UnknownType
    );
    assert_eq!(
        publish("acme.tickets.count", "tickets.count.v1", "unroutable", body).await,
        Reason::UnknownType
    );
    assert_eq!(publish("acme.nonsense", Count::NAME, "words", body).await, Reason::Malformed);
    let large = format!("{{\"what\":\"{}\"}}", "x".repeat(512 * 1024));
    assert_eq!(
        publish("acme.ticket.count", Count::NAME, "large", large.as_bytes()).await,
        Reason::TooLarge
    );
    stage.send(&["good"], Treat::Well).await;
    desk.receipt("good").await;
    assert_eq!(
        publish("acme.ticket.count", Count::NAME, "json", body).await,
        Reason::Malformed,
        "the first answer to this id stands"
    );
    replica.stop().await;
    stage.world.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_used_again_is_known_by_its_content() {
    let stage = ServiceHarness::set("admission-reused").await;
    let replica = stage.replica();
    stage.send(&["a"], Treat::Well).await;
    stage.all_done_once(&["a"]).await;
    let spelt_otherwise = br#" { "treat": "well", "ignored": null, "what": "a" } "#;
    let desk = &stage.desk;
    desk.publish("acme.ticket.count", Count::NAME, "a", spelt_otherwise, |properties| properties)
        .await
        .expect("the broker takes it");
    desk.publish("acme.ticket.count", Count::NAME, "a", br#"{"what":"b"}"#, |properties| {
        properties
    })
    .await
    .expect("the broker takes it");
    let (receipt, _) = desk
        .told("the refusal", |told| match told {
            contracts::delivery::DeliveryBody::Receipt(receipt) if receipt.reason.is_some() => {
                Some(receipt.clone())
            }
            _ => None,
        })
        .await;
    assert_eq!(receipt.reason, Some(Reason::MessageIdReused));
    stage.work_queue_is_empty().await;
    assert_eq!(stage.tally().await.into_iter().collect::<Vec<_>>(), [("a".to_owned(), 1)]);
    // As after two days: the key is remembered, the outputs are not.
    sqlx::query("delete from journal_output").execute(&stage.pool).await.expect("they go");
    stage.send(&["a"], Treat::Well).await;
    let (receipt, _) = desk
        .told("that it is known", |told| match told {
            contracts::delivery::DeliveryBody::Receipt(receipt)
                if receipt.outcome == ReceiptOutcome::Ignored =>
            {
                Some(receipt.clone())
            }
            _ => None,
        })
        .await;
    assert_eq!(receipt.reason, Some(Reason::AlreadyKnown));
    replica.stop().await;
    stage.world.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_sent_again_sends_what_it_caused_again_byte_for_byte() {
    let stage = ServiceHarness::set("admission-again").await;
    let replica = stage.replica();
    stage.send(&["a"], Treat::Well).await;
    stage.all_done_once(&["a"]).await;
    stage.send(&["a"], Treat::Well).await;
    until("both outputs to come again", PATIENCE, async || {
        let (repeated, _) = stage.desk.repeated_and_unreadable();
        let times: Vec<usize> =
            stage.passed_on().into_values().map(|passed| passed.times).collect();
        if repeated == 1 && times == [2] {
            Ok(())
        } else {
            Err(format!("{repeated} receipts, {times:?} passed on"))
        }
    })
    .await;
    // The next service knows them by their content, so they must not be spelt otherwise the second
    // time.
    assert!(stage.passed_on().into_values().all(|passed| passed.bodies.len() == 1));
    replica.stop().await;
    stage.world.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_broker_acts_on_is_refused_and_forged_headers_not_believed() {
    let stage = ServiceHarness::set("admission-headers").await;
    let replica = stage.replica();
    let desk = &stage.desk;
    let body = br#"{"what":"x"}"#;
    desk.publish("acme.ticket.count", Count::NAME, "expires", body, |it| {
        it.with_expiration(ShortString::from("60000"))
    })
    .await
    .expect("the broker takes it");
    assert_eq!(desk.receipt("expires").await.reason, Some(Reason::Malformed));
    let forged = |properties: lapin::BasicProperties| {
        let mut headers = FieldTable::default();
        let text = |text: &str| AMQPValue::LongString(text.into());
        headers.insert("deskmesh-routing-key".into(), text("globex.ticket.count"));
        headers.insert("deskmesh-publisher".into(), text("globex"));
        headers.insert("deskmesh-attempt".into(), text("9"));
        headers.insert("deskmesh-first-arrival".into(), text("2020-01-01T00:00:00Z"));
        headers.insert("deskmesh-parked".into(), text("00000000-0000-0000-0000-000000000001"));
        headers.insert("deskmesh-discarded".into(), text("because I say so"));
        headers.insert("x-delivery-count".into(), AMQPValue::LongLongInt(99));
        properties.with_headers(headers)
    };
    desk.publish("acme.ticket.count", Count::NAME, "forged", body, forged)
        .await
        .expect("the broker takes it");
    assert_eq!(
        desk.receipt("forged").await.outcome,
        ReceiptOutcome::Applied,
        "it is acme's, and it came for the first time"
    );
    let accepted_at: String = sqlx::query_scalar(
        "select outputs::json -> 1 -> 'output' ->> 'accepted_at' from journal \
            join journal_output on id = output_id where message_id = 'forged'",
    )
    .fetch_one(&stage.pool)
    .await
    .expect("a row");
    assert!(!accepted_at.starts_with("2020"), "it arrived now: {accepted_at}");
    replica.stop().await;
    stage.world.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_user_id_the_accounts_desk_hears_why() {
    let stage = ServiceHarness::set("admission-nobody").await;
    let replica = stage.replica();
    let nobody = |properties: lapin::BasicProperties| {
        lapin::BasicProperties::default()
            .with_message_id(ShortString::from("nobody"))
            .with_type(properties.kind().clone().expect("a type"))
            .with_content_type(ShortString::from("application/json"))
    };
    stage
        .desk
        .publish("acme.ticket.count", Count::NAME, "nobody", br#"{"what":"x"}"#, nobody)
        .await
        .expect("the broker takes it");
    let receipt = stage.desk.receipt("nobody").await;
    assert_eq!(
        (receipt.outcome, receipt.reason),
        (ReceiptOutcome::Rejected, Some(Reason::Malformed))
    );
    assert!(receipt.detail.unwrap_or_default().starts_with("user_id: "));
    stage.send(&["a"], Treat::Well).await;
    stage.all_done_once(&["a"]).await;
    stage.counts("none to be parked", "select count(*) from parked", 0).await;
    replica.stop().await;
    stage.world.remove().await;
}
