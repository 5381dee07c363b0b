//! A body as a person may see it: how large it is and how it is built, and what it says only when
//! that was asked for.

use serde::Serialize;
use serde_json::{Map, Value};

/// Keys shown of one object, and letters of a key: a hostile body is not to fill the screen.
const SHOWN: usize = 100;

/// A message's body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ParkedBody {
    /// Its size.
    pub bytes: usize,
    /// Its keys, with what kind of value each has instead of the value; absent when it is not JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shape: Option<Value>,
    /// What it says, when that was asked for. What is not UTF-8 is replaced by U+FFFD.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Its SHA-256 in hexadecimal, of a body that was not kept because no account stands for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

impl ParkedBody {
    /// A body that was not kept.
    pub(super) fn left_out(bytes: i64, sha256: &[u8]) -> Self {
        let bytes = usize::try_from(bytes).unwrap_or_default();
        Self { bytes, shape: None, text: None, sha256: Some(crate::message::content::hex(sha256)) }
    }

    /// Looks at a body. Its text is kept only when `shown`.
    pub(super) fn of(bytes: &[u8], shown: bool) -> Self {
        Self {
            bytes: bytes.len(),
            shape: serde_json::from_slice(bytes).ok().map(|value| shape(&value)),
            text: shown.then(|| String::from_utf8_lossy(bytes).into_owned()),
            sha256: None,
        }
    }
}

fn shape(value: &Value) -> Value {
    match value {
        Value::Null => "null".into(),
        Value::Bool(_) => "boolean".into(),
        Value::Number(_) => "number".into(),
        Value::String(text) => format!("text of {}", text.chars().count()).into(),
        // Of a list the first stands for all: items of one list have one type.
        Value::Array(items) => match items.first() {
            None => "list of 0".into(),
            Some(first) => {
                Value::Object(Map::from_iter([(format!("list of {}", items.len()), shape(first))]))
            }
        },
        Value::Object(members) => {
            let short = |key: &String| key.chars().take(SHOWN).collect::<String>();
            let mut shown: Map<String, Value> =
                members.iter().take(SHOWN).map(|(key, value)| (short(key), shape(value))).collect();
            if members.len() > SHOWN {
                shown.insert("…".to_owned(), format!("{} more", members.len() - SHOWN).into());
            }
            Value::Object(shown)
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn no_value_is_in_the_shape() {
        let body = json!({
            "ticket": {
                "id": "SECRET",
                "tags": [{ "name": "SECRET" }, { "name": "SECRET" }],
                "open": true,
                "n": 4711,
            },
            "none": [],
            "nothing": null,
        });
        let seen = ParkedBody::of(body.to_string().as_bytes(), false);
        assert_eq!(seen.text, None);
        let expected = json!({
            "ticket": {
                "id": "text of 6",
                "tags": { "list of 2": { "name": "text of 6" } },
                "open": "boolean",
                "n": "number",
            },
            "none": "list of 0",
            "nothing": "null",
        });
        assert_eq!(seen.shape, Some(expected));
        let told = serde_json::to_string(&seen).unwrap();
        assert!(!told.contains("SECRET") && !told.contains("4711"), "{told}");
    }

    #[test]
    fn a_body_that_is_no_json_has_a_size_and_is_shown_only_when_asked_for() {
        let hidden = ParkedBody { bytes: 7, shape: None, text: None, sha256: None };
        assert_eq!(ParkedBody::of(b"\xffSECRET", false), hidden);
        assert_eq!(ParkedBody::of(b"\xffSECRET", true).text.as_deref(), Some("\u{fffd}SECRET"));
    }

    #[test]
    fn a_hostile_object_is_cut() {
        let body: Map<String, Value> = (0..1000)
            .map(|number| (format!("{number}{}", "k".repeat(1000)), Value::Null))
            .collect();
        let seen = ParkedBody::of(Value::Object(body).to_string().as_bytes(), false);
        let shape = seen.shape.unwrap();
        assert_eq!(shape.as_object().unwrap().len(), SHOWN + 1);
        assert_eq!(shape["…"], "900 more");
    }
}
