//! How many bytes of messages the process holds before they are decided: a bound that the broker's
//! own prefetch, which counts messages, does not give.
//!
//! The bytes are taken where they are read from the socket and given back when their message is
//! acknowledged. While none are left, the socket is not read, and TCP makes the broker wait.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

/// Bytes of one consuming connection that are read and not yet decided. Several of the largest
/// messages that the broker lets in (`contracts::limits::MESSAGE_BYTES`), so that one which is read
/// in part can always be completed.
pub(crate) const FETCHED_BYTES: usize = 12 * 1024 * 1024;
/// The same where the bulk queue is consumed, by one slot.
pub(crate) const BULK_FETCHED_BYTES: usize = 6 * 1024 * 1024;
/// How often a budget that is used up is looked at.
const CHECK_EVERY: Duration = Duration::from_millis(100);
/// Checks of a used-up budget after which a little is read all the same: the broker's heartbeats
/// are among what waits, and without one for twenty seconds the client gives up the connection.
const CHECKS_TO_HEARTBEAT: u32 = 50;
/// Enough for a few heartbeats.
const HEARTBEAT_BYTES: usize = 64;

/// The budget of one consuming connection.
#[derive(Clone, Debug)]
pub(crate) struct FetchBudget(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    limit: usize,
    left: usize,
    reader: Option<Waker>,
    /// Consumers that hold a message.
    busy: usize,
}

impl FetchBudget {
    pub fn new(limit: usize) -> Self {
        Self(Arc::new(Mutex::new(State { limit, left: limit, reader: None, busy: 0 })))
    }

    /// How many of `wanted` bytes may be read now; pending while it is none.
    pub fn poll_allowance(&self, context: &mut Context<'_>, wanted: usize) -> Poll<usize> {
        let mut state = self.lock();
        if state.left == 0 {
            state.reader = Some(context.waker().clone());
            return Poll::Pending;
        }
        Poll::Ready(wanted.min(state.left))
    }

    /// Counts bytes that were read.
    pub fn take(&self, bytes: usize) {
        let mut state = self.lock();
        state.left = state.left.saturating_sub(bytes);
    }

    /// Gives back what a message took that has been acknowledged. What frames and headers took is
    /// not given back: [`Self::run`] makes up for it.
    pub fn give_back(&self, bytes: usize) {
        let mut state = self.lock();
        state.left = (state.left + bytes).min(state.limit);
        state.wake();
    }

    /// A consumer holds messages until the result is dropped.
    pub fn hold(&self) -> Holding {
        self.lock().busy += 1;
        Holding(self.clone())
    }

    /// Whether nothing may be read, although no consumer holds anything: what is missing went to
    /// frames and headers.
    fn is_stuck(&self) -> bool {
        let state = self.lock();
        state.left == 0 && state.busy == 0
    }

    fn is_used_up(&self) -> bool {
        self.lock().left == 0
    }

    fn reset(&self) {
        let mut state = self.lock();
        state.left = state.limit;
        state.wake();
    }

    /// Restores a budget that frames and headers used up, and lets heartbeats through one that
    /// messages use up.
    pub async fn run(self, stop: CancellationToken) {
        let (mut stuck, mut used_up) = (0, 0);
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = tokio::time::sleep(CHECK_EVERY) => {}
            }
            stuck = if self.is_stuck() { stuck + 1 } else { 0 };
            used_up = if self.is_used_up() { used_up + 1 } else { 0 };
            // Twice in a row: a message may be on its way from the socket to its consumer.
            if stuck >= 2 {
                self.reset();
            } else if used_up >= CHECKS_TO_HEARTBEAT {
                self.give_back(HEARTBEAT_BYTES);
                used_up = 0;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn wake(&mut self) {
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }
}

/// A consumer that holds messages.
#[derive(Debug)]
pub(crate) struct Holding(FetchBudget);

impl Drop for Holding {
    fn drop(&mut self) {
        self.0.lock().busy -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowance(budget: &FetchBudget, wanted: usize) -> Poll<usize> {
        budget.poll_allowance(&mut Context::from_waker(Waker::noop()), wanted)
    }

    #[test]
    fn nothing_is_read_beyond_the_budget() {
        let budget = FetchBudget::new(100);
        assert_eq!(allowance(&budget, 60), Poll::Ready(60));
        budget.take(60);
        assert_eq!(allowance(&budget, 60), Poll::Ready(40));
        budget.take(40);
        assert_eq!(allowance(&budget, 1), Poll::Pending);
        budget.give_back(10);
        assert_eq!(allowance(&budget, 60), Poll::Ready(10));
        budget.give_back(1000);
        assert_eq!(allowance(&budget, 1000), Poll::Ready(100), "never more than the limit");
    }

    #[tokio::test(start_paused = true)]
    async fn what_headers_used_up_comes_back_when_nothing_is_held() {
        let budget = FetchBudget::new(100);
        budget.take(100);
        let holding = budget.hold();
        let stop = CancellationToken::new();
        let task = tokio::spawn(budget.clone().run(stop.clone()));
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(allowance(&budget, 1), Poll::Pending, "a message is held");
        drop(holding);
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(allowance(&budget, 100), Poll::Ready(100));
        stop.cancel();
        task.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn heartbeats_come_through_while_messages_are_held() {
        let budget = FetchBudget::new(100);
        budget.take(100);
        let _holding = budget.hold();
        let stop = CancellationToken::new();
        let task = tokio::spawn(budget.clone().run(stop.clone()));
        tokio::time::sleep(Duration::from_secs(6)).await;
        assert_eq!(allowance(&budget, 100), Poll::Ready(HEARTBEAT_BYTES));
        stop.cancel();
        task.await.unwrap();
    }
}
