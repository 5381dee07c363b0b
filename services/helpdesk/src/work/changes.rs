//! Whoever looks at a page is told that something changed: two questions to the database per
//! process, whatever the number of pages.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use messaging::cause;
use sqlx::PgPool;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::looker::{AllTickets, Looker, MadeOf, Shows, Turns};
use crate::store::ticket::{self, AccountChanges};

/// How often is asked while somebody looks.
const LOOK: Duration = Duration::from_millis(200);
/// How long a database that does not answer is left alone.
const PAUSE: Duration = Duration::from_secs(2);

type Newest = Option<(DateTime<Utc>, i64)>;

/// An account that somebody looks at.
#[derive(Default)]
struct Watched {
    /// What was seen of its tickets last; nothing: nobody has looked yet.
    newest: Option<Newest>,
    all: watch::Sender<AllTickets>,
    /// The last that it was told of agreements.
    agreements: watch::Sender<i64>,
    /// Those of its tickets whose pages are open, and when each changed last.
    tickets: BTreeMap<i64, watch::Sender<i64>>,
    turns: Arc<Turns>,
}

/// The accounts that somebody looks at.
#[derive(Default)]
pub struct Changes(Mutex<BTreeMap<String, Watched>>);

impl std::fmt::Debug for Changes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Changes").finish_non_exhaustive()
    }
}

/// A ticket whose page is open, and when it changed last.
type TicketChange = (String, i64, DateTime<Utc>);

impl Changes {
    /// Begins to look for a page of an account: of one ticket, or of lists of them.
    #[must_use]
    pub fn look(&self, account: &str, ticket: Option<i64>, made: MadeOf) -> Looker {
        let mut accounts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let watched = accounts.entry(account.to_owned()).or_default();
        let (shows, changed) = if let Some(number) = ticket {
            let changed = watched.tickets.entry(number).or_default().subscribe();
            (Shows::Ticket(changed), made.changed.or(Some(0)))
        } else {
            let all = watched.all.subscribe();
            let changes = all.borrow().changes;
            (Shows::Lists(all, changes), made.changed)
        };
        Looker {
            shows,
            agreements: watched.agreements.subscribe(),
            made: MadeOf { changed, ..made },
            turns: Arc::clone(&watched.turns),
        }
    }

    /// Accounts that somebody looks at, and tickets with their accounts; what nobody looks at any
    /// more is let go.
    fn looked_at(&self) -> (Vec<String>, Vec<(String, i64)>) {
        let mut accounts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        accounts.retain(|_, watched| watched.agreements.receiver_count() > 0);
        let mut tickets = Vec::new();
        for (account, watched) in accounts.iter_mut() {
            watched.tickets.retain(|_, changed| changed.receiver_count() > 0);
            tickets.extend(watched.tickets.keys().map(|number| (account.clone(), *number)));
        }
        (accounts.keys().cloned().collect(), tickets)
    }

    fn tell(&self, seen: &[AccountChanges], tickets: &[TicketChange]) {
        let mut accounts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for now in seen {
            let Some(watched) = accounts.get_mut(&now.account) else { continue };
            let newest = now.newest.map(|at| (at, now.recent));
            let is_news = watched.newest.is_some_and(|before| is_news(before, newest));
            watched.newest = Some(newest);
            watched.all.send_if_modified(|all| {
                let newest = now.newest.map_or(all.newest, |at| at.timestamp_micros());
                let changes = all.changes + u64::from(is_news);
                let now = AllTickets { changes, newest };
                std::mem::replace(all, now) != now
            });
            let told = now.agreements;
            watched.agreements.send_if_modified(|known| std::mem::replace(known, told) != told);
        }
        for (account, number, at) in tickets {
            let watched = accounts.get(account).and_then(|it| it.tickets.get(number));
            let at = at.timestamp_micros();
            if let Some(changed) = watched {
                changed.send_if_modified(|known| std::mem::replace(known, at) != at);
            }
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
            let pause = self.ask(&pool, &stop).await;
            tokio::select! {
                () = stop.cancelled() => break,
                () = tokio::time::sleep(pause) => {}
            }
        }
        Ok(())
    }

    async fn ask(&self, pool: &PgPool, stop: &CancellationToken) -> Duration {
        let (accounts, tickets) = self.looked_at();
        if accounts.is_empty() {
            return LOOK;
        }
        let seen = async {
            let mut connection = pool.acquire().await?;
            let seen = ticket::changes(&mut connection, &accounts).await?;
            let tickets = ticket::changed_at(&mut connection, &tickets).await?;
            Ok::<_, sqlx::Error>((seen, tickets))
        };
        match desk::turn(stop, seen).await {
            None => LOOK,
            Some(Ok((seen, tickets))) => {
                self.tell(&seen, &tickets);
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
mod tests;
