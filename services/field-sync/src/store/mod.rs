//! Rows ↔ state.

mod account_field;
mod field;
mod schema;
mod schema_cache;

pub(crate) use account_field::renew;
pub(crate) use field::{StoredFields, load_named, load_revisions, load_tags, load_whole, save};
pub(crate) use schema::SchemaReader;
pub(crate) use schema_cache::SchemaCache;
