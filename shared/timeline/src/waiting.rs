//! Which decision a delivery that waits belongs to.

use std::collections::BTreeSet;

use crate::trail::{Trail, Undelivered};

/// Deliveries that no queue took, each with the decision that sent it.
pub(crate) struct Waiting<'a>(Vec<Row<'a>>);

struct Row<'a> {
    delivery: &'a Undelivered,
    /// Its decision, and its place among what that decision told.
    sent: Option<(usize, usize)>,
    /// The command that it comes from.
    root: Option<String>,
}

impl<'a> Waiting<'a> {
    /// A row names account, type and share alone. It failed right after it was decided: the last
    /// such decision before that, which no other row has, is its own.
    pub(crate) fn of(trail: &'a Trail) -> Self {
        let mut taken = BTreeSet::new();
        let rows = trail.undelivered.iter().map(|row| {
            let sent = trail.decided.iter().enumerate().flat_map(|(index, decided)| {
                decided
                    .told
                    .iter()
                    .enumerate()
                    .map(move |(place, told)| (index, place, decided, told))
            });
            let own = sent
                .filter(|(index, place, decided, told)| {
                    told.to == row.account
                        && told.r#type == row.message_type
                        && told.share == row.share
                        && decided.decided_at <= row.first_failed_at
                        && !taken.contains(&(*index, *place))
                })
                .max_by_key(|(_, _, decided, _)| decided.decided_at);
            let own = own.map(|(index, place, decided, _)| ((index, place), decided.root()));
            let (place, root) = own.unzip();
            taken.extend(place);
            Row { delivery: row, sent: place, root: root.flatten() }
        });
        Self(rows.collect())
    }

    /// Whether what a decision told at a place is one of them.
    pub(crate) fn has(&self, index: usize, place: usize) -> bool {
        self.0.iter().any(|one| one.sent == Some((index, place)))
    }

    /// All of them, with the command that each comes from.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&'a Undelivered, Option<String>)> {
        self.0.iter().map(|one| (one.delivery, one.root.clone()))
    }
}
