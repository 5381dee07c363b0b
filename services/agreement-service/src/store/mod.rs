//! Rows ↔ state.

mod account;
mod agreement;

use std::collections::BTreeSet;

use messaging::DecideError;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sqlx::PgConnection;

use crate::rules::state::State;

/// What a batch may read or change. Sets, because a batch names the same things often.
#[derive(Debug, Default)]
pub(crate) struct Wanted {
    /// Accounts by name.
    pub names: BTreeSet<String>,
    /// Accounts by public address.
    pub addresses: BTreeSet<String>,
    /// Accounts by sharing URL.
    pub sharing_urls: BTreeSet<String>,
    /// Agreements by id; their parties come with them.
    pub agreements: BTreeSet<String>,
}

/// Locks and loads what is wanted: accounts first, then agreements, each in key order.
///
/// An agreement that another transaction made in between has its parties missing here. The rules then take it as not known
/// yet, which it is: the command waits a moment and meets both.
pub(crate) async fn load(connection: &mut PgConnection, wanted: &Wanted) -> Result<State, DecideError> {
    let accounts = account::load(&mut *connection, wanted).await?;
    let agreements =
        if wanted.agreements.is_empty() { Vec::new() } else { agreement::load(connection, &list(&wanted.agreements)).await? };
    Ok(State::new(accounts, agreements))
}

/// Saves what changed. A row that is new goes in plainly: if another transaction was faster, the batch runs again and meets it.
pub(crate) async fn save(connection: &mut PgConnection, state: &State) -> Result<(), DecideError> {
    account::insert(&mut *connection, state.accounts().new_rows()).await?;
    account::update(&mut *connection, state.accounts().changed_rows()).await?;
    agreement::insert(&mut *connection, state.agreements().new_rows()).await?;
    agreement::update(connection, state.agreements().changed_rows()).await
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
