//! Between Deskmesh and the desk under test. What the account is told comes here first, and is
//! let go in the order, and as often, as a check wants; what the desk publishes is seen.
//!
//! The binding that leads the account's deliveries into the desk's queue is taken away, and one to
//! a queue of the certifier's is there instead. What is let go is published to `desk` once more,
//! with the properties and the key it had, and, as a hidden second key (`BCC`), the one that only
//! the desk's queue is bound with. So the desk reads its own queue, and cannot tell the difference.

mod reader;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use contracts::delivery::{DeliveryBody, TicketState};
use contracts::topology::{self, Exchange};
use contracts::{AccountName, Receipt, ShareId};
use futures_util::StreamExt;
use lapin::options::{
    BasicConsumeOptions, BasicPublishOptions, ConfirmSelectOptions, QueueBindOptions,
    QueueDeclareOptions,
};
use lapin::types::{AMQPValue, FieldArray, FieldTable, LongString, ShortString};
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties};
use serde_json::{Value, json};
use tokio::sync::{Mutex, Notify};
use tokio::time::timeout;

use self::reader::Reader;
use super::setup;
use crate::account::AccountAdmin;
use crate::desk::{chance, key};
use crate::error::{During, Error, Result};

const PERSISTENT: u8 = 2;
/// Begins the ids of commands that are published in the account's name.
const OWN: &str = "certify-";
/// Marks what was here before.
const LET_GO: &str = "deskmesh-certify";

/// Something that the account is told.
#[derive(Clone, Debug)]
pub(super) struct Told {
    pub body: DeliveryBody,
    key: String,
    properties: BasicProperties,
    data: Vec<u8>,
}

impl Told {
    pub fn is_receipt(&self) -> bool {
        matches!(self.body, DeliveryBody::Receipt(_))
    }
}

/// A command that the desk published.
#[derive(Clone, Debug)]
pub(super) struct Command {
    pub id: String,
    pub kind: String,
    pub content: Value,
}

#[derive(Default)]
struct State {
    holding: bool,
    /// What was told and is held.
    held: Vec<Told>,
    /// All that was told, also what was let go.
    told: Vec<Told>,
    commands: Vec<Command>,
    /// Receipts of what was published in the account's name, and the answers to it: not the
    /// desk's.
    answers: BTreeMap<String, Receipt>,
    asked: BTreeSet<String>,
    answered: BTreeMap<String, DeliveryBody>,
    /// Why nothing comes any more.
    ended: Option<String>,
}

pub(super) struct Gate {
    account: AccountName,
    /// As whom the account's commands are published: itself, or who operates it.
    publisher: String,
    connection: Connection,
    channel: Channel,
    state: Arc<Mutex<State>>,
    changed: Arc<Notify>,
    limit: Duration,
    /// What is put back at the end.
    setup: setup::Diverted,
}

impl Gate {
    /// Leads the account's deliveries here.
    pub async fn open(
        doors: &AccountAdmin,
        account: &AccountName,
        limit: Duration,
    ) -> Result<Self> {
        let diverted = setup::Diverted::prepare(doors, account)?;
        let name = ConnectionProperties::default().with_connection_name("certify".into());
        let connection = Connection::connect(&diverted.let_in(doors)?, name)
            .await
            .during(format!("logging in to the broker as {}", diverted.user))?;
        let channel = connection.create_channel().await.during("opening a channel")?;
        channel
            .confirm_select(ConfirmSelectOptions::default())
            .await
            .during("asking for confirms")?;
        let queue = ShortString::from(diverted.user.as_str());
        let temporary = QueueDeclareOptions {
            exclusive: true,
            auto_delete: true,
            ..QueueDeclareOptions::default()
        };
        channel
            .queue_declare(queue.clone(), temporary, FieldTable::default())
            .await
            .during("declaring the queue between")?;
        for exchange in [Exchange::Desk, Exchange::Share] {
            channel
                .queue_bind(
                    queue.clone(),
                    exchange.name().into(),
                    topology::desk_key(account).as_str().into(),
                    QueueBindOptions::default(),
                    FieldTable::default(),
                )
                .await
                .during("binding the queue between")?;
        }
        let at_once = BasicConsumeOptions { no_ack: true, ..BasicConsumeOptions::default() };
        let mut deliveries = channel
            .basic_consume(queue, "".into(), at_once, FieldTable::default())
            .await
            .during("reading the queue between")?;
        let (state, changed) = (Arc::<Mutex<State>>::default(), Arc::<Notify>::default());
        let task = Reader {
            state: Arc::clone(&state),
            changed: Arc::clone(&changed),
            channel: channel.clone(),
            released: diverted.released.clone(),
        };
        tokio::spawn(async move {
            let mut why = "the broker ended the deliveries".to_owned();
            while let Some(delivery) = deliveries.next().await {
                let taken = match delivery {
                    Ok(delivery) => task.take(delivery).await,
                    Err(error) => Err(error).during("reading the queue between"),
                };
                if let Err(error) = taken {
                    why = error.to_string();
                    break;
                }
            }
            task.state.lock().await.ended = Some(why);
            task.changed.notify_waiters();
        });
        let publisher = diverted.publisher();
        let account = account.clone();
        let gate = Self {
            account,
            publisher,
            connection,
            channel,
            state,
            changed,
            limit,
            setup: diverted,
        };
        // From here on nothing reaches the desk but through here.
        gate.setup.close_the_direct_way()?;
        Ok(gate)
    }

