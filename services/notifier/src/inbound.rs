//! What notifier accepts.

use contracts::Message;
use contracts::sync::Notice;
use messaging::{Content, DecodeError, decode};

/// The messages this service accepts.
#[derive(Clone, Debug, PartialEq)]
pub enum Inbound {
    /// Somebody is to be told something.
    Notice(Box<Notice>),
}

impl Inbound {
    /// Reads a message by its type.
    ///
    /// # Errors
    /// A type that is not accepted here, or content that is not of the type.
    pub fn read(message_type: &str, content: Content<'_>) -> Result<Self, DecodeError> {
        match message_type {
            Notice::NAME => decode(content).map(|notice| Self::Notice(Box::new(notice))),
            unknown => Err(DecodeError::UnknownType(unknown.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use contracts::sync::AgreementEvent;
    use contracts::topology::{Service, received_by};

    use super::*;
    use crate::rules::samples::{every_kind, to_admin};

    #[test]
    fn what_is_sent_to_notifier_is_read() {
        for flow in received_by(Service::Notifier) {
            for sent in every_kind() {
                let read = Inbound::read(flow.message, serde_json::to_value(&sent).unwrap().into());
                assert_eq!(read, Ok(Inbound::Notice(Box::new(sent))), "{}", flow.message);
            }
        }
    }

    #[test]
    fn anything_else_is_not() {
        let content = serde_json::to_value(to_admin(AgreementEvent::Invited)).unwrap();
        assert_eq!(
            Inbound::read("fact.v1", content.into()),
            Err(DecodeError::UnknownType("fact.v1".into()))
        );
        let malformed = Inbound::read(
            Notice::NAME,
            serde_json::json!({ "about": { "agreement": { "event": "reminded" } } }).into(),
        );
        assert!(matches!(
            malformed,
            Err(DecodeError::Malformed { pointer, .. }) if pointer == "/about/agreement/event"
        ));
    }
}
