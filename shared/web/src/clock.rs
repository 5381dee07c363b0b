//! The time that a page is shown at, and ids of chance; all below is given them as values.

use chrono::{DateTime, Utc};
use uuid::Uuid;

#[expect(clippy::disallowed_methods, reason = "a page is asked for without a time")]
pub(crate) fn now() -> DateTime<Utc> {
    Utc::now()
}

#[expect(clippy::disallowed_methods, reason = "a person and an agreement are named here")]
pub(crate) fn new_id() -> Uuid {
    Uuid::new_v4()
}
