//! An account's settings, ordered for looking up: what its fields are called, what they take, which
//! statuses it has.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use contracts::AccountName;
use contracts::command::AccountKind;
use contracts::fields::{CustomStatuses, FieldType, SYSTEM_FIELDS, TicketField};
use contracts::sync::AccountFact;
use regex::{Regex, RegexBuilder};
use unicode_casefold::UnicodeCaseFold;

/// A pattern's compiled size; far above what a field's pattern needs, far below what would cost
/// time or memory.
const PATTERN_SIZE: usize = 256 * 1024;

/// Accounts by name. One that nothing is known of is absent: the strictest is assumed of it.
pub type Schemas = BTreeMap<AccountName, Schema>;

/// One account's settings.
#[derive(Debug)]
pub struct Schema {
    /// The account.
    pub account: AccountName,
    /// What kind of desk it has.
    pub kind: AccountKind,
    /// Whether it takes custom fields of any title; its keys are titles then, and it has no types
    /// of its own.
    pub open_fields: bool,
    /// Its custom statuses.
    pub custom_statuses: CustomStatuses,
    fields: BTreeMap<String, SchemaField>,
    by_title: BTreeMap<String, Vec<String>>,
    default_form: Option<BTreeSet<String>>,
}

/// One custom field of an account.
#[derive(Debug)]
pub struct SchemaField {
    /// Key.
    pub key: String,
    /// Title as agents read it.
    pub title: String,
    /// Data type.
    pub field_type: FieldType,
    folded_title: String,
    option_tags: BTreeSet<String>,
    tags_by_option: BTreeMap<String, BTreeSet<String>>,
    pattern: Option<String>,
    compiled: OnceLock<Option<Regex>>,
}

/// A title as it is compared: without regard to case (R-91) or to blanks around it.
#[must_use]
pub fn fold(title: &str) -> String {
    title.trim().case_fold().collect()
}

/// Whether a key or title is that of a system field (R-93).
#[must_use]
pub fn is_system(name: &str) -> bool {
    let folded = fold(name).replace(' ', "_");
    SYSTEM_FIELDS.contains(&folded.as_str())
}

impl Schema {
    /// Orders what an account's fact says.
    #[must_use]
    pub fn new(fact: AccountFact) -> Self {
        let fields: BTreeMap<String, SchemaField> = fact
            .ticket_fields
            .into_iter()
            .map(|field| (field.key.clone(), SchemaField::new(field)))
            .collect();
        let mut by_title: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for field in fields.values() {
            by_title.entry(field.folded_title.clone()).or_default().push(field.key.clone());
        }
        Self {
            account: fact.account,
            kind: fact.kind,
            open_fields: fact.open_fields,
            custom_statuses: fact.custom_statuses,
            fields,
            by_title,
            default_form: fact.default_form.map(BTreeSet::from_iter),
        }
    }

    /// The field with a key.
    #[must_use]
    pub fn field(&self, key: &str) -> Option<&SchemaField> {
        self.fields.get(key)
    }

    /// The fields with a title, as `fold` gives it.
    pub fn titled<'a>(&'a self, folded: &str) -> impl Iterator<Item = &'a SchemaField> + use<'a> {
        self.by_title.get(folded).into_iter().flatten().filter_map(|key| self.fields.get(key))
    }

    /// Whether a field is on the default form (R-98); all are where the account named none.
    #[must_use]
    pub fn is_on_default_form(&self, key: &str) -> bool {
        self.default_form.as_ref().is_none_or(|form| form.contains(key))
    }
}

impl SchemaField {
    fn new(field: TicketField) -> Self {
        let mut tags_by_option: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for option in &field.options {
            tags_by_option.entry(fold(&option.name)).or_default().insert(option.tag.clone());
        }
        Self {
            folded_title: fold(&field.title),
            option_tags: field.options.into_iter().map(|option| option.tag).collect(),
            tags_by_option,
            key: field.key,
            title: field.title,
            field_type: field.field_type,
            pattern: field.pattern,
            compiled: OnceLock::new(),
        }
    }

    /// The title as it is compared.
    #[must_use]
    pub fn folded_title(&self) -> &str {
        &self.folded_title
    }

    /// Whether one of its options has this tag.
    #[must_use]
    pub fn has_option(&self, tag: &str) -> bool {
        self.option_tags.contains(tag)
    }

    /// Whether options of the same name have the same tags in both fields (R-95). Options that only
    /// one of them has do not count.
    #[must_use]
    pub fn options_agree_with(&self, other: &Self) -> bool {
        self.tags_by_option
            .iter()
            .all(|(name, tags)| other.tags_by_option.get(name).is_none_or(|others| others == tags))
    }

    /// Whether text matches the field's pattern as a whole; nothing when the pattern itself cannot
    /// be read.
    #[must_use]
    pub fn matches_pattern(&self, text: &str) -> Option<bool> {
        let Some(pattern) = &self.pattern else { return Some(true) };
        let compiled = self.compiled.get_or_init(|| {
            RegexBuilder::new(&format!(r"\A(?:{pattern})\z"))
                .size_limit(PATTERN_SIZE)
                .dfa_size_limit(PATTERN_SIZE)
                .build()
                .ok()
        });
        compiled.as_ref().map(|regex| regex.is_match(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r_91_titles_are_compared_without_regard_to_case() {
        for (one, other) in [
            ("Order No", " order NO "),
            ("STRASSE", "Straße"),
            ("ÉTAT", "état"),
            ("ΣΟΦΟΣ", "σοφος"),
        ] {
            assert_eq!(fold(one), fold(other));
        }
        assert_ne!(fold("Order No"), fold("OrderNo"));
    }

    #[test]
    fn r_93_system_fields_are_known_by_key_and_by_title() {
        for name in ["status", "Priority", "Approval status", "approval_status", " CCs "] {
            assert!(is_system(name), "{name}");
        }
        assert!(!is_system("order"));
    }
}
