//! Calls of one loop that are under way.

use tokio::task::JoinSet;

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

    /// Begins one.
    pub fn begin(&mut self, failing: bool, call: impl Future<Output = ()> + Send + 'static) {
        let set = if failing { &mut self.failing } else { &mut self.healthy };
        set.spawn(call);
    }

    /// Waits until one ends. What panicked is told by the process's own hook, and its lease ends.
    pub async fn one_ended(&mut self) {
        tokio::select! {
            Some(_) = self.healthy.join_next() => {}
            Some(_) = self.failing.join_next() => {}
            else => std::future::pending().await,
        }
    }

    /// Waits until all have ended.
    pub async fn all_ended(&mut self) {
        while self.healthy.join_next().await.is_some() {}
        while self.failing.join_next().await.is_some() {}
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    #[tokio::test]
    async fn those_that_fail_get_half_of_the_places() {
        let mut working = Working::default();
        assert_eq!((working.free(5, false), working.free(5, true)), (5, 2));
        working.begin(true, pending());
        working.begin(true, pending());
        assert_eq!((working.free(5, false), working.free(5, true)), (3, 0));
        for _ in 0..3 {
            working.begin(false, pending());
        }
        assert_eq!((working.free(5, false), working.free(5, true)), (0, 0));
        assert_eq!((working.free(1, false), Working::default().free(1, true)), (0, 1));
    }

    #[tokio::test]
    async fn what_has_ended_takes_no_place() {
        let mut working = Working::default();
        working.begin(false, ready(()));
        working.one_ended().await;
        assert_eq!(working.free(1, false), 1);
        working.begin(true, ready(()));
        working.all_ended().await;
        assert_eq!(working.free(1, true), 1);
    }
}
