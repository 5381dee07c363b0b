//! What a message is about: the names by which a person asks later what became of it.

use contracts::sync::CommandRef;
use contracts::{AccountName, AgreementId};
use serde_json::Value;

/// No ticket number, share or agreement has a longer name.
pub(crate) const LONGEST: usize = 300;

/// What a message is about, and which command it comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// A chain's id, a ticket as `account/number`, a share's or an agreement's id, or an account's
    /// name.
    pub subject: Option<String>,
    /// The command, as `account/message_id`. Absent for the command itself.
    pub command: Option<String>,
}

impl About {
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
        let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
        let number = text(content.get("ticket_id")).or_else(|| text(content.pointer("/ticket/id")));
        let subject = number.map(|number| format!("{account}/{number}")).or_else(|| {
            ["share_id", "agreement_id", "account"].iter().find_map(|name| text(content.get(*name)))
        });
        Self {
            subject: Some(subject.unwrap_or_else(|| account.to_string()))
                .filter(|it| it.len() <= LONGEST),
            command: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_command_is_found_by_what_it_names() {
        let acme = AccountName::new("acme").unwrap();
        for (content, subject) in [
            (json!({ "ticket_id": "4711", "share_id": "s" }), Some("acme/4711")),
            (json!({ "ticket": { "id": "4711" }, "agreement_id": "a" }), Some("acme/4711")),
            (json!({ "share_id": "s" }), Some("s")),
            (json!({ "agreement_id": "a", "ticket_id": 4711 }), Some("a")),
            (json!({ "account": "acme-eu" }), Some("acme-eu")),
            (json!({}), Some("acme")),
            (json!({ "ticket_id": "x".repeat(LONGEST) }), None),
        ] {
            assert_eq!(About::of_content(&acme, &content).subject.as_deref(), subject, "{content}");
        }
    }
}
