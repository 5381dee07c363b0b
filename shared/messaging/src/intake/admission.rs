//! Admission: key, user, size, JSON, type and content, cheapest first. Partner bytes are parsed
//! here and nowhere else.

use contracts::limits::BODY_BYTES;
use contracts::routing::RoutingKey;
use contracts::sync::Remarks;
use contracts::topology::{self, Exchange};
use contracts::{AccountName, Reason};

use crate::intake::encoding;
use crate::message::about::Correlation;
use crate::message::content::{self, Content, DecodeError, UnknownMembers};
use crate::message::envelope::{Envelope, Via};
use crate::message::key::Key;
use crate::park_reason::ParkReason;
use crate::service::{ReceivedMessage, Service};

/// What admission says of a message.
#[derive(Debug)]
pub(crate) enum Admission<M> {
    /// It may be decided.
    Accept(Known<ReceivedMessage<M>>),
    /// The account that is told why not is known.
    Refuse(RefusedCommand),
    /// A proper command of another entry service: it came here because that service's queue is
    /// missing.
    Forward(topology::Service),
    /// There is nobody to tell.
    Park(ParkReason, String),
}

/// Something with the identity by which the journal knows it.
#[derive(Debug)]
pub(crate) struct Known<T> {
    pub key: Key,
    pub content_hash: Vec<u8>,
    pub about: Correlation,
    pub what: T,
}

/// A refused command: whom to tell, and why.
#[derive(Clone, Debug)]
pub(crate) struct RefusedCommand {
    pub to: AccountName,
    pub key: Key,
    pub content_hash: Vec<u8>,
    pub about: Correlation,
    pub reason: Reason,
    pub detail: String,
    /// Whether the id is one that can be remembered.
    pub journaled: bool,
}

/// Admits a message that came from `queue` to `service`.
pub(crate) fn admit<S: Service>(
    service: &S,
    queue: &str,
    envelope: &Envelope,
) -> Admission<S::Inbound> {
    let decode = |name: &str, content: Content<'_>| service.decode(name, content);
    match envelope.via {
        Via::Service => internal(envelope, decode, S::about),
        Via::Share | Via::Ladder => command(queue, envelope, decode),
    }
}

