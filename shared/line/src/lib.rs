#![doc = include_str!("../README.md")]

mod chain;
pub mod deliveries;
mod entry;
pub mod facts;
mod finish;
pub mod hops;
mod inbound;
mod load;

pub use chain::{Chain, HopTraversal};
pub use entry::ChainEntry;
pub use facts::AccountBasics;
pub use finish::{CopyFields, DecidedFields, Finished, finish, receipt_outcome};
pub use inbound::{Inbound, dry_run, facts as facts_of};
pub use load::{Loaded, load};

/// Tables of hops and facts, in the schema of the service that uses them; versions 500 to 999 are
/// this crate's.
#[must_use]
pub fn migrations() -> Vec<sqlx::migrate::Migration> {
    sqlx::migrate!("./migrations").migrations.to_vec()
}
