//! The one place where the runtime reads the time of day.

use contracts::Timestamp;

/// The clock of the runtime.
#[expect(
    clippy::disallowed_methods,
    reason = "the runtime reads the clock, so that nothing else has to"
)]
pub(crate) fn now() -> Timestamp {
    Timestamp::from(chrono::Utc::now())
}
