//! A page that is open in a browser, and when it is told to look again.

use std::sync::Arc;

use tokio::sync::{Mutex, watch};
use tokio::time::{Instant, sleep};

use crate::rules::pace::wait;

/// What a page was made of.
#[derive(Clone, Copy, Debug)]
pub struct MadeOf {
    /// How much the account had been told.
    pub told: i64,
    /// When what the page shows had changed last, in microseconds; nothing: it does not say.
    pub changed: Option<i64>,
}

/// What is known of all tickets of an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct AllTickets {
    /// How often it was seen that one of them changed.
    pub changes: u64,
    /// When one of them changed last, in microseconds.
    pub newest: i64,
}

/// What a page shows.
#[derive(Debug)]
pub(super) enum Shows {
    /// One ticket: when it changed last, in microseconds; 0: nobody has looked yet.
    Ticket(watch::Receiver<i64>),
    /// Some of all tickets, and how often it was seen that one of them changed.
    Lists(watch::Receiver<AllTickets>, u64),
}

/// The turns of an account's pages. Tickets and lists take theirs alternately: a ticket's page does
/// not wait for two hundred lists.
#[derive(Debug, Default)]
pub(super) struct Turns {
    tickets: Mutex<()>,
    lists: Mutex<()>,
    last: Mutex<Option<Instant>>,
}

impl Turns {
    /// Waits for a turn, behind those of its kind that wait already. Whoever does not wait any more
    /// has none.
    async fn take(&self, of: &Mutex<()>, pages: usize) {
        let _first = of.lock().await;
        let mut last = self.last.lock().await;
        let wait = wait(last.map(|last| last.elapsed()), pages);
        if !wait.is_zero() {
            sleep(wait).await;
        }
        *last = Some(Instant::now());
    }
}

/// A page that is open.
#[derive(Debug)]
pub struct Looker {
    pub(super) shows: Shows,
    /// The last that the account was told of agreements: invites wait in the frame of every page.
    pub(super) agreements: watch::Receiver<i64>,
    pub(super) made: MadeOf,
    pub(super) turns: Arc<Turns>,
}

impl Looker {
    /// Waits until there is something that the page does not show, and then for the page's turn.
    /// What comes while it waits is told with it; nothing is told twice, and nothing is left out.
    pub async fn changed(&mut self) {
        self.news().await;
        // Each page holds the turns, and what looks for all of them does.
        let pages = Arc::strong_count(&self.turns).saturating_sub(1);
        let kind = match self.shows {
            Shows::Ticket(_) => &self.turns.tickets,
            Shows::Lists(..) => &self.turns.lists,
        };
        self.turns.take(kind, pages).await;
        self.made.told = self.made.told.max(*self.agreements.borrow_and_update());
        let shown = match &mut self.shows {
            Shows::Ticket(changed) => *changed.borrow_and_update(),
            Shows::Lists(tickets, changes) => {
                let now = *tickets.borrow_and_update();
                *changes = now.changes;
                now.newest
            }
        };
        self.made.changed = self.made.changed.map(|changed| changed.max(shown));
    }

    async fn news(&mut self) {
        let MadeOf { told, changed } = self.made;
        let agreements = self.agreements.wait_for(|now| *now > told);
        // What does not say of what it was made is told from now on.
        let is_newer = |newest: i64| changed.is_some_and(|changed| newest > changed);
        let tickets = async {
            match &mut self.shows {
                Shows::Ticket(now) => now.wait_for(|now| is_newer(*now)).await.is_ok(),
                Shows::Lists(now, changes) => {
                    let is_news =
                        |now: &AllTickets| now.changes != *changes || is_newer(now.newest);
                    now.wait_for(is_news).await.is_ok()
                }
            }
        };
        let is_told = tokio::select! {
            told = agreements => told.is_ok(),
            changed = tickets => changed,
        };
        // Whoever looks for all of them is gone only when the process stops.
        if !is_told {
            std::future::pending::<()>().await;
        }
    }
}
