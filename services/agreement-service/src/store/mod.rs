//! Rows ↔ state.

mod account;
mod agreement;
mod delayed;
mod invite_made;
mod options;
mod recovering;
mod released;

use std::collections::BTreeSet;

use contracts::{AccountName, SharingUrl};
use messaging::DecideError;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sqlx::PgConnection;

use crate::rules::invites_a_day::Invites;
use crate::rules::list::Page;
use crate::rules::recover::AccountPage;
use crate::rules::rename::MOST_AGREEMENTS;
use crate::rules::state::{Account, Agreement, State, Stored};

/// What a batch may read or change. Sets, because a batch names the same things often.
#[derive(Debug, Default)]
pub(crate) struct Wanted {
    /// Accounts by name.
    pub names: BTreeSet<String>,
    /// Accounts that may be let operate others.
    pub operators: BTreeSet<String>,
    /// Whether any account is registered.
    pub registers: bool,
    /// Accounts by public address.
    pub addresses: BTreeSet<String>,
    /// Accounts by sharing URL.
    pub sharing_urls: BTreeSet<String>,
    /// Accounts whose options in parts are needed: they may be large.
    pub with_options: BTreeSet<String>,
    /// Agreements by id; their parties come with them.
    pub agreements: BTreeSet<String>,
    /// Accounts whose live agreements a rename ends.
    pub renaming: BTreeSet<String>,
    /// Accounts with the pages of their agreements that they ask for.
    pub pages: BTreeSet<(String, Page)>,
    /// Pages of accounts that are recovered.
    pub recovering: BTreeSet<AccountPage>,
    /// Addresses and sharing URLs that the batch brings itself.
    pub coming: BTreeSet<String>,
    /// Accounts that invite.
    pub inviting: BTreeSet<String>,
    /// How many invites an account may make in 24 hours.
    pub invites_a_day: usize,
}

impl Wanted {
    /// Adds the accounts that would stand for third-party systems, and who has their names as its
    /// address.
    fn stand_under(&mut self, operator: &AccountName) {
        for url in self.sharing_urls.iter().filter_map(|text| SharingUrl::read(text).ok()) {
            if let Ok(name) = url.account_under(operator) {
                self.names.insert(name.to_string());
                self.addresses.insert(name.to_string());
            }
        }
    }
}

/// Locks and loads what is wanted: accounts first, then agreements, each in key order; then what is
/// only read.
///
/// An agreement that another transaction made in between has its parties missing here. The rules
/// then take it as not known yet, which it is: the command waits a moment and meets both. A rename
/// needs no lock on its partners: whoever makes, accepts or ends one of its agreements locks the
/// renamed account too, or, a partner that is renamed itself, the agreement.
pub(crate) async fn load(
    connection: &mut PgConnection,
    mut wanted: Wanted,
) -> Result<State, DecideError> {
    recovering::add(&mut *connection, &mut wanted).await?;
    if wanted.registers {
        account::lock_names(&mut *connection, !wanted.operators.is_empty()).await?;
    }
    let names_matter = wanted.registers || !wanted.renaming.is_empty();
    let third_parties =
        if names_matter { account::third_parties(&mut *connection).await? } else { None };
    if let Some(operator) = &third_parties {
        wanted.stand_under(operator);
    }
    let mut accounts = account::load(&mut *connection, &wanted).await?;
    // After the accounts: a recovery of one of them was waited for at its row.
    let epoch = messaging::epoch::held(&mut *connection).await?;
    let foreign_below = account::foreign_below(&mut *connection, &wanted.operators).await?;
    // After the accounts: who gave one up meanwhile was waited for at its row.
    let released = released::load(&mut *connection, &wanted.addresses).await?;
    let mut options = options::load(&mut *connection, &wanted.with_options).await?;
    for account in &mut accounts {
        account.field_options = options.remove(account.name.as_str()).unwrap_or_default();
    }
    let agreements =
        agreement::load(&mut *connection, &list(&wanted.agreements), &list(&wanted.renaming))
            .await?;
    let listed = agreement::pages(&mut *connection, &wanted.pages).await?;
    let contacts = if wanted.renaming.is_empty() && listed.is_empty() {
        Vec::new()
    } else {
        let parties = parties(agreements.iter().chain(listed.values().flatten()), &accounts);
        account::contacts(&mut *connection, &parties).await?
    };
    // After the accounts: whoever invites for the same one at a replica was waited for at its row.
    let made = invite_made::load(&mut *connection, &wanted.inviting, wanted.invites_a_day).await?;
    let crowded = crowded(&wanted, &agreements);
    let mut coming = delayed::load(connection, &invited(&wanted)).await?;
    coming.extend(wanted.coming.iter().cloned());
    Ok(State::new(Stored {
        accounts,
        agreements,
        crowded,
        listed,
        foreign_below,
        released,
        third_parties,
        contacts,
        coming,
        invites: Invites::new(wanted.invites_a_day, made),
        epoch,
    }))
}

