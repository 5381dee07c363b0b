//! What was read of accounts' schemas, between batches. Each entry is of one version of its
//! account, and which version counts is read in every batch's own transaction: so nothing old is
//! decided by, and what is here only saves reading it again.

use std::sync::Arc;

use contracts::AccountName;
use contracts::fields::CustomStatuses;
use quick_cache::sync::Cache;
use quick_cache::{OptionsBuilder, Weighter};

use crate::rules::SchemaField;

/// Bytes of all entries together, of the process's 64 MiB.
const BYTES: u64 = 8 * 1024 * 1024;
/// So many entries are usual.
const ENTRIES: usize = 8 * 1024;
/// What an entry takes beside its texts: its places in the cache, and what the allocator rounds up.
const BESIDE: usize = 256;

/// Fields with one title; usually one.
pub(crate) type Titled = Arc<[Arc<SchemaField>]>;

/// Parts of accounts' schemas by account and version, within `BYTES`: what was not asked for lately
/// goes.
#[derive(Debug)]
pub(crate) struct SchemaCache {
    parts: Cache<Part, Found, Bytes>,
}

impl Default for SchemaCache {
    fn default() -> Self {
        Self::within(BYTES)
    }
}

/// Of which account, of which version, what.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Part {
    account: AccountName,
    version: u64,
    which: Which,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Which {
    Statuses,
    /// The title of the field with this key.
    TitleOf(String),
    /// The fields with this title, as titles are compared.
    Titled(String),
}

#[derive(Clone, Debug)]
enum Found {
    Statuses(Arc<CustomStatuses>),
    Title(Option<Arc<str>>),
    Fields(Titled),
}

#[derive(Clone, Debug)]
struct Bytes;

impl Weighter<Part, Found> for Bytes {
    fn weight(&self, part: &Part, found: &Found) -> u64 {
        let name = match &part.which {
            Which::Statuses => 0,
            Which::TitleOf(name) | Which::Titled(name) => name.len(),
        };
        let found = match found {
            Found::Statuses(custom) => {
                let text = custom.statuses.iter().map(|one| one.key.len() + one.name.len());
                size_of_val(custom.statuses.as_slice()) + text.sum::<usize>()
            }
            Found::Title(title) => title.as_ref().map_or(0, |title| title.len()),
            Found::Fields(fields) => fields.iter().map(|field| field.bytes()).sum(),
        };
        // A usize has at most 64 bits.
        (BESIDE + part.account.as_str().len() + name + found) as u64
    }
}

impl SchemaCache {
    fn within(bytes: u64) -> Self {
        let options = OptionsBuilder::new()
            .shards(1)
            .estimated_items_capacity(ENTRIES)
            .weight_capacity(bytes)
            .build()
            // All that it asks for is given.
            .unwrap_or_else(|_| unreachable!("capacities are set"));
        let parts = Cache::with_options(
            options,
            Bytes,
            quick_cache::DefaultHashBuilder::default(),
            quick_cache::sync::DefaultLifecycle::default(),
        );
        Self { parts }
    }

    pub fn statuses(&self, account: &AccountName, version: u64) -> Option<Arc<CustomStatuses>> {
        match self.found(account, version, Which::Statuses)? {
            Found::Statuses(statuses) => Some(statuses),
            Found::Title(_) | Found::Fields(_) => None,
        }
    }

    #[expect(clippy::option_option, reason = "what is kept may be that there is none")]
    pub fn title(
        &self,
        account: &AccountName,
        version: u64,
        key: &str,
    ) -> Option<Option<Arc<str>>> {
        match self.found(account, version, Which::TitleOf(key.to_owned()))? {
            Found::Title(title) => Some(title),
            Found::Statuses(_) | Found::Fields(_) => None,
        }
    }

    pub fn titled(&self, account: &AccountName, version: u64, title: &str) -> Option<Titled> {
        match self.found(account, version, Which::Titled(title.to_owned()))? {
            Found::Fields(fields) => Some(fields),
            Found::Statuses(_) | Found::Title(_) => None,
        }
    }

    pub fn keep_statuses(
        &self,
        account: &AccountName,
        version: u64,
        statuses: &Arc<CustomStatuses>,
    ) {
        self.keep(account, version, Which::Statuses, Found::Statuses(Arc::clone(statuses)));
    }

    pub fn keep_title(
        &self,
        account: &AccountName,
        version: u64,
        key: &str,
        title: Option<Arc<str>>,
    ) {
        self.keep(account, version, Which::TitleOf(key.to_owned()), Found::Title(title));
    }

    pub fn keep_titled(&self, account: &AccountName, version: u64, title: &str, fields: &Titled) {
        let which = Which::Titled(title.to_owned());
        self.keep(account, version, which, Found::Fields(Arc::clone(fields)));
    }

    fn found(&self, account: &AccountName, version: u64, which: Which) -> Option<Found> {
        self.parts.get(&Part { account: account.clone(), version, which })
    }

    fn keep(&self, account: &AccountName, version: u64, which: Which, found: Found) {
        self.parts.insert(Part { account: account.clone(), version, which }, found);
    }
}

#[cfg(test)]
mod tests {
    use contracts::fields::{FieldOption, FieldType, TicketField};

    use super::*;

    fn account(number: usize) -> AccountName {
        AccountName::new(format!("a{number}")).unwrap()
    }

    fn drop_down(options: usize) -> Titled {
        let option = |number| FieldOption {
            name: format!("Option number {number}"),
            tag: format!("option_{number}"),
        };
        let field = TicketField {
            key: "f".into(),
            title: "F".into(),
            field_type: FieldType::Tagger,
            options: (0..options).map(option).collect(),
            pattern: Some("[A-Z]{2}[0-9]{6}".into()),
            pattern_checked: true,
        };
        [Arc::new(SchemaField::new(&field, true))].into()
    }

    #[test]
    fn what_is_kept_is_found_for_its_version_alone() {
        let cache = SchemaCache::default();
        cache.keep_titled(&account(1), 7, "f", &drop_down(3));
        cache.keep_title(&account(1), 7, "f", Some("f".into()));
        assert!(cache.titled(&account(1), 7, "f").is_some());
        assert_eq!(cache.title(&account(1), 7, "f"), Some(Some("f".into())));
        assert!(cache.titled(&account(1), 8, "f").is_none());
        assert!(cache.titled(&account(2), 7, "f").is_none());
        assert!(cache.titled(&account(1), 7, "g").is_none());
        assert!(cache.statuses(&account(1), 7).is_none());
    }

    #[test]
    fn the_cache_stays_within_its_bytes_whatever_is_asked() {
        let cache = SchemaCache::within(1024 * 1024);
        for number in 0..2_000 {
            cache.keep_titled(&account(number), 1, "f", &drop_down(50));
        }
        assert!(cache.parts.weight() <= 1024 * 1024, "{}", cache.parts.weight());
        assert!(cache.parts.len() > 20, "{}", cache.parts.len());
        assert!(cache.titled(&account(1_999), 1, "f").is_some(), "the latest is there");
    }

    #[test]
    fn what_is_larger_than_the_cache_is_not_kept() {
        let cache = SchemaCache::within(64 * 1024);
        cache.keep_titled(&account(1), 1, "f", &drop_down(5_000));
        assert!(cache.titled(&account(1), 1, "f").is_none());
    }
}
