//! What clicks took, and how often pages were told to look again.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What somebody clicks on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Click {
    Ticket,
    Unsolved,
    Later,
    Mine,
    Received,
    Own,
    Search,
    /// A note, until it is kept.
    Note,
}

impl Click {
    pub const ALL: [Self; 8] = [
        Self::Ticket,
        Self::Unsolved,
        Self::Later,
        Self::Mine,
        Self::Received,
        Self::Own,
        Self::Search,
        Self::Note,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Ticket => "ticket page",
            Self::Unsolved => "view of all unsolved",
            Self::Later => "the same, tenth page",
            Self::Mine => "view of one's own",
            Self::Received => "view of what was received",
            Self::Own => "views of the account's own",
            Self::Search => "search",
            Self::Note => "note, until it is kept",
        }
    }
}

/// One click: on what, when, and how long until the page was there.
#[derive(Clone, Copy, Debug)]
pub struct Clicked {
    pub on: Click,
    pub at: Instant,
    pub took: Duration,
}

/// What all agents see together.
#[derive(Debug, Default)]
pub struct Tally {
    clicks: Mutex<Vec<Clicked>>,
    renewals: Mutex<Vec<(Instant, Duration)>>,
    told: AtomicUsize,
    failed: Mutex<Vec<String>>,
}

impl Tally {
    pub fn clicked(&self, clicked: Clicked) {
        self.clicks.lock().unwrap_or_else(PoisonError::into_inner).push(clicked);
    }

    pub fn renewed(&self, took: Duration) {
        let mut renewals = self.renewals.lock().unwrap_or_else(PoisonError::into_inner);
        renewals.push((Instant::now(), took));
    }

    pub fn told(&self, times: usize) {
        self.told.fetch_add(times, Ordering::Relaxed);
    }

    pub fn failed(&self, why: String) {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).push(why);
    }

    /// Why clicks and streams failed.
    pub fn failures(&self) -> Vec<String> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How often streams said that something changed.
    pub fn times_told(&self) -> usize {
        self.told.load(Ordering::Relaxed)
    }

    /// What clicks of this kind, or of all, took that were made between two moments.
    pub fn took(&self, on: Option<Click>, from: Instant, to: Instant) -> Times {
        let clicks = self.clicks.lock().unwrap_or_else(PoisonError::into_inner);
        let some = clicks.iter().filter(|it| on.is_none_or(|on| on == it.on));
        let some = some.filter(|it| (from..to).contains(&it.at));
        Times::of(some.map(|it| it.took).collect())
    }

    /// What renewals took that ended between two moments.
    pub fn renewals(&self, from: Instant, to: Instant) -> Times {
        let renewals = self.renewals.lock().unwrap_or_else(PoisonError::into_inner);
        let some = renewals.iter().filter(|(at, _)| (from..to).contains(at));
        Times::of(some.map(|(_, took)| *took).collect())
    }
}

/// Times in order.
pub struct Times(Vec<Duration>);

impl Times {
    fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        Self(times)
    }

    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The time within which so many of a thousand were done; the shortest that says so.
    pub fn within(&self, thousandths: usize) -> Duration {
        let place = (self.0.len() * thousandths).div_ceil(1000).saturating_sub(1);
        self.0.get(place).copied().unwrap_or_default()
    }

    pub fn longest(&self) -> Duration {
        self.0.last().copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_hundred_the_p99_is_the_third_longest() {
        let times = Times::of((1..=200).map(Duration::from_millis).collect());
        assert_eq!(times.within(990), Duration::from_millis(198));
        assert_eq!(times.within(500), Duration::from_millis(100));
        assert_eq!((times.longest(), times.count()), (Duration::from_millis(200), 200));
        assert_eq!(Times::of(Vec::new()).within(990), Duration::ZERO);
    }
}
