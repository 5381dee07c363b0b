//! What a message is about: the names by which a person asks later what became of it.

use contracts::sync::CommandRef;
use contracts::{AccountName, AgreementId, ShareId, TicketId};
use serde_json::Value;

/// No ticket number, share or agreement has a longer name.
pub(crate) const LONGEST: usize = 300;

/// What a message is about, and which command it comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Correlation {
    /// A chain's id, a ticket as `account/number`, a share's or an agreement's id, or an account's
    /// name.
    pub subject: Option<String>,
    /// The command, as `account/message_id`. Absent for the command itself.
    pub command: Option<String>,
}

impl Correlation {
    /// A message that `command` caused.
    #[must_use]
    pub fn caused_by(command: &CommandRef, subject: impl Into<String>) -> Self {
        Self {
            subject: Some(subject.into()),
            command: Some(format!("{}/{}", command.account, command.message_id)),
        }
    }

    /// A message that tells of an agreement; its command is not in it.
    #[must_use]
    pub fn agreement(id: &AgreementId) -> Self {
        Self { subject: Some(id.to_string()), command: None }
    }

    /// A message that tells of a ticket; its command is not in it.
    #[must_use]
    pub fn ticket(account: &AccountName, number: &str) -> Self {
        Self { subject: Some(format!("{account}/{number}")), command: None }
    }

    /// A command's content, also one that is refused: what it names first of ticket, share,
    /// agreement and account.
    pub(crate) fn of_content(account: &AccountName, content: &Value) -> Self {
        let text = |place: &str| content.pointer(place).and_then(Value::as_str);
        // A text in a name's place is no name: it would be in every log line about the message.
        let number = text("/ticket_id").or_else(|| text("/ticket/id")).filter(|it| is_ticket(it));
        let subject = number.map(|number| format!("{account}/{number}")).or_else(|| {
            let share = text("/share_id").and_then(|it| ShareId::new(it).ok());
            let agreement = text("/agreement_id").and_then(|it| AgreementId::new(it).ok());
            let other = text("/account").and_then(|it| AccountName::new(it).ok());
            share
                .map(|share| share.to_string())
                .or(agreement.map(|agreement| agreement.to_string()))
                .or(other.map(|account| account.to_string()))
        });
        Self {
            subject: Some(subject.unwrap_or_else(|| account.to_string()))
                .filter(|it| it.len() <= LONGEST),
            command: None,
        }
    }
}

fn is_ticket(number: &str) -> bool {
    TicketId::new(number).is_ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const SHARE: &str = "0b9f0a52-7c1e-4d9a-9a36-3c9f9f9d8f10";

    #[test]
    fn a_command_is_found_by_what_it_names() {
        let acme = AccountName::new("acme").unwrap();
        for (content, subject) in [
            (json!({ "ticket_id": "4711", "share_id": SHARE }), Some("acme/4711")),
            (json!({ "ticket": { "id": "4711" }, "agreement_id": SHARE }), Some("acme/4711")),
            (json!({ "share_id": SHARE }), Some(SHARE)),
            (json!({ "share_id": SHARE.to_uppercase() }), Some(SHARE)),
            (json!({ "agreement_id": SHARE, "ticket_id": 4711 }), Some(SHARE)),
            (json!({ "account": "acme-eu" }), Some("acme-eu")),
            (json!({}), Some("acme")),
            // No names: a text in the wrong place.
            (json!({ "share_id": "The pump leaks" }), Some("acme")),
            (json!({ "agreement_id": "The pump leaks" }), Some("acme")),
            (json!({ "account": "The pump leaks" }), Some("acme")),
            (json!({ "ticket_id": "x".repeat(LONGEST), "share_id": SHARE }), Some(SHARE)),
        ] {
            assert_eq!(
                Correlation::of_content(&acme, &content).subject.as_deref(),
                subject,
                "{content}"
            );
        }
    }
}
