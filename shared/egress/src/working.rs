//! Calls of one loop that are under way.

use std::time::Duration;

use tokio::task::JoinSet;

/// How long calls that are broken off may take to end: what they hold, others may have after it.
const ENDING: Duration = Duration::from_secs(10);

/// Calls that are under way: those to hosts whose last call failed get half of all places at most,
/// so that they hold up nobody, however many they are.
#[derive(Debug, Default)]
pub struct Working {
    healthy: JoinSet<()>,
    failing: JoinSet<()>,
}

impl Working {
    /// How many more may be begun, of so many at once.
    pub fn free(&mut self, at_once: usize, failing: bool) -> usize {
        while self.healthy.try_join_next().is_some() {}
        while self.failing.try_join_next().is_some() {}
        let free = at_once.saturating_sub(self.healthy.len() + self.failing.len());
        let of_failing = (at_once / 2).max(1).saturating_sub(self.failing.len());
        if failing { free.min(of_failing) } else { free }
    }

    /// Begins one, which is dropped when it takes longer than `lease`: others may have what it
    /// holds from then on.
    pub fn begin(
        &mut self,
        failing: bool,
        lease: Duration,
        call: impl Future<Output = ()> + Send + 'static,
    ) {
        let set = if failing { &mut self.failing } else { &mut self.healthy };
        set.spawn(async move {
            tokio::time::timeout(lease, call).await.ok();
        });
    }

    /// Waits until one ends. What panicked is told by the process's own hook, and its lease ends.
    pub async fn one_ended(&mut self) {
        tokio::select! {
            Some(_) = self.healthy.join_next() => {}
            Some(_) = self.failing.join_next() => {}
            else => std::future::pending().await,
        }
    }

    /// Waits until all have ended, ten seconds at most; then they are dropped.
    pub async fn all_ended(&mut self) {
        let ended = async {
            while self.healthy.join_next().await.is_some() {}
            while self.failing.join_next().await.is_some() {}
        };
        if tokio::time::timeout(ENDING, ended).await.is_err() {
            self.healthy.shutdown().await;
            self.failing.shutdown().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    const LONG: Duration = Duration::from_hours(1);

    #[tokio::test(start_paused = true)]
    async fn what_never_ends_takes_its_place_for_its_lease_and_no_stop_waits_for_it() {
        let mut working = Working::default();
        working.begin(false, Duration::from_mins(1), pending());
        working.one_ended().await;
        assert_eq!(working.free(1, false), 1);
        working.begin(true, LONG, pending());
        working.all_ended().await;
        assert_eq!(working.free(1, true), 1);
    }

    #[tokio::test]
    async fn those_that_fail_get_half_of_the_places() {
        let mut working = Working::default();
        assert_eq!((working.free(5, false), working.free(5, true)), (5, 2));
        working.begin(true, LONG, pending());
        working.begin(true, LONG, pending());
        assert_eq!((working.free(5, false), working.free(5, true)), (3, 0));
        for _ in 0..3 {
            working.begin(false, LONG, pending());
        }
        assert_eq!((working.free(5, false), working.free(5, true)), (0, 0));
        assert_eq!((working.free(1, false), Working::default().free(1, true)), (0, 1));
    }

    #[tokio::test]
    async fn what_has_ended_takes_no_place() {
        let mut working = Working::default();
        working.begin(false, LONG, ready(()));
        working.one_ended().await;
        assert_eq!(working.free(1, false), 1);
        working.begin(true, LONG, ready(()));
        working.all_ended().await;
        assert_eq!(working.free(1, true), 1);
    }
}
