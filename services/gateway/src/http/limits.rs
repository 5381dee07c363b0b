//! What one account may take of one replica.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use super::problem::Refusal;
use crate::rules::problem::{Problem, Why};

/// Requests a second, and open polls and streams, by account.
pub struct AccountLimiter {
    requests: DefaultKeyedRateLimiter<String>,
    open: Arc<Mutex<BTreeMap<String, usize>>>,
    most_open: usize,
}

/// An open poll or stream, for as long as this is kept.
#[derive(Debug)]
pub(crate) struct Open {
    account: String,
    open: Arc<Mutex<BTreeMap<String, usize>>>,
}

impl Drop for Open {
    fn drop(&mut self) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.account) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.account);
            }
        }
    }
}

impl AccountLimiter {
    /// So many requests a second, and so many open polls and streams.
    #[must_use]
    pub fn new(requests_per_second: NonZeroU32, most_open: usize) -> Self {
        let requests = RateLimiter::keyed(Quota::per_second(requests_per_second));
        Self { requests, open: Arc::default(), most_open }
    }

    pub(crate) fn request(&self, account: &str) -> Result<(), Refusal> {
        self.requests.check_key(&account.to_owned()).map_err(|not_until| {
            let wait = not_until.wait_time_from(DefaultClock::default().now());
            let detail = "the account makes more requests than it may; wait, and send fewer";
            Refusal(Problem::new(Why::TooManyRequests, detail).after(wait.as_secs().max(1)))
        })
    }

    pub(crate) fn open(&self, account: &str) -> Result<Open, Refusal> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(account.to_owned()).or_default();
        if *count >= self.most_open {
            let detail = format!("{} are open already; close one first", self.most_open);
            return Err(Refusal(Problem::new(Why::TooManyStreams, detail).after(1)));
        }
        *count += 1;
        Ok(Open { account: account.to_owned(), open: Arc::clone(&self.open) })
    }
}
