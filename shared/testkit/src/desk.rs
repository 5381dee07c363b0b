//! A help desk: logged in as its own broker user, as any third party would be.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use contracts::delivery::Told;
use contracts::{AccountName, Message, Receipt, Timestamp, topology};
use futures_util::StreamExt;
use lapin::options::{BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, BasicQosOptions, ConfirmSelectOptions};
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties, PublisherConfirm};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::Model;
use crate::wait::until;

/// How long a desk waits for what it expects: long, because a machine shared with others may stand still for many seconds.
pub const PATIENCE: Duration = Duration::from_mins(3);

/// One delivery as the desk got it.
#[derive(Clone, Debug)]
pub struct Delivered {
    /// Its `message_id`.
    pub id: String,
    /// Whose: an operator's queue holds deliveries of several accounts.
    pub account: String,
    /// What it says.
    pub told: Told,
    /// When it came.
    pub at: Instant,
    /// The trace it belongs to.
    pub trace_id: Option<String>,
}

/// What the desk knows.
#[derive(Debug, Default)]
struct Inbox {
    bodies: Vec<String>,
    seen: BTreeSet<String>,
    repeated: usize,
    unreadable: Vec<String>,
    deliveries: Vec<Delivered>,
    receipts: BTreeMap<String, (Receipt, Instant)>,
    sent: BTreeMap<String, Instant>,
    model: Model,
}

/// A desk.
#[derive(Debug)]
pub struct Desk {
    /// Whose it is.
    pub account: AccountName,
    url: String,
    inbox: Arc<Mutex<Inbox>>,
    publishing: tokio::sync::Mutex<Publishing>,
    counter: Mutex<u64>,
    stop: CancellationToken,
}

