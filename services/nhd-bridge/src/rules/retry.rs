//! When a call that failed is made again.

use std::time::Duration;

use chrono::{DateTime, Utc};

/// Each delay, in units of the first: with 5 seconds these are 5 s, 1 min, 5 min, 30 min, 2 h, 5 h,
/// 10 h, 14 h, 20 h and 24 h, three days in all.
const UNITS: [u32; 10] = [1, 12, 60, 360, 1_440, 3_600, 7_200, 10_080, 14_400, 17_280];

/// The longest that a partner may ask to be left alone.
const LONGEST_ASKED: Duration = Duration::from_hours(24);

/// How the delays grow.
#[derive(Clone, Copy, Debug)]
pub struct RetrySchedule {
    /// After the first failure.
    pub first: Duration,
}

impl RetrySchedule {
    /// How long to wait after so many failures of one call; nothing when it was made often enough.
    /// `asked` is what the partner asked for, which is never cut short, up to a day. `chance`, from 0
    /// to 1, lengthens a delay by up to a quarter: calls that failed together do not come back
    /// together.
    #[must_use]
    pub fn delay(self, failures: u32, asked: Option<Duration>, chance: f64) -> Option<Duration> {
        let place = usize::try_from(failures.max(1) - 1).ok()?;
        let planned = self.first.saturating_mul(*UNITS.get(place)?);
        let least = planned.max(asked.unwrap_or_default().min(LONGEST_ASKED));
        Some(least + least.mul_f64(chance.clamp(0.0, 1.0) / 4.0))
    }
}

/// What `Retry-After` asks for: seconds, or a time of day (RFC 9110, 10.2.3).
#[must_use]
pub fn asked(text: &str, now: DateTime<Utc>) -> Option<Duration> {
    let text = text.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)));
    }
    let until = DateTime::parse_from_rfc2822(text).ok()?;
    Some((until.to_utc() - now).to_std().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_over_three_days_and_then_end() {
        let usual = RetrySchedule { first: Duration::from_secs(5) };
        let delays: Vec<u64> =
            (1..).map_while(|n| usual.delay(n, None, 0.0)).map(|it| it.as_secs()).collect();
        assert_eq!((delays.len(), delays[0], delays[9]), (10, 5, 86_400));
        assert!(delays.is_sorted() && delays.iter().sum::<u64>() / 86_400 == 3);
        assert_eq!(usual.delay(1, None, 1.0), Some(Duration::from_millis(6_250)));
        let hour = Duration::from_hours(1);
        assert_eq!(usual.delay(1, Some(hour), 0.0), Some(hour));
        assert_eq!(usual.delay(1, Some(Duration::MAX), 0.0), Some(LONGEST_ASKED));
    }

    #[test]
    fn a_partner_asks_in_seconds_or_for_a_time() {
        let now = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        assert_eq!(asked(" 120 ", now), Some(Duration::from_mins(2)));
        assert_eq!(asked("Tue, 14 Nov 2023 22:14:20 GMT", now), Some(Duration::from_mins(1)));
        assert_eq!(asked("Tue, 14 Nov 2023 22:00:00 GMT", now), Some(Duration::ZERO));
        assert_eq!(asked("soon", now), None);
    }
}
