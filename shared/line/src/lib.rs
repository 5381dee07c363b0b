#![doc = include_str!("../README.md")]

mod chain;
pub mod deliveries;
pub mod facts;
mod finish;
pub mod hops;

pub use chain::{Chain, HopTraversal};
pub use finish::{CopyFields, DecidedFields, Finished, finish, receipt_outcome};

/// Tables of hops and facts, in the schema of the service that uses them; versions 500 to 999 are
/// this crate's.
#[must_use]
pub fn migrations() -> Vec<sqlx::migrate::Migration> {
    sqlx::migrate!("./migrations").migrations.to_vec()
}
