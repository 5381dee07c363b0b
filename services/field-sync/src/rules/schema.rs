//! An account's settings, ordered for looking up: what its fields are called, what they take, which
//! statuses it has.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use contracts::AccountName;
use contracts::command::AccountKind;
use contracts::comparable::comparable;
use contracts::fields::{CustomStatuses, FieldType, SYSTEM_FIELDS, TicketField};
use contracts::pattern::{Match, Pattern};
use contracts::sync::AccountFact;
use line::AccountBasics;

use super::options::Options;

/// Accounts by name. One that nothing is known of is absent: the strictest is assumed of it.
pub type Schemas = BTreeMap<AccountName, Schema>;

/// One account's settings: all of its fields, or those that the messages at hand touch (`touched`).
#[derive(Clone, Debug)]
pub struct Schema {
    /// The account.
    pub account: AccountName,
    /// What kind of desk it has.
    pub kind: AccountKind,
    /// Whether it takes custom fields of any title; its keys are titles then, and it has no types
    /// of its own.
    pub open_fields: bool,
    /// Its custom statuses.
    pub custom_statuses: Arc<CustomStatuses>,
    fields: BTreeMap<String, Arc<SchemaField>>,
    by_title: BTreeMap<String, Vec<Arc<SchemaField>>>,
}

/// One custom field of an account.
#[derive(Debug)]
pub struct SchemaField {
    /// Key.
    pub key: Box<str>,
    /// Title as agents read it.
    pub title: Box<str>,
    /// Data type.
    pub field_type: FieldType,
    /// Whether it is on the default form.
    pub on_default_form: bool,
    folded_title: Box<str>,
    options: Options,
    pattern: Option<Box<str>>,
    read: OnceLock<Option<Pattern>>,
}

/// Whether a key or title is that of a system field.
#[must_use]
pub fn is_system(name: &str) -> bool {
    let folded = comparable(name).replace(' ', "_");
    SYSTEM_FIELDS.contains(&folded.as_str())
}

/// The fields of an account, each with whether it is on the default form; all are where the account
/// named none. A key counts once.
#[must_use]
pub fn fields_on_form(fact: &AccountFact) -> Vec<(&TicketField, bool)> {
    let form: Option<BTreeSet<&String>> = fact.default_form.as_ref().map(BTreeSet::from_iter);
    let by_key: BTreeMap<&String, &TicketField> =
        fact.ticket_fields.iter().map(|field| (&field.key, field)).collect();
    let is_on = |key: &String| form.as_ref().is_none_or(|form| form.contains(key));
    by_key.into_iter().map(|(key, field)| (field, is_on(key))).collect()
}

impl Schema {
    /// All that an account's fact says.
    #[must_use]
    pub fn new(fact: AccountFact) -> Self {
        let basics = AccountBasics::from(&fact);
        let fields = fields_on_form(&fact).into_iter();
        let fields = fields.map(|(field, on_form)| Arc::new(SchemaField::new(field, on_form)));
        let fields: Vec<_> = fields.collect();
        Self::of(&basics, Arc::new(fact.custom_statuses), fields)
    }

    /// An account with these statuses and fields.
    #[must_use]
    pub fn of(
        account: &AccountBasics,
        custom_statuses: Arc<CustomStatuses>,
        fields: impl IntoIterator<Item = Arc<SchemaField>>,
    ) -> Self {
        let mut schema = Self {
            account: account.account.clone(),
            kind: account.kind,
            open_fields: account.open_fields,
            custom_statuses,
            fields: BTreeMap::new(),
            by_title: BTreeMap::new(),
        };
        for field in fields {
            let titled = schema.by_title.entry(field.folded_title.to_string()).or_default();
            titled.push(Arc::clone(&field));
            schema.fields.insert(field.key.to_string(), field);
        }
        schema
    }

    /// The field with a key.
    #[must_use]
    pub fn field(&self, key: &str) -> Option<&SchemaField> {
        self.fields.get(key).map(Arc::as_ref)
    }

    /// All titles, as they are compared.
    pub fn titles(&self) -> impl Iterator<Item = &str> {
        self.by_title.keys().map(String::as_str)
    }

