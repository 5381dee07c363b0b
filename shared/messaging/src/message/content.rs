//! Content: parsed once, checked against what no database and no parser likes, and hashed so that
//! the same content is known again.

use std::cell::RefCell;

use contracts::sync::Remarks;
use contracts::{Decision, Item, ItemOutcome, Reason};
use serde::de::DeserializeOwned;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::message::json;
use crate::message::members::{MemberFlaw, Members};

/// So many mended texts are named in a receipt.
const MENDED: usize = 10;
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
        Self::Malformed { pointer: cut(pointer.into()), sentence: sentence.into() }
    }
}

fn cut(mut pointer: String) -> String {
    if let Some((end, _)) = pointer.char_indices().nth(POINTER) {
        pointer.truncate(end);
        pointer.push('…');
    }
    pointer
}

/// Content on its way to its type.
#[derive(Clone, Debug)]
pub enum Content<'a> {
    /// A desk's, parsed and checked; with the place where members are noted that its type has not.
    Parsed(Value, Option<&'a UnknownMembers>),
    /// A service's, as it came: what we wrote ourselves is read in one go.
    Bytes(&'a [u8]),
}

impl From<Value> for Content<'_> {
    fn from(value: Value) -> Self {
        Self::Parsed(value, None)
    }
}

/// Members of a command that its type has not.
#[derive(Debug, Default)]
pub struct UnknownMembers(RefCell<Remarks>);

impl UnknownMembers {
    pub(crate) fn into_remarks(self) -> Remarks {
        self.0.into_inner()
    }

    fn note(&self, path: &serde_ignored::Path) {
        self.0.borrow_mut().add_unknown_member(&ignored(path));
    }
}

fn ignored(path: &serde_ignored::Path) -> String {
    use serde_ignored::Path;
    match path {
        Path::Root => String::new(),
        Path::Seq { parent, index } => format!("{}/{index}", ignored(parent)),
        Path::Map { parent, key } => format!("{}/{}", ignored(parent), json::escaped(key)),
        Path::Some { parent }
        | Path::NewtypeStruct { parent }
        | Path::NewtypeVariant { parent } => ignored(parent),
    }
}

/// Reads content as the type `T`; says where it is wrong if it is.
///
/// # Errors
/// [`DecodeError::Malformed`].
pub fn decode<T: DeserializeOwned>(content: Content<'_>) -> Result<T, DecodeError> {
    match content {
        Content::Parsed(value, unknown) => {
            let mut track = serde_path_to_error::Track::new();
            let members = serde_path_to_error::Deserializer::new(Members(value), &mut track);
            let read = match unknown {
                Some(unknown) => serde_ignored::deserialize(members, |path| unknown.note(&path)),
                None => T::deserialize(members),
            };
            read.map_err(|flaw| placed(&track.path(), &flaw))
        }
        // Only what cannot be read is read again, to find the place.
        Content::Bytes(bytes) => serde_json::from_slice(bytes).map_err(|error| {
            serde_json::from_slice::<Value>(bytes)
                .ok()
                .and_then(|value| decode::<T>(value.into()).err())
                .unwrap_or_else(|| DecodeError::malformed("/", error.to_string()))
        }),
    }
}

fn placed(path: &serde_path_to_error::Path, flaw: &MemberFlaw) -> DecodeError {
    let mut pointer = pointer(path);
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
            Segment::Map { key } | Segment::Enum { variant: key } => json::escaped(key),
            Segment::Unknown => continue,
        };
        pointer.push('/');
        pointer.push_str(&name);
    }
    if pointer.is_empty() { "/".to_owned() } else { pointer }
}

/// A body as content, and what was mended in it.
#[derive(Clone, Debug, PartialEq)]
pub struct Parsed {
    /// The object.
    pub content: Value,
    /// What its receipt says of that.
    pub decisions: Vec<Decision>,
}

/// Parses a body into content: an object, of sane depth, without NUL, without a member that is
/// given twice, and with every `null` member left out, which means the same.
///
/// # Errors
/// [`DecodeError::Malformed`] when it is none.
pub fn parse(body: &[u8]) -> Result<Value, DecodeError> {
    parsed(body).map(|parsed| parsed.content)
}

/// Parses a body as [`parse`] does, and says what was mended.
///
/// # Errors
/// [`DecodeError::Malformed`] when it is none.
pub fn parsed(body: &[u8]) -> Result<Parsed, DecodeError> {
    let whole = |sentence: &str| Err(DecodeError::malformed("/", sentence));
    // UTF-16 has a NUL in every letter of JSON's own, with a mark before them or without.
    if let [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [0, _, ..] | [_, 0, ..] = body {
        return whole("the body is UTF-16, and not UTF-8");
    }
    if body.starts_with(&[0x1f, 0x8b]) {
        return whole("the body is compressed with gzip; it has to be sent as it is");
    }
    let text = std::str::from_utf8(body).map_err(|error| not_utf8(body, error.valid_up_to()))?;
    // The mark that some programs put before UTF-8 (RFC 8259, 8.1: it may be ignored).
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim_ascii().is_empty() {
        return whole("the body is empty");
    }
    let (content, replaced) = match json::read(text) {
        Ok(content) => (content, Vec::new()),
        Err(flaw) => match json::mended(text).unwrap_or(Err(flaw)) {
            Ok(mended) => (mended.value, mended.replaced),
            Err((flaw, sentence)) => return Err(DecodeError::malformed(flaw.pointer(), sentence)),
        },
    };
    if !content.is_object() {
        return whole("the body is not a JSON object");
    }
    let decisions = replaced.into_iter().take(MENDED).map(|pointer| {
        Decision::new(Item::Member(cut(pointer)), ItemOutcome::Mapped)
            .because(Reason::Malformed)
            .with_detail("half of a surrogate pair is no character: U+FFFD stands in its place")
    });
    Ok(Parsed { content, decisions: decisions.collect() })
}

/// Text as far as it is any ends where the fault is: the place of its end is that of the fault.
fn not_utf8(body: &[u8], good: usize) -> DecodeError {
    let pointer = std::str::from_utf8(&body[..good]).map_or("/".to_owned(), json::place_at_end);
    DecodeError::malformed(pointer, format!("the body is not UTF-8, from byte {good} on"))
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
    fn members_that_a_type_has_not_are_noted_with_their_places() {
        #[derive(Debug, Deserialize)]
        #[expect(dead_code, reason = "only read")]
        struct Outer {
            inner: Vec<Inner>,
            only: Option<Inner>,
        }
        #[derive(Debug, Deserialize)]
        #[expect(dead_code, reason = "only read")]
        struct Inner {
            known: u32,
        }
        let noted = |body: &str| {
            let unknown = UnknownMembers::default();
            let content = parse(body.as_bytes()).unwrap();
            let read = decode::<Outer>(Content::Parsed(content, Some(&unknown)));
            (read.map(drop), unknown.into_remarks().unknown_members)
        };
        let (read, unknown) = noted(concat!(
            r#"{"inner":[{"known":1},{"known":2,"a/b":{"c":1}}],"#,
            r#""Only":1,"only":{"known":1,"x":null,"y":2}}"#,
        ));
        assert_eq!(read, Ok(()));
        assert_eq!(unknown, ["/Only", "/inner/1/a~1b", "/only/y"]);
        let (read, unknown) = noted(r#"{"iner":[]}"#);
        assert_eq!(read, Err(DecodeError::malformed("/inner", "is required")));
        assert_eq!(unknown, ["/iner"], "what is misspelt is noted where it is missed");
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
