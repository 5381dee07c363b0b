//! The outside reader: takes every desk's deliveries from its queue and marks them on the board.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use futures_util::stream::{SelectAll, select_all};
use futures_util::{FutureExt, StreamExt};
use lapin::message::Delivery;
use lapin::options::{BasicAckOptions, BasicConsumeOptions, BasicQosOptions};
use lapin::types::FieldTable;
use lapin::{Channel, Connection, ConnectionProperties, Consumer};
use tokio::task::JoinHandle;

use crate::board::{Board, number_in};
use crate::population::{ACCOUNTS, account, ends};

/// Unacknowledged deliveries of a queue, at most.
const PREFETCH: u16 = 500;
/// Deliveries that one ack covers, at most.
const ACKED: usize = 128;

/// Reads until it is dropped.
#[derive(Debug)]
pub struct Reader {
    reading: JoinHandle<()>,
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.reading.abort();
    }
}

impl Reader {
    /// Logs in and begins: with the queues of all accounts of the ring, and those of these
    /// accounts.
    ///
    /// # Errors
    /// When the broker refuses.
    pub async fn open(
        url: &str,
        board: Arc<Board>,
        tickets: usize,
        further: &[String],
    ) -> Result<Self> {
        let connection = Connection::connect(url, ConnectionProperties::default()).await?;
        let channel = connection.create_channel().await?;
        channel.basic_qos(PREFETCH, BasicQosOptions::default()).await?;
        let mut consumers = Vec::new();
        let ring = (0..ACCOUNTS).map(account);
        for name in ring.chain(further.iter().cloned()).chain(["operator".to_owned()]) {
            let (queue, tag) = (format!("desk.{name}"), name);
            let consumer = channel
                .basic_consume(
                    queue.into(),
                    tag.into(),
                    BasicConsumeOptions::default(),
                    FieldTable::default(),
                )
                .await?;
            consumers.push(consumer);
        }
        let reading = tokio::spawn(async move {
            // What is not read any more would look like updates that are lost.
            if let Err(error) = read(&channel, select_all(consumers), &board, tickets).await {
                eprintln!("bench: the reader of the desks' queues ended: {error:#}");
            }
            connection.close(200, "done".into()).await.ok();
        });
        Ok(Self { reading })
    }
}

async fn read(
    channel: &Channel,
    mut deliveries: SelectAll<Consumer>,
    board: &Board,
    tickets: usize,
) -> Result<()> {
    let mut acked = 0;
    while let Some(first) = deliveries.next().await {
        let mut last = mark(&first?, board, tickets);
        for _ in 1..ACKED {
            match deliveries.next().now_or_never() {
                Some(Some(next)) => last = last.max(mark(&next?, board, tickets)),
                _ => break,
            }
        }
        // Consumers take turns in another order than that of the tags, so an ack may cover what
        // comes a moment later.
        if last > acked {
            channel.basic_ack(last, BasicAckOptions { multiple: true }).await?;
            acked = last;
        }
        // At low rates one ack a delivery would cost more than the delivery.
        tokio::time::sleep(Duration::from_micros(200)).await;
    }
    Ok(())
}

/// Marks a delivery; returns its tag.
fn mark(delivery: &Delivery, board: &Board, tickets: usize) -> u64 {
    let is_receipt = delivery
        .properties
        .kind()
        .as_ref()
        .is_some_and(|kind| kind.as_str() == "command.receipt.v1");
    if let Some(number) = number_in(&delivery.data) {
        if is_receipt {
            board.receipt(
                number,
                delivery.data.windows(REJECTED.len()).all(|window| window != REJECTED),
            );
        } else {
            let to = delivery.routing_key.as_str().split('.').next().unwrap_or_default();
            board.delivery(number, to == ends(number % tickets).1);
        }
    }
    delivery.delivery_tag
}

const REJECTED: &[u8] = b"\"rejected\"";
