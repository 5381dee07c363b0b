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
use crate::message::output::{Lead, StoredOutput};
use crate::timeout;

/// Binds what the outputs ask for.
///
/// A queue that is missing, or a right, holds up nobody else: the account's deliveries then wait as
/// undelivered until a person has led them.
pub(crate) async fn bind(
    connection: &Connection,
    outputs: impl Iterator<Item = &StoredOutput>,
) -> Result<(), Fault> {
    let leads: BTreeSet<&Lead> = outputs.filter_map(|stored| stored.output.lead()).collect();
    let mut open: Option<Channel> = None;
    for Lead { account, operator } in leads {
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
        match timeout::broker("lead an account's deliveries to its operator", bind).await {
            Ok(()) => open = Some(channel),
            // The broker has closed the channel with it.
            Err(fault) if is_refusal(&fault) => tracing::error!(
                account = account.as_str(),
                queue,
                cause = cause(&fault),
                "an account's deliveries are not led to its operator: they wait until \
                 `deskmesh-operator account add` leads them"
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
