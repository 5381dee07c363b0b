//! Reading a queue, as a program of its own does.

use futures_util::StreamExt;
use lapin::message::Delivery;
use lapin::options::{BasicAckOptions, BasicConsumeOptions, BasicQosOptions};
use lapin::types::{FieldTable, ShortString};
use lapin::{Connection, ConnectionProperties};

/// Hands each delivery of a queue to `take` and acks it, until the connection ends.
///
/// # Errors
/// What the broker says.
pub async fn read_queue(
    url: &str,
    queue: &str,
    mut take: impl FnMut(&Delivery),
) -> lapin::Result<()> {
    let connection = Connection::connect(url, ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    channel.basic_qos(500, BasicQosOptions::default()).await?;
    let (queue, tag) = (ShortString::from(queue), ShortString::from("test"));
    let mut consumer = channel
        .basic_consume(queue, tag, BasicConsumeOptions::default(), FieldTable::default())
        .await?;
    while let Some(delivery) = consumer.next().await {
        let delivery = delivery?;
        take(&delivery);
        channel.basic_ack(delivery.delivery_tag, BasicAckOptions::default()).await?;
    }
    Ok(())
}
