//! Whoever looks at a page is told that something changed: one question to the database per
//! process.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use messaging::cause;
use sqlx::PgPool;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::store::ticket;

/// How often is asked while somebody looks.
const LOOK: Duration = Duration::from_millis(200);
/// How long a database that does not answer is left alone.
const PAUSE: Duration = Duration::from_secs(2);

type Newest = Option<(DateTime<Utc>, i64)>;

struct Watched {
    newest: Newest,
    changes: watch::Sender<u64>,
}

/// The accounts that somebody looks at.
#[derive(Default)]
pub struct Changes(Mutex<BTreeMap<String, Watched>>);

impl std::fmt::Debug for Changes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Changes").finish_non_exhaustive()
    }
}

impl Changes {
    /// Begins to look at an account: the receiver changes whenever one of its tickets does.
    #[must_use]
    pub fn watch(&self, account: &str) -> watch::Receiver<u64> {
        let mut watched = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = watched
            .entry(account.to_owned())
            .or_insert_with(|| Watched { newest: None, changes: watch::Sender::new(0) });
        entry.changes.subscribe()
    }

    fn accounts(&self) -> Vec<String> {
        let mut watched = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        watched.retain(|_, entry| entry.changes.receiver_count() > 0);
        watched.keys().cloned().collect()
    }

    fn tell(&self, seen: &[(String, DateTime<Utc>, i64)]) {
        let mut watched = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (account, entry) in watched.iter_mut() {
            let now = seen.iter().find(|(name, ..)| name == account);
            let now = now.map(|(_, at, count)| (*at, *count));
            if is_news(entry.newest, now) {
                entry.changes.send_modify(|changes| *changes += 1);
            }
            entry.newest = now;
        }
    }

    /// Asks for as long as somebody looks, until it is told to stop.
    ///
    /// # Errors
    /// None today: a database that does not answer is asked again.
    pub async fn run(
        self: Arc<Self>,
        pool: PgPool,
        stop: CancellationToken,
    ) -> Result<(), Infallible> {
        while !stop.is_cancelled() {
            let accounts = self.accounts();
            let pause =
                if accounts.is_empty() { LOOK } else { self.ask(&pool, &accounts, &stop).await };
            tokio::select! {
                () = stop.cancelled() => break,
                () = tokio::time::sleep(pause) => {}
            }
        }
        Ok(())
    }

    async fn ask(&self, pool: &PgPool, accounts: &[String], stop: &CancellationToken) -> Duration {
        let seen = async {
            let mut connection = pool.acquire().await?;
            ticket::changes(&mut connection, accounts).await
        };
        match desk::turn(stop, seen).await {
            None => LOOK,
            Some(Ok(seen)) => {
                self.tell(&seen);
                LOOK
            }
            Some(Err(error)) => {
                tracing::warn!(cause = cause(&error), "pages are not brought up to date");
                PAUSE
            }
        }
    }
}

/// Whether somebody committed a change between two looks, however late its time is. What only grew
/// old is none.
fn is_news(before: Newest, now: Newest) -> bool {
    match (before, now) {
        (_, None) => false,
        (None, Some(_)) => true,
        (Some((then, had)), Some((newest, has))) => newest > then || has > had,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_that_commits_late_is_news_and_age_is_not() {
        let at = |seconds| DateTime::<Utc>::from_timestamp(seconds, 0).unwrap();
        for (before, now, news) in [
            (None, None, false),
            (None, Some((at(1), 1)), true),
            (Some((at(1), 1)), Some((at(2), 1)), true),
            (Some((at(2), 1)), Some((at(2), 2)), true),
            (Some((at(2), 2)), Some((at(2), 1)), false),
            (Some((at(2), 1)), None, false),
        ] {
            assert_eq!(is_news(before, now), news, "{before:?} {now:?}");
        }
    }
}
