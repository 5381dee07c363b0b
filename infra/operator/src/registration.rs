//! Commands that the operator of the deployment gives, and their receipts: to register an account,
//! to lower versions that are too high, to recover.

use std::time::{Duration, SystemTime};

use contracts::command::{AccountLower, AccountRegister};
use contracts::ids::derive_id;
use contracts::topology::{self, Exchange};
use contracts::{AccountName, Message, Receipt};
use futures_util::StreamExt;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, BasicQosOptions,
    ConfirmSelectOptions,
};
use lapin::types::{FieldTable, ShortString};
use lapin::{BasicProperties, Channel, Confirmation, Connection, ConnectionProperties, Consumer};
use tokio::time::{sleep, timeout};

use crate::error::{During, Error, Result};

const PERSISTENT: u8 = 2;
/// More receipts than anybody leaves lying in the operator's queue.
const PREFETCH: u16 = 1_000;
/// How long the turn of another operator is waited for before asking again.
const TURN: Duration = Duration::from_millis(100);

/// Publishes `account.register.v1` as the user `operator` and waits for its receipt.
///
/// The message's id follows from its content, so doing it again asks for the same receipt again.
/// Receipts of other commands stay in the operator's queue.
///
/// # Errors
/// When the broker refuses, or no receipt came within `limit`.
pub async fn register(
    operator_url: &str,
    account: &AccountRegister,
    limit: Duration,
) -> Result<Receipt> {
    let id =
        |body: &str| format!("register-{}-{}", account.account, derive_id("registration", &[body]));
    let what = format!("the receipt of {}'s registration", account.account);
    ask(operator_url, account, id, what, limit).await
}

/// Publishes `account.lower.v1` as the user `operator` and waits for its receipt. Each time it is a
/// command of its own: what was lowered may have been raised again.
///
/// # Errors
/// When the broker refuses, or no receipt came within `limit`.
pub async fn lower(operator_url: &str, message: &AccountLower, limit: Duration) -> Result<Receipt> {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let id = |_: &str| format!("lower-{}-{}", message.account, since.as_nanos());
    let what = format!("the receipt of lowering {}'s versions", message.account);
    ask(operator_url, message, id, what, limit).await
}

/// Gives a command as the operator, and waits for its receipt.
async fn ask<M: Message>(
    operator_url: &str,
    message: &M,
    id: impl FnOnce(&str) -> String,
    what: String,
    limit: Duration,
) -> Result<Receipt> {
    let answered = timeout(limit, async {
        let mut operator = LoggedIn::open(operator_url).await?;
        let receipt = operator.ask(message, id).await;
        operator.close().await;
        receipt
    });
    answered.await.unwrap_or_else(|_| Err(no_receipt(what, limit)))
}

/// What is said of a receipt that did not come.
pub(crate) fn no_receipt(what: String, limit: Duration) -> Error {
    let last = "none on desk.operator: do the services run, and does no other program read that \
        queue";
    Error::Late { what, limit, last: last.to_owned() }
}

/// The operator at the broker, alone at its queue.
pub(crate) struct LoggedIn {
    connection: Connection,
    channel: Channel,
    receipts: Consumer,
}

impl LoggedIn {
    pub(crate) async fn open(operator_url: &str) -> Result<Self> {
        let connection = Connection::connect(operator_url, ConnectionProperties::default())
            .await
            .during("logging in to the broker as operator")?;
        let (channel, receipts) = read_alone(&connection, &queue()).await?;
        let confirms = ConfirmSelectOptions::default();
        channel.confirm_select(confirms).await.during("asking for confirms")?;
        Ok(Self { connection, channel, receipts })
    }

    /// Gives a command, and waits for its receipt. Those of others stay in the queue.
    pub(crate) async fn ask<M: Message>(
        &mut self,
        message: &M,
        id: impl FnOnce(&str) -> String,
    ) -> Result<Receipt> {
        let body = serde_json::to_string(message)
            .map_err(std::io::Error::other)
            .during("writing the command")?;
        let id = id(&body);
        publish::<M>(&self.channel, &id, body.as_bytes()).await?;
        while let Some(delivery) = self.receipts.next().await {
            let delivery = delivery.during(format!("reading from {}", queue()))?;
            let answers = delivery
                .properties
                .correlation_id()
                .as_ref()
                .is_some_and(|answered| answered.as_str() == id);
            if !answers {
                continue;
            }
            let Ok(receipt) = serde_json::from_slice::<Receipt>(&delivery.data) else { continue };
            if receipt.command_type != M::NAME {
                continue;
            }
            delivery.ack(BasicAckOptions::default()).await.during("acknowledging the receipt")?;
            return Ok(receipt);
        }
        Err(Error::Unexpected {
            what: format!("reading from {}", queue()),
            detail: "the broker ended the delivery".to_owned(),
        })
    }

    /// Logs out. With the receipts at hand nothing depends on an orderly end.
    pub(crate) async fn close(self) {
        self.connection.close(200, ShortString::from("done")).await.ok();
    }
}

fn queue() -> String {
    topology::desk_queue(&AccountName::operator())
}

/// Reads as the only one. Of two operators that read at once, each would hold the receipt that the
/// other waits for; so one waits.
async fn read_alone(connection: &Connection, queue: &str) -> Result<(Channel, Consumer)> {
    let alone = BasicConsumeOptions { exclusive: true, ..BasicConsumeOptions::default() };
    loop {
        let channel = connection.create_channel().await.during("opening a channel")?;
        channel
            .basic_qos(PREFETCH, BasicQosOptions::default())
            .await
            .during("limiting deliveries")?;
        match channel.basic_consume(queue.into(), "".into(), alone, FieldTable::default()).await {
            Err(refused) if refused.to_string().contains("in exclusive use") => sleep(TURN).await,
            consuming => return Ok((channel, consuming.during(format!("reading from {queue}"))?)),
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "an operator's command comes from outside the mesh; the runtime's publisher is for \
        services"
)]
async fn publish<M: Message>(channel: &Channel, id: &str, body: &[u8]) -> Result<()> {
    let properties = BasicProperties::default()
        .with_user_id(AccountName::operator().as_str().into())
        .with_type(M::NAME.into())
        .with_message_id(id.into())
        .with_content_type("application/json".into())
        .with_delivery_mode(PERSISTENT);
    let entity_and_verb = M::NAME.rsplit_once(".v").map_or(M::NAME, |(stem, _version)| stem);
    let key = format!("{}.{entity_and_verb}", AccountName::operator());
    let confirm = channel
        .basic_publish(
            Exchange::Share.name().into(),
            key.as_str().into(),
            BasicPublishOptions::default(),
            body,
            properties,
        )
        .await
        .during("publishing the command")?
        .await
        .during("publishing the command")?;
    match confirm {
        Confirmation::Ack(_) => Ok(()),
        other => Err(Error::Unexpected {
            what: "publishing the command".to_owned(),
            detail: format!("not confirmed: {other:?}"),
        }),
    }
}
