//! What was published and what came of it: one row an update, found by the number in its token.

use std::ops::Range;
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// Every token begins so. Seven digits follow.
const MARK: &[u8] = b"bench-";
const DIGITS: usize = 7;
/// Microseconds in a unit of a row's times.
const UNIT: u64 = 10;

/// The rows. Times are in units of ten microseconds since the board was made, plus one; 0 stands
/// for "not yet".
#[derive(Debug)]
pub struct Board {
    begun: Instant,
    rows: Vec<Row>,
    published: AtomicUsize,
    done: AtomicUsize,
}

#[derive(Debug, Default)]
struct Row {
    published: AtomicU32,
    receipts: AtomicU8,
    deliveries: AtomicU8,
    delivered: AtomicU32,
    wrong: AtomicU8,
}

/// What came of a stretch of updates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proof {
    pub published: usize,
    /// Without a receipt, or without a delivery.
    pub lost: usize,
    /// With two of either.
    pub doubled: usize,
    /// Refused, or delivered to another desk.
    pub wrong: usize,
}

impl Proof {
    /// Whether everything came once.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.lost + self.doubled + self.wrong == 0
    }
}

impl Board {
    /// A board for so many updates at most.
    #[must_use]
    pub fn new(rows: usize) -> Self {
        let rows = (0..rows).map(|_| Row::default()).collect();
        Self {
            begun: Instant::now(),
            rows,
            published: AtomicUsize::new(0),
            done: AtomicUsize::new(0),
        }
    }

    /// The number of the next update.
    ///
    /// # Panics
    /// When the board is full.
    pub fn publish(&self) -> usize {
        let number = self.published.fetch_add(1, Relaxed);
        self.rows
            .get(number)
            .expect("a board is made large enough")
            .published
            .store(self.now(), Relaxed);
        number
    }

    /// The same, for an update that should have been published at `due`: what the sender is late
    /// counts.
    ///
    /// # Panics
    /// When the board is full.
    pub fn publish_due(&self, due: Instant) -> usize {
        let number = self.publish();
        self.rows[number].published.store(units(due.duration_since(self.begun)), Relaxed);
        number
    }

    /// The number of the next command of which only the receipt is waited for.
    ///
    /// # Panics
    /// When the board is full.
    pub fn publish_command(&self) -> usize {
        let number = self.publish();
        self.rows[number].deliveries.store(1, Relaxed);
        number
    }

    /// Published so far.
    #[must_use]
    pub fn published(&self) -> usize {
        self.published.load(Relaxed)
    }

    /// Updates whose receipt and delivery have both come.
    #[must_use]
    pub fn done(&self) -> usize {
        self.done.load(Relaxed)
    }

    /// A receipt came, of which `good` says whether it applied the update.
    pub fn receipt(&self, number: usize, good: bool) {
        let Some(row) = self.rows.get(number) else { return };
        row.wrong.fetch_add(u8::from(!good), Relaxed);
        if row.receipts.fetch_add(1, Relaxed) == 0 && row.deliveries.load(Relaxed) > 0 {
            self.done.fetch_add(1, Relaxed);
        }
    }

    /// The partner's desk was told; `good` says whether it was the right one.
    pub fn delivery(&self, number: usize, good: bool) {
        let Some(row) = self.rows.get(number) else { return };
        row.wrong.fetch_add(u8::from(!good), Relaxed);
        if row.deliveries.fetch_add(1, Relaxed) == 0 {
            row.delivered.store(self.now(), Relaxed);
            if row.receipts.load(Relaxed) > 0 {
                self.done.fetch_add(1, Relaxed);
            }
        }
    }

    /// Commands from `first` on that have a receipt.
    #[must_use]
    pub fn receipts(&self, first: usize) -> usize {
        self.rows[first..self.published()]
            .iter()
            .filter(|row| row.receipts.load(Relaxed) > 0)
            .count()
    }

    /// Commands from `first` on that were refused.
    #[must_use]
    pub fn refused(&self, first: usize) -> usize {
        self.rows[first..self.published()].iter().filter(|row| row.wrong.load(Relaxed) > 0).count()
    }

    /// The proof over these updates.
    #[must_use]
    pub fn proof(&self, updates: Range<usize>) -> Proof {
        let mut proof = Proof { published: updates.len(), ..Proof::default() };
        for row in &self.rows[updates] {
            let (receipts, deliveries) = (row.receipts.load(Relaxed), row.deliveries.load(Relaxed));
            proof.lost += usize::from(receipts == 0 || deliveries == 0);
            proof.doubled += usize::from(receipts > 1 || deliveries > 1);
            proof.wrong += usize::from(row.wrong.load(Relaxed) > 0);
        }
        proof
    }

    /// What stands in the first row from `first` on that is not as it should be.
    #[must_use]
    pub fn first_wrong(&self, first: usize) -> String {
        let rows = self.rows[first..self.published()].iter().zip(first..);
        let is_wrong = |row: &Row| {
            (row.receipts.load(Relaxed), row.deliveries.load(Relaxed), row.wrong.load(Relaxed))
                != (1, 1, 0)
        };
        rows.filter(|(row, _)| is_wrong(row))
            .map(|(row, number)| format!("{}: {row:?}", token(number)))
            .next()
            .unwrap_or_default()
    }

    /// From publishing to delivery, of these updates, the shortest first.
    #[must_use]
    pub fn delays(&self, updates: Range<usize>) -> Vec<Duration> {
        let delay =
            |row: &Row| row.delivered.load(Relaxed).saturating_sub(row.published.load(Relaxed));
        let rows = self.rows[updates].iter().filter(|row| row.delivered.load(Relaxed) > 0);
        let mut delays: Vec<Duration> =
            rows.map(|row| Duration::from_micros(u64::from(delay(row)) * UNIT)).collect();
        delays.sort_unstable();
        delays
    }

    fn now(&self) -> u32 {
        units(self.begun.elapsed())
    }
}

/// A board lives for eleven hours at most.
fn units(since: Duration) -> u32 {
    u32::try_from(since.as_micros() / u128::from(UNIT)).unwrap_or(u32::MAX - 1) + 1
}

/// The token of an update.
#[must_use]
pub fn token(number: usize) -> String {
    format!("bench-{number:0DIGITS$}")
}

/// The number of the first token in a body.
#[must_use]
pub fn number_in(body: &[u8]) -> Option<usize> {
    let at = body.windows(MARK.len() + DIGITS).find(|window| {
        let (mark, digits) = window.split_at(MARK.len());
        mark == MARK && digits.iter().all(u8::is_ascii_digit)
    })?;
    std::str::from_utf8(&at[MARK.len()..]).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_found_where_it_stands() {
        let body =
            format!(r#"{{"ticket_id":"ab-12","comments":[{{"id":"acme/{}"}}]}}"#, token(4711));
        assert_eq!(number_in(body.as_bytes()), Some(4711));
        assert_eq!(number_in(b"bench-12, 0b-1234567"), None);
    }

    #[test]
    fn an_update_is_done_when_both_have_come_and_a_second_one_shows() {
        let board = Board::new(3);
        for _ in 0..3 {
            board.publish();
        }
        board.receipt(0, true);
        assert_eq!(board.done(), 0);
        board.delivery(0, true);
        assert_eq!(board.done(), 1);
        board.delivery(0, true);
        board.delivery(1, false);
        assert_eq!(board.proof(0..3), Proof { published: 3, lost: 2, doubled: 1, wrong: 1 });
        assert!(!board.proof(0..3).holds());
    }
}
