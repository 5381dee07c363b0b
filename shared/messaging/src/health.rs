//! What the process's probes ask.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A loop that did not turn for this long is dead. Waiting for broker or database turns it too.
const STALLED: Duration = Duration::from_mins(2);

/// Shared between the runtime, which reports, and the probes, which ask.
#[derive(Debug)]
pub struct Health {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    waiting_for: BTreeMap<&'static str, bool>,
    last_turn: Instant,
}

impl Health {
    /// Not ready: waits for broker and database.
    #[must_use]
    pub fn new() -> Arc<Self> {
        let waiting_for = BTreeMap::from([("broker", true), ("database", true)]);
        Arc::new(Self { state: Mutex::new(State { waiting_for, last_turn: Instant::now() }) })
    }

    /// Whether the runtime's loops still turn. Never depends on broker or database.
    #[must_use]
    pub fn alive(&self) -> bool {
        self.lock().last_turn.elapsed() < STALLED
    }

    /// What the process waits for; empty when it is ready.
    #[must_use]
    pub fn waiting_for(&self) -> Vec<&'static str> {
        self.lock().waiting_for.iter().filter(|(_, waits)| **waits).map(|(what, _)| *what).collect()
    }

    pub(crate) fn turned(&self) {
        self.lock().last_turn = Instant::now();
    }

    pub(crate) fn reached(&self, what: &'static str) {
        self.lock().waiting_for.insert(what, false);
    }

    pub(crate) fn lost(&self, what: &'static str) {
        self.lock().waiting_for.insert(what, true);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
