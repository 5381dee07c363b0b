//! The comments of a chain while a transfer is decided: what is known, and over it what the
//! decision changes.

use std::collections::{BTreeMap, BTreeSet};

use contracts::comment::SharedComment;
use contracts::{AccountName, CommentId, CopyId, Timestamp};

use super::{Comments, Cut, KnownComment};

/// What a decision changes of a chain's comments.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommentChanges {
    /// Comments that nobody had published before.
    pub(super) added: BTreeMap<CommentId, KnownComment>,
    /// What becomes of the known ones.
    pub(super) changed: BTreeMap<CommentId, Change>,
}

/// What becomes of a known comment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Change {
    /// What it says from now on.
    pub content: Option<SharedComment>,
    /// The copies that hold it from now on as well.
    pub copies: BTreeSet<CopyId>,
    /// The copies that are told it without its attachments from now on.
    pub without_files: BTreeSet<CopyId>,
    /// How much of it copies are told that cannot hold all.
    pub cuts: BTreeMap<CopyId, Cut>,
}

/// What is known of a chain's comments, with the changes decided so far.
#[derive(Debug)]
pub(super) struct Draft<'a> {
    known: &'a Comments,
    changes: CommentChanges,
}

/// A comment as it is with the changes decided so far.
#[derive(Clone, Copy, Debug)]
pub(super) struct DraftComment<'a> {
    known: &'a KnownComment,
    change: Option<&'a Change>,
}

impl<'a> Draft<'a> {
    /// Nothing changed yet.
    pub(super) fn over(known: &'a Comments) -> Self {
        Self { known, changes: CommentChanges::default() }
    }

    /// What is to change.
    pub(super) fn into_changes(self) -> CommentChanges {
        self.changes
    }

    /// A comment by its id.
    pub(super) fn get(&self, id: &CommentId) -> Option<DraftComment<'_>> {
        let known = self.changes.added.get(id).or_else(|| self.known.get(id))?;
        Some(DraftComment { known, change: self.changes.changed.get(id) })
    }

    /// Whether `copy` holds the comment.
    pub(super) fn is_held(&self, id: &CommentId, copy: &CopyId) -> bool {
        self.get(id).is_some_and(|comment| comment.is_held_by(copy))
    }

    /// Whether `copy` is told the comment without its attachments.
    pub(super) fn is_without_files(&self, id: &CommentId, copy: &CopyId) -> bool {
        self.get(id).is_some_and(|comment| comment.is_without_files(copy))
    }

    /// The comments that `copy` holds.
    pub(super) fn held_by(&self, copy: &CopyId) -> impl Iterator<Item = DraftComment<'_>> {
        let known = self.known.iter().chain(self.changes.added.values());
        let changed = &self.changes.changed;
        known
            .map(|known| DraftComment { known, change: changed.get(&known.content.id) })
            .filter(move |comment| comment.is_held_by(copy))
    }

    /// Takes in a comment that nobody has published before.
    pub(super) fn add(&mut self, comment: KnownComment) {
        self.changes.added.insert(comment.content.id.clone(), comment);
    }

    /// Replaces what a comment says.
    pub(super) fn rewrite(&mut self, id: &CommentId, content: SharedComment) {
        if let Some(added) = self.changes.added.get_mut(id) {
            added.content = content;
        } else if self.known.get(id).is_some() {
            self.change(id).content = Some(content);
        }
    }

    /// Notes that `copy` holds the comment from now on, and how much of it, where not all.
    pub(super) fn reach(&mut self, id: &CommentId, copy: &CopyId, cut: Option<Cut>) {
        let cut = cut.map(|cut| (copy.clone(), cut));
        if let Some(added) = self.changes.added.get_mut(id) {
            added.copies.insert(copy.clone());
            added.cuts.extend(cut);
        } else if self.known.get(id).is_some_and(|known| !known.copies.contains(copy)) {
            let change = self.change(id);
            change.copies.insert(copy.clone());
            change.cuts.extend(cut);
        }
    }

    /// Notes that `copy` is told the comment without its attachments.
    pub(super) fn keep_files_from(&mut self, id: &CommentId, copy: &CopyId) {
        if let Some(added) = self.changes.added.get_mut(id) {
            added.without_files.insert(copy.clone());
        } else if self.known.get(id).is_some_and(|known| !known.without_files.contains(copy)) {
            self.change(id).without_files.insert(copy.clone());
        }
    }

    fn change(&mut self, id: &CommentId) -> &mut Change {
        self.changes.changed.entry(id.clone()).or_default()
    }
}

