//! Which parked messages are meant.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use contracts::Timestamp;
use uuid::Uuid;

use crate::park_reason::ParkReason;

/// Which parked messages are meant: those to which everything given applies. Nothing given means
/// all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ParkedFilter {
    /// These, by the ids of their rows.
    pub ids: Vec<Uuid>,
    /// Parked for this reason.
    pub reason: Option<ParkReason>,
    /// Whose they are.
    pub account: Option<String>,
    /// Of this AMQP `type`.
    pub message_type: Option<String>,
    /// Parked at least so long ago, the last time.
    pub older_than: Option<Duration>,
    /// Parked at most so long ago, the last time.
    pub newer_than: Option<Duration>,
    /// At most so many, those first that arrived first.
    pub limit: Option<u32>,
}

/// The condition of a query over open rows. Its parameters are those that [`ParkedFilter::bind`]
/// binds: `$1` to `$6`.
macro_rules! matching {
    ($before:literal, $after:literal) => {
        concat!(
            $before,
            " where state = 'parked' and ($1::uuid[] is null or id = any($1)) and ($2::text is \
             null or reason = $2)
               and ($3::text is null or account = $3)
               and ($4::timestamptz is null or parked_at <= $4)
               and ($5::timestamptz is null or parked_at >= $5)
               and ($6::text is null or message_type = $6) ",
            $after
        )
    };
}
pub(super) use matching;

/// The values of a filter, in the order of [`matching`]'s parameters.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Values {
    pub ids: Option<Vec<Uuid>>,
    pub reason: Option<&'static str>,
    pub account: Option<String>,
    pub not_after: Option<DateTime<Utc>>,
    pub not_before: Option<DateTime<Utc>>,
    pub message_type: Option<String>,
    pub limit: Option<i64>,
}

impl ParkedFilter {
    /// Whether it means every parked message.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        *self == Self::default()
    }

    pub(super) fn values(&self, now: Timestamp) -> Values {
        let ago = |age: Duration| {
            let earliest = DateTime::<Utc>::UNIX_EPOCH;
            TimeDelta::from_std(age)
                .ok()
                .and_then(|age| now.utc().checked_sub_signed(age))
                .unwrap_or(earliest)
                .max(earliest)
        };
        Values {
            ids: Some(self.ids.clone()).filter(|ids| !ids.is_empty()),
            reason: self.reason.map(ParkReason::code),
            account: self.account.clone(),
            not_after: self.older_than.map(ago),
            not_before: self.newer_than.map(ago),
            message_type: self.message_type.clone(),
            limit: self.limit.map(i64::from),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_become_points_in_time_and_nothing_given_means_all() {
        let now = Timestamp::parse("2026-03-01T12:00:00Z").unwrap();
        let at = |text: &str| Some(Timestamp::parse(text).unwrap().utc());
        let hours = |hours: u64| Some(Duration::from_hours(hours));
        let filter = ParkedFilter {
            older_than: hours(2),
            newer_than: hours(24),
            limit: Some(3),
            ..ParkedFilter::default()
        };
        let values = filter.values(now);
        assert_eq!(
            (values.not_after, values.not_before),
            (at("2026-03-01T10:00:00Z"), at("2026-02-28T12:00:00Z"))
        );
        assert_eq!((values.ids, values.limit), (None, Some(3)));
        assert!(!filter.is_everything() && ParkedFilter::default().is_everything());
    }

    #[test]
    fn an_age_beyond_all_time_is_the_beginning_of_it() {
        let now = Timestamp::parse("2026-03-01T12:00:00Z").unwrap();
        for age in [Duration::MAX, Duration::from_hours(24 * 365 * 1000)] {
            let filter = ParkedFilter { newer_than: Some(age), ..ParkedFilter::default() };
            assert_eq!(filter.values(now).not_before, Some(DateTime::UNIX_EPOCH));
        }
    }
}
