//! The head of a message: who says to publish it, how it is named, and what the broker would act
//! on.

use contracts::Reason::{Malformed, MessageIdReused, TooLarge};
use contracts::topology::Service;
use contracts::{AccountName, ReceiptOutcome, limits};
use lapin::types::ShortString;
use serde_json::json;
use tokio::task::spawn_blocking;

use super::ground::{Row, row};
use super::rogue::{self, PRECONDITION_FAILED, anonymous};
use super::wire::{Properties, Said, Wire, long, short};
use crate::context::{ConformanceContext, applied, refused};

/// The largest message that the broker takes, in bytes.
const BROKER_LIMIT: usize = limits::MESSAGE_BYTES;

pub async fn hostile_another_users_name(context: ConformanceContext) {
    let row = row(context).await;
    let rogue = row.rogue().await;
    let body = row.update(&json!({})).to_string();
    let services = Service::ALL.map(Service::user);
    let users = ["operator", "guest", row.ground.globex.account.as_str(), ""].into_iter();
    for user in users.chain(services.iter().map(String::as_str)) {
        let forged = anonymous("ticket.update.v1", &row.ground.acme.next_id())
            .with_user_id(ShortString::from(user));
        let refusal =
            rogue.publish("share", &row.key("ticket.update"), forged, body.as_bytes()).await;
        assert_eq!(refusal, Some(PRECONDITION_FAILED), "{user}");
    }
    row.ends_unseen().await;
}

pub async fn hostile_no_users_name(context: ConformanceContext) {
    let row = row(context).await;
    let rogue = row.rogue().await;
    for (entity, message_type) in
        [("ticket.update", "ticket.update.v1"), ("agreement.list", "agreement.list.v1")]
    {
        let id = row.ground.acme.next_id();
        let body = row.update(&json!({})).to_string();
        assert_eq!(
            rogue
                .publish("share", &row.key(entity), anonymous(message_type, &id), body.as_bytes())
                .await,
            None
        );
        let receipt = row.ground.acme.receipt(&id).await;
        assert_eq!(receipt.reason, Some(Malformed));
        assert!(receipt.detail.unwrap_or_default().starts_with("user_id: "));
    }
    row.ends_unseen().await;
}

pub async fn hostile_message_ids_that_are_none(context: ConformanceContext) {
    let row = row(context).await;
    let body = row.update(&json!({})).to_string();
    let (acme, key) = (&row.ground.acme, row.key("ticket.update"));
    for id in ["", "é", "tab\there", "nul\0", "\u{7f}", &"x".repeat(129), &"ü".repeat(127)] {
        acme.publish(&key, "ticket.update.v1", id, body.as_bytes(), |properties| properties)
            .await
            .expect("the broker takes it");
        refused(&acme.receipt(&id.replace('\0', "\u{1a}")).await, Malformed);
    }
    row.ends_unseen().await;
}

pub async fn hostile_an_expiration(context: ConformanceContext) {
    let row = row(context).await;
    let (acme, body) = (&row.ground.acme, row.update(&json!({})).to_string());
    for expiration in ["0", "1", "86400000"] {
        let id = acme.next_id();
        let expiring = |properties: lapin::BasicProperties| {
            properties.with_expiration(ShortString::from(expiration))
        };
        acme.publish(&row.key("ticket.update"), "ticket.update.v1", &id, body.as_bytes(), expiring)
            .await
            .expect("the broker takes it");
        // The broker may have dropped it before anybody could read it.
        tokio::select! {
            receipt = acme.receipt(&id) => refused(&receipt, Malformed),
            reason = row.parked(&id) => assert_eq!(reason, "dead_lettered"),
        }
    }
    row.ends_unseen().await;
}

pub async fn hostile_a_priority(context: ConformanceContext) {
    let row = row(context).await;
    let body = row.update(&json!({})).to_string();
    for priority in [1, 9, 255] {
        refused(
            &row.changed_update(body.as_bytes(), |properties| properties.with_priority(priority))
                .await,
            Malformed,
        );
    }
    row.ends_unseen().await;
}

