//! What was published and what has to come of it, written down before it is sent.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use contracts::{Reason, ShareId};
use serde_json::Value;

use super::line::{AccountPath, Content};

/// What a command's receipt has to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// It was done, or there was nothing to do.
    Done,
    /// It was refused for this reason.
    Refused(Reason),
}

#[derive(Clone, Debug)]
pub struct Command {
    /// Whose.
    pub account: &'static str,
    /// Its message id.
    pub id: String,
    pub message_type: &'static str,
    /// Its content, to send it again.
    pub content: Value,
    /// What its receipt has to say.
    pub expected: Expected,
}

/// Something said that can be recognised wherever it turns up.
#[derive(Clone, Debug)]
pub struct Mark {
    /// Who said it.
    pub from: &'static str,
    /// The command that says it.
    pub command: String,
    /// The comment, where it is one: then all of the audience have to have it.
    pub comment: Option<String>,
    /// Who may see it.
    pub audience: BTreeSet<&'static str>,
}

/// A ticket and its copies.
#[derive(Clone, Debug)]
pub struct Ticket {
    /// Along which line it was shared.
    pub line: &'static AccountPath,
    /// Its number at each account that has a copy, in the line's order.
    pub numbers: Vec<String>,
    /// The share of each hop.
    pub shares: Vec<ShareId>,
    /// The first hop that is still live.
    pub first_live: usize,
}

/// Everything of a run.
#[derive(Debug, Default)]
pub struct Book {
    /// Commands, in order.
    pub commands: Vec<Command>,
    /// Marks, by number.
    pub marks: BTreeMap<u64, Mark>,
    /// Tickets, in order.
    pub tickets: Vec<Ticket>,
    /// Agreements offered, by the name that their mail has to carry.
    pub offers: Vec<String>,
    /// Poison that has to be found parked.
    pub poisoned: usize,
    counter: u64,
    answered: Vec<Instant>,
}

/// The book, shared by all who work.
#[derive(Debug, Default)]
pub struct Ledger(Mutex<Book>);

/// How a text carries a mark.
#[must_use]
pub fn marked(mark: u64) -> String {
    format!("mark:{mark};")
}

/// The marks in a text.
pub fn marks_in(text: &str) -> impl Iterator<Item = u64> {
    text.split("mark:").skip(1).filter_map(|rest| rest.split_once(';')?.0.parse().ok())
}

/// An address that no other account may ever see, in any form.
pub const SECRET: &str = "secret-requester";

impl Ledger {
    /// Opens the book.
    pub fn book(&self) -> MutexGuard<'_, Book> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A number that nobody else has got.
    pub fn number(&self) -> u64 {
        let mut book = self.book();
        book.counter += 1;
        book.counter
    }

    /// Writes a command down.
    pub fn command(&self, command: Command) {
        self.book().commands.push(command);
    }

    /// Writes down what a command says, so that it is recognised; `comment` when it is one.
    pub fn mark(
        &self,
        ticket: &Ticket,
        from: usize,
        content: Content,
        command: &str,
        comment: Option<String>,
    ) -> u64 {
        let mark = self.number();
        let audience = ticket.line.audience(from, content, ticket.first_live);
        // A comment has to reach the copies that are there; the line's later ones get it when they
        // are made.
        let what = Mark {
            from: ticket.line.accounts[from],
            command: command.to_owned(),
            comment,
            audience,
        };
        self.book().marks.insert(mark, what);
        mark
    }

    /// Notes that a receipt came now.
    pub fn answered(&self) {
        self.book().answered.push(Instant::now());
    }

    /// Receipts that came.
    #[must_use]
    pub fn answers(&self) -> usize {
        self.book().answered.len()
    }

    /// Receipts that came in the last `window`.
    #[must_use]
    pub fn pulse(&self, window: Duration) -> usize {
        let book = self.book();
        book.answered.iter().rev().take_while(|at| at.elapsed() <= window).count()
    }

    /// The longest time between two receipts since `since`.
    #[must_use]
    pub fn longest_stall(&self, since: Instant) -> Duration {
        let book = self.book();
        let from = book.answered.partition_point(|at| *at < since);
        let gaps = book.answered[from..].windows(2).map(|pair| pair[1].duration_since(pair[0]));
        gaps.max().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_found_again() {
        let text = format!("Step. {} and {}", marked(7), marked(12));
        assert_eq!(marks_in(&text).collect::<Vec<_>>(), [7, 12]);
        assert_eq!(marks_in("no mark: here").count(), 0);
    }
}
