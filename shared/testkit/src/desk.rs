//! A help desk: logged in as its own broker user, as any third party would be.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use contracts::delivery::DeliveryBody;
use contracts::{AccountName, Message, Receipt, Timestamp, topology};
use lapin::BasicProperties;
use lapin::types::ShortString;
use serde_json::Value;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::inbox::{Delivered, Heard, Inbox, read};
use crate::publishing::{Publishing, is_refusal};
use crate::wait::until;
use crate::{Duties, Model};

/// How long a desk waits for what it expects: long, because a machine shared with others may stand
/// still for many seconds.
pub const PATIENCE: Duration = Duration::from_mins(3);

#[derive(Debug)]
pub struct Desk {
    /// Whose it is.
    pub account: AccountName,
    url: String,
    inbox: Arc<Mutex<Inbox>>,
    publishing: tokio::sync::Mutex<Publishing>,
    counter: Mutex<u64>,
    /// Whether it reads its queue.
    awake: watch::Sender<bool>,
    stop: CancellationToken,
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
        let desk = Self::apart(url, account);
        let account = desk.account.clone();
        let (url, inbox, stop, mut awake) =
            (url.to_owned(), Arc::clone(&desk.inbox), desk.stop.clone(), desk.awake.subscribe());
        tokio::spawn(async move {
            let queue = topology::desk_queue(&account);
            while !stop.is_cancelled() && awake.wait_for(|awake| *awake).await.map(drop).is_ok() {
                tokio::select! {
                    () = stop.cancelled() => return,
                    _asleep = async { awake.wait_for(|awake| !*awake).await.map(drop) } => {}
                    _ended = read(&url, &queue, &inbox) => {
                        tokio::time::sleep(Duration::from_millis(200)).await;
                    }
                }
            }
        });
        desk
    }

    /// A desk that reads no queue: what it is told is handed to it ([`Desk::hear`]).
    ///
    /// # Panics
    /// When the name is none.
    #[must_use]
    pub fn apart(url: &str, account: &str) -> Self {
        Self {
            account: AccountName::new(account).expect("an account's name"),
            url: url.to_owned(),
            inbox: Arc::default(),
            publishing: tokio::sync::Mutex::default(),
            counter: Mutex::default(),
            awake: watch::Sender::new(true),
            stop: CancellationToken::new(),
        }
    }

    /// Takes a delivery that came another way than by its queue.
    pub fn hear(&self, id: &str, message_type: &str, body: &[u8]) {
        let (id, account) = (id.to_owned(), self.account.to_string());
        self.lock().hear(Heard { id, message_type, account, body, trace_id: None });
    }

    /// Stops reading its queue; it still publishes.
    pub fn sleep(&self) {
        self.awake.send_replace(false);
    }

    /// Reads its queue again.
    pub fn wake(&self) {
        self.awake.send_replace(true);
    }

    /// A message id that this desk has not used.
    pub fn next_id(&self) -> String {
        let mut counter = self.counter.lock().unwrap_or_else(PoisonError::into_inner);
        *counter += 1;
        format!("{}-{counter}", self.account)
    }

    /// Publishes a command as this account and waits for the broker's confirm; publishes again
    /// until it has one. Returns the message id.
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
        self.send_json(&id, message_type, content).await.expect("the broker takes the command");
        self.receipt(&id).await
    }

    /// Publishes a command given as JSON under a given message id, once or again.
    ///
    /// # Errors
    /// What the broker says.
    pub async fn send_json(
        &self,
        id: &str,
        message_type: &str,
        content: &Value,
    ) -> lapin::Result<()> {
        let stem = message_type.rsplit_once(".v").map_or(message_type, |(stem, _)| stem);
        let key = format!("{}.{stem}", self.account);
        self.publish(&key, message_type, id, content.to_string().as_bytes(), |properties| {
            properties
        })
        .await
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
        let started = Instant::now();
        loop {
            match self.publish_once(key, body, properties.clone()).await {
                Ok(true) => return Ok(()),
                Err(error) if is_refusal(&error) || started.elapsed() > PATIENCE => {
                    return Err(error);
                }
                // Not connected, or refused by a full queue: keep it and try again, as the contract
                // tells a desk to.
                Ok(false) | Err(_) => assert!(
                    started.elapsed() < PATIENCE,
                    "the broker did not take {id} for {PATIENCE:?}"
                ),
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Publishes once and waits for the confirm; whether the broker took it. Many may be under way.
    async fn publish_once(
        &self,
        key: &str,
        body: &[u8],
        properties: BasicProperties,
    ) -> lapin::Result<bool> {
        let mut publishing = self.publishing.lock().await;
        if publishing.connect(&self.url).await.is_err() {
            return Ok(false);
        }
        let written = publishing.write(key, body, properties).await;
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
                None => Err(format!(
                    "{} receipts, {} deliveries",
                    inbox.receipts.len(),
                    inbox.deliveries.len()
                )),
            }
        })
        .await
    }

    /// Waits for a delivery for which `wanted` gives a value.
    ///
    /// # Panics
    /// When none comes.
    pub async fn told<T>(
        &self,
        what: &str,
        wanted: impl Fn(&DeliveryBody) -> Option<T>,
    ) -> (T, Delivered) {
        until(&format!("{what} at {}", self.account), PATIENCE, async || {
            let inbox = self.lock();
            let found = inbox
                .deliveries
                .iter()
                .find_map(|delivered| wanted(&delivered.told).map(|it| (it, delivered.clone())));
            found.ok_or_else(|| {
                format!(
                    "{:?}",
                    inbox.deliveries.iter().map(|it| it.told.name()).collect::<Vec<_>>()
                )
            })
        })
        .await
    }

    /// A command's receipt and when it came, if it did.
    #[must_use]
    pub fn answer(&self, id: &str) -> Option<(Receipt, Instant)> {
        self.lock().receipts.get(id).cloned()
    }

    /// How many commands have a receipt whose message ids begin so.
    #[must_use]
    pub fn answered_like(&self, beginning: &str) -> usize {
        let inbox = self.lock();
        inbox
            .receipts
            .range(beginning.to_owned()..)
            .take_while(|(id, _)| id.starts_with(beginning))
            .count()
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

    /// What follows from all that it was told.
    #[must_use]
    pub fn duties(&self) -> Duties {
        self.with_deliveries(|deliveries| Duties::of(deliveries.iter().map(|it| &it.told)))
    }

    /// The body of every delivery, letter by letter; also of those that came again or could not be
    /// read.
    #[must_use]
    pub fn bodies(&self) -> Vec<String> {
        self.with_bodies(<[String]>::to_vec)
    }

    /// Looks at the bodies without taking a copy.
    pub fn with_bodies<T>(&self, look: impl FnOnce(&[String]) -> T) -> T {
        look(&self.lock().bodies)
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
        let open =
            inbox.sent.keys().filter(|id| !inbox.receipts.contains_key(*id)).cloned().collect();
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
    let elapsed =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let epoch = Timestamp::parse("1970-01-01T00:00:00Z").expect("a date");
    let seconds = epoch.plus_seconds(i64::try_from(elapsed.as_secs()).unwrap_or_default());
    let milliseconds = elapsed.subsec_millis();
    Timestamp::parse(&seconds.to_string().replace(".000Z", &format!(".{milliseconds:03}Z")))
        .expect("a date")
}

/// JSON of a message, for changing one before it is published.
///
/// # Panics
/// Never: messages are writable as JSON.
#[must_use]
pub fn json<M: Message>(message: &M) -> Value {
    serde_json::to_value(message).expect("messages are writable as JSON")
}