pub async fn hostile_another_content_type(context: ConformanceContext) {
    let row = row(context).await;
    let body = row.update(&json!({})).to_string();
    for other in [
        "",
        "text/plain",
        "application/json; charset=latin1",
        "application/json+xml",
        "+json",
        "application/x-www-form-urlencoded",
    ] {
        let changed = |properties: lapin::BasicProperties| {
            properties.with_content_type(ShortString::from(other))
        };
        refused(&row.changed_update(body.as_bytes(), changed).await, Malformed);
    }
    for compressed in ["gzip", "Deflate", "identity, br"] {
        let changed = |properties: lapin::BasicProperties| {
            properties.with_content_encoding(ShortString::from(compressed))
        };
        let receipt = row.changed_update(body.as_bytes(), changed).await;
        refused(&receipt, Malformed);
        assert!(receipt.detail.is_some_and(|it| it.starts_with("content_encoding: ")));
    }
    row.ends_unseen().await;
}

pub async fn hostile_a_type_that_is_not_the_keys(context: ConformanceContext) {
    let row = row(context).await;
    let body = row.update(&json!({})).to_string();
    for other in [
        "",
        "ticket.share.v1",
        "agreement.deactivate.v1",
        "transfer.v1",
        "fact.v1",
        "ticket.update",
        "ticket.update.v",
        "x",
    ] {
        let changed =
            |properties: lapin::BasicProperties| properties.with_type(ShortString::from(other));
        refused(&row.changed_update(body.as_bytes(), changed).await, Malformed);
    }
    row.ends_unseen().await;
}

pub async fn hostile_a_nul_in_the_type(context: ConformanceContext) {
    let row = row(context).await;
    let body = row.update(&json!({})).to_string();
    for other in ["ticket.update.v1\0", "\0", "ticket\0update.v1"] {
        let changed =
            |properties: lapin::BasicProperties| properties.with_type(ShortString::from(other));
        refused(&row.changed_update(body.as_bytes(), changed).await, Malformed);
    }
    row.ends_unseen().await;
}

pub async fn hostile_properties_that_mean_nothing_here(context: ConformanceContext) {
    let row = row(context).await;
    let elsewhere = ShortString::from(format!("desk.{}", row.ground.globex.account));
    let list = json!({ "limit": 1 }).to_string();
    let id = row.ground.acme.next_id();
    let changed = |properties: lapin::BasicProperties| {
        let properties =
            properties.with_reply_to(elsewhere.clone()).with_correlation_id(elsewhere.clone());
        let properties = properties
            .with_app_id(ShortString::from("agreement-service"))
            .with_cluster_id(elsewhere.clone());
        properties
            .with_timestamp(u64::MAX)
            .with_delivery_mode(1)
            .with_content_encoding(ShortString::from("identity"))
    };
    let key = row.key("agreement.list");
    row.ground
        .acme
        .publish(&key, "agreement.list.v1", &id, list.as_bytes(), changed)
        .await
        .expect("the broker takes it");
    applied(&row.ground.acme.receipt(&id).await);
    row.ends_unseen().await;
}

pub async fn hostile_a_message_id_again_with_another_body(context: ConformanceContext) {
    let row = row(context).await;
    let (acme, id, key) = (&row.ground.acme, row.ground.acme.next_id(), row.key("agreement.list"));
    let send = async |body: String| {
        acme.publish(&key, "agreement.list.v1", &id, body.as_bytes(), |properties| properties)
            .await
            .expect("the broker takes it");
    };
    send(json!({ "limit": 1 }).to_string()).await;
    applied(&acme.receipt(&id).await);
    send(json!({ "limit": 2, "note": row.marker }).to_string()).await;
    acme.told("a second receipt", |told| match told {
        contracts::delivery::DeliveryBody::Receipt(it)
            if it.command_id == id && it.reason == Some(MessageIdReused) =>
        {
            Some(())
        }
        _ => None,
    })
    .await;
    row.ends_unseen().await;
}

pub async fn hostile_a_message_id_of_another_account(context: ConformanceContext) {
    let row = row(context).await;
    let id = row.ground.globex.sent().into_iter().next().expect("the partner has published");
    let key = row.key("agreement.list");
    row.ground
        .acme
        .publish(&key, "agreement.list.v1", &id, b"{}", |properties| properties)
        .await
        .expect("the broker takes it");
    let receipt = row.ground.acme.receipt(&id).await;
    assert_eq!(
        (receipt.outcome, receipt.command_type.as_str()),
        (ReceiptOutcome::Applied, "agreement.list.v1")
    );
    row.ends_unseen().await;
}

pub async fn hostile_a_body_over_the_limit(context: ConformanceContext) {
    let row = row(context).await;
    let mut body = row.update(&json!({})).to_string();
    for length in [limits::BODY_BYTES + 1, BROKER_LIMIT] {
        body += &" ".repeat(length - body.len());
        refused(&row.raw_update(body.as_bytes()).await, TooLarge);
    }
    row.ends_unseen().await;
}

