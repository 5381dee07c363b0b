//! Rows ↔ what an account holds.

pub mod account;
pub(crate) mod load;
pub mod read;
pub(crate) mod save;
pub mod shown;
pub(crate) mod tickets;

use serde_json::Value;

/// A body as it is kept. Read here and not by the database, whose JSON lacks what JSON may have.
pub(crate) fn json(text: &str) -> sqlx::Result<Value> {
    serde_json::from_str(text).map_err(|error| sqlx::Error::Decode(error.into()))
}
