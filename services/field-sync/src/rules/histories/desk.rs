//! A model desk, and how its fields are written in commands and receipts.

use std::collections::BTreeMap;

use contracts::Epoch;
use contracts::comparable::comparable;
use contracts::delivery::StatusDelivered;
use contracts::fields::{FieldValue, StatusValue};
use contracts::sync::{FieldChanges, StatusChange};
use line::CopyFields;
use serde_json::json;

use crate::rules::scene::tag;
use crate::rules::{Field, Held, Value};

/// A model desk: per field the value and the revision it has, as contract part 5 asks of it.
#[derive(Debug, Default)]
pub(super) struct Desk {
    pub exists: bool,
    pub fields: BTreeMap<Field, (Value, u64)>,
}

/// The field by which something of this name is held already: names are compared as people read
/// them.
pub(super) fn alike<'a>(held: impl IntoIterator<Item = &'a Field>, field: &Field) -> Field {
    let Field::Tag(name) = field else { return field.clone() };
    let is_alike =
        |held: &&Field| matches!(held, Field::Tag(held) if comparable(held) == comparable(name));
    held.into_iter().find(is_alike).unwrap_or(field).clone()
}

impl Desk {
    pub fn take(&mut self, field: &Field, value: Value, revision: u64) {
        let field = alike(self.fields.keys(), field);
        let held = self.fields.get(&field).map_or(0, |(_, revision)| *revision);
        let status = self.fields.get(&Field::Status).map_or(0, |(_, revision)| *revision);
        if revision >= held && Epoch::of(revision) >= Epoch::of(status) {
            self.fields.insert(field, (value, revision));
        }
    }

    pub fn take_all(&mut self, told: &CopyFields, revision: u64) {
        if let Some(StatusDelivered { status, custom_status }) = &told.status {
            let value = StatusValue { value: *status, custom_status: custom_status.clone() };
            self.take(&Field::Status, Value::Status(value), revision);
        }
        for (names, present) in [(&told.tags_added, true), (&told.tags_removed, false)] {
            for name in names {
                self.take(&Field::Tag(name.clone()), Value::Tag(present), revision);
            }
        }
        for (key, value) in &told.custom_fields {
            self.take(&Field::Custom(key.clone()), Value::Custom(value.clone()), revision);
        }
    }

    /// All of its copy, after a recovery: what is not in it, and is from before, was forgotten.
    pub fn take_state(&mut self, held: &Held, revision: u64) {
        let tags = held
            .tags
            .iter()
            .map(|tag| (Field::Tag(tag.name.clone()), Value::Tag(tag.present), tag.revision));
        let custom = held.custom_fields.iter().map(|(key, held)| {
            (Field::Custom(key.clone()), Value::Custom(held.value.clone()), held.revision)
        });
        let status = Value::Status(held.status.status.clone());
        let status = [(Field::Status, status, held.status.revision)];
        let told: Vec<_> = status.into_iter().chain(tags).chain(custom).collect();
        let names: Vec<&Field> = told.iter().map(|(field, ..)| field).collect();
        self.fields.retain(|field, (_, held)| {
            let is_told = names.contains(&&alike(names.iter().copied(), field));
            is_told || Epoch::of(*held) >= Epoch::of(revision)
        });
        for (field, value, revision) in told {
            self.take(&field, value, revision);
        }
    }

    pub fn value(&self, field: &Field) -> Option<&Value> {
        self.fields.get(&alike(self.fields.keys(), field)).map(|(value, _)| value)
    }
}

/// What a desk says of its fields in a command.
pub(super) fn said(values: &BTreeMap<Field, Value>) -> FieldChanges {
    let mut fields = FieldChanges::default();
    for (field, value) in values {
        match (field, value) {
            (_, Value::Status(StatusValue { value, custom_status })) => {
                fields.status = Some(StatusChange {
                    status: Some(*value),
                    custom_status: custom_status.clone(),
                });
            }
            (Field::Tag(name), Value::Tag(present)) => fields.tags.push(tag(name, *present)),
            (Field::Custom(key), Value::Custom(value)) => {
                fields.custom_fields.insert(key.clone(), json!(value));
            }
            other => panic!("{other:?} is no field with its value"),
        }
    }
    fields
}

/// Reads a receipt's value.
pub(super) fn read(field: &Field, told: &serde_json::Value) -> Value {
    match field {
        Field::Status => Value::Status(serde_json::from_value(told.clone()).unwrap()),
        Field::Tag(_) => Value::Tag(told.as_bool().unwrap()),
        Field::Custom(_) => Value::Custom(FieldValue::from_json(told).unwrap()),
    }
}
