//! Routing keys of commands and deliveries: `<account>.<entity>.<verb>`.

use crate::AccountName;

/// A routing key, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoutingKey {
    /// Whose command, or whose delivery.
    pub account: AccountName,
    /// What it is about.
    pub entity: String,
    /// What is asked or told.
    pub verb: String,
}

impl RoutingKey {
    /// Takes a key apart.
    ///
    /// # Errors
    /// A sentence when the key is not of the form `<account>.<entity>.<verb>`.
    pub fn parse(key: &str) -> Result<Self, String> {
        let words: Vec<&str> = key.split('.').collect();
        let &[account, entity, verb] = words.as_slice() else {
            return Err("the routing key is not of the form <account>.<entity>.<verb>".to_owned());
        };
        let is_word = |word: &str| {
            (1..=40).contains(&word.len())
                && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
        };
        if !is_word(entity) || !is_word(verb) {
            return Err("entity and verb of the routing key are 1 to 40 of a-z and _".to_owned());
        }
        let account = AccountName::new(account)
            .map_err(|error| format!("the routing key's account: {error}"))?;
        Ok(Self { account, entity: entity.to_owned(), verb: verb.to_owned() })
    }

    /// Whether a message type `<entity>.<verb>.v<version>` agrees with this key.
    #[must_use]
    pub fn agrees_with(&self, message_type: &str) -> bool {
        message_type
            .strip_prefix(self.entity.as_str())
            .and_then(|rest| rest.strip_prefix('.'))
            .and_then(|rest| rest.strip_prefix(self.verb.as_str()))
            .and_then(|rest| rest.strip_prefix(".v"))
            .is_some_and(|version| {
                !version.is_empty() && version.bytes().all(|byte| byte.is_ascii_digit())
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_three_words() {
        let key = RoutingKey::parse("acme.ticket.share").unwrap();
        assert_eq!(
            (key.account.as_str(), key.entity.as_str(), key.verb.as_str()),
            ("acme", "ticket", "share")
        );
        for bad in [
            "",
            "acme",
            "acme.ticket",
            "acme.ticket.share.v1",
            "Acme.ticket.share",
            "acme..share",
            "acme.ticket.sha re",
        ] {
            assert!(RoutingKey::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_type_agrees_with_the_key() {
        let key = RoutingKey::parse("acme.ticket.share").unwrap();
        assert!(key.agrees_with("ticket.share.v1"));
        assert!(key.agrees_with("ticket.share.v12"));
        for other in [
            "ticket.update.v1",
            "ticket.share",
            "ticket.share.v",
            "ticket.share.vx",
            "ticket.shared.v1",
            "",
        ] {
            assert!(!key.agrees_with(other), "{other}");
        }
    }
}
