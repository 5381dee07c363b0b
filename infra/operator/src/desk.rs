//! A desk of the operator's own: the canary's two, and the partner that certifies.

use std::time::Duration;

use contracts::delivery::DeliveryBody;
use contracts::topology::{self, Exchange};
use contracts::{AccountName, Message, Receipt};
use futures_util::StreamExt;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, ConfirmSelectOptions,
};
use lapin::types::{FieldTable, ShortString};
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties, Consumer};
use serde_json::Value;
use tokio::time::{sleep, timeout};

use uuid::Uuid;

use crate::account::account_name;
use crate::address;
use crate::error::{During, Error, Result};

/// How long another one's turn is waited for before asking again.
const TURN: Duration = Duration::from_millis(200);
const CLOSE_LIMIT: Duration = Duration::from_secs(2);
const PERSISTENT: u8 = 2;

/// A desk that reads its queue, alone where the broker holds to it: at a quorum queue RabbitMQ 3.10
/// lets a second one in.
pub(crate) struct OperatorDesk {
    pub(crate) account: AccountName,
    connection: Connection,
    channel: Channel,
    deliveries: Consumer,
}

impl OperatorDesk {
    /// Logs in as `name`, and waits while the broker says that another one reads the queue.
    pub(crate) async fn open(url: &str, name: &str) -> Result<Self> {
        let account = account_name(address::parse("a desk's address", url)?.username())?;
        let connection = broker_address::connect(
            url,
            ConnectionProperties::default().with_connection_name(name.into()),
        )
        .await
        .during(format!("logging in to the broker as {account}"))?;
        let queue = topology::desk_queue(&account);
        let alone = BasicConsumeOptions { exclusive: true, ..BasicConsumeOptions::default() };
        loop {
            let channel = connection.create_channel().await.during("opening a channel")?;
            match channel
                .basic_consume(queue.as_str().into(), "".into(), alone, FieldTable::default())
                .await
            {
                Err(refused) if refused.to_string().contains("in exclusive use") => {
                    sleep(TURN).await;
                }
                consuming => {
                    let deliveries = consuming.during(format!("reading from {queue}"))?;
                    channel
                        .confirm_select(ConfirmSelectOptions::default())
                        .await
                        .during("asking for confirms")?;
                    return Ok(Self { account, connection, channel, deliveries });
                }
            }
        }
    }

    pub(crate) fn name(&self) -> &str {
        self.account.as_str()
    }

    /// Publishes a command and waits for its receipt.
    pub(crate) async fn ask<M: Message>(&mut self, command: &M) -> Result<Receipt> {
        let content = serde_json::to_value(command)
            .map_err(std::io::Error::other)
            .during("writing a command")?;
        self.ask_json(M::NAME, &content).await
    }

    /// Publishes a command given as JSON and waits for its receipt.
    pub(crate) async fn ask_json(&mut self, kind: &str, content: &Value) -> Result<Receipt> {
        let id = chance().to_string();
        self.publish(&id, kind, content).await?;
        self.until(|told| match told {
            DeliveryBody::Receipt(receipt) if receipt.command_id == id => Some((**receipt).clone()),
            _ => None,
        })
        .await
    }

    /// Reads until a delivery is what is waited for. Everything before it is of an earlier round.
    pub(crate) async fn until<T>(
        &mut self,
        wanted: impl Fn(&DeliveryBody) -> Option<T>,
    ) -> Result<T> {
        while let Some(delivery) = self.deliveries.next().await {
            let delivery = delivery.during(format!("reading as {}", self.account))?;
            delivery.ack(BasicAckOptions::default()).await.during("acknowledging a delivery")?;
            let kind = delivery.properties.kind().as_ref().map_or("", ShortString::as_str);
            if let Some(found) =
                DeliveryBody::read(kind, &delivery.data).ok().as_ref().and_then(&wanted)
            {
                return Ok(found);
            }
        }
        Err(unexpected("reading", &format!("the broker ended the deliveries of {}", self.account)))
    }

    pub(crate) async fn close(self) {
        drop(timeout(CLOSE_LIMIT, self.connection.close(200, ShortString::from("done"))).await);
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "this is a desk; the runtime's publisher is for services"
    )]
    async fn publish(&self, id: &str, kind: &str, content: &Value) -> Result<()> {
        let body = content.to_string();
        let properties = BasicProperties::default()
            .with_user_id(self.name().into())
            .with_type(kind.into())
            .with_message_id(id.into())
            .with_content_type("application/json".into())
            .with_delivery_mode(PERSISTENT);
        let (key, options) = (key(&self.account, kind), BasicPublishOptions::default());
        let confirm = self
            .channel
            .basic_publish(
                Exchange::Share.name().into(),
                key.as_str().into(),
                options,
                body.as_bytes(),
                properties,
            )
            .await
            .during("publishing a command")?
            .await
            .during("publishing a command")?;
        if confirm.is_ack() {
            Ok(())
        } else {
            Err(unexpected("publishing", &format!("not confirmed: {confirm:?}")))
        }
    }
}

fn unexpected(what: &str, detail: &str) -> Error {
    Error::Unexpected { what: what.to_owned(), detail: detail.to_owned() }
}

/// A new id: such a desk comes from outside the mesh, and each of its commands is another one.
#[expect(
    clippy::disallowed_methods,
    reason = "such a desk's commands are new ones; no message causes them"
)]
pub(crate) fn chance() -> Uuid {
    Uuid::new_v4()
}

/// The key of a command of this type.
pub(crate) fn key(account: &AccountName, kind: &str) -> String {
    let stem = kind.rsplit_once(".v").map_or(kind, |(stem, _)| stem);
    format!("{account}.{stem}")
}
