//! A service's two queues: the work queue, and the bulk queue, which is worked on when the work
//! queue leaves time.

use std::time::{Duration, Instant};

use contracts::topology::Service;
use tokio::sync::watch;

/// How long the bulk queue gives way for one batch, at most: it gets on, slowly, however busy the
/// work queue is.
const GIVES_WAY: Duration = Duration::from_millis(100);
/// For so long after its last batch the work queue counts as one that somebody waits at.
const RECENTLY: Duration = Duration::from_secs(1);
/// Messages of a batch from the bulk queue while the work queue is one that somebody waits at: what
/// arrives there meanwhile waits for no more than these.
const SMALL_BATCH: usize = 32;

/// By which of a service's queues a message came. What comes of it goes on by the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lane {
    Work,
    Bulk,
}

impl Lane {
    /// Of the messages from `queue`.
    pub fn of(service: Service, queue: &str) -> Self {
        if queue == service.bulk_queue() { Self::Bulk } else { Self::Work }
    }
}

/// What the slots on the work queue of a process do.
#[derive(Debug, Default)]
pub(crate) struct WorkLane(watch::Sender<Activity>);

#[derive(Clone, Copy, Debug, Default)]
struct Activity {
    /// Batches in hand.
    batches: usize,
    last: Option<Instant>,
}

impl WorkLane {
    /// A batch is in hand until the result is dropped.
    pub fn begins(&self) -> Working<'_> {
        self.0.send_modify(|activity| activity.batches += 1);
        Working(self)
    }

    /// Waits until no batch is in hand, not for long.
    pub async fn give_way(&self) {
        let mut changes = self.0.subscribe();
        let idle = changes.wait_for(|activity| activity.batches == 0);
        drop(tokio::time::timeout(GIVES_WAY, idle).await);
    }

    /// How many messages of the bulk queue are decided at once, of `most`.
    pub fn bulk_batch(&self, most: usize) -> usize {
        let activity = *self.0.borrow();
        let is_quiet = activity.last.is_none_or(|last| last.elapsed() >= RECENTLY);
        if is_quiet && activity.batches == 0 { most } else { most.min(SMALL_BATCH) }
    }
}

/// A batch of the work queue in hand.
#[derive(Debug)]
pub(crate) struct Working<'a>(&'a WorkLane);

impl Drop for Working<'_> {
    fn drop(&mut self) {
        self.0.0.send_modify(|activity| {
            activity.batches -= 1;
            activity.last = Some(Instant::now());
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_service_of_the_line_has_a_bulk_queue() {
        for (service, queue, lane) in [
            (Service::FieldSync, "field-sync.bulk", Lane::Bulk),
            (Service::FieldSync, "field-sync", Lane::Work),
            (Service::ShareDispatcher, "share-dispatcher.unroutable", Lane::Work),
            (Service::Gateway, "desk.gateway", Lane::Work),
        ] {
            assert_eq!(Lane::of(service, queue), lane, "{queue}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn bulk_gives_way_to_work_and_not_for_ever() {
        let work = WorkLane::default();
        work.give_way().await;
        assert_eq!(work.bulk_batch(256), 256);
        let begun = tokio::time::Instant::now();
        let (first, second) = (work.begins(), work.begins());
        assert_eq!((work.bulk_batch(256), work.bulk_batch(8)), (SMALL_BATCH, 8));
        work.give_way().await;
        assert_eq!(begun.elapsed(), GIVES_WAY);
        drop(first);
        let waiting = work.give_way();
        drop(second);
        waiting.await;
        assert_eq!(begun.elapsed(), GIVES_WAY, "it went on at once");
        assert_eq!(work.bulk_batch(256), SMALL_BATCH, "somebody was there a moment ago");
    }
}
