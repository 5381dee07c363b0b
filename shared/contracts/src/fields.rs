//! Status, tags and custom fields: their values and types.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser::SerializeMap};
use serde_json::Value;

use crate::limits;

/// A ticket's status, or the category of a custom status.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Nobody has looked at it.
    New,
    /// Somebody works on it.
    Open,
    /// Waits for the requester.
    Pending,
    /// Waits for somebody else; does not cross as such.
    Hold,
    /// Solved; can be reopened.
    Solved,
    /// Closed for good; cannot be shared.
    Closed,
}

/// Status and custom status, one field together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StatusValue {
    /// The status, or the category of the custom status.
    pub value: Status,
    /// Key of the account's own custom status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custom_status: Option<String>,
}

/// A custom status of an account (domain 4.6).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(expecting = "an object with key, name and category")]
pub struct CustomStatus {
    /// Key, unique in the account.
    pub key: String,
    /// What agents read.
    pub name: String,
    /// The status it counts as.
    pub category: Status,
    /// Whether it is its category's default.
    #[serde(default)]
    pub default: bool,
}

/// An account's custom statuses.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(expecting = "an object with enabled")]
pub struct CustomStatuses {
    /// Whether the account uses custom statuses at all.
    pub enabled: bool,
    /// All of them.
    #[serde(default)]
    pub statuses: Vec<CustomStatus>,
}

/// The data type of a custom field (domain 4.7).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum FieldType {
    /// One line of text.
    Text,
    /// Many lines of text.
    Textarea,
    /// Text that matches the field's pattern.
    Regexp,
    /// The last digits of a card number.
    PartialCreditCard,
    /// A relation to another object, by its key.
    Lookup,
    /// A number with decimals, written as text.
    Decimal,
    /// One option, by its tag.
    Tagger,
    /// Several options, by their tags.
    Multiselect,
    /// Yes or no.
    Checkbox,
    /// A day, `YYYY-MM-DD`.
    Date,
    /// A whole number.
    Integer,
}

impl FieldType {
    /// Every type there is.
    pub const ALL: [Self; 11] = [
        Self::Text,
        Self::Textarea,
        Self::Regexp,
        Self::Lookup,
        Self::PartialCreditCard,
        Self::Decimal,
        Self::Tagger,
        Self::Multiselect,
        Self::Checkbox,
        Self::Date,
        Self::Integer,
    ];

    /// The type as it stands in messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Textarea => "textarea",
            Self::Regexp => "regexp",
            Self::Lookup => "lookup",
            Self::PartialCreditCard => "partialcreditcard",
            Self::Decimal => "decimal",
            Self::Tagger => "tagger",
            Self::Multiselect => "multiselect",
            Self::Checkbox => "checkbox",
            Self::Date => "date",
            Self::Integer => "integer",
        }
    }
}

/// One option of a drop-down or multiselect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(expecting = "an object with name and tag")]
pub struct FieldOption {
    /// What agents read.
    pub name: String,
    /// What is written on the ticket, and what has to agree.
    pub tag: String,
}

/// A custom field as its account has defined it; sharing never creates one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(expecting = "an object with key, title and type")]
pub struct TicketField {
    /// Key, unique in the account.
    pub key: String,
    /// Title: fields of two accounts belong together when their titles do, without regard to case
    ///
    pub title: String,
    /// Data type.
    #[serde(rename = "type")]
    pub field_type: FieldType,
    /// Options of a drop-down or multiselect.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<FieldOption>,
    /// Pattern of a `regexp` field, which a value matches as a whole. In the syntax of RE2 and of
    /// the Rust crate `regex`: `\w`, `\d` and `\p{L}` are of all alphabets, `(?i)` sets case aside.
    /// It knows no look-around, no back reference, no `\Z`, `\h` or `(?>…)`: one that cannot be
    /// read, or is too large to be checked, is `malformed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// Whether values are held against the pattern here. `false` for a pattern of another dialect:
    /// any text is taken then, and the desk checks it.
    #[serde(default = "is_checked", skip_serializing_if = "is_true")]
    pub pattern_checked: bool,
}

fn is_checked() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_true(flag: &bool) -> bool {
    *flag
}

/// Part of the options of a drop-down or multiselect that has too many for one command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(expecting = "an object with key, part and options")]
pub struct OptionsPart {
    /// The field's key. It may be one that a later update defines.
    pub key: String,
    /// Which part, from 1. A field has the options of `ticket_fields`, then those of its parts in
    /// the order of their numbers; of a tag that is there twice the first counts.
    #[schemars(range(min = 1, max = limits::OPTION_PARTS))]
    pub part: u32,
    /// All options of this part; none takes it away.
    pub options: Vec<FieldOption>,
}

