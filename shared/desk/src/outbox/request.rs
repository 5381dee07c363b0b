//! What an account asks for, before it is a command with an id.

use contracts::AccountName;
use contracts::limits::BODY_BYTES;
use contracts::topology::entry_of;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// A command that an account wants sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// Whose it is.
    pub account: AccountName,
    /// By what a repeat is known: 1 to 128 printable ASCII characters.
    pub key: String,
    /// The command's type, `<entity>.<verb>.v1`.
    pub command_type: String,
    /// Its content, as it is sent.
    pub content: Value,
    /// Hash of what was asked for, before the edge added times and ids to it.
    pub hash: Vec<u8>,
}

/// Why a request is no command.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// The type is no command's.
    #[error("no command has the type {0:?}")]
    UnknownType(String),
    /// The key cannot be a `message_id`.
    #[error("the key must be 1 to 128 printable ASCII characters")]
    Key,
    /// No database takes it.
    #[error("{0}: a text must not have a NUL character in it")]
    Nul(String),
    /// It could not be sent.
    #[error("the content has {0} bytes, over {BODY_BYTES}")]
    TooLarge(usize),
}

/// The first word of a command's type.
#[must_use]
pub fn entity_of(command_type: &str) -> &str {
    command_type.split('.').next().unwrap_or_default()
}

impl Request {
    /// A command with a content that nothing was added to.
    #[must_use]
    pub fn new(
        account: AccountName,
        key: impl Into<String>,
        command_type: &str,
        content: Value,
    ) -> Self {
        Self {
            hash: Self::hash_of(command_type, &content),
            account,
            key: key.into(),
            command_type: command_type.to_owned(),
            content,
        }
    }

    /// The same, where a repeat is known by less than all that is sent.
    #[must_use]
    pub fn known_by(mut self, asked: &Value) -> Self {
        self.hash = Self::hash_of(&self.command_type, asked);
        self
    }

    /// Hash by which a repeat is known: of the type and what was asked for.
    #[must_use]
    pub fn hash_of(command_type: &str, asked: &Value) -> Vec<u8> {
        // Members of a parsed object are in one order.
        Sha256::digest(format!("{command_type}\n{asked}")).to_vec()
    }

    /// Whether it can be sent at all. What it says is decided by the line.
    ///
    /// # Errors
    /// Type, key or size.
    pub fn check(&self) -> Result<(), RequestError> {
        if entry_of(&self.command_type).is_none() {
            return Err(RequestError::UnknownType(self.command_type.clone()));
        }
        let printable = self.key.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
        if !(1..=128).contains(&self.key.len()) || !printable {
            return Err(RequestError::Key);
        }
        if let Some(pointer) = nul_in(&self.content) {
            return Err(RequestError::Nul(pointer));
        }
        let bytes = self.content.to_string().len();
        if bytes > BODY_BYTES { Err(RequestError::TooLarge(bytes)) } else { Ok(()) }
    }
}

/// Where a text or a member's name has a NUL character, as a JSON pointer.
fn nul_in(content: &Value) -> Option<String> {
    match content {
        Value::String(text) => text.contains('\0').then(String::new),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .find_map(|(place, item)| nul_in(item).map(|rest| format!("/{place}{rest}"))),
        Value::Object(members) => members.iter().find_map(|(name, member)| {
            if name.contains('\0') {
                return Some(format!("/{}", name.replace('\0', "?")));
            }
            nul_in(member).map(|rest| format!("/{name}{rest}"))
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_could_not_be_sent_is_no_request() {
        let request = |key: &str, command_type: &str, text: usize| Request {
            account: AccountName::new("acme").unwrap(),
            key: key.to_owned(),
            command_type: command_type.to_owned(),
            content: json!({ "body": "x".repeat(text) }),
            hash: Vec::new(),
        };
        let update = "ticket.update.v1";
        assert_eq!(request("a b", update, 1).check(), Ok(()));
        for (wrong, error) in [
            (request("", update, 1), RequestError::Key),
            (request(&"k".repeat(129), update, 1), RequestError::Key),
            (request("ü", update, 1), RequestError::Key),
            (request("k\n", update, 1), RequestError::Key),
            (
                request("k", "ticket.created.v1", 1),
                RequestError::UnknownType("ticket.created.v1".into()),
            ),
            (request("k", update, BODY_BYTES), RequestError::TooLarge(BODY_BYTES + 11)),
        ] {
            assert_eq!(wrong.check(), Err(error));
        }
    }

    #[test]
    fn what_no_database_takes_is_named_by_its_place() {
        for (content, place) in [
            (json!({ "comments": [{ "body": "a\0b" }] }), Some("/comments/0/body")),
            (json!({ "tags": ["a", "\0"] }), Some("/tags/1")),
            (json!({ "a\0": 1 }), Some("/a?")),
            (json!({ "body": "\\u0000 is said, not meant" }), None),
        ] {
            assert_eq!(nul_in(&content).as_deref(), place, "{content}");
        }
    }

    #[test]
    fn a_repeat_is_known_whatever_the_order_of_its_members() {
        let one: Value = serde_json::from_str(r#"{"a":1,"b":2}"#).unwrap();
        let two: Value = serde_json::from_str(r#"{"b":2, "a":1}"#).unwrap();
        let hash = |value: &Value| Request::hash_of("ticket.update.v1", value);
        assert_eq!(hash(&one), hash(&two));
        assert_ne!(hash(&one), hash(&json!({ "a": 1 })));
        assert_ne!(hash(&one), Request::hash_of("ticket.share.v1", &one));
    }
}
