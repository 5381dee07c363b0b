//! Rows ↔ what an account holds.

pub mod account;
pub(crate) mod load;
pub mod read;
pub(crate) mod save;
pub(crate) mod tickets;
