//! The token of the protocol: `<agreement's uuid>:<access key>`.

use std::fmt;

use serde::Deserialize;
use serde_json::Value;

use super::id::NhdId;
use super::wire::Text;

/// Stands in the place of a key.
const HIDDEN: &str = "***";

/// A secret that a partner sent. However it comes to be printed, it is not read.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "Text")]
pub struct AccessKey(String);

impl AccessKey {
    /// The key itself, for the one place that uses it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl From<Text> for AccessKey {
    fn from(text: Text) -> Self {
        Self(text.0.trim().to_owned())
    }
}

impl fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

/// A token as it was shown.
#[derive(Clone, PartialEq, Eq)]
pub struct NhdToken {
    /// Which agreement it is of.
    pub agreement: NhdId,
    /// Its secret.
    pub key: String,
}

impl NhdToken {
    /// Reads the header.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let (uuid, key) = text.trim().split_once(':')?;
        let agreement = NhdId::read(uuid)?;
        (!key.is_empty()).then(|| Self { agreement, key: key.to_owned() })
    }
}

/// Whether two secrets are the same, in a time that does not tell where they differ.
#[must_use]
pub fn is_same(one: &str, other: &str) -> bool {
    let bytes = one.bytes().zip(other.bytes());
    let differ = bytes.fold(0, |all, (one, other)| all | (one ^ other));
    std::hint::black_box(differ) == 0 && one.len() == other.len()
}

/// A text in which the key of a token, as it is and as JSON writes it, is not to be read.
#[must_use]
pub fn without_key(text: &str, token: &str) -> String {
    let key = token.split_once(':').map_or(token, |(_, key)| key);
    if key.is_empty() {
        return text.to_owned();
    }
    let quoted = Value::from(key).to_string();
    text.replace(key, HIDDEN).replace(quoted.trim_matches('"'), HIDDEN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_an_agreement_and_a_key() {
        let uuid = "ED46838bfb41461e4f3b16ba471162c8e2764260";
        let token = NhdToken::read(&format!(" {uuid}:se:cret ")).unwrap();
        assert_eq!(
            (token.agreement.as_str(), token.key.as_str()),
            (&*uuid.to_lowercase(), "se:cret")
        );
        for text in ["", ":", "abc:key", uuid, &format!("{uuid}:")] {
            assert!(NhdToken::read(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_text_is_kept_without_the_key_that_it_repeats() {
        for (token, text, kept) in [
            (
                "ab:secret-key",
                "no agreement has secret-key, Secret",
                "no agreement has ***, Secret",
            ),
            ("ab:a:b", "ab:a:b", "ab:***"),
            ("ab:a\\b/c", "{\"access_key\":\"a\\\\b/c\"}", "{\"access_key\":\"***\"}"),
            ("ab:secret", "an error of ours", "an error of ours"),
            ("ab:", "an error of ours", "an error of ours"),
        ] {
            assert_eq!(without_key(text, token), kept);
        }
    }

    #[test]
    fn a_key_is_not_printed() {
        let key: AccessKey = serde_json::from_str("\" se:cret \"").unwrap();
        assert_eq!(
            (key.reveal(), format!("{:?}", Some(&key))),
            ("se:cret", "Some(***)".to_owned())
        );
    }

    #[test]
    fn only_the_same_secret_is_the_same() {
        assert!(is_same("abc", "abc") && is_same("", ""));
        for (one, other) in [("abc", "abd"), ("abc", "ab"), ("ab", "abc"), ("", "a")] {
            assert!(!is_same(one, other), "{one} {other}");
        }
    }
}
