//! Desks that publish: as much as is taken, or at a steady rate.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use futures_util::future::try_join_all;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties, PublisherConfirm};
use tokio_util::sync::CancellationToken;

use crate::accounts::Accounts;
use crate::board::{Board, token};
use crate::work::{Kind, Work};

/// Commands published before their confirms are awaited, at most.
const CHUNK: usize = 128;
/// How often a full window is looked at again.
const LOOK: Duration = Duration::from_micros(500);

/// One connection that publishes in every account's name.
#[derive(Debug)]
pub struct Publisher {
    connection: Connection,
    channel: Channel,
}

impl Publisher {
    /// Logs in.
    ///
    /// # Errors
    /// When the broker refuses.
    pub async fn open(url: &str) -> Result<Self> {
        let connection = Connection::connect(url, ConnectionProperties::default()).await?;
        let channel = connection.create_channel().await?;
        channel.confirm_select(ConfirmSelectOptions::default()).await?;
        Ok(Self { connection, channel })
    }

    /// Publishes commands under these ids and waits for the confirms.
    ///
    /// # Errors
    /// When the broker does not take one.
    pub async fn publish(&self, works: &[(String, Work)]) -> Result<()> {
        let confirms = try_join_all(works.iter().map(|(id, work)| self.send(id, work))).await?;
        for confirm in confirms {
            ensure!(confirm.await?.is_ack(), "the broker takes no more commands");
        }
        Ok(())
    }

    async fn send(&self, id: &str, work: &Work) -> lapin::Result<PublisherConfirm> {
        let mut headers = FieldTable::default();
        // For a forwarder that reads no bodies; the services do not look at it.
        headers.insert("partner".into(), AMQPValue::LongString(work.partner.as_str().into()));
        let properties = BasicProperties::default()
            .with_message_id(id.into())
            .with_type(work.message_type.into())
            .with_user_id(work.account.as_str().into())
            .with_content_type("application/json".into())
            .with_delivery_mode(2)
            .with_headers(headers);
        #[expect(clippy::disallowed_methods, reason = "a desk publishes on its own")]
        self.channel
            .basic_publish(
                "share".into(),
                work.key.as_str().into(),
                BasicPublishOptions::default(),
                work.body.as_bytes(),
                properties,
            )
            .await
    }

    /// Logs out.
    ///
    /// # Errors
    /// When the broker does not answer.
    pub async fn close(self) -> Result<()> {
        Ok(self.connection.close(200, "done".into()).await?)
    }
}

/// What is published.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// What each command does.
    pub kind: Kind,
    /// About how many tickets.
    pub tickets: usize,
    /// Of which accounts.
    pub accounts: Accounts,
}

impl Load {
    fn next(self, number: usize) -> (String, Work) {
        (token(number), self.kind.work(number, self.tickets, self.accounts))
    }

    /// Publishes one update; returns its number.
    ///
    /// # Errors
    /// When the broker does not take it.
    pub async fn publish_one(self, publisher: &Publisher, board: &Board) -> Result<usize> {
        let number = board.publish();
        publisher.publish(&[self.next(number)]).await?;
        Ok(number)
    }

    /// Keeps `window` updates under way until it is over.
    ///
    /// # Errors
    /// When the broker does not take a command.
    pub async fn full(
        self,
        publisher: &Publisher,
        board: &Arc<Board>,
        window: usize,
        over: &CancellationToken,
    ) -> Result<()> {
        let before = board.published() - board.done();
        while !over.is_cancelled() {
            let under_way = (board.published() - board.done()).saturating_sub(before);
            let room = window.saturating_sub(under_way).min(CHUNK);
            if room == 0 {
                tokio::time::sleep(LOOK).await;
                continue;
            }
            let works: Vec<(String, Work)> =
                (0..room).map(|_| self.next(board.publish())).collect();
            publisher.publish(&works).await?;
        }
        Ok(())
    }

    /// Publishes `rate` updates a second until it is over, whatever comes of them.
    ///
    /// # Errors
    /// When the broker does not take a command.
    pub async fn steady(
        self,
        publisher: &Publisher,
        board: &Arc<Board>,
        rate: f64,
        over: &CancellationToken,
    ) -> Result<()> {
        let (begun, mut sent) = (Instant::now(), 0_u32);
        while !over.is_cancelled() {
            let due = |index: u32| begun + Duration::from_secs_f64(f64::from(index) / rate);
            tokio::time::sleep_until(due(sent).into()).await;
            let mut works = Vec::new();
            while due(sent) <= Instant::now() && works.len() < CHUNK {
                works.push(self.next(board.publish_due(due(sent))));
                sent += 1;
            }
            publisher.publish(&works).await?;
        }
        Ok(())
    }
}
