//! Points in time, however they are held.

use chrono::{DateTime, Utc};
use contracts::Timestamp;

/// Something that says when.
pub trait When {
    /// When; nothing if it is no time.
    fn utc(&self) -> Option<DateTime<Utc>>;
}

impl When for DateTime<Utc> {
    fn utc(&self) -> Option<DateTime<Utc>> {
        Some(*self)
    }
}

impl When for Timestamp {
    fn utc(&self) -> Option<DateTime<Utc>> {
        Some(Timestamp::utc(*self))
    }
}

/// RFC 3339.
impl When for str {
    fn utc(&self) -> Option<DateTime<Utc>> {
        DateTime::parse_from_rfc3339(self).ok().map(|at| at.to_utc())
    }
}

impl When for String {
    fn utc(&self) -> Option<DateTime<Utc>> {
        self.as_str().utc()
    }
}

impl<T: When + ?Sized> When for &T {
    fn utc(&self) -> Option<DateTime<Utc>> {
        (**self).utc()
    }
}
