//! How many calls there are at once: per host, so that one that hangs takes no other's place, and
//! in all.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// From so many hosts on, those without a call are forgotten.
const REMEMBERED: usize = 256;

pub(crate) struct Places {
    hosts: Mutex<HashMap<String, Arc<Semaphore>>>,
    per_host: usize,
    all: Arc<Semaphore>,
}

/// Given back when it is dropped.
pub(crate) struct Place {
    _of_host: OwnedSemaphorePermit,
    _of_all: OwnedSemaphorePermit,
}

impl Places {
    pub(crate) fn new(per_host: usize, all: usize) -> Self {
        Self { hosts: Mutex::default(), per_host, all: Arc::new(Semaphore::new(all)) }
    }

    /// Waits for a place; nothing once they are closed, which they never are.
    pub(crate) async fn take(&self, host: &str) -> Option<Place> {
        // the host's first: whoever waits for a host that hangs holds nobody else up
        let of_host = self.of_host(host).acquire_owned().await.ok()?;
        let of_all = Arc::clone(&self.all).acquire_owned().await.ok()?;
        Some(Place { _of_host: of_host, _of_all: of_all })
    }

    fn of_host(&self, host: &str) -> Arc<Semaphore> {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        if hosts.len() >= REMEMBERED {
            // whoever holds a place, or waits for one, holds the semaphore too
            hosts.retain(|_, places| Arc::strong_count(places) > 1);
        }
        let places =
            hosts.entry(host.to_owned()).or_insert_with(|| Arc::new(Semaphore::new(self.per_host)));
        Arc::clone(places)
    }
}

#[cfg(test)]
mod tests;
