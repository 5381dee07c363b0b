//! The broker's objects: exchanges, queues and bindings that are not the attacker's.

use contracts::topology::{DESK_PARKED, Service, desk_queue};
use futures_util::StreamExt;
use lapin::ExchangeKind::Topic;
use lapin::options::{
    BasicConsumeOptions, BasicGetOptions, BasicRejectOptions, ExchangeBindOptions,
    ExchangeDeclareOptions, ExchangeDeleteOptions, ExchangeUnbindOptions, QueueBindOptions,
    QueueDeclareOptions, QueueDeleteOptions, QueuePurgeOptions,
};
use lapin::types::{FieldTable, ShortString};
use serde_json::json;

use super::ground::{Row, row};
use super::rogue::{ACCESS_REFUSED, Rogue, headers};
use crate::context::ConformanceContext;

/// Queues that are not the attacker's.
fn queues(row: &Row) -> Vec<String> {
    let services = Service::ALL
        .into_iter()
        .flat_map(|service| [service.work_queues(), service.dead_letter_queues()].concat());
    let desks = [&row.ground.globex, &row.ground.initech].map(|desk| desk_queue(&desk.account));
    let retries = ["agreement-service.retry.1s", "share-dispatcher.retry.5s"].map(str::to_owned);
    services
        .chain(desks)
        .chain(retries)
        .chain(["desk.operator".to_owned(), DESK_PARKED.to_owned()])
        .collect()
}

const EXCHANGES: [&str; 5] = ["share", "sync", "desk", "events", "share.unroutable"];
const BUILT_IN: [&str; 6] =
    ["amq.direct", "amq.fanout", "amq.headers", "amq.match", "amq.topic", "amq.rabbitmq.trace"];

async fn refused_on(row: &Row, exchange: &str, keys: &[String]) {
    let rogue = row.rogue().await;
    for key in keys {
        let properties = rogue.properties("transfer.v1", &row.ground.acme.next_id());
        let properties = properties
            .with_headers(headers([("deskmesh-publisher", row.ground.globex.account.as_str())]));
        let refusal = rogue
            .publish(exchange, key, properties, row.update(&json!({})).to_string().as_bytes())
            .await;
        assert_eq!(refusal, Some(ACCESS_REFUSED), "{exchange:?} {key:?}");
    }
}

pub async fn hostile_publishing_to_the_services_exchanges(context: ConformanceContext) {
    let row = row(context).await;
    let globex = &row.ground.globex.account;
    let keys = [
        "comment-sync.transfer",
        "share-dispatcher.retried",
        "share-dispatcher.fact",
        "parked.desk",
    ]
    .map(str::to_owned);
    refused_on(&row, "sync", &keys).await;
    refused_on(
        &row,
        "desk",
        &[format!("{globex}.ticket.updated"), format!("{}.x.y", row.ground.acme.account)],
    )
    .await;
    refused_on(&row, "events", &["ticket.shared".to_owned()]).await;
    row.ends_unseen().await;
}

pub async fn hostile_publishing_straight_into_queues(context: ConformanceContext) {
    let row = row(context).await;
    refused_on(&row, "", &queues(&row)).await;
    refused_on(
        &row,
        "",
        &[desk_queue(&row.ground.acme.account), "amq.rabbitmq.reply-to".to_owned()],
    )
    .await;
    row.ends_unseen().await;
}

pub async fn hostile_publishing_to_built_in_exchanges(context: ConformanceContext) {
    let row = row(context).await;
    for exchange in BUILT_IN {
        refused_on(&row, exchange, &[format!("{}.ticket.update", row.ground.globex.account)]).await;
    }
    row.ends_unseen().await;
}

/// Each thing that can be done to a queue is refused for each queue.
async fn refused_for(
    row: &Row,
    rogue: &Rogue,
    queues: &[String],
    what: impl AsyncFn(&lapin::Channel, ShortString) -> lapin::Result<()>,
) {
    for queue in queues {
        let refusal = rogue
            .refusal(async |channel| what(channel, ShortString::from(queue.as_str())).await)
            .await;
        assert_eq!(refusal, Some(ACCESS_REFUSED), "{queue} as {}", row.ground.acme.account);
    }
}

