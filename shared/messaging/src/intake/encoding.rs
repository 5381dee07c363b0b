//! What a command's body is written in, by what is said of it: JSON as UTF-8, as it is. AMQP says
//! it with the properties `content_type` and `content_encoding`, HTTP with headers of the same
//! meaning.

use crate::message::envelope::Envelope;

/// What can be said by name about a body that nobody here unpacks.
const COMPRESSIONS: [&str; 9] =
    ["gzip", "x-gzip", "deflate", "compress", "x-compress", "br", "zstd", "bzip2", "lz4"];
/// Every spelling of UTF-8, and of what is part of it.
const CHARSETS: [&str; 3] = ["utf-8", "utf8", "us-ascii"];

/// Why a body is none that can be read, if its properties say so.
pub(super) fn not_json(envelope: &Envelope) -> Option<String> {
    let encoding = envelope.properties.content_encoding();
    let encoding = encoding.as_ref().map_or("", |encoding| encoding.as_str());
    unreadable(envelope.content_type.as_deref().unwrap_or_default(), encoding)
}

/// Why a body of this type and encoding is none that can be read: a sentence that names which of
/// the two, and what to send.
#[must_use]
pub fn unreadable(content_type: &str, content_encoding: &str) -> Option<String> {
    if let Some(compression) = compression(content_encoding) {
        return Some(format!(
            "content_encoding: {compression} is not unpacked; a body is sent uncompressed"
        ));
    }
    let mut parts = content_type.split(';').map(|part| part.trim().to_ascii_lowercase());
    if !parts.next().is_some_and(|media_type| is_json(&media_type)) {
        return Some("content_type must be application/json".to_owned());
    }
    let charset = parts.find_map(|parameter| charset(&parameter))?;
    (!CHARSETS.contains(&charset.as_str()))
        .then(|| "content_type: its charset must be utf-8".to_owned())
}

fn compression(encoding: &str) -> Option<&'static str> {
    let mut parts = encoding.split(',').map(|part| part.trim().to_ascii_lowercase());
    parts.find_map(|part| COMPRESSIONS.into_iter().find(|name| **name == part))
}

/// `application/json`, and what says that it is JSON (RFC 6839, 3.1).
fn is_json(media_type: &str) -> bool {
    let named = |subtype: &str| !subtype.is_empty() && !subtype.contains('/');
    media_type == "application/json"
        || media_type
            .strip_prefix("application/")
            .and_then(|subtype| subtype.strip_suffix("+json"))
            .is_some_and(named)
}

fn charset(parameter: &str) -> Option<String> {
    let (name, value) = parameter.split_once('=')?;
    (name.trim() == "charset").then(|| value.trim().trim_matches('"').to_owned())
}
