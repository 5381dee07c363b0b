//! What a chain's copies hold, field by field.

use std::collections::BTreeMap;

use contracts::fields::{FieldValue, StatusValue};
use contracts::{AccountName, CopyId, Epoch, Item, Timestamp};
use serde::{Deserialize, Serialize};

/// Length of a tag, or of the title that an account without fields of its own uses as a key, in
/// characters: fields are stored by name.
pub const MAX_NAME: usize = 255;

/// A field of one copy. Custom fields go by the key of the copy's own account.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    /// Status with custom status.
    Status,
    /// A tag; each is a field with the value present or absent.
    Tag(String),
    /// A custom field.
    Custom(String),
}

impl Field {
    /// The item of a receipt that speaks of this field.
    #[must_use]
    pub fn item(&self) -> Item {
        match self {
            Self::Status => Item::Status,
            Self::Tag(name) => Item::Tag(name.clone()),
            Self::Custom(key) => Item::CustomField(key.clone()),
        }
    }

    /// The field that an item speaks of; nothing for an item that is no field.
    #[must_use]
    pub fn of_item(item: Item) -> Option<Self> {
        match item {
            Item::Status => Some(Self::Status),
            Item::Tag(name) => Some(Self::Tag(name)),
            Item::CustomField(key) => Some(Self::Custom(key)),
            Item::Comment(_)
            | Item::Attachment(_)
            | Item::Recording(_)
            | Item::Requester
            | Item::Ccs
            | Item::Member(_) => None,
        }
    }
}

/// The value of a field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    /// Status with custom status.
    Status(StatusValue),
    /// Whether the tag is present.
    Tag(bool),
    /// The value of a custom field.
    Custom(FieldValue),
}

impl Value {
    /// The value as a receipt gives it.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        match self {
            Self::Status(status) => serde_json::json!(status),
            Self::Tag(present) => serde_json::json!(present),
            Self::Custom(value) => serde_json::json!(value),
        }
    }

    /// Whether it is a value of this sort of field.
    #[must_use]
    pub fn is_of(&self, field: &Field) -> bool {
        matches!(
            (field, self),
            (Field::Status, Self::Status(_))
                | (Field::Tag(_), Self::Tag(_))
                | (Field::Custom(_), Self::Custom(_))
        )
    }

    /// Whether there is something: a tag taken off and a field cleared hold nothing.
    #[must_use]
    pub fn is_something(&self) -> bool {
        !matches!(self, Self::Tag(false) | Self::Custom(FieldValue::Cleared))
    }

    /// Whether what was sent says the same as what is held. A status sent without a custom status
    /// leaves that open.
    #[must_use]
    pub fn is_said_by(&self, held: &Self) -> bool {
        match (self, held) {
            (Self::Status(sent), Self::Status(held)) if sent.custom_status.is_none() => {
                sent.value == held.value
            }
            _ => self == held,
        }
    }
}

/// What one copy holds in one field, and since when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldState {
    /// The value.
    pub value: Value,
    /// The account whose change it was.
    pub account: AccountName,
    /// The revision that set it.
    pub revision: u64,
    /// When the change was made, or arrived if it claims to be from later than that.
    pub occurred_at: Timestamp,
    /// The latest change that the copy's own account sent, whether it stands or not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own: Option<OwnChange>,
}

/// The order of one account's own changes: of its members, one after the other.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct OwnChange {
    /// When, as the account says, but not later than it arrived.
    pub occurred_at: Timestamp,
    /// Its arrival stamp; a change without one, from an earlier release, comes before those with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arrival: Option<u64>,
    /// The command.
    pub message_id: String,
}

/// The fields of all copies of a chain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChainFields {
    /// Counts accepted commands with field changes; never goes back, and not below its epoch.
    pub revision: u64,
    /// Per copy and field.
    pub copies: BTreeMap<CopyId, BTreeMap<Field, FieldState>>,
}

impl ChainFields {
    /// Takes a record as it was kept: with the chain's epoch, so that none lies below what desks
    /// may hold from before a recovery.
    pub fn load(&mut self, copy: CopyId, field: Field, kept: FieldState) {
        let revision = Epoch::of(self.revision).raise(kept.revision);
        let state = FieldState { revision, ..kept };
        self.copies.entry(copy).or_default().insert(field, state);
    }

    /// What a copy holds in a field.
    #[must_use]
    pub fn get(&self, copy: &CopyId, field: &Field) -> Option<&FieldState> {
        self.copies.get(copy)?.get(field)
    }

    /// Makes a decision the state.
    pub fn apply(
        &mut self,
        revision: u64,
        records: impl IntoIterator<Item = (CopyId, Field, FieldState)>,
    ) {
        self.revision = revision;
        for (copy, field, state) in records {
            self.copies.entry(copy).or_default().insert(field, state);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use contracts::fields::Status;

    #[test]
    fn a_field_reads_as_it_is_written() {
        for field in [Field::Status, Field::Tag("vip: gold".into()), Field::Custom("order".into())]
        {
            let item: Item = field.item().to_string().parse().unwrap();
            assert_eq!(Field::of_item(item), Some(field));
        }
        assert_eq!(Field::of_item(Item::Requester), None);
    }

    #[test]
    fn a_record_reads_as_it_is_written() {
        for value in [
            Value::Status(StatusValue {
                value: Status::Hold,
                custom_status: Some("waiting".into()),
            }),
            Value::Tag(false),
            Value::Custom(FieldValue::Cleared),
            Value::Custom(FieldValue::Options(["a".to_owned()].into())),
        ] {
            let state = FieldState {
                value,
                account: AccountName::new("acme").unwrap(),
                revision: 7,
                occurred_at: Timestamp::parse("2026-03-01T10:00:00Z").unwrap(),
                own: Some(OwnChange {
                    occurred_at: Timestamp::parse("2026-03-01T10:00:00Z").unwrap(),
                    arrival: Some(7),
                    message_id: "m".into(),
                }),
            };
            assert_eq!(
                serde_json::from_value::<FieldState>(serde_json::json!(state)).unwrap(),
                state
            );
        }
    }
}
