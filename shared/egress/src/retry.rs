//! When a call that failed is made again.

use std::time::Duration;

use chrono::{DateTime, Utc};

/// Each delay, in units of the first: with 5 seconds these are 5 s, 1 min, 5 min, 30 min, 2 h, 5 h,
/// 10 h, 14 h, 20 h and 24 h, three days in all.
const UNITS: [u32; 10] = [1, 12, 60, 360, 1_440, 3_600, 7_200, 10_080, 14_400, 17_280];

/// The longest that somebody may ask to be left alone.
const LONGEST_ASKED: Duration = Duration::from_hours(24);

/// How the delays grow.
#[derive(Clone, Copy, Debug)]
pub struct RetrySchedule {
    /// After the first failure.
    pub first: Duration,
}

impl RetrySchedule {
    /// How long to wait after so many failures of one call; nothing when it was made often enough.
    /// `asked` is what the other side asked for, which is never cut short, up to a day. `chance`,
    /// from 0 to 1, lengthens a delay by up to a quarter: calls that failed together do not come
    /// back together.
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
pub fn retry_after(text: &str, now: DateTime<Utc>) -> Option<Duration> {
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

    const USUAL: RetrySchedule = RetrySchedule { first: Duration::from_secs(5) };

    #[test]
    fn delays_grow_over_three_days_and_then_end() {
        let seconds = [5, 60, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];
        for (failures, expected) in (1..).zip(seconds) {
            let delay = USUAL.delay(failures, None, 0.0);
            assert_eq!(delay, Some(Duration::from_secs(expected)), "{failures}");
        }
        assert_eq!(USUAL.delay(11, None, 0.0), None);
        assert_eq!(USUAL.delay(u32::MAX, None, 0.0), None);
        assert_eq!(seconds.iter().sum::<u64>() / 86_400, 3);
    }

    #[test]
    fn chance_lengthens_and_what_was_asked_for_is_the_least() {
        let (second, hour) = (Duration::from_secs(1), Duration::from_hours(1));
        for (failures, asked, chance, expected) in [
            (1, None, 1.0, Duration::from_millis(6_250)),
            (1, None, 7.0, Duration::from_millis(6_250)),
            (1, None, f64::NEG_INFINITY, Duration::from_secs(5)),
            (1, Some(second), 0.0, Duration::from_secs(5)),
            (1, Some(hour), 0.0, hour),
            (1, Some(Duration::MAX), 0.0, Duration::from_hours(24)),
            (10, Some(hour), 0.0, Duration::from_hours(24)),
        ] {
            let delay = USUAL.delay(failures, asked, chance);
            assert_eq!(delay, Some(expected), "{failures} {asked:?} {chance}");
        }
    }

    #[test]
    fn who_asks_to_be_left_alone_says_seconds_or_a_time() {
        let now = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        assert_eq!(retry_after(" 120 ", now), Some(Duration::from_mins(2)));
        let in_a_minute = retry_after("Tue, 14 Nov 2023 22:14:20 GMT", now);
        assert_eq!(in_a_minute, Some(Duration::from_mins(1)));
        assert_eq!(retry_after("Tue, 14 Nov 2023 22:00:00 GMT", now), Some(Duration::ZERO));
        assert_eq!(retry_after("soon", now), None);
    }
}
