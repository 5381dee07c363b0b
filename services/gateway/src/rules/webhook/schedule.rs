//! When a delivery that was not taken is tried again.

use std::time::Duration;

/// Each delay, in units of the first: with 5 seconds these are 5 s, 1 min, 5 min, 30 min, 2 h, 5 h,
/// 10 h, 14 h, 20 h and 24 h, three days in all.
const UNITS: [u32; 10] = [1, 12, 60, 360, 1_440, 3_600, 7_200, 10_080, 14_400, 17_280];

/// The longest that an endpoint may ask to be left alone.
const LONGEST_ASKED: Duration = Duration::from_hours(24);

/// How the delays grow.
#[derive(Clone, Copy, Debug)]
pub struct Schedule {
    /// After the first failure.
    pub first: Duration,
}

impl Schedule {
    /// How long to wait after so many failures of one delivery; nothing when it was tried often
    /// enough. `asked` is what the endpoint asked for, which is never cut short, up to a day.
    /// `chance`, from 0 to 1, lengthens a delay by up to a quarter: endpoints that failed together
    /// do not come back together.
    #[must_use]
    pub fn delay(self, failures: u32, asked: Option<Duration>, chance: f64) -> Option<Duration> {
        let place = usize::try_from(failures.max(1) - 1).ok()?;
        let planned = self.first.saturating_mul(*UNITS.get(place)?);
        let least = planned.max(asked.unwrap_or_default().min(LONGEST_ASKED));
        Some(least + least.mul_f64(chance.clamp(0.0, 1.0) / 4.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const USUAL: Schedule = Schedule { first: Duration::from_secs(5) };

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
}
