//! Publishing as the gateway, or as the line's last stage.

use anyhow::{Context, Result, ensure};
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::types::ShortString;
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties};

/// A connection with one channel that confirms.
pub struct Publisher {
    _connection: Connection,
    channel: Channel,
}

/// A message on its way.
#[derive(Clone, Copy, Debug)]
pub struct AmqpMessage<'a> {
    pub exchange: &'a str,
    pub key: &'a str,
    pub r#type: &'a str,
    pub id: &'a str,
    pub user: &'a str,
    pub body: &'a [u8],
}

impl Publisher {
    /// Logs in.
    ///
    /// # Errors
    /// The broker refuses or does not answer.
    pub async fn open(url: &str) -> Result<Self> {
        let connection = Connection::connect(url, ConnectionProperties::default());
        let connection = connection.await.context("logging in to the broker")?;
        let channel = connection.create_channel().await.context("opening a channel")?;
        channel.confirm_select(ConfirmSelectOptions::default()).await.context("confirms")?;
        Ok(Self { _connection: connection, channel })
    }

    /// Publishes, and waits for the confirm.
    ///
    /// # Errors
    /// The broker does not take it.
    #[expect(clippy::disallowed_methods, reason = "this plays a desk and the line")]
    pub async fn publish(&self, message: AmqpMessage<'_>) -> Result<()> {
        let short = |text: &str| ShortString::try_new(text).context("a short word");
        let properties = BasicProperties::default()
            .with_message_id(short(message.id)?)
            .with_type(short(message.r#type)?)
            .with_user_id(short(message.user)?)
            .with_content_type(short("application/json")?)
            .with_delivery_mode(2);
        let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
        let (exchange, key) = (short(message.exchange)?, short(message.key)?);
        let sent = self.channel.basic_publish(exchange, key, options, message.body, properties);
        let confirm = sent.await.context("publishing")?.await.context("publishing")?;
        ensure!(confirm.is_ack(), "the broker did not take {}", message.id);
        Ok(())
    }
}