/// The channel that commands go out on.
#[derive(Debug, Default)]
struct Publishing {
    open: Option<(Connection, Channel)>,
    /// Counts the channels, so that of many sends that fail together only one gives the channel up.
    generation: u64,
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Desk {
    /// Logs in and begins to read its queue; logs in again when the broker was away.
    ///
    /// # Panics
    /// When the name is none.
    #[must_use]
    pub fn open(url: &str, account: &str) -> Self {
        let account = AccountName::new(account).expect("an account's name");
        let desk = Self {
            account: account.clone(),
            url: url.to_owned(),
            inbox: Arc::default(),
            publishing: tokio::sync::Mutex::default(),
            counter: Mutex::default(),
            stop: CancellationToken::new(),
        };
        let (url, inbox, stop) = (url.to_owned(), Arc::clone(&desk.inbox), desk.stop.clone());
        tokio::spawn(async move {
            let queue = topology::desk_queue(&account);
            while !stop.is_cancelled() {
                tokio::select! {
                    () = stop.cancelled() => return,
                    _ended = read(&url, &queue, &inbox) => tokio::time::sleep(Duration::from_millis(200)).await,
                }
            }
        });
        desk
    }

    /// A message id that this desk has not used.
    pub fn next_id(&self) -> String {
        let mut counter = self.counter.lock().unwrap_or_else(PoisonError::into_inner);
        *counter += 1;
        format!("{}-{counter}", self.account)
    }

    /// Publishes a command as this account and waits for the broker's confirm; publishes again until it has one. Returns the message id.
    ///
    /// # Errors
    /// What the broker says.
    pub async fn send<M: Message>(&self, command: &M) -> lapin::Result<String> {
        let id = self.next_id();
        self.send_as(&id, command).await?;
        Ok(id)
    }

    /// Publishes a command under a given message id.
    ///
    /// # Errors
    /// What the broker says.
    ///
    /// # Panics
    /// Never: commands are writable as JSON.
    pub async fn send_as<M: Message>(&self, id: &str, command: &M) -> lapin::Result<()> {
        let body = serde_json::to_value(command).expect("commands are writable as JSON");
        self.lock().model.about_to_send(id, M::NAME, &body);
        let stem = M::NAME.rsplit_once(".v").map_or(M::NAME, |(stem, _)| stem);
        let key = format!("{}.{stem}", self.account);
        self.publish(&key, M::NAME, id, body.to_string().as_bytes(), |properties| properties).await
    }

    /// Publishes a command and waits for its receipt.
    ///
    /// # Panics
    /// When the broker refuses, or no receipt comes.
    pub async fn command<M: Message>(&self, command: &M) -> Receipt {
        let id = self.send(command).await.expect("the broker takes the command");
        self.receipt(&id).await
    }

    /// Publishes a command given as JSON and waits for its receipt.
    ///
    /// # Panics
    /// When the broker refuses, or no receipt comes.
    pub async fn ask(&self, message_type: &str, content: &Value) -> Receipt {
        let id = self.next_id();
        self.lock().model.about_to_send(&id, message_type, content);
        let stem = message_type.rsplit_once(".v").map_or(message_type, |(stem, _)| stem);
        let key = format!("{}.{stem}", self.account);
        let body = content.to_string();
        self.publish(&key, message_type, &id, body.as_bytes(), |properties| properties)
            .await
            .expect("the broker takes the command");
        self.receipt(&id).await
    }

    /// Publishes anything.
    ///
    /// # Errors
    /// What the broker says.
    ///
    /// # Panics
    /// When a name is longer than AMQP allows.
    pub async fn publish(
        &self,
        key: &str,
        message_type: &str,
        id: &str,
        body: &[u8],
        change: impl FnOnce(BasicProperties) -> BasicProperties,
    ) -> lapin::Result<()> {
        let short = |text: &str| ShortString::try_new(text).expect("at most 255 bytes");
        let properties = change(
            BasicProperties::default()
                .with_message_id(short(id))
                .with_type(short(message_type))
                .with_user_id(short(self.account.as_str()))
                .with_content_type(short("application/json"))
                .with_delivery_mode(2),
        );
        self.lock().sent.entry(id.to_owned()).or_insert_with(Instant::now);
        let mut tries = 0;
        loop {
            match self.publish_once(key, body, properties.clone()).await {
                // Refused by a full queue: keep it and try again, as the contract tells a desk to.
                Ok(false) if tries < 100 => tokio::time::sleep(Duration::from_millis(100)).await,
                Ok(_) => return Ok(()),
                Err(error) if tries >= 100 || matches!(error.kind(), lapin::ErrorKind::ProtocolError(_)) => return Err(error),
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            }
            tries += 1;
        }
    }

    /// Publishes once and waits for the confirm; whether the broker took it. Many may be under way.
    async fn publish_once(&self, key: &str, body: &[u8], properties: BasicProperties) -> lapin::Result<bool> {
        let mut publishing = self.publishing.lock().await;
        let written = publishing.write(&self.url, key, body, properties).await;
        let generation = publishing.generation;
        drop(publishing);
        let confirmed = match written {
            Ok(confirm) => confirm.await,
            Err(error) => Err(error),
        };
        if confirmed.is_err() {
            let mut publishing = self.publishing.lock().await;
            if publishing.generation == generation {
                publishing.open = None;
            }
        }
        confirmed.map(|confirmation| confirmation.is_ack())
    }

    /// Waits for the receipt of a command.
    ///
    /// # Panics
    /// When none comes.
    pub async fn receipt(&self, id: &str) -> Receipt {
        until(&format!("the receipt of {id} at {}", self.account), PATIENCE, async || {
            let inbox = self.lock();
            match inbox.receipts.get(id) {
                Some((receipt, _)) => Ok(receipt.clone()),
                None => Err(format!("{} receipts, {} deliveries", inbox.receipts.len(), inbox.deliveries.len())),
            }
        })
        .await
    }

    /// Waits for a delivery for which `wanted` gives a value.
    ///
    /// # Panics
    /// When none comes.
    pub async fn told<T>(&self, what: &str, wanted: impl Fn(&Told) -> Option<T>) -> (T, Delivered) {
        until(&format!("{what} at {}", self.account), PATIENCE, async || {
            let inbox = self.lock();
            let found = inbox.deliveries.iter().find_map(|delivered| wanted(&delivered.told).map(|it| (it, delivered.clone())));
            found.ok_or_else(|| format!("{:?}", inbox.deliveries.iter().map(|it| it.told.name()).collect::<Vec<_>>()))
        })
        .await
    }

    /// A command's receipt and when it came, if it did.
    #[must_use]
    pub fn answer(&self, id: &str) -> Option<(Receipt, Instant)> {
        self.lock().receipts.get(id).cloned()
    }

    /// The message ids of all commands published.
    #[must_use]
    pub fn sent(&self) -> Vec<String> {
        self.lock().sent.keys().cloned().collect()
    }

    /// Looks at the deliveries so far.
    pub fn with_deliveries<T>(&self, look: impl FnOnce(&[Delivered]) -> T) -> T {
        look(&self.lock().deliveries)
    }

    /// All deliveries so far.
    #[must_use]
    pub fn deliveries(&self) -> Vec<Delivered> {
        self.lock().deliveries.clone()
    }

    /// The body of every delivery, letter by letter; also of those that came again or could not be read.
    #[must_use]
    pub fn bodies(&self) -> Vec<String> {
        self.lock().bodies.clone()
    }

    /// How long a command took from publishing to its receipt.
    #[must_use]
    pub fn answered_in(&self, id: &str) -> Option<Duration> {
        let inbox = self.lock();
        let (_, came) = inbox.receipts.get(id)?;
        inbox.sent.get(id).map(|sent| came.duration_since(*sent))
    }

    /// When a command was published.
    #[must_use]
    pub fn sent_at(&self, id: &str) -> Option<Instant> {
        self.lock().sent.get(id).copied()
    }

    /// Commands published, and those without a receipt.
    #[must_use]
    pub fn unanswered(&self) -> (usize, Vec<String>) {
        let inbox = self.lock();
        let open = inbox.sent.keys().filter(|id| !inbox.receipts.contains_key(*id)).cloned().collect();
        (inbox.sent.len(), open)
    }

    /// Deliveries that came a second time with the same id, and that could not be read.
    #[must_use]
    pub fn repeated_and_unreadable(&self) -> (usize, Vec<String>) {
        let inbox = self.lock();
        (inbox.repeated, inbox.unreadable.clone())
    }

    /// Looks at what the desk keeps.
    pub fn with_model<T>(&self, look: impl FnOnce(&mut Model) -> T) -> T {
        look(&mut self.lock().model)
    }

    fn lock(&self) -> MutexGuard<'_, Inbox> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The current time, as a desk's clock has it.
///
/// # Panics
/// Never: the texts are dates.
#[must_use]
pub fn clock() -> Timestamp {
    let elapsed = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let epoch = Timestamp::parse("1970-01-01T00:00:00Z").expect("a date");
    let seconds = epoch.plus_seconds(i64::try_from(elapsed.as_secs()).unwrap_or_default());
    let milliseconds = elapsed.subsec_millis();
    Timestamp::parse(&seconds.to_string().replace(".000Z", &format!(".{milliseconds:03}Z"))).expect("a date")
}

impl Publishing {
    /// Writes a message; what comes back waits for its confirm.
    #[expect(clippy::disallowed_methods, reason = "a desk publishes on its own")]
    async fn write(&mut self, url: &str, key: &str, body: &[u8], properties: BasicProperties) -> lapin::Result<PublisherConfirm> {
        if self.open.is_none() {
            self.generation += 1;
            let connection = Connection::connect(url, ConnectionProperties::default()).await?;
            let channel = connection.create_channel().await?;
            channel.confirm_select(ConfirmSelectOptions::default()).await?;
            self.open = Some((connection, channel));
        }
        let (_, channel) = self.open.as_ref().expect("it was opened above");
        let key = ShortString::try_new(key).expect("at most 255 bytes");
        channel.basic_publish(ShortString::from("share"), key, BasicPublishOptions::default(), body, properties).await
    }
}

/// Reads the desk's queue until the connection ends.
async fn read(url: &str, queue: &str, inbox: &Mutex<Inbox>) -> lapin::Result<()> {
    let connection = Connection::connect(url, ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    channel.basic_qos(500, BasicQosOptions::default()).await?;
    let mut consumer = channel
        .basic_consume(ShortString::from(queue), ShortString::from("desk"), BasicConsumeOptions::default(), FieldTable::default())
        .await?;
    while let Some(delivery) = consumer.next().await {
        let delivery = delivery?;
        take(&mut inbox.lock().unwrap_or_else(PoisonError::into_inner), &delivery);
        channel.basic_ack(delivery.delivery_tag, BasicAckOptions::default()).await?;
    }
    Ok(())
}

fn take(inbox: &mut Inbox, delivery: &lapin::message::Delivery) {
    let properties = &delivery.properties;
    let text = |value: &Option<ShortString>| value.as_ref().map(|value| value.as_str().to_owned()).unwrap_or_default();
    let (id, name) = (text(properties.message_id()), text(properties.kind()));
    inbox.bodies.push(String::from_utf8_lossy(&delivery.data).into_owned());
    if !inbox.seen.insert(id.clone()) {
        inbox.repeated += 1;
        return;
    }
    let told = match Told::read(&name, &delivery.data) {
        Ok(told) => told,
        Err(error) => {
            inbox.unreadable.push(format!("{name} {id}: {error}"));
            return;
        }
    };
    let at = Instant::now();
    if let Told::Receipt(receipt) = &told {
        inbox.receipts.entry(receipt.command_id.clone()).or_insert_with(|| ((**receipt).clone(), at));
    }
    inbox.model.take(&told);
    let account = delivery.routing_key.as_str().split('.').next().unwrap_or_default().to_owned();
    inbox.deliveries.push(Delivered { id, account, told, at, trace_id: trace_id(properties) });
}

fn trace_id(properties: &BasicProperties) -> Option<String> {
    match properties.headers().as_ref()?.inner().get("traceparent")? {
        AMQPValue::LongString(text) => Some(String::from_utf8_lossy(text.as_bytes()).split('-').nth(1)?.to_owned()),
        _ => None,
    }
}

/// JSON of a message, for changing one before it is published.
///
/// # Panics
/// Never: messages are writable as JSON.
#[must_use]
pub fn json<M: Message>(message: &M) -> Value {
    serde_json::to_value(message).expect("messages are writable as JSON")
}