    /// The fields with a title, as it is compared.
    pub fn titled<'a>(&'a self, folded: &str) -> impl Iterator<Item = &'a SchemaField> + use<'a> {
        self.by_title.get(folded).into_iter().flatten().map(Arc::as_ref)
    }
}

#[cfg(test)]
impl Schema {
    /// The same account with the fields under `titles` alone, and with its custom statuses or
    /// without.
    #[must_use]
    pub fn narrowed(&self, titles: &BTreeSet<String>, statuses: bool) -> Self {
        let mut narrow = self.clone();
        narrow.by_title.retain(|title, _| titles.contains(title));
        narrow.fields.retain(|_, field| titles.contains(field.folded_title()));
        if !statuses {
            narrow.custom_statuses = Arc::default();
        }
        narrow
    }
}

impl SchemaField {
    /// Orders what a field takes.
    #[must_use]
    pub fn new(field: &TicketField, on_default_form: bool) -> Self {
        Self {
            folded_title: comparable(&field.title).into(),
            options: Options::new(&field.options),
            pattern: field.pattern.as_deref().filter(|_| field.pattern_checked).map(Into::into),
            read: OnceLock::new(),
            key: field.key.as_str().into(),
            title: field.title.as_str().into(),
            field_type: field.field_type,
            on_default_form,
        }
    }

    /// The title as it is compared.
    #[must_use]
    pub fn folded_title(&self) -> &str {
        &self.folded_title
    }

    /// The option's tag as the account spells it: exactly so, or as tags are compared.
    #[must_use]
    pub fn option<'a>(&'a self, tag: &str) -> Option<&'a str> {
        self.options.tag(tag)
    }

    /// Whether options of the same name have the same tags in both fields.
    #[must_use]
    pub fn options_agree_with(&self, other: &Self) -> bool {
        self.options.agree_with(&other.options)
    }

    /// Options of one name whose tags differ: the name, the tag here, the tag there.
    #[must_use]
    pub fn options_that_differ(&self, other: &Self) -> Vec<(String, String, String)> {
        self.options.that_differ(&other.options)
    }

    /// Whether text matches the field's pattern as a whole. Any does where the pattern cannot be
    /// read: it was registered before such a one was refused, and the desk checks it. Read when it
    /// is first asked for: an account has many fields, and a message few.
    #[must_use]
    pub fn matches_pattern(&self, text: &str) -> Match {
        self.read().map_or(Match::Yes, |pattern| pattern.matches(text))
    }

    fn read(&self) -> Option<&Pattern> {
        let read = |pattern: &str| Pattern::read(pattern).ok();
        self.read.get_or_init(|| self.pattern.as_deref().and_then(read)).as_ref()
    }

    /// Bytes it takes, with its pattern read.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let texts = [&self.key, &self.title, &self.folded_title];
        size_of::<Self>()
            + texts.map(|text| text.len()).iter().sum::<usize>()
            + self.options.bytes()
            + self.pattern.as_ref().map_or(0, |pattern| pattern.len())
            + self.read().map_or(0, Pattern::bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r_95_an_options_tag_is_found_however_it_is_spelled() {
        let options = ["Größe", "red", "RED", "two words"]
            .map(|tag| contracts::fields::FieldOption { name: tag.into(), tag: tag.into() });
        let field = TicketField {
            options: options.to_vec(),
            ..super::super::scene::field("f", "F", FieldType::Tagger)
        };
        let field = SchemaField::new(&field, true);
        for (sent, own) in [
            ("Gro\u{308}\u{df}e", "Größe"),
            ("red", "red"),
            ("RED", "RED"),
            ("Red", "RED"),
            ("two\u{a0}words", "two words"),
            ("\u{200b}red", "RED"),
        ] {
            assert_eq!(field.option(sent), Some(own), "{sent:?}");
        }
        assert_eq!(field.option("twowords"), None);
    }

    #[test]
    fn r_93_system_fields_are_known_by_key_and_by_title() {
        for name in ["status", "Priority", "Approval status", "approval_status", " CCs "] {
            assert!(is_system(name), "{name}");
        }
        assert!(!is_system("order"));
    }
}
