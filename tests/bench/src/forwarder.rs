//! The raw ceiling: a bare forwarder on the path of an update, with the same queues, publishes,
//! confirms and acks, and nothing else: no database, no parsing.

use anyhow::{Result, ensure};
use clap::ValueEnum;
use contracts::topology::Service;
use futures_util::future::{try_join, try_join_all};
use futures_util::{FutureExt, StreamExt};
use lapin::message::Delivery;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, BasicQosOptions,
    ConfirmSelectOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{
    BasicProperties, Channel, Connection, ConnectionProperties, Consumer, PublisherConfirm,
};

use crate::work::Kind;

/// As the services have them by default.
const SLOTS: usize = 4;
const BATCH: usize = 256;

/// Which service's place it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Place {
    /// The entry.
    ShareDispatcher,
    /// The middle.
    CommentSync,
    /// The end, which tells both desks.
    FieldSync,
}

impl Place {
    /// All.
    pub const ALL: [Self; 3] = [Self::ShareDispatcher, Self::CommentSync, Self::FieldSync];

    /// The places that an update of this kind passes, as the services route it: comments alone end
    /// at comment-sync, fields alone skip it.
    #[must_use]
    pub fn path(kind: Kind) -> &'static [Self] {
        match kind {
            Kind::Comment => &[Self::ShareDispatcher, Self::CommentSync],
            Kind::Field => &[Self::ShareDispatcher, Self::FieldSync],
            Kind::Both | Kind::Share => &Self::ALL,
        }
    }

    /// The service.
    #[must_use]
    pub fn service(self) -> Service {
        match self {
            Self::ShareDispatcher => Service::ShareDispatcher,
            Self::CommentSync => Service::CommentSync,
            Self::FieldSync => Service::FieldSync,
        }
    }
}

/// What is published for one delivery, exchange, key and type: one message to the next place, or at
/// the end one to each desk.
fn outputs(next: Option<Place>, delivery: &Delivery) -> Vec<(&'static str, String, &'static str)> {
    if let Some(next) = next {
        return vec![("sync", format!("{}.transfer", next.service().name()), "transfer.v1")];
    }
    let header = |name: &str| match delivery
        .properties
        .headers()
        .as_ref()
        .and_then(|headers| headers.inner().get(name))
    {
        Some(AMQPValue::LongString(text)) => String::from_utf8_lossy(text.as_bytes()).into_owned(),
        _ => String::new(),
    };
    vec![
        ("desk", format!("{}.ticket.updated", header("partner")), "ticket.updated.v1"),
        ("desk", format!("{}.command.receipt", header("account")), "command.receipt.v1"),
    ]
}

/// Forwards until it is stopped.
///
/// # Errors
/// When the broker refuses something.
pub async fn run(url: &str, place: Place, next: Option<Place>) -> Result<()> {
    let connect = || Connection::connect(url, ConnectionProperties::default());
    let (consuming, publishing) = try_join(connect(), connect()).await?;
    try_join_all((0..SLOTS).map(|slot| forward(&consuming, &publishing, (place, next), slot)))
        .await?;
    Ok(())
}

async fn forward(
    consuming: &Connection,
    publishing: &Connection,
    (place, next): (Place, Option<Place>),
    slot: usize,
) -> Result<()> {
    let channel = consuming.create_channel().await?;
    channel.basic_qos(u16::try_from(BATCH * 2)?, BasicQosOptions::default()).await?;
    let (queue, tag) = (place.service().name(), format!("forwarder-{slot}"));
    let mut consumer = channel
        .basic_consume(
            queue.into(),
            tag.into(),
            BasicConsumeOptions::default(),
            FieldTable::default(),
        )
        .await?;
    let publisher = publishing.create_channel().await?;
    publisher.confirm_select(ConfirmSelectOptions::default()).await?;
    loop {
        let batch = collect(&mut consumer).await?;
        let letters: Vec<_> = batch
            .iter()
            .flat_map(|delivery| outputs(next, delivery).into_iter().map(move |to| (delivery, to)))
            .collect();
        let confirms = try_join_all(
            letters.iter().map(|(delivery, to)| publish(&publisher, place, delivery, to)),
        )
        .await?;
        for confirm in confirms {
            ensure!(confirm.await?.is_ack(), "the broker takes no more");
        }
        let last = batch.iter().map(|delivery| delivery.delivery_tag).max().unwrap_or_default();
        channel.basic_ack(last, BasicAckOptions { multiple: true }).await?;
    }
}

async fn collect(consumer: &mut Consumer) -> Result<Vec<Delivery>> {
    let mut batch = Vec::new();
    if let Some(first) = consumer.next().await {
        batch.push(first?);
    }
    while batch.len() < BATCH
        && let Some(Some(next)) = consumer.next().now_or_never()
    {
        batch.push(next?);
    }
    ensure!(!batch.is_empty(), "the queue is gone");
    Ok(batch)
}

async fn publish(
    channel: &Channel,
    place: Place,
    delivery: &Delivery,
    (exchange, key, message_type): &(&'static str, String, &'static str),
) -> lapin::Result<PublisherConfirm> {
    let mut headers = delivery.properties.headers().clone().unwrap_or_default();
    if place == Place::ShareDispatcher {
        let account = delivery.routing_key.as_str().split('.').next().unwrap_or_default();
        headers.insert("account".into(), AMQPValue::LongString(account.into()));
    }
    let mut properties = BasicProperties::default()
        .with_type((*message_type).into())
        .with_content_type("application/json".into())
        .with_delivery_mode(2)
        .with_headers(headers);
    if let Some(id) = delivery.properties.message_id() {
        properties = properties.with_message_id(id.clone());
    }
    let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
    #[expect(clippy::disallowed_methods, reason = "the ceiling has no runtime")]
    channel
        .basic_publish((*exchange).into(), key.as_str().into(), options, &delivery.data, properties)
        .await
}