/// Those of the parties that are not loaded.
fn parties<'a>(agreements: impl Iterator<Item = &'a Agreement>, loaded: &[Account]) -> Vec<String> {
    let loaded: BTreeSet<&AccountName> = loaded.iter().map(|account| &account.name).collect();
    let parties: BTreeSet<&AccountName> =
        agreements.flat_map(|agreement| [&agreement.sender, &agreement.receiver]).collect();
    parties.difference(&loaded).map(ToString::to_string).collect()
}

/// Renamed accounts with more agreements than a rename reads. All that were read count, also one
/// that ended meanwhile: for each that did, another may have been left out.
fn crowded(wanted: &Wanted, agreements: &[Agreement]) -> BTreeSet<AccountName> {
    let renaming = wanted.renaming.iter().filter_map(|name| AccountName::new(name.as_str()).ok());
    let count = |name: &AccountName| {
        agreements.iter().filter(|agreement| agreement.side_of(name).is_some()).count()
    };
    renaming.filter(|name| count(name) > MOST_AGREEMENTS).collect()
}

/// Saves what changed. A row that is new goes in plainly: if another transaction was faster, the
/// batch runs again and meets it. Addresses are given up before they are taken.
pub(crate) async fn save(connection: &mut PgConnection, state: &State) -> Result<(), DecideError> {
    // Its row is everybody's: whoever brings nothing leaves it alone.
    if let Some(epoch) = state.new_epoch() {
        messaging::epoch::learn(&mut *connection, epoch).await?;
    }
    account::update(&mut *connection, state.accounts().changed_rows()).await?;
    account::insert(&mut *connection, state.accounts().new_rows()).await?;
    options::save(&mut *connection, state.accounts().all()).await?;
    released::save(&mut *connection, state.released_addresses()).await?;
    agreement::insert(&mut *connection, state.agreements().new_rows()).await?;
    agreement::update(&mut *connection, state.agreements().changed_rows()).await?;
    invite_made::insert(&mut *connection, state.invites().new_ones()).await?;
    delayed::insert(connection, state.delayed()).await
}

/// What the batch invites by, and does not bring itself.
fn invited(wanted: &Wanted) -> Vec<String> {
    let invited = wanted.addresses.union(&wanted.sharing_urls);
    invited.filter(|text| !wanted.coming.contains(*text)).cloned().collect()
}

fn list(set: &BTreeSet<String>) -> Vec<String> {
    set.iter().cloned().collect()
}

/// Writes a value that the contract writes as one word.
fn word<T: Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(word)) => word,
        other => unreachable!("the contract writes this as one word, not as {other:?}"),
    }
}

/// Reads a value that the contract writes as one word.
fn read_word<T: DeserializeOwned>(table: &'static str, word: String) -> Result<T, DecideError> {
    serde_json::from_value(Value::String(word)).map_err(|error| stored(table, &error))
}

fn stored(table: &'static str, error: &impl ToString) -> DecideError {
    DecideError::Stored { table, detail: error.to_string() }
}

/// Reads a count, which is never negative.
fn read_version(table: &'static str, version: i64) -> Result<u64, DecideError> {
    u64::try_from(version).map_err(|error| stored(table, &error))
}

/// Writes a count. It rises by one with each change, so it never comes near the limit.
fn version(version: u64) -> i64 {
    i64::try_from(version).unwrap_or(i64::MAX)
}
