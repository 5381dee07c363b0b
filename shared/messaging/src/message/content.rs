//! Content: parsed once, checked against what no database and no parser likes, and hashed so that
//! the same content is known again.

use serde::de::DeserializeOwned;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::message::members::{Flaw, Members};

/// Nesting that no message of the contract comes near.
const MAX_DEPTH: usize = 32;
/// Characters of a JSON pointer, at most.
const POINTER: usize = 200;

/// Why a message cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// No message of this type is accepted here.
    #[error("no message of the type {0:?} is accepted")]
    UnknownType(String),
    /// The content is not of the type.
    #[error("{pointer}: {sentence}")]
    Malformed {
        /// Where, as a JSON pointer (RFC 6901).
        pointer: String,
        /// What is wrong there.
        sentence: String,
    },
    /// There is more of something than one message may have.
    #[error("{0}")]
    LimitExceeded(String),
}

impl DecodeError {
    /// Content that is not of its type.
    ///
    /// A receipt carries the pointer, and a member's name can be as long as a body: it is cut.
    #[must_use]
    pub fn malformed(pointer: impl Into<String>, sentence: impl Into<String>) -> Self {
        let mut pointer = pointer.into();
        if let Some((end, _)) = pointer.char_indices().nth(POINTER) {
            pointer.truncate(end);
            pointer.push('…');
        }
        Self::Malformed { pointer, sentence: sentence.into() }
    }
}

/// Content on its way to its type.
#[derive(Clone, Debug)]
pub enum Content<'a> {
    /// A desk's, parsed and checked.
    Parsed(Value),
    /// A service's, as it came: what we wrote ourselves is read in one go.
    Bytes(&'a [u8]),
}

impl From<Value> for Content<'_> {
    fn from(value: Value) -> Self {
        Self::Parsed(value)
    }
}

/// Reads content as the type `T`; says where it is wrong if it is.
///
/// # Errors
/// [`DecodeError::Malformed`].
pub fn decode<T: DeserializeOwned>(content: Content<'_>) -> Result<T, DecodeError> {
    match content {
        Content::Parsed(value) => {
            serde_path_to_error::deserialize(Members(value)).map_err(|error| placed(&error))
        }
        // Only what cannot be read is read again, to find the place.
        Content::Bytes(bytes) => serde_json::from_slice(bytes).map_err(|error| {
            serde_json::from_slice(bytes)
                .ok()
                .and_then(|value| decode::<T>(Content::Parsed(value)).err())
                .unwrap_or_else(|| DecodeError::malformed("/", error.to_string()))
        }),
    }
}

fn placed(error: &serde_path_to_error::Error<Flaw>) -> DecodeError {
    let (mut pointer, flaw) = (pointer(error.path()), error.inner());
    if let Some(member) = flaw.member() {
        if pointer != "/" {
            pointer.push('/');
        }
        pointer.push_str(member);
    }
    DecodeError::malformed(pointer, flaw.to_string())
}

fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    let mut pointer = String::new();
    for segment in path {
        let name = match segment {
            Segment::Seq { index } => index.to_string(),
            Segment::Map { key } | Segment::Enum { variant: key } => {
                key.replace('~', "~0").replace('/', "~1")
            }
            Segment::Unknown => continue,
        };
        pointer.push('/');
        pointer.push_str(&name);
    }
    if pointer.is_empty() { "/".to_owned() } else { pointer }
}

/// Parses a body into content: an object, of sane depth, without NUL, and with every `null` member
/// left out, which means the same.
///
/// # Errors
/// [`DecodeError::Malformed`] when it is none.
pub fn parse(body: &[u8]) -> Result<Value, DecodeError> {
    let text = std::str::from_utf8(body)
        .map_err(|_| DecodeError::malformed("/", "the body is not UTF-8"))?;
    let mut content: Value = serde_json::from_str(text)
        .map_err(|error| DecodeError::malformed("/", format!("the body is not JSON: {error}")))?;
    if !content.is_object() {
        return Err(DecodeError::malformed("/", "the body is not a JSON object"));
    }
    check(&mut content, &mut String::new(), 0)?;
    Ok(content)
}

