//! The services beside the one under test: who sends to it, and what reaches those behind it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use contracts::Message;
use contracts::topology::Service;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::types::ShortString;
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties};
use serde_json::Value;

use crate::queue::read_queue;

/// The service before the one under test, as far as the broker can tell.
#[derive(Debug)]
pub struct ServiceBefore(Channel);

impl ServiceBefore {
    /// Logs in at its address.
    ///
    /// # Panics
    /// When the broker does not let it in.
    pub async fn open(url: &str) -> Self {
        let connection = Connection::connect(url, ConnectionProperties::default())
            .await
            .expect("the broker lets it in");
        let channel = connection.create_channel().await.expect("a channel");
        channel.confirm_select(ConfirmSelectOptions::default()).await.expect("confirms");
        Self(channel)
    }

    /// Publishes a message `to` the service under test and waits for the confirm.
    ///
    /// # Panics
    /// When the broker does not take it.
    pub async fn publish<M: Message>(&self, to: Service, id: &str, message: &M) {
        let body = serde_json::to_vec(message).expect("messages are writable as JSON");
        self.send("sync", &to.key_for::<M>(), M::NAME, id, &body).await;
    }

    /// Tells an account something, as the line's last stage does, and waits for the confirm.
    ///
    /// # Panics
    /// When the broker does not take it.
    pub async fn tell(&self, account: &str, message_type: &str, id: &str, body: &Value) {
        let stem = message_type.rsplit_once(".v").map_or(message_type, |(stem, _)| stem);
        let (key, body) = (format!("{account}.{stem}"), body.to_string());
        self.send("desk", &key, message_type, id, body.as_bytes()).await;
    }

    #[expect(clippy::disallowed_methods, reason = "stands for the service before this one")]
    async fn send(&self, exchange: &str, key: &str, message_type: &str, id: &str, body: &[u8]) {
        let short = |text: &str| ShortString::try_new(text).expect("a short word");
        let properties = BasicProperties::default()
            .with_message_id(short(id))
            .with_type(short(message_type))
            .with_content_type(ShortString::from("application/json"))
            .with_delivery_mode(2);
        let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
        let (exchange, key) = (short(exchange), short(key));
        let sent = self.0.basic_publish(exchange, key, options, body, properties);
        let confirmed = sent.await.expect("it is written").await.expect("it is answered");
        assert!(confirmed.is_ack(), "{confirmed:?}");
    }
}

/// One message at a next service.
#[derive(Clone, Debug)]
pub struct PassedOn {
    /// Where it arrived.
    pub to: Service,
    /// The AMQP `type`.
    pub message_type: String,
    /// What it says.
    pub body: String,
}

impl PassedOn {
    /// What it says, read.
    ///
    /// # Panics
    /// When it is something else.
    #[must_use]
    pub fn read<M: Message>(&self) -> M {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// What reaches the next services, by message id: whoever gets one twice drops the second.
#[derive(Clone, Debug, Default)]
pub struct NextServices(Arc<Mutex<BTreeMap<String, PassedOn>>>);

impl NextServices {
    /// Reads the queue of one, logged in at its address, until the test ends.
    pub fn listen(&self, to: Service, url: String) {
        let all = self.clone();
        tokio::spawn(async move {
            read_queue(&url, to.name(), |delivery| {
                let text = |value: &Option<ShortString>| {
                    value.as_ref().map(ToString::to_string).unwrap_or_default()
                };
                let properties = &delivery.properties;
                let (id, message_type) = (text(properties.message_id()), text(properties.kind()));
                let body = String::from_utf8_lossy(&delivery.data).into_owned();
                all.lock().entry(id).or_insert(PassedOn { to, message_type, body });
            })
            .await
        });
    }

    /// All that came so far.
    #[must_use]
    pub fn all(&self) -> Vec<PassedOn> {
        self.lock().values().cloned().collect()
    }

    /// Those of one type, read, with where each arrived.
    #[must_use]
    pub fn of_type<M: Message>(&self) -> Vec<(Service, M)> {
        let all = self.all();
        let of_type = all.iter().filter(|passed| passed.message_type == M::NAME);
        of_type.map(|passed| (passed.to, passed.read())).collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, PassedOn>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