impl<'a> DraftComment<'a> {
    /// What it says.
    pub(super) fn content(&self) -> &'a SharedComment {
        self.change.and_then(|change| change.content.as_ref()).unwrap_or(&self.known.content)
    }

    /// Whose copy published it.
    pub(super) fn account(&self) -> &'a AccountName {
        &self.known.account
    }

    /// Whether `copy` holds it.
    pub(super) fn is_held_by(&self, copy: &CopyId) -> bool {
        let reached = |change: &Change| change.copies.contains(copy);
        self.known.copies.contains(copy) || self.change.is_some_and(reached)
    }

    /// The copies that hold it.
    pub(super) fn holders(&self) -> BTreeSet<&'a CopyId> {
        let reached = self.change.iter().flat_map(|change| &change.copies);
        self.known.copies.iter().chain(reached).collect()
    }

    /// Whether `copy` is told it without its attachments.
    pub(super) fn is_without_files(&self, copy: &CopyId) -> bool {
        let kept = |change: &Change| change.without_files.contains(copy);
        self.known.without_files.contains(copy) || self.change.is_some_and(kept)
    }

    /// How much of it `copy` is told, where not all.
    pub(super) fn cut_for(&self, copy: &CopyId) -> Option<Cut> {
        let changed = self.change.and_then(|change| change.cuts.get(copy));
        changed.or_else(|| self.known.cuts.get(copy)).copied()
    }

    /// When it was written.
    pub(super) fn written_at(&self) -> Timestamp {
        self.known.written_at()
    }

    /// By what comments are sorted for a desk.
    pub(super) fn order(&self) -> (Timestamp, Timestamp, u32, &'a CommentId) {
        self.known.order()
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::{acme_copy, first_hop, id, known, second_hop};
    use super::*;

    #[test]
    fn only_what_differs_is_a_change() {
        let stored = Comments::stored([known("acme/1", "acme", &acme_copy())]);
        let mut draft = Draft::over(&stored);
        draft.reach(&id("acme/1"), &acme_copy(), None);
        draft.reach(&id("acme/9"), &acme_copy(), None);
        draft.keep_files_from(&id("acme/9"), &acme_copy());
        draft.rewrite(&id("acme/9"), known("acme/9", "acme", &acme_copy()).content);
        assert_eq!(draft.into_changes(), CommentChanges::default());
    }

    #[test]
    fn what_is_decided_by_is_what_is_kept() {
        let (near, far, beyond) = (acme_copy(), first_hop().far(), second_hop().far());
        let mut comments = Comments::stored([known("acme/1", "acme", &near)]);
        let mut draft = Draft::over(&comments);
        draft.add(known("acme/2", "acme", &near));
        let blank =
            |id: &str| SharedComment { body: String::new(), ..known(id, "acme", &near).content };
        for id in ["acme/1", "acme/2"].map(id) {
            draft.reach(&id, &far, None);
            draft.keep_files_from(&id, &far);
            draft.rewrite(&id, blank(id.as_str()));
            assert!(draft.is_held(&id, &near) && draft.is_held(&id, &far));
            assert!(!draft.is_held(&id, &beyond) && !draft.is_without_files(&id, &near));
            assert_eq!(draft.get(&id).unwrap().content().body, "");
        }
        let held = |copy| draft.held_by(copy).count();
        assert_eq!((held(&near), held(&far), held(&beyond)), (2, 2, 0));
        comments.apply(draft.into_changes());
        for id in ["acme/1", "acme/2"].map(id) {
            let left = comments.get(&id).unwrap();
            assert_eq!(left.copies, [near.clone(), far.clone()].into());
            assert_eq!(
                (&left.without_files, left.content.body.as_str()),
                (&[far.clone()].into(), "")
            );
        }
    }
}