fn check(value: &mut Value, at: &mut String, depth: usize) -> Result<(), DecodeError> {
    if depth > MAX_DEPTH {
        return Err(DecodeError::malformed(at.as_str(), format!("nested deeper than {MAX_DEPTH}")));
    }
    let nul = |at: &str| DecodeError::malformed(at, "text may not contain the character NUL");
    match value {
        Value::String(text) if text.contains('\0') => Err(nul(at)),
        Value::Array(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                within(at, &index.to_string(), |at| check(item, at, depth + 1))?;
            }
            Ok(())
        }
        Value::Object(members) => {
            members.retain(|_, member| !member.is_null());
            for (key, member) in members.iter_mut() {
                if key.contains('\0') {
                    return Err(nul(at));
                }
                within(at, key, |at| check(member, at, depth + 1))?;
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

fn within<T>(at: &mut String, step: &str, inner: impl FnOnce(&mut String) -> T) -> T {
    let length = at.len();
    at.push('/');
    at.push_str(&step.replace('~', "~0").replace('/', "~1"));
    let result = inner(at);
    at.truncate(length);
    result
}

/// The hash by which the same type and content are known again: of the parsed content, so that
/// spelling does not matter, or of the bytes of a body that cannot be parsed.
pub(crate) fn hash(message_type: &str, content: Result<&Value, &[u8]>) -> Vec<u8> {
    let mut hasher = Sha256::new();
    hasher.update(message_type.as_bytes());
    hasher.update([0]);
    match content {
        // serde_json's map is sorted, so equal content is equal text.
        Ok(value) => hasher.update(value.to_string().as_bytes()),
        Err(bytes) => hasher.update(bytes),
    }
    hasher.finalize().to_vec()
}

/// A hash as text.
pub(crate) fn hex(hash: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |value: u8| char::from(DIGITS[usize::from(value & 15)]);
    hash.iter().flat_map(|byte| [digit(byte >> 4), digit(*byte)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    fn hash_of(body: &str) -> Vec<u8> {
        hash("ticket.share.v1", Ok(&parse(body.as_bytes()).unwrap()))
    }

    #[test]
    fn content_is_compared_as_parsed() {
        assert_eq!(
            hash_of(r#"{"a":1,"b":[1,2]}"#),
            hash_of(r#" { "b": [1, 2], "a": 1, "c": null } "#)
        );
        assert_ne!(hash_of(r#"{"b":[1,2]}"#), hash_of(r#"{"b":[2,1]}"#));
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        const BODY: &[u8] = br#"{"inner":[1,"x"]}"#;
        #[derive(Debug, Deserialize)]
        #[expect(dead_code, reason = "only read")]
        struct Outer {
            inner: Vec<u32>,
        }
        let error = decode::<Outer>(parse(BODY).unwrap().into()).unwrap_err();
        assert!(
            matches!(&error, DecodeError::Malformed { pointer, .. } if pointer == "/inner/1"),
            "{error}"
        );
        let error = decode::<Outer>(Content::Bytes(BODY)).unwrap_err();
        assert!(
            matches!(&error, DecodeError::Malformed { pointer, .. } if pointer == "/inner/1"),
            "{error}"
        );
        assert!(decode::<Outer>(Content::Bytes(br#"{"inner":[1]} 2"#)).is_err());
    }

    #[test]
    fn hostile_bodies_are_refused() {
        let deep = format!("{}1{}", "[".repeat(100), "]".repeat(100));
        for (body, pointer) in [
            (&b"\xff{}"[..], "/"),
            (b"[]", "/"),
            (b"{", "/"),
            (b"{\"a\":{\"b~/\":\"x\\u0000\"}}", "/a/b~0~1"),
            (b"{\"x\\u0000\":1}", ""),
            (format!("{{\"a\":{deep}}}").as_bytes(), "/a"),
        ] {
            let error = parse(body).unwrap_err();
            assert!(
                matches!(&error,
                    DecodeError::Malformed { pointer: found, .. } if found.starts_with(pointer)),
                "{error}"
            );
        }
        let abyss = "[".repeat(100_000);
        assert!(parse(abyss.as_bytes()).is_err());
    }
}
