//! Rows ↔ state.

pub(crate) mod ccs;
pub(crate) mod comment;
pub(crate) mod first_versions;
pub(crate) mod missed_redaction;
pub(crate) mod redaction;

use contracts::ids::InvalidId;
use messaging::DecideError;

fn stored(table: &'static str) -> impl Fn(InvalidId) -> DecideError {
    move |error| DecideError::Stored { table, detail: error.to_string() }
}
