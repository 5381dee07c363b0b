//! The comments of a chain, and which copies hold them.

use std::collections::{BTreeMap, BTreeSet};

use contracts::comment::SharedComment;
use contracts::{AccountName, CommentId, CopyId, Timestamp};

use super::{CommentChanges, Cut};

/// A comment as the chain knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownComment {
    /// Whose copy published it; the account decides about its attachments.
    pub account: AccountName,
    /// What crosses: the author a placeholder, the transcript in the text, the recording gone.
    pub content: SharedComment,
    /// When the command that brought it arrived.
    pub arrived_at: Timestamp,
    /// Its place among the comments of that command.
    pub place: u32,
    /// The copies that hold it.
    pub copies: BTreeSet<CopyId>,
    /// Those of them that were told it without its attachments: its account kept them then.
    pub without_files: BTreeSet<CopyId>,
    /// How much of it those of them are told whose desks could not hold all.
    pub cuts: BTreeMap<CopyId, Cut>,
}

impl KnownComment {
    /// When it was written; when it arrived, for one that does not say.
    #[must_use]
    pub fn written_at(&self) -> Timestamp {
        self.content.authored_at.unwrap_or(self.arrived_at)
    }

    /// By what comments are sorted for a desk: as they were written, then as they came.
    pub(super) fn order(&self) -> (Timestamp, Timestamp, u32, &CommentId) {
        (self.written_at(), self.arrived_at, self.place, &self.content.id)
    }
}

/// Comments of one chain, with what differs from what is stored.
///
/// For a transfer that only adds comments those it names are enough; one that brings a hop needs
/// all of the chain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comments {
    known: BTreeMap<CommentId, KnownComment>,
    added: BTreeSet<CommentId>,
    spread: BTreeSet<CommentId>,
    rewritten: BTreeSet<CommentId>,
}

impl Comments {
    /// Comments as they are stored.
    #[must_use]
    pub fn stored(comments: impl IntoIterator<Item = KnownComment>) -> Self {
        let known =
            comments.into_iter().map(|comment| (comment.content.id.clone(), comment)).collect();
        Self { known, ..Self::default() }
    }

    /// A comment by its id.
    #[must_use]
    pub fn get(&self, id: &CommentId) -> Option<&KnownComment> {
        self.known.get(id)
    }

    /// Whether `copy` holds the comment.
    #[must_use]
    pub fn is_held(&self, id: &CommentId, copy: &CopyId) -> bool {
        self.get(id).is_some_and(|comment| comment.copies.contains(copy))
    }

    /// The comments that `copy` holds.
    pub fn held_by(&self, copy: &CopyId) -> impl Iterator<Item = &KnownComment> {
        self.known.values().filter(move |comment| comment.copies.contains(copy))
    }

    /// All that are here.
    pub fn iter(&self) -> impl Iterator<Item = &KnownComment> {
        self.known.values()
    }

    /// Comments that are not stored yet.
    pub fn added(&self) -> impl Iterator<Item = &KnownComment> {
        self.added.iter().filter_map(|id| self.known.get(id))
    }

    /// Stored comments that more copies hold now, with or without attachments.
    pub fn spread(&self) -> impl Iterator<Item = &KnownComment> {
        self.spread.iter().filter_map(|id| self.known.get(id))
    }

    /// Stored comments that say something else now.
    pub fn rewritten(&self) -> impl Iterator<Item = &KnownComment> {
        self.rewritten.iter().filter_map(|id| self.known.get(id))
    }

    /// Carries out what was decided.
    pub(super) fn apply(&mut self, changes: CommentChanges) {
        for (id, comment) in changes.added {
            self.added.insert(id.clone());
            self.known.insert(id, comment);
        }
        for (id, change) in changes.changed {
            let Some(known) = self.known.get_mut(&id) else { continue };
            let is_stored = !self.added.contains(&id);
            if is_stored && !(change.copies.is_empty() && change.without_files.is_empty()) {
                self.spread.insert(id.clone());
            }
            known.copies.extend(change.copies);
            known.without_files.extend(change.without_files);
            known.cuts.extend(change.cuts);
            if let Some(content) = change.content {
                known.content = content;
                if is_stored {
                    self.rewritten.insert(id);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::draft::Draft;
    use super::super::samples::{account, acme_copy, known};
    use super::*;

    #[test]
    fn only_what_differs_is_saved() {
        let (first, second) =
            (known("acme/1", "acme", &acme_copy()), known("acme/2", "acme", &acme_copy()));
        let mut comments = Comments::stored([first.clone()]);
        assert_eq!((comments.added().count(), comments.spread().count()), (0, 0));
        let elsewhere =
            CopyId::original(&account("globex"), &contracts::TicketId::new("9").unwrap());
        let mut draft = Draft::over(&comments);
        draft.add(second.clone());
        comments.apply(draft.into_changes());
        let mut draft = Draft::over(&comments);
        for comment in [&first, &second] {
            draft.reach(&comment.content.id, &elsewhere, None);
            draft.rewrite(&comment.content.id, comment.content.clone());
        }
        comments.apply(draft.into_changes());
        assert_eq!(
            comments.added().map(|comment| &comment.content.id).collect::<Vec<_>>(),
            [&second.content.id]
        );
        let changed = [comments.spread().collect::<Vec<_>>(), comments.rewritten().collect()];
        for comments in changed {
            let ids: Vec<_> = comments.iter().map(|comment| &comment.content.id).collect();
            assert_eq!(ids, [&first.content.id]);
        }
        assert_eq!(comments.held_by(&elsewhere).count(), 2);
    }

    #[test]
    fn comments_stand_as_they_were_written_then_as_they_came() {
        let time = |text: &str| Timestamp::parse(text).unwrap();
        let at = |id: &str, authored: Option<&str>, arrived: &str, place| {
            let mut comment = known(id, "acme", &acme_copy());
            comment.content.authored_at = authored.map(time);
            comment.arrived_at = time(arrived);
            comment.place = place;
            comment
        };
        let noon = "2026-03-01T12:00:00Z";
        let mut comments = [
            at("acme/4", None, "2026-03-01T13:00:00Z", 0),
            at("acme/3", Some(noon), noon, 2),
            at("acme/2", Some(noon), noon, 1),
            at("acme/1", Some("2026-02-01T12:00:00Z"), "2026-03-02T12:00:00Z", 9),
        ];
        comments.sort_by(|left, right| left.order().cmp(&right.order()));
        assert_eq!(
            comments.each_ref().map(|comment| comment.content.id.as_str()),
            ["acme/1", "acme/2", "acme/3", "acme/4"]
        );
    }
}
