//! The records of a chain while a transfer is decided: what is known, and over it what the decision
//! changes.

use std::collections::BTreeMap;

use contracts::comparable::comparable;
use contracts::{AccountName, CopyId, Timestamp};

use super::state::{ChainFields, Field, FieldState, Value};

/// What is known, with the changes decided so far.
#[derive(Debug)]
pub struct Records<'a> {
    known: &'a ChainFields,
    changed: BTreeMap<CopyId, BTreeMap<Field, FieldState>>,
}

/// Whose change it is, which revision it sets, and when it counts as made.
#[derive(Clone, Debug)]
pub struct Stamp {
    /// The account whose change it is.
    pub account: AccountName,
    /// The revision.
    pub revision: u64,
    /// The time.
    pub occurred_at: Timestamp,
}

impl<'a> Records<'a> {
    /// Nothing changed yet.
    #[must_use]
    pub fn over(known: &'a ChainFields) -> Self {
        Self { known, changed: BTreeMap::new() }
    }

    /// What a copy holds in a field.
    #[must_use]
    pub fn get(&self, copy: &CopyId, field: &Field) -> Option<&FieldState> {
        let changed = self.changed.get(copy).and_then(|fields| fields.get(field));
        changed.or_else(|| self.known.get(copy, field))
    }

    /// Replaces a record.
    pub fn put(&mut self, copy: &CopyId, field: Field, state: FieldState) {
        self.changed.entry(copy.clone()).or_default().insert(field, state);
    }

    /// Sets a value. What the copy's own account changed last is kept: it still orders what comes
    /// from there.
    pub fn set(&mut self, copy: &CopyId, field: Field, value: Value, stamp: &Stamp) {
        let own = self.get(copy, &field).and_then(|held| held.own.clone());
        let Stamp { account, revision, occurred_at } = stamp.clone();
        self.put(copy, field, FieldState { value, account, revision, occurred_at, own });
    }

    /// All that a copy holds.
    #[must_use]
    pub fn of(&self, copy: &CopyId) -> BTreeMap<Field, FieldState> {
        let mut fields = self.known.copies.get(copy).cloned().unwrap_or_default();
        fields.extend(self.changed.get(copy).cloned().unwrap_or_default());
        fields
    }

    /// The key under which a copy of an account that takes any title holds the field with this one:
    /// as it was first written.
    #[must_use]
    pub fn key_titled(&self, copy: &CopyId, title: &str) -> String {
        let key = |field: &Field| match field {
            Field::Custom(key) => Some(key.clone()),
            _ => None,
        };
        self.as_first_written(copy, title.trim(), Field::Custom, key)
    }

    /// The name under which a copy holds a tag: as it was first written there.
    #[must_use]
    pub fn tag_named(&self, copy: &CopyId, name: &str) -> String {
        let tag = |field: &Field| match field {
            Field::Tag(name) => Some(name.clone()),
            _ => None,
        };
        self.as_first_written(copy, name, Field::Tag, tag)
    }

    /// Exactly so, where there is such a record: two that are alike may be there from before they
    /// were compared.
    fn as_first_written(
        &self,
        copy: &CopyId,
        name: &str,
        field: fn(String) -> Field,
        name_of: impl Fn(&Field) -> Option<String>,
    ) -> String {
        let form = comparable(name);
        if form.is_empty() || self.get(copy, &field(name.to_owned())).is_some() {
            return name.to_owned();
        }
        let fields = [self.known.copies.get(copy), self.changed.get(copy)]
            .into_iter()
            .flatten()
            .flat_map(BTreeMap::keys);
        let alike = fields.filter_map(name_of).filter(|held| comparable(held) == form);
        alike.min().unwrap_or_else(|| name.to_owned())
    }

    /// What changed.
    #[must_use]
    pub fn into_changed(self) -> Vec<(CopyId, Field, FieldState)> {
        let per_copy = self.changed.into_iter();
        per_copy
            .flat_map(|(copy, fields)| {
                fields.into_iter().map(move |(field, state)| (copy.clone(), field, state))
            })
            .collect()
    }
}
