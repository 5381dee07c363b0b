//! How a desk's commands go out.

use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::types::ShortString;
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties, PublisherConfirm};

/// The channel that commands go out on.
#[derive(Debug, Default)]
pub(crate) struct Publishing {
    pub open: Option<(Connection, Channel)>,
    /// Counts the channels, so that of many sends that fail together only one gives the channel up.
    pub generation: u64,
}

impl Publishing {
    /// Logs in, where it is not.
    pub async fn connect(&mut self, url: &str) -> lapin::Result<()> {
        if self.open.is_none() {
            self.generation += 1;
            let connection = Connection::connect(url, ConnectionProperties::default()).await?;
            let channel = connection.create_channel().await?;
            channel.confirm_select(ConfirmSelectOptions::default()).await?;
            self.open = Some((connection, channel));
        }
        Ok(())
    }

    /// Writes a message; what comes back waits for its confirm.
    #[expect(clippy::disallowed_methods, reason = "a desk publishes on its own")]
    pub async fn write(
        &self,
        key: &str,
        body: &[u8],
        properties: BasicProperties,
    ) -> lapin::Result<PublisherConfirm> {
        let (_, channel) = self.open.as_ref().expect("it is connected");
        let key = ShortString::try_new(key).expect("at most 255 bytes");
        channel
            .basic_publish(
                ShortString::from("share"),
                key,
                BasicPublishOptions::default(),
                body,
                properties,
            )
            .await
    }
}

/// Whether the broker said no: trying again would be answered the same. A broker that goes down
/// closes connections with an error as well, and that passes.
pub(crate) fn is_refusal(error: &lapin::Error) -> bool {
    const CONNECTION_FORCED: u16 = 320;
    const INTERNAL_ERROR: u16 = 541;
    let goes_down = |id: u16| [CONNECTION_FORCED, INTERNAL_ERROR].contains(&id);
    matches!(error.kind(), lapin::ErrorKind::ProtocolError(error) if !goes_down(error.get_id()))
}