pub async fn hostile_a_body_of_64_mib(context: ConformanceContext) {
    let row = row(context).await;
    let rogue = row.rogue().await;
    for length in [BROKER_LIMIT + 1, 64 * 1024 * 1024] {
        let properties = rogue.properties("ticket.update.v1", &row.ground.acme.next_id());
        let refusal = rogue
            .publish("share", &row.key("ticket.update"), properties, &vec![b' '; length])
            .await;
        assert_eq!(refusal, Some(PRECONDITION_FAILED));
    }
    row.ends_unseen().await;
}

pub async fn hostile_a_head_that_is_not_utf8(context: ConformanceContext) {
    let row = row(context).await;
    for at in 0..4 {
        let id = row.ground.acme.next_id();
        let not_utf8 = |place: usize, text: &str| {
            if at == place { [text.as_bytes(), b"\xff\xfe"].concat() } else { text.into() }
        };
        let head = Head {
            key: row.key("ticket.update").into(),
            message_id: not_utf8(0, &id),
            message_type: not_utf8(1, "ticket.update.v1"),
            content_type: not_utf8(2, "application/json"),
            headers: long(&[short(&not_utf8(3, "name")), b"V".to_vec()].concat()),
        };
        let body = if at == 3 { "{}".to_owned() } else { row.update(&json!({})).to_string() };
        assert_eq!(head.publish(&row, body).await, Said::Confirmed);
        let id = if at == 0 { id + "\u{1a}\u{1a}" } else { id };
        refused(&row.ground.acme.receipt(&id).await, Malformed);
    }
    row.ends_unseen().await;
}

pub async fn hostile_a_key_that_is_not_utf8(context: ConformanceContext) {
    let row = row(context).await;
    for key in [&b"ticket.\xff"[..], b"\xc3.update", b"ticket.update\0"] {
        let id = row.ground.acme.next_id();
        let head = Head { key: [row.key("").as_bytes(), key].concat(), ..Head::proper(&row, &id) };
        assert_eq!(head.publish(&row, row.update(&json!({})).to_string()).await, Said::Confirmed);
        refused(&row.ground.acme.receipt(&id).await, Malformed);
    }
    row.ends_unseen().await;
}

/// The head of an update, byte by byte.
pub struct Head {
    pub key: Vec<u8>,
    pub message_id: Vec<u8>,
    pub message_type: Vec<u8>,
    pub content_type: Vec<u8>,
    pub headers: Vec<u8>,
}

impl Head {
    /// One without fault.
    pub fn proper(row: &Row, message_id: &str) -> Self {
        Self {
            key: row.key("ticket.update").into(),
            message_id: message_id.into(),
            message_type: b"ticket.update.v1".into(),
            content_type: b"application/json".into(),
            headers: long(b""),
        }
    }

    /// Publishes a message of the attacker's by this head.
    pub async fn publish(self, row: &Row, body: String) -> Said {
        let (url, user) =
            (row.context.broker_url(&row.ground.acme.account), row.ground.acme.account.to_string());
        let published = spawn_blocking(move || {
            let properties = Properties {
                content_type: Some(&self.content_type),
                headers: Some(&self.headers),
                message_id: Some(&self.message_id),
                message_type: Some(&self.message_type),
                user_id: Some(user.as_bytes()),
            };
            Wire::log_in(&url).publish(&self.key, &properties, body.as_bytes())
        });
        published.await.expect("the task ends")
    }
}

pub async fn hostile_a_nul_to_a_desk_without_a_queue(context: ConformanceContext) {
    // An operator publishes for an account whose deliveries have no queue to go to: its receipts
    // are kept, NUL and all.
    let row = row(context).await;
    let bridge = row.context.desk("bridge").await;
    let below = |name: &str| {
        AccountName::new(format!("{}-{name}", bridge.account)).expect("an account's name")
    };
    row.context.let_operate(&bridge.account, &below("known")).await;
    let below = below("ghost");
    let id = "nul\0id";
    let key = format!("{below}.ticket.update");
    let body = row.update(&json!({})).to_string();
    let rogue =
        rogue::Rogue::log_in(&row.context.broker_url(&bridge.account), bridge.account.as_str())
            .await;
    let properties = rogue.properties("ticket.update.v1", id);
    assert_eq!(rogue.publish("share", &key, properties, body.as_bytes()).await, None);
    row.undelivered(below.as_str()).await;
    row.ends_unseen().await;
}