fn internal<M>(
    envelope: &Envelope,
    decode: impl Fn(&str, Content<'_>) -> Result<M, DecodeError>,
    about: impl Fn(&M) -> Correlation,
) -> Admission<M> {
    let park = |detail: String| Admission::Park(ParkReason::Undecodable, detail);
    let (Some(message_id), Some(message_type)) =
        (envelope.message_id.clone(), envelope.message_type.clone())
    else {
        return park("no message_id or no type".to_owned());
    };
    if topology::entry_of(&message_type).is_some() {
        return park(format!("{message_type} is a desk's command; none comes between services"));
    }
    let content_hash = content::hash(&message_type, Err(&envelope.body));
    // An edge reads deliveries of all the accounts that it operates.
    let account = if envelope.exchange == Exchange::Desk.name() {
        let Some(account) = envelope.account() else {
            return park("the routing key names no account".to_owned());
        };
        account.to_string()
    } else {
        ReceivedMessage::<M>::INTERNAL.to_owned()
    };
    match decode(&message_type, Content::Bytes(&envelope.body)) {
        Ok(message) => Admission::Accept(Known {
            about: about(&message),
            key: Key {
                account: account.clone(),
                entity: message_type.split('.').next().unwrap_or_default().to_owned(),
                message_id: message_id.clone(),
            },
            content_hash,
            what: ReceivedMessage {
                account,
                message_id,
                message_type,
                publisher: None,
                received_at: envelope.first_arrival,
                remarks: Remarks::default(),
                message,
            },
        }),
        Err(error) => park(error.to_string()),
    }
}

fn command<M>(
    queue: &str,
    envelope: &Envelope,
    decode: impl Fn(&str, Content<'_>) -> Result<M, DecodeError>,
) -> Admission<M> {
    let publisher = envelope.publisher.as_deref().and_then(|user| AccountName::new(user).ok());
    let Some(account) = answerable(envelope, publisher.as_ref()) else {
        let detail = "neither user_id nor the routing key names an account";
        return Admission::Park(ParkReason::NoPublisher, detail.to_owned());
    };
    let parsed =
        if envelope.body.len() > BODY_BYTES { None } else { Some(content::parsed(&envelope.body)) };
    let message_type = envelope.message_type.clone().unwrap_or_default();
    let content_hash = match &parsed {
        Some(Ok(parsed)) => content::hash(&message_type, Ok(&parsed.content)),
        _ => content::hash(&message_type, Err(&envelope.body)),
    };
    let key = RoutingKey::parse(&envelope.routing_key);
    let valid_id = envelope.message_id.as_deref().filter(|id| is_message_id(id));
    let about = match (&key, &parsed) {
        (Ok(key), Some(Ok(parsed))) => Correlation::of_content(&key.account, &parsed.content),
        _ => Correlation { subject: Some(account.to_string()), command: None },
    };
    let refuse = |reason: Reason, detail: String| {
        let entity = key.as_ref().map_or("", |key| key.entity.as_str()).to_owned();
        Admission::Refuse(RefusedCommand {
            to: account.clone(),
            // Also an id that is none tells one receipt from another.
            key: Key {
                account: account.to_string(),
                entity,
                message_id: envelope.message_id.clone().unwrap_or_default(),
            },
            content_hash: content_hash.clone(),
            about: about.clone(),
            reason,
            detail,
            journaled: valid_id.is_some(),
        })
    };
    let (key, message_id, publisher) =
        match checked_head(envelope, key.as_ref(), &account, publisher, &message_type) {
            Ok(head) => head,
            Err((reason, detail)) => return refuse(reason, detail),
        };
    let parsed = match parsed {
        None => {
            return refuse(
                Reason::TooLarge,
                format!("the body has {} bytes, over {BODY_BYTES}", envelope.body.len()),
            );
        }
        Some(Err(error)) => return refuse(Reason::Malformed, error.to_string()),
        Some(Ok(parsed)) => parsed,
    };
    let unknown = UnknownMembers::default();
    let read = decode(&message_type, Content::Parsed(parsed.content, Some(&unknown)));
    let remarks = Remarks { decisions: parsed.decisions, ..unknown.into_remarks() };
    match read {
        Ok(message) => Admission::Accept(Known {
            about,
            key: Key {
                account: account.to_string(),
                entity: key.entity.clone(),
                message_id: message_id.to_owned(),
            },
            content_hash,
            what: ReceivedMessage {
                account: account.to_string(),
                message_id: message_id.to_owned(),
                message_type,
                publisher: Some(publisher),
                received_at: envelope.first_arrival,
                remarks,
                message,
            },
        }),
        Err(error) => {
            let reason = match error {
                // Elsewhere it is a copy that its publisher had the broker make, and the other
                // service has the original.
                DecodeError::UnknownType(_) => match topology::entry_of(&message_type) {
                    Some(entry) if queue == topology::UNROUTABLE => {
                        return Admission::Forward(entry);
                    }
                    _ => Reason::UnknownType,
                },
                DecodeError::Malformed { .. } => Reason::Malformed,
                DecodeError::LimitExceeded(_) => Reason::LimitExceeded,
            };
            // A member that is missing may be there under another name.
            let also = remarks.sentence().map_or(String::new(), |sentence| format!("; {sentence}"));
            refuse(reason, format!("{error}{also}"))
        }
    }
}

/// The key, id and publisher of a command whose head is as the contract wants it, or why not.
fn checked_head<'a>(
    envelope: &'a Envelope,
    key: Result<&'a RoutingKey, &String>,
    account: &AccountName,
    publisher: Option<AccountName>,
    message_type: &str,
) -> Result<(&'a RoutingKey, &'a str, AccountName), (Reason, String)> {
    let malformed = |sentence: String| Err((Reason::Malformed, sentence));
    if let Some(because) = &envelope.discarded {
        return Err((Reason::Discarded, because.clone()));
    }
    let key = key.map_err(|sentence| (Reason::Malformed, sentence.clone()))?;
    if key.account != *account {
        let sentence = format!("{account} may not publish for {}", key.account);
        return Err((Reason::NotYourAccount, sentence));
    }
    let Some(publisher) = publisher.filter(|publisher| speaks_for(publisher, account)) else {
        return malformed(format!("user_id: must be {account}, or the account that operates it"));
    };
    let Some(message_id) = envelope.message_id.as_deref().filter(|id| is_message_id(id)) else {
        let sentence = "message_id: 1 to 128 printable ASCII characters are required";
        return malformed(sentence.to_owned());
    };
    if let Some(property) = envelope.forbidden {
        return malformed(format!("{property} must not be set"));
    }
    if let Some(sentence) = encoding::not_json(envelope) {
        return malformed(sentence);
    }
    if !key.agrees_with(message_type) {
        let routing_key = &envelope.routing_key;
        return malformed(format!(
            "type {message_type:?} does not agree with the routing key {routing_key}"
        ));
    }
    Ok((key, message_id, publisher))
}

/// Who hears of a command. On `share` the broker lets an account write only keys that begin with
/// its own name, so the key says it even where nothing else is right. A key that comes with our own
/// headers is no such proof: then it is the publisher, unless it speaks for the key's account.
fn answerable(envelope: &Envelope, publisher: Option<&AccountName>) -> Option<AccountName> {
    let account = envelope.account();
    match envelope.via {
        Via::Share => account,
        Via::Ladder | Via::Service => {
            let publisher = publisher?;
            Some(
                account
                    .filter(|account| speaks_for(publisher, account))
                    .unwrap_or(publisher.clone()),
            )
        }
    }
}

/// An account speaks for itself and, as an operator, for those below it.
fn speaks_for(publisher: &AccountName, account: &AccountName) -> bool {
    account == publisher || account.is_under(publisher)
}

fn is_message_id(id: &str) -> bool {
    (1..=128).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ')
}

#[cfg(test)]
mod tests;