pub async fn hostile_reading_other_queues(context: ConformanceContext) {
    let row = row(context).await;
    let (rogue, queues) = (row.rogue().await, queues(&row));
    refused_for(&row, &rogue, &queues, async |channel, queue| {
        let options = BasicConsumeOptions::default();
        channel
            .basic_consume(queue, ShortString::from("spy"), options, FieldTable::default())
            .await
            .map(drop)
    })
    .await;
    refused_for(&row, &rogue, &queues, async |channel, queue| {
        channel.basic_get(queue, BasicGetOptions { no_ack: true }).await.map(drop)
    })
    .await;
    row.ends_unseen().await;
}

pub async fn hostile_emptying_and_deleting_queues(context: ConformanceContext) {
    let row = row(context).await;
    let (rogue, mut queues) = (row.rogue().await, queues(&row));
    refused_for(&row, &rogue, &queues, async |channel, queue| {
        channel.queue_purge(queue, QueuePurgeOptions::default()).await.map(drop)
    })
    .await;
    queues.push(desk_queue(&row.ground.acme.account));
    refused_for(&row, &rogue, &queues, async |channel, queue| {
        channel.queue_delete(queue, QueueDeleteOptions::default()).await.map(drop)
    })
    .await;
    row.ends_unseen().await;
}

pub async fn hostile_declaring_queues(context: ConformanceContext) {
    let row = row(context).await;
    let rogue = row.rogue().await;
    let names =
        ["", "mine", "amq.gen-mine", "desk.nobody", "share-dispatcher.extra"].map(str::to_owned);
    let own = desk_queue(&row.ground.acme.account);
    for exclusive in [false, true] {
        let options = QueueDeclareOptions {
            exclusive,
            durable: !exclusive,
            ..QueueDeclareOptions::default()
        };
        let all = [&names[..], std::slice::from_ref(&own), &queues(&row)].concat();
        refused_for(&row, &rogue, &all, async |channel, queue| {
            channel.queue_declare(queue, options, FieldTable::default()).await.map(drop)
        })
        .await;
    }
    row.ends_unseen().await;
}

pub async fn hostile_looking_at_other_queues(context: ConformanceContext) {
    let row = row(context).await;
    let (rogue, globex) = (row.rogue().await, desk_queue(&row.ground.globex.account));
    let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
    // No broker refuses this: it tells that the queue is there and how full it is, and nothing
    // else.
    let refusal = rogue
        .refusal(async |channel| {
            channel
                .queue_declare(ShortString::from(globex.as_str()), passive, FieldTable::default())
                .await
        })
        .await;
    assert!(matches!(refusal, None | Some(ACCESS_REFUSED)), "{refusal:?}");
    row.ends_unseen().await;
}

pub async fn hostile_binding_and_unbinding_queues(context: ConformanceContext) {
    let row = row(context).await;
    let (rogue, own) = (row.rogue().await, desk_queue(&row.ground.acme.account));
    let stolen = ShortString::from(format!("{}.#", row.ground.globex.account));
    for exchange in EXCHANGES.into_iter().chain(BUILT_IN) {
        let queues =
            [own.clone(), desk_queue(&row.ground.globex.account), "share-dispatcher".to_owned()];
        refused_for(&row, &rogue, &queues, async |channel, queue| {
            let options = QueueBindOptions::default();
            channel
                .queue_bind(
                    queue,
                    ShortString::from(exchange),
                    stolen.clone(),
                    options,
                    FieldTable::default(),
                )
                .await
        })
        .await;
        refused_for(&row, &rogue, &queues, async |channel, queue| {
            channel
                .queue_unbind(
                    queue,
                    ShortString::from(exchange),
                    stolen.clone(),
                    FieldTable::default(),
                )
                .await
        })
        .await;
    }
    row.ends_unseen().await;
}

