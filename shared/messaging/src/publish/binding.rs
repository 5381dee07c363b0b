//! Binds the deliveries of an account to the queue of whoever publishes for it, before anything
//! goes out that tells of the account. Done again it changes nothing, so a message that is sent
//! again after a crash brings it about.

use std::collections::BTreeSet;

use contracts::topology::{Exchange, desk_key, desk_queue};
use lapin::options::QueueBindOptions;
use lapin::protocol::{AMQPErrorKind, AMQPSoftError};
use lapin::types::{FieldTable, ShortString};
use lapin::{Channel, Connection, ErrorKind};

use crate::cause::cause;
use crate::failure::Fault;
use crate::message::output::{Binding, StoredOutput};
use crate::timeout;

/// Binds what the outputs ask for.
///
/// A queue that is missing, or a right, holds up nobody else: the account's deliveries then wait as
/// undelivered until a person has bound them.
pub(crate) async fn bind(
    connection: &Connection,
    outputs: impl Iterator<Item = &StoredOutput>,
) -> Result<(), Fault> {
    let bindings: BTreeSet<&Binding> =
        outputs.filter_map(|stored| stored.output.binding()).collect();
    let mut open: Option<Channel> = None;
    for Binding { account, operator } in bindings {
        let channel = match open.take() {
            Some(channel) => channel,
            None => timeout::broker("open a channel", connection.create_channel()).await?,
        };
        let queue = desk_queue(operator);
        let bind = channel.queue_bind(
            ShortString::from(queue.as_str()),
            ShortString::from(Exchange::Desk.name()),
            ShortString::from(desk_key(account)),
            QueueBindOptions::default(),
            FieldTable::default(),
        );
        match timeout::broker("bind an account's deliveries", bind).await {
            Ok(()) => open = Some(channel),
            // The broker has closed the channel with it.
            Err(fault) if is_refusal(&fault) => tracing::error!(
                account = account.as_str(),
                queue,
                cause = cause(&fault),
                "an account's deliveries are not bound to its operator's queue: they wait until \
                 `deskmesh-operator account add` binds them"
            ),
            Err(fault) => return Err(fault),
        }
    }
    match open {
        Some(channel) => {
            timeout::broker("close a channel", channel.close(200, ShortString::from("done"))).await
        }
        None => Ok(()),
    }
}

/// Whether the broker says that the queue is not there, or not this user's to bind.
fn is_refusal(fault: &Fault) -> bool {
    let Fault::Broker { source, .. } = fault else { return false };
    let ErrorKind::ProtocolError(error) = source.kind() else { return false };
    matches!(
        error.kind(),
        AMQPErrorKind::Soft(AMQPSoftError::NOTFOUND | AMQPSoftError::ACCESSREFUSED)
    )
}
