//! Rows ↔ state.

mod field;

pub(crate) use field::{StoredFields, load, save};