pub async fn hostile_exchanges_made_joined_and_deleted(context: ConformanceContext) {
    let row = row(context).await;
    let rogue = row.rogue().await;
    let all =
        EXCHANGES.into_iter().chain(["mine", "share.extra"]).map(str::to_owned).collect::<Vec<_>>();
    let (share, key) = (ShortString::from("share"), ShortString::from("#"));
    refused_for(&row, &rogue, &all, async |channel, exchange| {
        let options = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
        channel.exchange_declare(exchange, Topic, options, FieldTable::default()).await
    })
    .await;
    refused_for(&row, &rogue, &all[..5], async |channel, exchange| {
        channel.exchange_delete(exchange, ExchangeDeleteOptions::default()).await
    })
    .await;
    // From an exchange that may be written to another, and from another to that one.
    for (to, from) in [("share", "desk"), ("desk", "share"), ("share", "sync"), ("sync", "share")] {
        refused_for(&row, &rogue, &[to.to_owned()], async |channel, to| {
            let from = ShortString::from(from);
            channel
                .exchange_bind(
                    to,
                    from,
                    key.clone(),
                    ExchangeBindOptions::default(),
                    FieldTable::default(),
                )
                .await
        })
        .await;
        refused_for(&row, &rogue, &[to.to_owned()], async |channel, to| {
            let options = ExchangeUnbindOptions::default();
            channel
                .exchange_unbind(
                    to,
                    ShortString::from(from),
                    key.clone(),
                    options,
                    FieldTable::default(),
                )
                .await
        })
        .await;
    }
    drop(share);
    row.ends_unseen().await;
}

pub async fn hostile_replies_without_a_queue(context: ConformanceContext) {
    let row = row(context).await;
    let rogue = row.rogue().await;
    let channel = rogue.channel().await;
    let (queue, tag) = (ShortString::from("amq.rabbitmq.reply-to"), ShortString::from("replies"));
    let options = BasicConsumeOptions { no_ack: true, ..BasicConsumeOptions::default() };
    // The broker lets anybody ask for replies; nobody here sends any.
    let replies = channel.basic_consume(queue.clone(), tag, options, FieldTable::default()).await;
    let id = row.ground.acme.next_id();
    let properties = rogue.properties("share.list.v1", &id).with_reply_to(queue);
    super::rogue::publish(&channel, "share", &row.key("share.list"), properties, b"{}")
        .await
        .expect("the broker takes it");
    crate::context::applied(&row.ground.acme.receipt(&id).await);
    if let Ok(mut replies) = replies {
        channel.close(200, ShortString::from("done")).await.ok();
        assert!(!matches!(replies.next().await, Some(Ok(_))), "a reply");
    }
    row.ends_unseen().await;
}

pub async fn hostile_deliveries_thrown_back(context: ConformanceContext) {
    let row = row(context).await;
    // An account without a desk: its one delivery is rejected here.
    let (account, url) = row.context.account("thrower").await;
    let rogue = Rogue::log_in(&url, account.as_str()).await;
    let properties = rogue.properties("ticket.share.v1", "thrown");
    assert_eq!(
        rogue
            .publish("share", &format!("{account}.ticket.share"), properties, row.marker.as_bytes())
            .await,
        None
    );
    let channel = rogue.channel().await;
    let (queue, options) =
        (ShortString::from(desk_queue(&account)), BasicConsumeOptions::default());
    let mut consumer = channel
        .basic_consume(queue, ShortString::from("thrower"), options, FieldTable::default())
        .await
        .expect("the broker takes it");
    let delivery = consumer.next().await.expect("a delivery").expect("a delivery");
    let id = delivery.properties.message_id().clone().expect("an id").to_string();
    channel
        .basic_reject(delivery.delivery_tag, BasicRejectOptions { requeue: false })
        .await
        .expect("the broker takes it");
    assert_eq!(row.parked(&id).await, "dead_lettered");
    row.ends_unseen().await;
}