/// Fields of a ticket that are no custom fields.
pub const SYSTEM_FIELDS: [&str; 12] = [
    "subject",
    "description",
    "status",
    "type",
    "priority",
    "requester",
    "assignee",
    "group",
    "followers",
    "ccs",
    "tags",
    "approval_status",
];

/// The value of a custom field. `""`, `[]` and `{ "clear": true }` are the same: cleared.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FieldValue {
    /// No value.
    Cleared,
    /// Text, a decimal, a date or one option's tag.
    Text(String),
    /// Options' tags; their order means nothing.
    Options(BTreeSet<String>),
    /// Yes or no.
    Flag(bool),
    /// A whole number.
    Integer(i64),
}

impl FieldValue {
    /// Reads a JSON value; nothing when no field can hold such a value.
    #[must_use]
    pub fn from_json(json: &Value) -> Option<Self> {
        match json {
            Value::String(text) if text.is_empty() => Some(Self::Cleared),
            Value::String(text) => Some(Self::Text(text.clone())),
            Value::Bool(flag) => Some(Self::Flag(*flag)),
            Value::Number(number) => number.as_i64().map(Self::Integer),
            Value::Array(items) if items.is_empty() => Some(Self::Cleared),
            Value::Array(items) => {
                let tags: Option<BTreeSet<String>> =
                    items.iter().map(|item| item.as_str().map(str::to_owned)).collect();
                tags.map(Self::Options)
            }
            Value::Object(map)
                if map.get("clear") == Some(&Value::Bool(true)) && map.len() == 1 =>
            {
                Some(Self::Cleared)
            }
            Value::Object(_) | Value::Null => None,
        }
    }
}

impl Serialize for FieldValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Cleared => {
                let mut map = serializer.serialize_map(Some(1))?;
                map.serialize_entry("clear", &true)?;
                map.end()
            }
            Self::Text(text) => serializer.serialize_str(text),
            Self::Options(tags) => tags.serialize(serializer),
            Self::Flag(flag) => serializer.serialize_bool(*flag),
            Self::Integer(number) => serializer.serialize_i64(*number),
        }
    }
}

impl<'de> Deserialize<'de> for FieldValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = Value::deserialize(deserializer)?;
        Self::from_json(&json).ok_or_else(|| de::Error::custom("no field can hold this value"))
    }
}

/// By hand: the derived schema would be that of an enum, which a value is not on the wire.
impl JsonSchema for FieldValue {
    fn schema_name() -> Cow<'static, str> {
        "FieldValue".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "The value of a custom field. `\"\"`, `[]` and `{ \"clear\": true }` \
                are the same: cleared.",
            "anyOf": [
                { "type": "string", "description": "Text, a decimal, a date or one option's tag." },
                { "type": "array", "items": { "type": "string" }, "description": "Options' tags; \
                    their order means nothing." },
                { "type": "boolean", "description": "Yes or no." },
                { "type": "integer", "minimum": i64::MIN, "maximum": i64::MAX, "description": "A \
                    whole number." },
                {
                    "title": "Cleared",
                    "type": "object",
                    "properties": { "clear": { "const": true } },
                    "required": ["clear"],
                    // Closed, because it is a value and not a message: an object with more is no
                    // value of any field.
                    "maxProperties": 1,
                    "description": "No value.",
                },
            ],
        })
    }
}

/// Values as a desk sent them, by the field's key. Read one by one, so that one bad value never
/// holds back the others.
pub type SentFields = BTreeMap<String, Value>;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn types_are_named_as_they_are_written() {
        for field_type in FieldType::ALL {
            assert_eq!(serde_json::to_value(field_type).unwrap(), field_type.name());
        }
    }

    #[test]
    fn cleared_has_three_spellings_and_is_written_in_one() {
        for spelling in [json!(""), json!([]), json!({ "clear": true })] {
            assert_eq!(FieldValue::from_json(&spelling), Some(FieldValue::Cleared), "{spelling}");
        }
        assert_eq!(serde_json::to_value(FieldValue::Cleared).unwrap(), json!({ "clear": true }));
    }

    #[test]
    fn options_have_no_order() {
        assert_eq!(
            FieldValue::from_json(&json!(["b", "a", "b"])),
            FieldValue::from_json(&json!(["a", "b"]))
        );
    }

    #[test]
    fn what_no_field_holds_is_no_value() {
        for bad in [json!(1.5), json!({ "clear": false }), json!({}), json!([1]), json!(u64::MAX)] {
            assert_eq!(FieldValue::from_json(&bad), None, "{bad}");
        }
    }
}
