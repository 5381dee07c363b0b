//! What this console has services do with parked messages, now and lately. Kept in memory: the
//! services write down who did what.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use contracts::Timestamp;
use tokio::sync::Notify;

use super::piles::GroupKey;
use super::told::{OrderOutcome, Verb};

/// Ended ones that stay visible.
const KEPT: usize = 20;

/// One action.
#[derive(Clone, Debug)]
pub struct ParkedRun {
    pub number: u64,
    pub asked: RunAsked,
    pub behind: u64,
    pub total: u64,
    /// What came of it, once it has ended.
    pub end: Option<RunEnd>,
    cancel: Arc<Notify>,
}

/// What somebody asked for.
#[derive(Clone, Debug)]
pub struct RunAsked {
    pub key: GroupKey,
    pub verb: Verb,
    /// `Replay at 20/s`.
    pub title: String,
    /// Which messages of the group, in words.
    pub which: String,
    pub by: String,
    pub begun: Option<Timestamp>,
    pub planned: u64,
}

/// How an action ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunEnd {
    Done(OrderOutcome),
    Cancelled,
    /// The service refused it, or was heard of no more.
    Failed(String),
}

impl ParkedRun {
    /// How far it is, or what came of it, in a sentence.
    pub fn sentence(&self) -> String {
        let so_far = format!("{} of {}", self.behind, self.total);
        match &self.end {
            None => so_far,
            Some(RunEnd::Done(outcome)) => outcome.sentence(self.asked.verb),
            Some(RunEnd::Cancelled) => {
                format!("cancelled at {so_far}; the service ends what is at hand")
            }
            Some(RunEnd::Failed(cause)) => format!("ended at {so_far}: {cause}"),
        }
    }

    pub fn is_running(&self) -> bool {
        self.end.is_none()
    }

    pub fn is_well(&self) -> bool {
        matches!(&self.end, Some(RunEnd::Done(outcome)) if outcome.is_well())
    }

    pub fn path(&self) -> String {
        format!("/parked/actions/{}", self.number)
    }

    /// Waits until somebody cancels it.
    pub async fn cancelled(&self) {
        self.cancel.notified().await;
    }
}

/// All that run, and those that ended last.
#[derive(Debug, Default)]
pub struct Runs(Mutex<KnownRuns>);

#[derive(Debug, Default)]
struct KnownRuns {
    begun: u64,
    /// In the order in which they began.
    all: Vec<ParkedRun>,
}

impl Runs {
    /// Writes an action down before it begins.
    ///
    /// # Errors
    /// When another one of the same service and group runs.
    pub fn begin(&self, asked: RunAsked) -> Result<ParkedRun, String> {
        let mut known = self.known();
        let same = |run: &&ParkedRun| run.is_running() && run.asked.key == asked.key;
        if let Some(other) = known.all.iter().find(same) {
            return Err(format!(
                "{} runs an action on {} already ({}): wait until it ends, or cancel it.",
                other.asked.by,
                asked.key.name(),
                other.sentence()
            ));
        }
        known.begun += 1;
        let run = ParkedRun {
            number: known.begun,
            behind: 0,
            total: asked.planned,
            asked,
            end: None,
            cancel: Arc::default(),
        };
        known.all.push(run.clone());
        Ok(run)
    }

    pub fn progress(&self, number: u64, behind: u64, total: u64) {
        if let Some(run) = self.known().all.iter_mut().find(|run| run.number == number) {
            (run.behind, run.total) = (behind, total);
        }
    }

    /// Writes down what came of an action, and forgets the oldest that ended.
    pub fn end(&self, number: u64, end: RunEnd) {
        let mut known = self.known();
        if let Some(run) = known.all.iter_mut().find(|run| run.number == number) {
            run.end = Some(end);
        }
        let ended = known.all.iter().filter(|run| !run.is_running()).count();
        for _ in KEPT..ended {
            if let Some(oldest) = known.all.iter().position(|run| !run.is_running()) {
                known.all.remove(oldest);
            }
        }
    }

