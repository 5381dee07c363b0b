//! What the work queue of an entry service does about a flood: the commands of accounts that belong
//! in the bulk queue are moved there, undecided.

use contracts::Timestamp;
use tracing::Span;

use crate::clock::now;
use crate::decide::plan::{Disposition, Item};
use crate::failure::Fault;
use crate::intake::admission::Admission;
use crate::message::outgoing::OutgoingMessage;
use crate::observe::{measure, span};
use crate::publish::publisher::Publisher;
use crate::run::bulk;
use crate::run::caused::onward;
use crate::run::connection::Connections;
use crate::run::flood::Backlog;
use crate::run::runtime::Shared;
use crate::service::{ReceivedMessage, Service};

/// A message with its span.
pub(crate) type Message<M> = (Item<M>, Span);

/// The account whose command a message is, if it is one.
pub(crate) fn account<M>(item: &Item<M>) -> Option<&str> {
    match &item.admission {
        Admission::Accept(known) => {
            let account = known.what.account.as_str();
            (account != ReceivedMessage::<M>::INTERNAL).then_some(account)
        }
        Admission::Refuse(refused) => Some(refused.to.as_str()),
        Admission::Forward(_) | Admission::Park(..) => None,
    }
}

/// Moves the commands of a batch that belong in the bulk queue. Returns the others, and what the
/// bulk queue did not take. `is_full` says whether more waits behind the batch.
pub(crate) async fn divert<S: Service>(
    shared: &Shared<S>,
    connections: &Connections,
    publisher: &Publisher,
    backlog: &mut Backlog,
    messages: Vec<Message<S::Inbound>>,
    is_full: bool,
    arrived: Timestamp,
) -> Result<Vec<Message<S::Inbound>>, Fault> {
    let commands =
        messages.iter().filter_map(|(item, _)| Some((account(item)?, item.envelope.body.len())));
    let flooding = backlog.add(commands, is_full, shared.settings.batch_size);
    bulk::begin(shared, &connections.publishing, flooding).await?;
    // What is to be refused was not read to its end, and is refused here.
    let belongs = |(item, _): &Message<S::Inbound>| {
        item.accepted().is_some_and(|received| shared.bulk_accounts.has(&received.account))
    };
    let (moving, mut staying): (Vec<_>, Vec<_>) = messages.into_iter().partition(belongs);
    if moving.is_empty() {
        return Ok(staying);
    }
    let letters: Vec<OutgoingMessage> =
        moving.iter().filter_map(|(item, _)| onward::<S>(item, &Disposition::Move)).collect();
    let refused = publisher.publish(&letters, now()).await?;
    drop(letters);
    let is_refused = |(item, _): &Message<S::Inbound>| {
        item.envelope.message_id.as_deref().is_some_and(|id| refused.contains(id))
    };
    let (refused, moved): (Vec<_>, Vec<_>) = moving.into_iter().partition(is_refused);
    staying.extend(refused);
    tell(shared, moved, arrived);
    Ok(staying)
}

fn tell<S: Service>(shared: &Shared<S>, moved: Vec<Message<S::Inbound>>, arrived: Timestamp) {
    let (items, spans): (Vec<_>, Vec<_>) = moved.into_iter().unzip();
    let dispositions = vec![Disposition::Move; items.len()];
    shared.watched.tell(&items, &dispositions);
    measure::outcomes(&items, &dispositions, arrived);
    span::came_to(&spans, &items, &dispositions);
}
