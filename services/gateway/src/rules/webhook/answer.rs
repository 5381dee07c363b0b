//! What an endpoint's answer means, and what happens after it.

use std::time::Duration;

use chrono::{DateTime, Utc};
use egress::{RetrySchedule, retry_after};

/// An endpoint that took nothing for so long is switched off.
pub const OFF_AFTER: Duration = Duration::from_hours(5 * 24);

const TOO_MANY_REQUESTS: u16 = 429;
const UNAVAILABLE: u16 = 503;
const GONE: u16 = 410;

/// What came back from an endpoint.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'a> {
    /// The status; nothing when there was no answer.
    pub status: Option<u16>,
    /// The header `Retry-After`.
    pub retry_after: Option<&'a str>,
    /// When it came.
    pub at: DateTime<Utc>,
}

/// What an answer means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// The delivery was taken.
    Taken,
    /// It was not, and may be tried again, not before this time is over.
    NotTaken(Option<Duration>),
    /// The endpoint wants nothing any more.
    Gone,
}

impl Answer<'_> {
    /// 2xx takes; 410 ends; all else, a redirect too, has to be tried again. `Retry-After` counts
    /// where the standard has it: with 429 and 503.
    #[must_use]
    pub fn meaning(&self) -> Meaning {
        match self.status {
            Some(200..=299) => Meaning::Taken,
            Some(GONE) => Meaning::Gone,
            Some(TOO_MANY_REQUESTS | UNAVAILABLE) => {
                Meaning::NotTaken(self.retry_after.and_then(|text| retry_after(text, self.at)))
            }
            _ => Meaning::NotTaken(None),
        }
    }
}

/// What was before this answer.
#[derive(Clone, Copy, Debug)]
pub struct History {
    /// Failures of this delivery.
    pub failures: u32,
    /// Since when the endpoint has taken nothing.
    pub failing_since: Option<DateTime<Utc>>,
}

/// Why an endpoint gets nothing any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Off {
    /// It answered 410.
    Gone,
    /// It only failed, for five days.
    Failing,
}

impl Off {
    /// As it is told.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Gone => "gone",
            Self::Failing => "failing",
        }
    }
}

/// What happens after an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// The next delivery.
    GoOn,
    /// The same one, after this time.
    Again(Duration),
    /// It was tried often enough: the next one. It can still be sent again on request.
    GiveUp,
    /// Nothing, until the account switches it on again.
    SwitchOff(Off),
}

/// What happens after an answer. `chance`, from 0 to 1, is for the delay.
#[must_use]
pub fn next(answer: &Answer<'_>, before: History, schedule: RetrySchedule, chance: f64) -> Next {
    let asked = match answer.meaning() {
        Meaning::Taken => return Next::GoOn,
        Meaning::Gone => return Next::SwitchOff(Off::Gone),
        Meaning::NotTaken(asked) => asked,
    };
    let failing = before.failing_since.and_then(|since| (answer.at - since).to_std().ok());
    if failing.is_some_and(|failing| failing >= OFF_AFTER) {
        return Next::SwitchOff(Off::Failing);
    }
    let delay = schedule.delay(before.failures.saturating_add(1), asked, chance);
    delay.map_or(Next::GiveUp, Next::Again)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn answer(status: u16, retry_after: Option<&str>) -> Answer<'_> {
        let at = at("2026-11-29T12:00:00Z");
        Answer { status: (status != 0).then_some(status), retry_after, at }
    }

    #[test]
    fn an_answer_means_what_its_status_says() {
        let wait = |seconds| Meaning::NotTaken(Some(Duration::from_secs(seconds)));
        let failed = Meaning::NotTaken(None);
        for (status, retry_after, meaning) in [
            (200, None, Meaning::Taken),
            (202, Some("60"), Meaning::Taken),
            (204, None, Meaning::Taken),
            (299, None, Meaning::Taken),
            (301, None, failed),
            (400, None, failed),
            (404, None, failed),
            (410, None, Meaning::Gone),
            (410, Some("60"), Meaning::Gone),
            (429, None, failed),
            (429, Some("120"), wait(120)),
            (503, Some(" 7 "), wait(7)),
            (503, Some("Sun, 29 Nov 2026 12:00:30 GMT"), wait(30)),
            (503, Some("Sun, 29 Nov 2026 11:00:00 GMT"), wait(0)),
            (503, Some("99999999999999999999999"), wait(u64::MAX)),
            (503, Some("soon"), failed),
            (503, Some("-1"), failed),
            (503, Some(""), failed),
            (500, Some("60"), failed),
            (0, None, failed),
        ] {
            assert_eq!(answer(status, retry_after).meaning(), meaning, "{status} {retry_after:?}");
        }
    }

    #[test]
    fn what_follows_depends_on_what_was_before() {
        let schedule = RetrySchedule { first: Duration::from_secs(5) };
        let (none, days) = (None, |day| Some(at(&format!("2026-11-{day}T12:00:00Z"))));
        let again = |seconds| Next::Again(Duration::from_secs(seconds));
        for (status, retry_after, failures, failing_since, expected) in [
            (200, None, 0, none, Next::GoOn),
            (200, None, 9, days(20), Next::GoOn),
            (500, None, 0, none, again(5)),
            (500, None, 1, days(29), again(60)),
            (0, None, 2, days(29), again(300)),
            (429, Some("600"), 0, none, again(600)),
            (429, Some("1"), 0, none, again(5)),
            (503, Some("999999"), 0, none, again(86_400)),
            (500, None, 9, days(25), again(86_400)),
            (500, None, 10, days(25), Next::GiveUp),
            (500, None, 0, days(25), again(5)),
            (500, None, 0, days(24), Next::SwitchOff(Off::Failing)),
            (500, None, 10, days(20), Next::SwitchOff(Off::Failing)),
            (410, None, 0, none, Next::SwitchOff(Off::Gone)),
            (410, None, 3, days(20), Next::SwitchOff(Off::Gone)),
        ] {
            let before = History { failures, failing_since };
            let next = next(&answer(status, retry_after), before, schedule, 0.0);
            assert_eq!(next, expected, "{status} {retry_after:?} {before:?}");
        }
    }
}
