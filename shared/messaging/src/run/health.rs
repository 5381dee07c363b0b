//! What the process's probes ask.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use lapin::ConnectionStatus;

/// A loop that did not turn for this long is dead. Waiting for broker or database turns it too.
const STALLED: Duration = Duration::from_mins(2);

/// Shared between the runtime, which reports, and the probes, which ask.
pub struct Health {
    state: Mutex<State>,
}

impl fmt::Debug for Health {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Health")
            .field("waiting_for", &self.waiting_for())
            .finish_non_exhaustive()
    }
}

struct State {
    waiting_for: BTreeMap<&'static str, bool>,
    last_turn: Instant,
    /// Batches in hand, by a number of their own: since when.
    in_hand: BTreeMap<u64, Instant>,
    batches: u64,
    publishing: Option<ConnectionStatus>,
    broker_since: Option<Instant>,
}

/// A batch in hand, for as long as this is kept.
pub(crate) struct InHand<'a> {
    health: &'a Health,
    number: u64,
}

impl Drop for InHand<'_> {
    fn drop(&mut self) {
        self.health.lock().in_hand.remove(&self.number);
    }
}

impl Health {
    /// Not ready: waits for broker and database.
    #[must_use]
    pub fn new() -> Arc<Self> {
        let waiting_for = BTreeMap::from([("broker", true), ("database", true)]);
        let state = State {
            waiting_for,
            last_turn: Instant::now(),
            in_hand: BTreeMap::new(),
            batches: 0,
            publishing: None,
            broker_since: None,
        };
        Arc::new(Self { state: Mutex::new(state) })
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

    /// Sets the gauges of this process, for whoever is about to read them.
    pub fn measure(&self) {
        let state = self.lock();
        for (dependency, waits) in &state.waiting_for {
            metrics::gauge!("deskmesh_ready", "dependency" => *dependency).set(if *waits {
                0.0
            } else {
                1.0
            });
        }
        let oldest = state.in_hand.values().map(Instant::elapsed).max().unwrap_or_default();
        metrics::gauge!("deskmesh_oldest_step_seconds").set(oldest.as_secs_f64());
        let blocked = state.publishing.as_ref().is_some_and(ConnectionStatus::blocked);
        metrics::gauge!("deskmesh_broker_blocked").set(if blocked { 1.0 } else { 0.0 });
    }

    /// A batch was taken in hand.
    pub(crate) fn begins(&self) -> InHand<'_> {
        let mut state = self.lock();
        state.batches += 1;
        let number = state.batches;
        state.in_hand.insert(number, Instant::now());
        InHand { health: self, number }
    }

    /// The connection that the broker blocks when it is short of memory or disk.
    pub(crate) fn publishes_on(&self, connection: &ConnectionStatus) {
        self.lock().publishing = Some(connection.clone());
    }

    pub(crate) fn turned(&self) {
        self.lock().last_turn = Instant::now();
    }

    pub(crate) fn reached(&self, what: &'static str) {
        let mut state = self.lock();
        state.waiting_for.insert(what, false);
        if what == "broker" {
            state.broker_since.get_or_insert_with(Instant::now);
        }
    }

    pub(crate) fn lost(&self, what: &'static str) {
        let mut state = self.lock();
        state.waiting_for.insert(what, true);
        if what == "broker" {
            state.broker_since = None;
        }
    }

    /// Whether the broker has been reached for `wait` without a break, and no batch hangs: then
    /// what was redelivered after an outage has been sent.
    pub(crate) fn broker_settled(&self, wait: Duration) -> bool {
        let state = self.lock();
        state.broker_since.is_some_and(|since| since.elapsed() >= wait)
            && state.in_hand.values().all(|begun| begun.elapsed() < STALLED)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
