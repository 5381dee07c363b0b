//! What a person asks about.

use std::fmt;

use contracts::ids::one_spelling;
use serde::{Deserialize, Serialize};

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", content = "name", rename_all = "snake_case")]
pub enum Target {
    /// A ticket, as `account/number`.
    Ticket(String),
    /// A share, by its id.
    Share(String),
    /// An agreement, by its id.
    Agreement(String),
    /// A command, as `account/message_id`.
    Message(String),
}

/// What was asked for cannot be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetError(String);

impl fmt::Display for TargetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for TargetError {}

impl Target {
    /// Reads `acme/4711`, `share ID`, `agreement ID`, `message acme/ID`.
    ///
    /// # Errors
    /// Words that are none of these.
    pub fn of_words<S: AsRef<str>>(words: &[S]) -> Result<Self, TargetError> {
        let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
        match words.as_slice() {
            [ticket] | ["ticket", ticket] => {
                slashed(ticket, "a ticket is asked for as account/number").map(Self::Ticket)
            }
            ["share", id] => Ok(Self::Share(one_spelling((*id).to_owned()))),
            ["agreement", id] => Ok(Self::Agreement(one_spelling((*id).to_owned()))),
            ["message", id] => {
                slashed(id, "a message is asked for as account/message_id").map(Self::Message)
            }
            other => Err(TargetError(format!(
                "{:?} is none of: account/number, share ID, agreement ID, message \
                 account/message_id",
                other.join(" ")
            ))),
        }
    }

    /// Its name without what it is.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Ticket(name)
            | Self::Share(name)
            | Self::Agreement(name)
            | Self::Message(name) => name,
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ticket(name) => write!(f, "ticket {name}"),
            Self::Share(name) => write!(f, "share {name}"),
            Self::Agreement(name) => write!(f, "agreement {name}"),
            Self::Message(name) => write!(f, "message {name}"),
        }
    }
}

fn slashed(text: &str, otherwise: &str) -> Result<String, TargetError> {
    match text.split_once('/') {
        Some((account, rest)) if !account.is_empty() && !rest.is_empty() => Ok(text.to_owned()),
        _ => Err(TargetError(format!("{otherwise}, as in acme/4711; found {text:?}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UUID: &str = "0b9f0a52-7c1e-4d9a-9a36-3c9f9f9d8f10";

    #[test]
    fn words_say_what_is_asked_for() {
        for (words, expected) in [
            (&["acme/4711"][..], Target::Ticket("acme/4711".into())),
            (&["ticket", "acme/4711"], Target::Ticket("acme/4711".into())),
            (&["share", "s"], Target::Share("s".into())),
            (&["agreement", "a"], Target::Agreement("a".into())),
            (&["share", &UUID.to_uppercase()], Target::Share(UUID.into())),
            (&["message", "acme/a/b"], Target::Message("acme/a/b".into())),
        ] {
            assert_eq!(Target::of_words(words), Ok(expected));
        }
        for words in
            [&["4711"][..], &["/4711"], &["acme/"], &["message", "m"], &["comment", "c"], &[]]
        {
            assert!(Target::of_words(words).is_err(), "{words:?}");
        }
    }
}
