//! Rows ↔ state.

mod comment;

pub(crate) use comment::{Wanted, load, save};
