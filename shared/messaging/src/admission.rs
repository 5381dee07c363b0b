//! Admission: key, user, size, JSON, type and content, cheapest first. Partner bytes are parsed
//! here and nowhere else.

use contracts::limits::BODY_BYTES;
use contracts::routing::RoutingKey;
use contracts::topology;
use contracts::{AccountName, Reason};

use crate::about::About;
use crate::content::{self, Content, DecodeError};
use crate::envelope::{Envelope, Via};
use crate::journal::Key;
use crate::parking::ParkReason;
use crate::service::{Received, Service};

/// What admission says of a message.
#[derive(Debug)]
pub(crate) enum Admission<M> {
    /// It may be decided.
    Accept(Known<Received<M>>),
    /// The account that is told why not is known.
    Refuse(Refused),
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
    pub about: About,
    pub what: T,
}

/// A refused command: whom to tell, and why.
#[derive(Clone, Debug)]
pub(crate) struct Refused {
    pub to: AccountName,
    pub key: Key,
    pub content_hash: Vec<u8>,
    pub about: About,
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
    about: impl Fn(&M) -> About,
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
    match decode(&message_type, Content::Bytes(&envelope.body)) {
        Ok(message) => Admission::Accept(Known {
            about: about(&message),
            key: Key {
                account: Received::<M>::INTERNAL.to_owned(),
                entity: message_type.split('.').next().unwrap_or_default().to_owned(),
                message_id: message_id.clone(),
            },
            content_hash,
            what: Received {
                account: Received::<M>::INTERNAL.to_owned(),
                message_id,
                message_type,
                publisher: None,
                received_at: envelope.first_arrival,
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
    let Some(publisher) =
        envelope.publisher.as_deref().and_then(|user| AccountName::new(user).ok())
    else {
        return Admission::Park(
            ParkReason::NoPublisher,
            "user_id is not set, or is no account".to_owned(),
        );
    };
    let parsed =
        if envelope.body.len() > BODY_BYTES { None } else { Some(content::parse(&envelope.body)) };
    let message_type = envelope.message_type.clone().unwrap_or_default();
    let content_hash = match &parsed {
        Some(Ok(content)) => content::hash(&message_type, Ok(content)),
        _ => content::hash(&message_type, Err(&envelope.body)),
    };
    let key = RoutingKey::parse(&envelope.routing_key);
    let valid_id = envelope.message_id.as_deref().filter(|id| is_message_id(id));
    let about = match (&key, &parsed) {
        (Ok(key), Some(Ok(content))) => About::of_content(&key.account, content),
        _ => About { subject: Some(publisher.to_string()), command: None },
    };
    let refuse = |to: &AccountName, reason: Reason, detail: String| {
        let entity = key.as_ref().map_or("", |key| key.entity.as_str()).to_owned();
        Admission::Refuse(Refused {
            to: to.clone(),
            // Also an id that is none tells one receipt from another.
            key: Key {
                account: to.to_string(),
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
    if let Some(because) = &envelope.discarded {
        let account = key
            .as_ref()
            .ok()
            .map(|key| &key.account)
            .filter(|account| speaks_for(&publisher, account));
        return refuse(account.unwrap_or(&publisher), Reason::Discarded, because.clone());
    }
    let key = match &key {
        Ok(key) => key,
        Err(sentence) => return refuse(&publisher, Reason::Malformed, sentence.clone()),
    };
    if !speaks_for(&publisher, &key.account) {
        return refuse(
            &publisher,
            Reason::NotYourAccount,
            format!("{publisher} may not publish for {}", key.account),
        );
    }
    let account = &key.account;
    let Some(message_id) = valid_id else {
        return refuse(
            account,
            Reason::Malformed,
            "message_id: 1 to 128 printable ASCII characters are required".to_owned(),
        );
    };
    if let Some(property) = envelope.forbidden {
        return refuse(account, Reason::Malformed, format!("{property} must not be set"));
    }
    if envelope.content_type.as_deref() != Some("application/json") {
        return refuse(
            account,
            Reason::Malformed,
            "content_type must be application/json".to_owned(),
        );
    }
    if !key.agrees_with(&message_type) {
        let sentence = format!(
            "type {message_type:?} does not agree with the routing key {}",
            envelope.routing_key
        );
        return refuse(account, Reason::Malformed, sentence);
    }
    let content = match parsed {
        None => {
            return refuse(
                account,
                Reason::TooLarge,
                format!("the body has {} bytes, over {BODY_BYTES}", envelope.body.len()),
            );
        }
        Some(Err(error)) => return refuse(account, Reason::Malformed, error.to_string()),
        Some(Ok(content)) => content,
    };
    match decode(&message_type, Content::Parsed(content)) {
        Ok(message) => Admission::Accept(Known {
            about,
            key: Key {
                account: account.to_string(),
                entity: key.entity.clone(),
                message_id: message_id.to_owned(),
            },
            content_hash,
            what: Received {
                account: account.to_string(),
                message_id: message_id.to_owned(),
                message_type,
                publisher: Some(publisher),
                received_at: envelope.first_arrival,
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
            refuse(account, reason, error.to_string())
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
mod tests {
    use super::*;
    use contracts::Timestamp;
    use serde_json::Value;
    use sqlx::PgConnection;

    use crate::{DecideError, HandlerResult};

    /// Reads one command, and decides nothing.
    struct Shares;

    impl Service for Shares {
        type Inbound = Value;
        const SERVICE: topology::Service = topology::Service::ShareDispatcher;

        fn decode(&self, name: &str, content: Content<'_>) -> Result<Value, DecodeError> {
            match name {
                "ticket.share.v1" => content::decode(content),
                other => Err(DecodeError::UnknownType(other.to_owned())),
            }
        }

        fn about(_: &Value) -> About {
            About::default()
        }

        async fn decide(
            &self,
            _: &mut PgConnection,
            _: &[&Received<Value>],
        ) -> Result<Vec<HandlerResult>, DecideError> {
            Ok(Vec::new())
        }
    }

    const QUEUE: &str = "share-dispatcher";

    fn envelope() -> Envelope {
        Envelope {
            via: Via::Share,
            exchange: "share".into(),
            routing_key: "acme.ticket.share".into(),
            publisher: Some("acme".into()),
            message_id: Some("1".into()),
            message_type: Some("ticket.share.v1".into()),
            content_type: Some("application/json".into()),
            correlation_id: None,
            share_id: None,
            forbidden: None,
            trace: crate::trace_context::TraceContext::default(),
            attempt: 0,
            deliveries: 0,
            first_arrival: Timestamp::parse("2026-03-01T10:00:00Z").unwrap(),
            parked: None,
            discarded: None,
            body: b"{}".to_vec(),
            properties: lapin::BasicProperties::default(),
        }
    }

    fn refusal(change: impl FnOnce(&mut Envelope)) -> (String, Reason) {
        let mut envelope = envelope();
        change(&mut envelope);
        match admit(&Shares, QUEUE, &envelope) {
            Admission::Refuse(refused) => (refused.to.to_string(), refused.reason),
            other => panic!("not refused: {other:?}"),
        }
    }

    #[test]
    fn a_proper_command_is_admitted() {
        assert!(matches!(admit(&Shares, QUEUE, &envelope()), Admission::Accept(_)));
    }

    #[test]
    fn also_what_is_refused_says_what_it_is_about() {
        let mut envelope = envelope();
        envelope.body = br#"{"ticket_id":"4711"}"#.to_vec();
        envelope.message_type = Some("ticket.share.v2".into());
        let Admission::Refuse(refused) = admit(&Shares, QUEUE, &envelope) else {
            panic!("not refused")
        };
        assert_eq!(refused.about.subject.as_deref(), Some("acme/4711"));
        envelope.body = b"nonsense".to_vec();
        let Admission::Refuse(refused) = admit(&Shares, QUEUE, &envelope) else {
            panic!("not refused")
        };
        assert_eq!(refused.about.subject.as_deref(), Some("acme"));
    }

    #[test]
    fn each_fault_has_its_reason_and_its_receiver() {
        let acme = |reason| ("acme".to_owned(), reason);
        assert_eq!(
            refusal(|it| it.routing_key = "globex.ticket.share".into()),
            acme(Reason::NotYourAccount)
        );
        assert_eq!(refusal(|it| it.routing_key = "acme.ticket".into()), acme(Reason::Malformed));
        assert_eq!(refusal(|it| it.message_id = None), acme(Reason::Malformed));
        assert_eq!(refusal(|it| it.message_id = Some("x".repeat(129))), acme(Reason::Malformed));
        assert_eq!(refusal(|it| it.message_id = Some("é".into())), acme(Reason::Malformed));
        assert_eq!(refusal(|it| it.forbidden = Some("CC")), acme(Reason::Malformed));
        assert_eq!(refusal(|it| it.content_type = None), acme(Reason::Malformed));
        assert_eq!(
            refusal(|it| it.message_type = Some("ticket.update.v1".into())),
            acme(Reason::Malformed)
        );
        assert_eq!(
            refusal(|it| it.message_type = Some("ticket.share.v2".into())),
            acme(Reason::UnknownType)
        );
        assert_eq!(refusal(|it| it.body = vec![b' '; BODY_BYTES + 1]), acme(Reason::TooLarge));
        assert_eq!(refusal(|it| it.body = b"nonsense".to_vec()), acme(Reason::Malformed));
        assert_eq!(refusal(|it| it.body = b"\xff".to_vec()), acme(Reason::Malformed));
    }

    #[test]
    fn what_a_person_discards_is_refused_with_the_reason_whatever_it_says() {
        for body in [&b"{}"[..], b"nonsense"] {
            let discarded = |it: &mut Envelope| {
                (it.discarded, it.body) = (Some("a test".into()), body.to_vec())
            };
            assert_eq!(refusal(discarded), ("acme".to_owned(), Reason::Discarded));
        }
        let not_its_own = |it: &mut Envelope| {
            (it.discarded, it.routing_key) = (Some("a test".into()), "globex.ticket.share".into())
        };
        assert_eq!(
            refusal(not_its_own),
            ("acme".to_owned(), Reason::Discarded),
            "the other account is not told"
        );
    }

    #[test]
    fn a_command_does_not_come_between_services() {
        let mut envelope = envelope();
        envelope.via = Via::Service;
        match admit(&Shares, QUEUE, &envelope) {
            Admission::Park(ParkReason::Undecodable, detail) => {
                assert!(detail.starts_with("ticket.share.v1 is"), "{detail}")
            }
            other => panic!("not parked: {other:?}"),
        }
    }

    #[test]
    fn an_operator_publishes_for_the_accounts_below_it() {
        let mut envelope = envelope();
        envelope.routing_key = "acme-eu.ticket.share".into();
        assert!(
            matches!(admit(&Shares, QUEUE, &envelope), Admission::Accept(known) if known.key.account == "acme-eu")
        );
    }

    #[test]
    fn a_command_of_another_entry_service_is_no_unknown_one() {
        let mut envelope = envelope();
        envelope.routing_key = "acme.agreement.invite".into();
        envelope.message_type = Some("agreement.invite.v1".into());
        assert!(matches!(
            admit(&Shares, topology::UNROUTABLE, &envelope),
            Admission::Forward(topology::Service::Agreement)
        ));
        assert!(
            matches!(admit(&Shares, QUEUE, &envelope), Admission::Refuse(_)),
            "a copy, which the sender asked for"
        );
        envelope.forbidden = Some("expiration");
        assert!(
            matches!(admit(&Shares, topology::UNROUTABLE, &envelope), Admission::Refuse(_)),
            "what is not admitted goes nowhere"
        );
    }

    #[test]
    fn without_a_publisher_there_is_nobody_to_tell() {
        let mut envelope = envelope();
        envelope.publisher = None;
        assert!(matches!(
            admit(&Shares, QUEUE, &envelope),
            Admission::Park(ParkReason::NoPublisher, _)
        ));
    }
}