    /// Has an action end; one that has ended stays as it is.
    pub fn cancel(&self, number: u64) {
        if let Some(run) = self.run(number) {
            run.cancel.notify_one();
        }
    }

    pub fn run(&self, number: u64) -> Option<ParkedRun> {
        self.known().all.iter().find(|run| run.number == number).cloned()
    }

    /// All, the newest first.
    pub fn all(&self) -> Vec<ParkedRun> {
        self.known().all.iter().rev().cloned().collect()
    }

    /// The newest of a group.
    pub fn of_group(&self, key: &GroupKey) -> Option<ParkedRun> {
        self.all().into_iter().find(|run| run.asked.key == *key)
    }

    /// What another request left half done is one figure more or less.
    fn known(&self) -> MutexGuard<'_, KnownRuns> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use contracts::topology::Service;

    use super::*;

    fn asked(service: Service, reason: &str) -> RunAsked {
        RunAsked {
            key: GroupKey { service, reason: reason.to_owned(), message_type: None },
            verb: Verb::Replay,
            title: "Replay at 20/s".to_owned(),
            which: "all of the group".to_owned(),
            by: "Dana Weber".to_owned(),
            begun: None,
            planned: 212,
        }
    }

    #[test]
    fn one_action_at_a_time_per_service_and_group() {
        let runs = Runs::default();
        let first = runs.begin(asked(Service::CommentSync, "poison")).unwrap();
        runs.progress(first.number, 148, 212);
        let refused = runs.begin(asked(Service::CommentSync, "poison")).unwrap_err();
        assert_eq!(
            refused,
            "Dana Weber runs an action on poison at comment-sync, no type already (148 of 212): \
             wait until it ends, or cancel it."
        );
        // Other groups and services do not wait for it.
        runs.begin(asked(Service::CommentSync, "too_slow")).unwrap();
        runs.begin(asked(Service::FieldSync, "poison")).unwrap();
        runs.end(first.number, RunEnd::Cancelled);
        let second = runs.begin(asked(Service::CommentSync, "poison")).unwrap();
        assert_ne!(first.number, second.number);
        let newest = runs.of_group(&second.asked.key).unwrap();
        assert!(newest.is_running() && newest.number == second.number);
        assert_eq!(runs.all().len(), 4);
    }

    #[test]
    fn the_last_that_ended_stay_and_what_runs_stays_anyway() {
        let runs = Runs::default();
        let running = runs.begin(asked(Service::Agreement, "poison")).unwrap();
        for _ in 0..KEPT + 5 {
            let run = runs.begin(asked(Service::Notifier, "poison")).unwrap();
            runs.end(run.number, RunEnd::Failed("503: the broker does not answer".to_owned()));
        }
        assert_eq!(runs.all().len(), KEPT + 1);
        assert!(runs.run(running.number).is_some_and(|run| run.is_running()));
        assert!(runs.run(running.number + 1).is_none(), "the oldest makes room");
    }

    #[test]
    fn what_came_of_it_is_a_sentence() {
        let runs = Runs::default();
        let run = runs.begin(asked(Service::Agreement, "poison")).unwrap();
        assert_eq!(run.sentence(), "0 of 212");
        let outcome = OrderOutcome { done: 212, total: 212, ..OrderOutcome::default() };
        runs.end(run.number, RunEnd::Done(outcome));
        let ended = runs.run(run.number).unwrap();
        assert_eq!(ended.sentence(), "212 of 212 replayed");
        assert!(ended.is_well());
    }

    #[tokio::test]
    async fn who_waits_for_the_end_is_told_also_when_it_came_first() {
        let runs = Runs::default();
        let run = runs.begin(asked(Service::Agreement, "poison")).unwrap();
        runs.cancel(run.number);
        run.cancelled().await;
    }
}
