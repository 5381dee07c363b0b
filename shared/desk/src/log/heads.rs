//! Whoever waits for something new shares one question to the database per process.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use messaging::cause;
use sqlx::PgPool;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

/// How often is asked while somebody waits.
const TURN: Duration = Duration::from_millis(20);
/// How long a database that does not answer is left alone.
const PAUSE: Duration = Duration::from_secs(1);

/// The heads of the logs that somebody waits at.
#[derive(Debug, Default)]
pub struct Heads {
    waited_for: Mutex<BTreeMap<String, watch::Sender<i64>>>,
    somebody: Notify,
}

/// Somebody who waits at one account's log.
#[derive(Debug)]
pub struct LogWaiter {
    head: watch::Receiver<i64>,
}

impl LogWaiter {
    /// Waits until the log goes beyond `position`.
    pub async fn beyond(&mut self, position: i64) {
        // The sender is gone only when the process stops.
        let gone = self.head.wait_for(|head| *head > position).await.is_err();
        if gone {
            std::future::pending::<()>().await;
        }
    }
}

impl Heads {
    /// Begins to wait at an account's log.
    #[must_use]
    pub fn wait(&self, account: &str) -> LogWaiter {
        let mut waited_for = self.waited_for.lock().unwrap_or_else(PoisonError::into_inner);
        let head = if let Some(sender) = waited_for.get(account) {
            sender.subscribe()
        } else {
            let (sender, head) = watch::channel(0);
            waited_for.insert(account.to_owned(), sender);
            head
        };
        drop(waited_for);
        self.somebody.notify_one();
        LogWaiter { head }
    }

    /// The accounts at whose logs somebody waits; those that nobody waits at any more are let go.
    fn accounts(&self) -> Vec<String> {
        let mut waited_for = self.waited_for.lock().unwrap_or_else(PoisonError::into_inner);
        waited_for.retain(|_, sender| sender.receiver_count() > 0);
        waited_for.keys().cloned().collect()
    }

    fn tell(&self, account: &str, head: i64) {
        let waited_for = self.waited_for.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = waited_for.get(account) {
            sender.send_if_modified(|known| std::mem::replace(known, head) != head);
        }
    }

    /// Asks for as long as somebody waits, until it is told to stop.
    ///
    /// # Errors
    /// None today: a database that does not answer is asked again.
    pub async fn run(
        self: Arc<Self>,
        pool: PgPool,
        stop: CancellationToken,
    ) -> Result<(), std::convert::Infallible> {
        while !stop.is_cancelled() {
            let accounts = self.accounts();
            let pause = if accounts.is_empty() {
                tokio::select! {
                    () = stop.cancelled() => break,
                    () = self.somebody.notified() => continue,
                }
            } else {
                match crate::turn(&stop, heads(&pool, &accounts)).await {
                    None => break,
                    Some(Ok(heads)) => {
                        for (account, head) in heads {
                            self.tell(&account, head);
                        }
                        TURN
                    }
                    Some(Err(error)) => {
                        tracing::warn!(
                            cause = cause(&error),
                            "the database does not answer; those who wait for deliveries wait on"
                        );
                        PAUSE
                    }
                }
            };
            tokio::select! {
                () = stop.cancelled() => break,
                () = tokio::time::sleep(pause) => {}
            }
        }
        Ok(())
    }
}

async fn heads(pool: &PgPool, accounts: &[String]) -> sqlx::Result<Vec<(String, i64)>> {
    sqlx::query_as("select account, position from desk_account where account = any($1)")
        .bind(accounts)
        .fetch_all(pool)
        .await
}
