//! The time and chance that requests come with; all below is given them as values.

use contracts::Timestamp;
use uuid::Uuid;

/// The time of day.
#[expect(clippy::disallowed_methods, reason = "a request comes without a time")]
pub(crate) fn now() -> Timestamp {
    chrono::Utc::now().into()
}

/// An id that nothing has.
#[expect(clippy::disallowed_methods, reason = "a request may come without a key")]
pub(crate) fn new_id() -> Uuid {
    Uuid::new_v4()
}
