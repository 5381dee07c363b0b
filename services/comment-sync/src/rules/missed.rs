//! What copies miss while they are in no live share, and hear when they come into one again: the
//! redactions of comments that they hold.

use std::collections::BTreeSet;

use contracts::delivery::Redaction;
use contracts::sync::Hop;
use contracts::{CommentId, CopyId};
use line::HopTraversal;

/// A redaction that a copy missed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Missed {
    /// The copy.
    pub copy: CopyId,
    /// The comment.
    pub comment_id: CommentId,
    /// Only this file of it.
    pub attachment_id: Option<String>,
}

/// The redactions that a chain's copies missed, with what differs from what is stored.
///
/// Those of a redacted comment are enough to decide its redaction; all of the chain are needed
/// where a copy may come into a live share: for a share, and for a hop that is new here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MissedRedactions {
    known: BTreeSet<Missed>,
    added: BTreeSet<Missed>,
    heard: BTreeSet<Missed>,
}

impl MissedRedactions {
    /// As they are stored.
    #[must_use]
    pub fn stored(missed: impl IntoIterator<Item = Missed>) -> Self {
        Self { known: missed.into_iter().collect(), ..Self::default() }
    }

    /// Those that are not stored yet.
    pub fn added(&self) -> impl Iterator<Item = &Missed> {
        self.added.iter()
    }

    /// Those that are stored, and that their copy hears now.
    pub fn heard(&self) -> impl Iterator<Item = &Missed> {
        self.heard.iter()
    }

    /// The copies that missed this redaction and do not hear it now; of a file also those that
    /// missed that of the whole comment.
    pub(super) fn by(
        &self,
        comment_id: &CommentId,
        attachment_id: Option<&str>,
        heard: &BTreeSet<Missed>,
    ) -> BTreeSet<&CopyId> {
        let covers = |missed: &&Missed| {
            let file = missed.attachment_id.as_deref();
            missed.comment_id == *comment_id && (file.is_none() || file == attachment_id)
        };
        let still = self.known.iter().filter(|missed| !heard.contains(missed));
        still.filter(covers).map(|missed| &missed.copy).collect()
    }

    /// Notes that a copy missed a redaction.
    pub(super) fn add(&mut self, missed: Missed) {
        if self.known.insert(missed.clone()) && !self.heard.remove(&missed) {
            self.added.insert(missed);
        }
    }

    /// Notes that copies hear what they missed.
    pub(super) fn hear(&mut self, heard: impl IntoIterator<Item = Missed>) {
        for missed in heard {
            if self.known.remove(&missed) && !self.added.remove(&missed) {
                self.heard.insert(missed);
            }
        }
    }
}

/// What a copy is told late, and over which hop.
#[derive(Clone, Debug, PartialEq)]
pub struct Overdue {
    /// The way to the copy.
    pub crossing: HopTraversal,
    /// All that it missed.
    pub redactions: Vec<Redaction>,
}

impl Overdue {
    /// What the copy has missed no more.
    pub(super) fn missed(&self) -> impl Iterator<Item = Missed> {
        self.redactions.iter().map(|redaction| Missed {
            copy: self.crossing.to.clone(),
            comment_id: redaction.comment_id.clone(),
            attachment_id: redaction.attachment_id.clone(),
        })
    }
}

/// What is to be told of what was missed: to every copy that a live hop leads to.
pub(super) fn overdue(missed: &MissedRedactions, live: &[&Hop]) -> Vec<Overdue> {
    if missed.known.is_empty() {
        return Vec::new();
    }
    let mut told = BTreeSet::new();
    let ways = ways_in(live).filter(|crossing| told.insert(crossing.to.clone()));
    let due = ways.map(|crossing| {
        let of_copy = missed.known.iter().filter(|missed| missed.copy == crossing.to);
        let redactions = of_copy.map(|missed| Redaction {
            comment_id: missed.comment_id.clone(),
            attachment_id: missed.attachment_id.clone(),
        });
        Overdue { redactions: redactions.collect(), crossing }
    });
    due.filter(|overdue| !overdue.redactions.is_empty()).collect()
}

/// The ways over hops into the copies at their ends.
pub(super) fn ways_in<'a>(live: &'a [&Hop]) -> impl Iterator<Item = HopTraversal> + 'a {
    live.iter().flat_map(|hop| [HopTraversal::outbound(hop), HopTraversal::inbound(hop)])
}

