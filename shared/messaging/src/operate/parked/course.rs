//! What an action comes to, for one parked message: which letter it becomes, or why it stays where
//! it is. Pure.

use std::borrow::Cow;

use contracts::topology::{Exchange, Service};
use contracts::{AccountName, Timestamp};
use sqlx::FromRow;
use uuid::Uuid;

use super::ParkedAction;
use crate::message::envelope::header;
use crate::message::outgoing::OutgoingMessage;
use crate::message::trace_context::TraceContext;

/// Longest name that AMQP carries, in bytes.
const MAX_NAME: usize = 255;

/// What of a parked message decides its course.
#[derive(Clone, Debug, FromRow)]
pub(super) struct Stub {
    pub id: Uuid,
    /// How often it was parked: a row that changed meanwhile is known by it.
    pub times: i32,
    pub reason: String,
    pub exchange: String,
    pub routing_key: String,
    pub publisher: Option<String>,
    pub message_id: String,
    pub message_type: String,
    pub is_output: bool,
}

/// A parked message with all that a letter needs.
#[derive(Clone, Debug, FromRow)]
pub(super) struct Row {
    #[sqlx(flatten)]
    pub stub: Stub,
    pub content_type: Option<String>,
    pub correlation_id: Option<String>,
    pub share_id: Option<String>,
    pub traceparent: Option<String>,
    pub tracestate: Option<String>,
    pub body: Vec<u8>,
    #[sqlx(try_from = "chrono::DateTime<chrono::Utc>")]
    pub first_arrived_at: Timestamp,
}

/// Where an action leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Course {
    /// A command, to the entry again.
    Command,
    /// A command, to the entry, which answers that a person ended it.
    Refusal,
    /// A message between services, to this service again.
    Internal,
    /// A delivery, to its desk again.
    Desk,
    /// A delivery that an edge parked: it takes it in again.
    Retaken,
    /// A delivery, back among those that wait for their desk's queue.
    Undelivered,
    /// Nobody is told; only the row is closed.
    Close,
    /// Nothing is done, for this reason.
    Stay(&'static str),
}

impl Course {
    /// What happens, for people.
    pub fn sentence(self) -> String {
        match self {
            Self::Command => "decided again, as if it arrived when it first did".to_owned(),
            Self::Refusal => "answered `rejected`, `discarded`".to_owned(),
            Self::Internal => "decided again, under the same id".to_owned(),
            Self::Desk => "sent to the desk again, under the same id".to_owned(),
            Self::Retaken => "taken in again by the edge, due now".to_owned(),
            Self::Undelivered => "tried again at the desk's queue, due now".to_owned(),
            Self::Close => "closed; nobody is known who could be answered".to_owned(),
            Self::Stay(why) => format!("stays parked: {why}"),
        }
    }
}

/// Where `action` leads for a message that `service` parked.
pub(super) fn course(service: Service, action: &ParkedAction, message: &Stub) -> Course {
    let is_command = message.exchange == Exchange::Share.name() && service.is_entry();
    let names = [&message.routing_key, &message.message_id, &message.message_type];
    let publisher = message.publisher.as_deref().and_then(|user| AccountName::new(user).ok());
    match action {
        ParkedAction::Discard { .. } if !is_command => {
            Course::Stay("only a desk's command can be discarded")
        }
        ParkedAction::Discard { .. } if publisher.is_none() => Course::Close,
        _ if names.iter().any(|name| name.len() > MAX_NAME) => {
            Course::Stay("its key, id or type is longer than AMQP carries")
        }
        ParkedAction::Discard { .. } => Course::Refusal,
        ParkedAction::Replay if message.is_output => Course::Undelivered,
        ParkedAction::Replay if is_command && publisher.is_none() => {
            Course::Stay("nobody is known who published it")
        }
        ParkedAction::Replay if is_command => Course::Command,
        ParkedAction::Replay if message.message_id.is_empty() => {
            Course::Stay("it has no message id")
        }
        // An edge's user may write to no exchange that leads to its queue.
        ParkedAction::Replay if service.is_edge() && message.exchange == Exchange::Desk.name() => {
            Course::Retaken
        }
        ParkedAction::Replay if message.exchange == Exchange::Desk.name() => Course::Desk,
        ParkedAction::Replay if message.exchange == Exchange::Sync.name() => Course::Internal,
        ParkedAction::Replay => Course::Stay("nobody wrote down where it was going"),
    }
}

/// The letter that goes out, where the course is one.
pub(super) fn letter<'a>(
    service: Service,
    action: &ParkedAction,
    row: &'a Row,
) -> Option<OutgoingMessage<'a>> {
    let message = &row.stub;
    let mut headers = vec![
        (header::PARKED, message.id.to_string()),
        (header::FIRST_ARRIVAL, row.first_arrived_at.to_string()),
    ];
    let (exchange, routing_key) = match course(service, action, message) {
        Course::Command | Course::Refusal => {
            headers.push((header::ACCOUNT_KEY, message.routing_key.clone()));
            headers.push((header::PUBLISHER, message.publisher.clone().unwrap_or_default()));
            headers.push((header::ATTEMPT, "0".to_owned()));
            if let ParkedAction::Discard { because } = action {
                headers.push((header::DISCARDED, because.clone()));
            }
            (Exchange::Sync, service.retried_key())
        }
        Course::Internal => (Exchange::Sync, message.routing_key.clone()),
        // Nothing of ours goes to a desk.
        Course::Desk => {
            headers =
                row.share_id.clone().map(|share| (header::SHARE_ID, share)).into_iter().collect();
            (Exchange::Desk, message.routing_key.clone())
        }
        Course::Retaken | Course::Undelivered | Course::Close | Course::Stay(_) => return None,
    };
    Some(OutgoingMessage {
        exchange: exchange.name().to_owned(),
        routing_key,
        message_id: message.message_id.clone(),
        message_type: message.message_type.clone(),
        content_type: row.content_type.clone().map(Cow::Owned),
        correlation_id: row.correlation_id.clone(),
        headers,
        trace: TraceContext {
            traceparent: row.traceparent.clone(),
            tracestate: row.tracestate.clone(),
        },
        attempt: 1,
        body: Cow::Borrowed(&row.body),
        mandatory: true,
        delay_ms: None,
    })
}

#[cfg(test)]
#[path = "course_tests.rs"]
mod tests;
