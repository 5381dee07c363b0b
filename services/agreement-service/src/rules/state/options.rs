//! Options of fields in parts: a drop-down may have more than one update can carry.

use std::collections::{BTreeMap, BTreeSet};

use contracts::Timestamp;
use contracts::fields::{FieldOption, FieldType, TicketField};

/// A part by its field's key and its number.
pub type PartKey = (String, u32);

/// One part of a field's options.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// The version it was last set with.
    pub version: u64,
    /// When the update that set it arrived.
    pub set_at: Option<Timestamp>,
    /// The options; none of a part that was taken away.
    pub options: Vec<FieldOption>,
}

/// All parts of an account, with which of them differ from what is stored.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FieldOptions {
    parts: BTreeMap<PartKey, Part>,
    changed: BTreeSet<PartKey>,
}

impl FieldOptions {
    /// Parts as they are stored.
    #[must_use]
    pub fn stored(parts: impl IntoIterator<Item = (PartKey, Part)>) -> Self {
        Self { parts: parts.into_iter().collect(), changed: BTreeSet::new() }
    }

    /// A part.
    #[must_use]
    pub fn get(&self, key: &PartKey) -> Option<&Part> {
        self.parts.get(key)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&PartKey, &Part)> {
        self.parts.iter()
    }

    /// Replaces a part; nothing forgets it.
    pub fn set(&mut self, key: PartKey, part: Option<Part>) {
        match part {
            Some(part) => self.parts.insert(key.clone(), part),
            None => self.parts.remove(&key),
        };
        self.changed.insert(key);
    }

    /// Those that differ from what is stored; nothing of one that is forgotten.
    pub fn changed(&self) -> impl Iterator<Item = (&PartKey, Option<&Part>)> {
        self.changed.iter().map(|key| (key, self.parts.get(key)))
    }

    /// A field with all its options: its own, then those of its parts. Of a tag that is there twice
    /// the first counts.
    #[must_use]
    pub fn whole(&self, field: &TicketField) -> TicketField {
        let mut field = field.clone();
        if !matches!(field.field_type, FieldType::Tagger | FieldType::Multiselect) {
            return field;
        }
        let (first, last) = ((field.key.clone(), 0), (field.key.clone(), u32::MAX));
        let parts =
            self.parts.range(first..=last).flat_map(|(_, part)| part.options.iter().cloned());
        field.options.extend(parts);
        let mut tags = BTreeSet::new();
        field.options.retain(|option| tags.insert(option.tag.clone()));
        field
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn option(tag: &str) -> FieldOption {
        FieldOption { name: tag.to_uppercase(), tag: tag.into() }
    }

    fn part(tags: &[&str]) -> Part {
        Part { version: 1, set_at: None, options: tags.iter().copied().map(option).collect() }
    }

    #[test]
    fn parts_stand_in_their_order_after_the_fields_own() {
        let field = TicketField {
            key: "colour".into(),
            title: "Colour".into(),
            field_type: FieldType::Tagger,
            options: vec![option("red")],
            pattern: None,
            pattern_checked: true,
        };
        let of = |key: &str, number| (key.to_owned(), number);
        let options = FieldOptions::stored([
            (of("colour", 10), part(&["pink"])),
            (of("colour", 2), part(&["blue", "red"])),
            (of("colours", 1), part(&["white"])),
            (of("colou", 1), part(&["black"])),
        ]);
        let tags: Vec<_> =
            options.whole(&field).options.into_iter().map(|option| option.tag).collect();
        assert_eq!(tags, ["red", "blue", "pink"]);
        let text = TicketField { field_type: FieldType::Text, options: vec![], ..field };
        assert!(options.whole(&text).options.is_empty());
    }
}
