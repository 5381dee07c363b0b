//! The token of the protocol: `<agreement's uuid>:<access key>`.

use super::id::NhdId;

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
    fn only_the_same_secret_is_the_same() {
        assert!(is_same("abc", "abc") && is_same("", ""));
        for (one, other) in [("abc", "abd"), ("abc", "ab"), ("ab", "abc"), ("", "a")] {
            assert!(!is_same(one, other), "{one} {other}");
        }
    }
}
