//! An account's broker user without the manners of a desk.

use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::{BasicProperties, Channel, Confirmation, Connection, ConnectionProperties};

/// `ACCESS_REFUSED`: no right to it.
pub const ACCESS_REFUSED: u16 = 403;
/// `PRECONDITION_FAILED`: not in this way.
pub const PRECONDITION_FAILED: u16 = 406;

/// One connection.
pub struct Rogue {
    connection: Connection,
    user: String,
}

impl Rogue {
    pub async fn log_in(url: &str, user: &str) -> Self {
        let connection = Connection::connect(url, ConnectionProperties::default())
            .await
            .expect("the user logs in");
        Self { connection, user: user.to_owned() }
    }

    /// A channel in confirm mode.
    pub async fn channel(&self) -> Channel {
        let channel = self.connection.create_channel().await.expect("a channel opens");
        channel
            .confirm_select(ConfirmSelectOptions::default())
            .await
            .expect("confirms are turned on");
        channel
    }

    /// The code by which the broker refuses what `attempt` does on a channel of its own; `None`
    /// when it lets it pass.
    pub async fn refusal<T>(
        &self,
        attempt: impl AsyncFnOnce(&Channel) -> lapin::Result<T>,
    ) -> Option<u16> {
        match attempt(&self.channel().await).await {
            Ok(_) => None,
            Err(error) => Some(code(&error)),
        }
    }

    /// The code by which the broker refuses a message.
    pub async fn publish(
        &self,
        exchange: &str,
        key: &str,
        properties: BasicProperties,
        body: &[u8],
    ) -> Option<u16> {
        self.refusal(async |channel| publish(channel, exchange, key, properties, body).await).await
    }

    /// What a command has to have.
    pub fn properties(&self, message_type: &str, message_id: &str) -> BasicProperties {
        anonymous(message_type, message_id).with_user_id(ShortString::from(self.user.as_str()))
    }
}

/// Properties that do not say who publishes.
pub fn anonymous(message_type: &str, message_id: &str) -> BasicProperties {
    BasicProperties::default()
        .with_message_id(ShortString::from(message_id))
        .with_type(ShortString::from(message_type))
        .with_content_type(ShortString::from("application/json"))
        .with_delivery_mode(2)
}

pub fn headers<const N: usize>(texts: [(&str, &str); N]) -> FieldTable {
    let mut table = FieldTable::default();
    for (name, text) in texts {
        table.insert(ShortString::from(name), AMQPValue::LongString(text.into()));
    }
    table
}

/// Publishes on a channel and waits for the confirm.
#[expect(clippy::disallowed_methods, reason = "an attacker publishes on its own")]
pub async fn publish(
    channel: &Channel,
    exchange: &str,
    key: &str,
    properties: BasicProperties,
    body: &[u8],
) -> lapin::Result<Confirmation> {
    let (exchange, key) = (ShortString::from(exchange), ShortString::from(key));
    channel
        .basic_publish(exchange, key, BasicPublishOptions::default(), body, properties)
        .await?
        .await
}

/// The broker's code in an error.
pub fn code(error: &lapin::Error) -> u16 {
    match error.kind() {
        lapin::ErrorKind::ProtocolError(refused) => refused.get_id(),
        other => panic!("the broker did not refuse: {other:?}"),
    }
}
