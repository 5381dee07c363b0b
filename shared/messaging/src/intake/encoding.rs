//! What a command's body is written in, by its properties `content_type` and `content_encoding`:
//! JSON as UTF-8, as it is.

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
    if let Some(compression) = compression(encoding) {
        return Some(format!(
            "content_encoding: {compression} is not unpacked; a body is sent uncompressed"
        ));
    }
    let content_type = envelope.content_type.as_deref().unwrap_or_default();
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
