//! What is asked of accounts' schemas, as their facts are in this transaction.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use contracts::AccountName;
use contracts::fields::CustomStatuses;
use line::{AccountBasics, facts};
use messaging::DecideError;
use sqlx::PgConnection;

use super::account_field::{self, Asked, from_facts, renew};
use super::schema_cache::{SchemaCache, Titled};
use crate::rules::SchemaField;

/// Names of accounts' fields: keys, or titles as titles are compared.
pub(crate) type Names = BTreeSet<(AccountName, String)>;

/// Reads schemas: what is kept of the version that an account has now, and the rest from its rows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SchemaReader<'a> {
    pub cache: &'a SchemaCache,
    /// The accounts as they are now. What is asked of any other is not there.
    pub accounts: &'a BTreeMap<AccountName, AccountBasics>,
}

impl SchemaReader<'_> {
    /// The title of each key, as titles are compared; a key that the account does not have is
    /// absent.
    pub async fn titles(
        self,
        connection: &mut PgConnection,
        keys: &Names,
    ) -> Result<BTreeMap<(AccountName, String), Arc<str>>, DecideError> {
        let mut found: BTreeMap<(AccountName, String), Arc<str>> = BTreeMap::new();
        let mut missing = Names::new();
        for (account, version, key) in self.versions(keys) {
            match self.cache.title(account, version, key) {
                Some(title) => {
                    found.extend(title.map(|title| ((account.clone(), key.to_owned()), title)));
                }
                None => drop(missing.insert((account.clone(), key.to_owned()))),
            }
        }
        let mut keep = |account: &AccountName, version: u64, key: &str, title: Option<Arc<str>>| {
            self.cache.keep_title(account, version, key, title.clone());
            found.extend(title.map(|title| ((account.clone(), key.to_owned()), title)));
        };
        for (account, key, title) in
            account_field::titles(connection, &self.asked(&missing)).await?
        {
            if let Some((account, version)) = self.version(&account) {
                keep(account, version, &key, title.map(Arc::from));
                missing.remove(&(account.clone(), key));
            }
        }
        let behind = accounts_of(&missing);
        self.read_facts(connection, &behind, |account, version, fields| {
            for (_, key) in missing.iter().filter(|(asked, _)| asked == account) {
                let field = fields.iter().find(|field| *field.key == **key);
                keep(account, version, key, field.map(|field| field.folded_title().into()));
            }
        })
        .await?;
        Ok(found)
    }

    /// The fields with each title.
    pub async fn fields(
        self,
        connection: &mut PgConnection,
        titles: &Names,
    ) -> Result<BTreeMap<AccountName, Vec<Arc<SchemaField>>>, DecideError> {
        let mut found: BTreeMap<AccountName, Vec<Arc<SchemaField>>> = BTreeMap::new();
        let mut missing = Names::new();
        for (account, version, title) in self.versions(titles) {
            match self.cache.titled(account, version, title) {
                Some(fields) => {
                    found.entry(account.clone()).or_default().extend(fields.iter().cloned());
                }
                None => drop(missing.insert((account.clone(), title.to_owned()))),
            }
        }
        let mut keep = |account: &AccountName, version: u64, title: &str, fields: &Titled| {
            self.cache.keep_titled(account, version, title, fields);
            found.entry(account.clone()).or_default().extend(fields.iter().cloned());
        };
        let rows = account_field::titled(connection, &self.asked(&missing)).await?;
        let mut by_title: BTreeMap<(&str, &str), Vec<Arc<SchemaField>>> = BTreeMap::new();
        for row in &rows {
            let fields = by_title.entry((&row.account, &row.title)).or_default();
            fields.extend(row.field().map(Arc::new));
        }
        for ((account, title), fields) in by_title {
            if let Some((account, version)) = self.version(account) {
                keep(account, version, title, &fields.into());
                missing.remove(&(account.clone(), title.to_owned()));
            }
        }
        let behind = accounts_of(&missing);
        self.read_facts(connection, &behind, |account, version, fields| {
            let fields: Vec<Arc<SchemaField>> = fields.into_iter().map(Arc::new).collect();
            for (_, title) in missing.iter().filter(|(asked, _)| asked == account) {
                let same = fields.iter().filter(|field| field.folded_title() == title);
                keep(account, version, title, &same.cloned().collect());
            }
        })
        .await?;
        Ok(found)
    }

    /// Accounts' custom statuses.
    pub async fn statuses(
        self,
        connection: &mut PgConnection,
        accounts: &BTreeSet<AccountName>,
    ) -> Result<BTreeMap<AccountName, Arc<CustomStatuses>>, DecideError> {
        let mut found = BTreeMap::new();
        let mut missing = BTreeSet::new();
        for account in accounts.iter().filter_map(|name| self.accounts.get(name)) {
            let name = &account.account;
            match self.cache.statuses(name, account.version) {
                Some(statuses) => drop(found.insert(name.clone(), statuses)),
                None => drop(missing.insert(name.clone())),
            }
        }
        for (name, (version, statuses)) in facts::custom_statuses(connection, &missing).await? {
            let statuses = Arc::new(statuses);
            self.cache.keep_statuses(&name, version, &statuses);
            found.insert(name, statuses);
        }
        Ok(found)
    }

    /// Of accounts whose rows are of another version than their fact; their rows are written anew,
    /// so that it is done once.
    async fn read_facts(
        self,
        connection: &mut PgConnection,
        behind: &BTreeSet<AccountName>,
        take: impl FnMut(&AccountName, u64, Vec<SchemaField>) + Send,
    ) -> Result<(), DecideError> {
        if behind.is_empty() {
            return Ok(());
        }
        renew(&mut *connection, behind, &[]).await?;
        from_facts(connection, behind, take).await?;
        Ok(())
    }

    fn version(&self, account: &str) -> Option<(&AccountName, u64)> {
        // A name is compared as its text.
        let account = self.accounts.get(&AccountName::new(account).ok()?)?;
        Some((&account.account, account.version))
    }

    fn versions<'a>(
        &'a self,
        names: &'a Names,
    ) -> impl Iterator<Item = (&'a AccountName, u64, &'a str)> {
        names.iter().filter_map(|(account, name)| {
            let version = self.accounts.get(account)?.version;
            Some((account, version, name.as_str()))
        })
    }

    fn asked<'a>(&'a self, names: &'a Names) -> Vec<Asked<'a>> {
        let asked = self.versions(names);
        asked.map(|(account, version, name)| Asked { account, version, name }).collect()
    }
}

fn accounts_of(names: &Names) -> BTreeSet<AccountName> {
    names.iter().map(|(account, _)| account.clone()).collect()
}