    /// From now on what is told is held.
    pub async fn hold(&self) {
        self.state.lock().await.holding = true;
    }

    /// Lets go what `order` makes of what was held, and from then on everything as it comes.
    pub async fn release(&self, order: impl FnOnce(Vec<Told>) -> Vec<Told>) -> Result<()> {
        let mut state = self.state.lock().await;
        let held = std::mem::take(&mut state.held);
        for told in order(held) {
            let_go(&self.channel, &told, &self.setup.released).await?;
        }
        state.holding = false;
        Ok(())
    }

    /// All that was told of a share so far.
    pub async fn told(&self, share: &ShareId) -> Vec<Told> {
        let state = self.state.lock().await;
        state.told.iter().filter(|told| share_of(&told.body) == Some(share)).cloned().collect()
    }

    /// Lets something go that was told before.
    pub async fn again(&self, told: &[Told]) -> Result<()> {
        let _turn = self.state.lock().await;
        for told in told {
            let_go(&self.channel, told, &self.setup.released).await?;
        }
        Ok(())
    }

    /// Commands that the desk published so far.
    pub async fn commands(&self) -> Vec<Command> {
        self.state.lock().await.commands.clone()
    }

    /// Waits for something that the account is told.
    pub async fn until_told(
        &self,
        what: &str,
        wanted: impl Fn(&DeliveryBody) -> bool,
    ) -> Result<Told> {
        self.until(what, self.limit, |state| {
            state.told.iter().find(|told| wanted(&told.body)).cloned()
        })
        .await
    }

    /// Waits, for so long, for a command of the desk.
    pub async fn until_published(
        &self,
        limit: Duration,
        wanted: impl Fn(&Command) -> bool,
    ) -> Option<Command> {
        let found = self
            .until("a command", limit, |state| {
                state.commands.iter().find(|command| wanted(command)).cloned()
            })
            .await;
        found.ok()
    }

    /// Waits for a receipt that the desk is told.
    pub async fn until_answered(&self, id: &str) -> Result<Receipt> {
        let what = format!("the receipt of {id}");
        self.until(&what, self.limit, |state| {
            state.told.iter().find_map(|told| match &told.body {
                DeliveryBody::Receipt(receipt) if receipt.command_id == id => {
                    Some((**receipt).clone())
                }
                _ => None,
            })
        })
        .await
    }

    /// Asks in the account's name, and waits for the receipt. The desk hears nothing of it.
    pub async fn ask_for(&self, kind: &str, content: &Value) -> Result<Receipt> {
        let id = format!("{OWN}{}", chance());
        let properties = BasicProperties::default()
            .with_user_id(self.publisher.as_str().into())
            .with_type(kind.into())
            .with_message_id(id.as_str().into())
            .with_content_type("application/json".into())
            .with_delivery_mode(PERSISTENT);
        let (key, body) = (key(&self.account, kind), content.to_string());
        publish(&self.channel, Exchange::Share, &key, body.as_bytes(), properties).await?;
        let what = format!("the receipt of {kind} in {}'s name", self.account);
        self.until(&what, self.limit, |state| state.answers.get(&id).cloned()).await
    }