#[cfg(test)]
mod tests {
    use contracts::sync::{Action, Transfer};
    use contracts::{ItemOutcome, Reason, ShareId};

    use super::super::ChainState;
    use super::super::samples::{
        acme_copy, first_hop, id, published, second_hop, settings, share, take, told, update,
    };
    use super::*;

    fn missed(copy: &CopyId, comment: &str, file: Option<&str>) -> Missed {
        Missed {
            copy: copy.clone(),
            comment_id: id(comment),
            attachment_id: file.map(ToOwned::to_owned),
        }
    }

    #[test]
    fn a_copy_hears_all_it_missed_over_one_live_hop_and_once() {
        let middle = first_hop().far();
        let stored = [
            missed(&middle, "acme/1", None),
            missed(&middle, "acme/2", Some("f1")),
            missed(&acme_copy(), "globex/1", None),
        ];
        let mut all = MissedRedactions::stored(stored.clone());
        let told = overdue(&all, &[&second_hop()]);
        assert_eq!(told.len(), 1, "acme's copy is at no live hop: {told:?}");
        assert_eq!(told[0].crossing, HopTraversal::inbound(&second_hop()));
        assert_eq!(told[0].missed().collect::<Vec<_>>(), stored[..2]);
        all.hear(told.iter().flat_map(Overdue::missed));
        assert_eq!(all.heard().collect::<Vec<_>>(), [&stored[0], &stored[1]]);
        assert_eq!(overdue(&all, &[&second_hop()]), []);
        assert_eq!(overdue(&all, &[&first_hop(), &second_hop()]).len(), 1);
    }

    #[test]
    fn only_what_differs_is_saved() {
        let (first, second) =
            (missed(&acme_copy(), "globex/1", None), missed(&acme_copy(), "globex/2", None));
        let mut all = MissedRedactions::stored([first.clone()]);
        all.add(first.clone());
        all.add(second.clone());
        assert_eq!(all.added().collect::<Vec<_>>(), [&second]);
        all.hear(overdue(&all, &[&first_hop()]).iter().flat_map(Overdue::missed));
        assert_eq!((all.added().count(), all.heard().collect::<Vec<_>>()), (0, vec![&first]));
        all.add(first);
        assert_eq!((all.added().count(), all.heard().count()), (0, 0));
    }

    #[test]
    fn a_redaction_that_a_copy_missed_is_told_when_the_copy_comes_back() {
        let mut state = ChainState::default();
        let middle = first_hop().far();
        take(&mut state, &settings(), &share(&[first_hop()], vec![published("acme/1")]));
        let end = Action::Unshare { share_id: first_hop().share_id };
        let by_acme = |action, hops: &[Hop]| Transfer {
            action,
            ..update("acme", &acme_copy(), hops, vec![])
        };
        take(&mut state, &settings(), &by_acme(end, &[first_hop()]));
        let redact = Action::Redact { comment_id: id("acme/1"), attachment_id: None };
        let redacted = take(&mut state, &settings(), &by_acme(redact, &[]));
        let withheld =
            ("comment:acme/1".to_owned(), ItemOutcome::Withheld, Some(Reason::NotShared), true);
        assert_eq!((&redacted.redacted[..], &told(&redacted)[..]), (&[][..], &[withheld][..]));
        let again = Hop { near: acme_copy(), sender: first_hop().sender, ..second_hop() };
        let shared = take(&mut state, &settings(), &share(&[again], Vec::new()));
        assert_eq!(shared.overdue, [], "the old copy has not come back by that");

        let mut onward = second_hop();
        onward.share_id = ShareId::new("00000000-0000-4000-8000-000000000003").unwrap();
        let back = take(&mut state, &settings(), &share(&[onward.clone()], Vec::new()));
        assert_eq!(back.overdue.len(), 1);
        assert_eq!(back.overdue[0].crossing, HopTraversal::inbound(&onward));
        assert_eq!(back.overdue[0].redactions[0].comment_id, id("acme/1"));
        assert_eq!(back.overdue[0].crossing.to, middle);
        let later = update("globex", &middle, &[onward], vec![published("globex/1")]);
        assert_eq!(take(&mut state, &settings(), &later).overdue, []);
    }
}