    /// What Deskmesh holds of the account's copy of a share.
    pub async fn resync(&self, share: &ShareId) -> Result<TicketState> {
        let name = format!("ticket.state.v1 {share}");
        match self.answer("ticket.resync.v1", &json!({ "share_id": share }), &name).await? {
            DeliveryBody::TicketState(state) => Ok(*state),
            other => Err(unexpected("asking for a ticket's state", other.name())),
        }
    }

    /// What Deskmesh holds of the account.
    pub async fn account(&self) -> Result<contracts::delivery::AccountState> {
        match self.answer("account.show.v1", &json!({}), "account.state.v1").await? {
            DeliveryBody::AccountState(state) => Ok(*state),
            other => Err(unexpected("asking for the account's state", other.name())),
        }
    }

    async fn answer(&self, kind: &str, content: &Value, name: &str) -> Result<DeliveryBody> {
        let mut state = self.state.lock().await;
        state.answered.remove(name);
        state.asked.insert(name.to_owned());
        drop(state);
        let receipt = self.ask_for(kind, content).await?;
        if receipt.outcome != contracts::ReceiptOutcome::Applied {
            let reason = receipt.reason.map(|reason| reason.to_string()).unwrap_or_default();
            return Err(unexpected(kind, &format!("{:?}, {reason}", receipt.outcome)));
        }
        self.until(name, self.limit, |state| state.answered.get(name).cloned()).await
    }

    async fn until<T>(
        &self,
        what: &str,
        limit: Duration,
        found: impl Fn(&State) -> Option<T>,
    ) -> Result<T> {
        let wait = async {
            loop {
                let changed = self.changed.notified();
                tokio::pin!(changed);
                changed.as_mut().enable();
                let state = self.state.lock().await;
                if let Some(found) = found(&state) {
                    return Ok(found);
                }
                if let Some(why) = &state.ended {
                    return Err(unexpected(&format!("waiting for {what}"), why));
                }
                drop(state);
                changed.await;
            }
        };
        timeout(limit, wait).await.unwrap_or_else(|_| {
            Err(Error::Late {
                what: what.to_owned(),
                limit,
                last: "it did not come: `deskmesh-operator trace` tells where it stays".to_owned(),
            })
        })
    }

    /// Lets everything go and puts the broker back as it was.
    pub async fn close(self) -> Result<()> {
        self.setup.open_the_direct_way()?;
        self.release(|held| held).await.ok();
        self.connection.close(200, ShortString::from("done")).await.ok();
        self.setup.remove()
    }
}

/// The share that something is about.
pub(super) fn share_of(body: &DeliveryBody) -> Option<&ShareId> {
    match body {
        DeliveryBody::TicketCreated(it) => Some(&it.share_id),
        DeliveryBody::TicketUpdated(it) => Some(&it.share_id),
        DeliveryBody::TicketUnshared(it) => Some(&it.share_id),
        DeliveryBody::TicketState(it) => Some(&it.share_id),
        DeliveryBody::Receipt(it) => it.share_id.as_ref(),
        _ => None,
    }
}

async fn let_go(channel: &Channel, told: &Told, released: &str) -> Result<()> {
    let text = |text: &str| AMQPValue::LongString(LongString::from(text));
    let mut headers = told.properties.headers().clone().unwrap_or_default();
    headers.insert(LET_GO.into(), text("once more"));
    headers.insert("BCC".into(), AMQPValue::FieldArray(FieldArray::from(vec![text(released)])));
    let properties = told.properties.clone().with_headers(headers);
    publish(channel, Exchange::Desk, &told.key, &told.data, properties).await
}

#[expect(
    clippy::disallowed_methods,
    reason = "this plays Deskmesh to a desk, and the desk to Deskmesh; the runtime's publisher is \
        for services"
)]
async fn publish(
    channel: &Channel,
    exchange: Exchange,
    key: &str,
    body: &[u8],
    properties: BasicProperties,
) -> Result<()> {
    let confirm = channel
        .basic_publish(
            exchange.name().into(),
            key.into(),
            BasicPublishOptions::default(),
            body,
            properties,
        )
        .await
        .during("publishing")?
        .await
        .during("publishing")?;
    if confirm.is_ack() { Ok(()) } else { Err(unexpected("publishing", "the broker said no")) }
}

fn unexpected(what: &str, detail: &str) -> Error {
    Error::Unexpected { what: what.to_owned(), detail: detail.to_owned() }
}
