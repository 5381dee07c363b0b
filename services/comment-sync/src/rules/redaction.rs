//! An account blanks a comment of its own, or one of its files; nobody else's. It holds also for a
//! comment that arrives later.

use std::collections::{BTreeMap, BTreeSet};

use contracts::comment::SharedComment;
use contracts::sync::Hop;
use contracts::{AccountName, CommentId, CopyId, Decision, Item, ItemOutcome, Reason};
use line::HopTraversal;

use super::Comments;

/// What an account blanks of a comment: all of it, or one file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark {
    /// The comment.
    pub comment_id: CommentId,
    /// Who blanks it: it holds for a comment of this account alone.
    pub account: AccountName,
    /// Only this file of it.
    pub attachment_id: Option<String>,
}

/// Marks that wait for their comments.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    known: BTreeMap<CommentId, BTreeSet<Mark>>,
    added: BTreeSet<Mark>,
}

impl Marks {
    /// Marks as they are stored.
    #[must_use]
    pub fn stored(marks: impl IntoIterator<Item = Mark>) -> Self {
        let mut all = Self::default();
        for mark in marks {
            all.known.entry(mark.comment_id.clone()).or_default().insert(mark);
        }
        all
    }

    /// Marks that are not stored yet.
    pub fn added(&self) -> impl Iterator<Item = &Mark> {
        self.added.iter()
    }

    fn add(&mut self, mark: Mark) {
        if self.known.entry(mark.comment_id.clone()).or_default().insert(mark.clone()) {
            self.added.insert(mark);
        }
    }

    /// A comment of `account` with what it blanked before.
    pub(super) fn applied_to(
        &self,
        account: &AccountName,
        comment: SharedComment,
    ) -> SharedComment {
        let marks = self
            .known
            .get(&comment.id)
            .into_iter()
            .flatten()
            .filter(|mark| mark.account == *account);
        marks.fold(comment, |comment, mark| blanked(comment, mark.attachment_id.as_deref()))
    }
}

/// A comment without its text and files, or without one file.
#[must_use]
pub fn blanked(comment: SharedComment, attachment_id: Option<&str>) -> SharedComment {
    match attachment_id {
        Some(id) => {
            let attachments =
                comment.attachments.iter().filter(|file| file.id != id).cloned().collect();
            SharedComment { attachments, ..comment }
        }
        None => SharedComment {
            body: String::new(),
            html_body: None,
            attachments: Vec::new(),
            ..comment
        },
    }
}

/// What became of a redaction.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Redacted {
    /// Why nothing was done, if nothing was.
    pub rejected: Option<Reason>,
    /// Which copies are told, and over which hop.
    pub told: Vec<HopTraversal>,
    /// What the publisher is told.
    pub decisions: Vec<Decision>,
}

/// Decides a redaction: blanks the comment where it is known, and remembers it where it is not.
/// Every copy on a live hop is told, also where the way from the author's copy has ended: what is
/// blank for one of them is blank for all.
pub(super) fn redact(
    comments: &mut Comments,
    marks: &mut Marks,
    copy: &CopyId,
    live: &[&Hop],
    mark: Mark,
) -> Redacted {
    let rejected = |reason| Redacted { rejected: Some(reason), ..Redacted::default() };
    let known = comments
        .get(&mark.comment_id)
        .filter(|comment| comment.copies.contains(copy) || comment.account == mark.account);
    let Some(known) = known else {
        // An account's prefix is its own, so what comes later under another's is not this account's
        // either.
        return match mark.comment_id.prefix() {
            Some(prefix) if prefix != mark.account.as_str() => rejected(Reason::NotTheAuthor),
            _ => {
                marks.add(mark);
                Redacted::default()
            }
        };
    };
    if known.account != mark.account {
        return rejected(Reason::NotTheAuthor);
    }
    let item = match &mark.attachment_id {
        Some(id) => Item::Attachment(id.clone()),
        None => Item::Comment(mark.comment_id.clone()),
    };
    let content = blanked(known.content.clone(), mark.attachment_id.as_deref());
    if content == known.content {
        let unchanged = Decision::new(item, ItemOutcome::Unchanged).because(Reason::Unchanged);
        return Redacted { decisions: vec![unchanged], ..Redacted::default() };
    }
    let holds =
        |crossing: &HopTraversal| crossing.to != *copy && known.copies.contains(&crossing.to);
    let mut ends: Vec<HopTraversal> = live
        .iter()
        .flat_map(|hop| [HopTraversal::outbound(hop), HopTraversal::inbound(hop)])
        .filter(holds)
        .collect();
    // A copy in the middle of a chain is at the end of two hops and is told over one: the author's
    // own, where it is one of them.
    ends.sort_by_key(|crossing| (crossing.to.clone(), crossing.from != *copy));
    ends.dedup_by(|next, first| next.to == first.to);
    let told = ends;
    let own = told.iter().filter(|crossing| crossing.from == *copy);
    let transferred = |crossing: &HopTraversal| {
        Decision::new(item.clone(), ItemOutcome::Transferred).over(&crossing.hop.share_id)
    };
    let decisions = own.map(transferred).collect();
    comments.rewrite(&mark.comment_id, content);
    Redacted { rejected: None, told, decisions }
}

#[cfg(test)]
mod tests {
    use super::super::samples::{account, acme_copy, file, first_hop, id, known, second_hop};
    use super::*;

    fn mark(comment: &str, by: &str, attachment: Option<&str>) -> Mark {
        Mark {
            comment_id: id(comment),
            account: account(by),
            attachment_id: attachment.map(Into::into),
        }
    }

    /// A comment of acme's with two files, held by the first two of three copies.
    fn comments() -> Comments {
        let mut comment = known("acme/1", "acme", &acme_copy());
        comment.content.attachments = vec![file("f1"), file("f2")];
        comment.copies.insert(first_hop().far());
        Comments::stored([comment])
    }

    fn redacted(comments: &mut Comments, copy: &CopyId, mark: Mark) -> (Redacted, Marks) {
        let mut marks = Marks::default();
        let redacted = redact(comments, &mut marks, copy, &[&first_hop(), &second_hop()], mark);
        (redacted, marks)
    }

    #[test]
    fn every_copy_that_holds_it_blanks_it() {
        let mut comments = comments();
        let (done, marks) = redacted(&mut comments, &acme_copy(), mark("acme/1", "acme", None));
        assert_eq!(done.told, [HopTraversal::outbound(&first_hop())]);
        assert_eq!(done.decisions.len(), 1, "of its own hop");
        let left = &comments.get(&id("acme/1")).unwrap().content;
        assert_eq!((left.body.as_str(), left.attachments.len()), ("", 0));
        assert_eq!((comments.rewritten().count(), marks.added().count()), (1, 0));
        let (again, _) = redacted(&mut comments, &acme_copy(), mark("acme/1", "acme", None));
        assert_eq!((again.told.len(), again.decisions[0].outcome), (0, ItemOutcome::Unchanged));
    }

    #[test]
    fn a_copy_on_another_live_hop_blanks_it_too() {
        let mut comments = comments();
        comments.reach(&id("acme/1"), &second_hop().far());
        let mut marks = Marks::default();
        let done = redact(
            &mut comments,
            &mut marks,
            &acme_copy(),
            &[&second_hop()],
            mark("acme/1", "acme", None),
        );
        assert_eq!(done.told.len(), 2, "the first hop has ended, the second is live: {done:?}");
        assert!(done.decisions.is_empty());
    }

    #[test]
    fn one_file_alone_can_go() {
        let mut comments = comments();
        redacted(&mut comments, &acme_copy(), mark("acme/1", "acme", Some("f1")));
        let left = &comments.get(&id("acme/1")).unwrap().content;
        assert_eq!((left.body.is_empty(), &left.attachments[..]), (false, &[file("f2")][..]));
    }

    #[test]
    fn only_its_authors_account_redacts_a_comment() {
        let mut comments = comments();
        let before = comments.clone();
        let (refused, _) =
            redacted(&mut comments, &first_hop().far(), mark("acme/1", "globex", None));
        assert_eq!(refused.rejected, Some(Reason::NotTheAuthor));
        let (foreign, _) =
            redacted(&mut comments, &first_hop().far(), mark("acme/2", "globex", None));
        assert_eq!(
            foreign.rejected,
            Some(Reason::NotTheAuthor),
            "not even one that is still to come"
        );
        assert_eq!(comments, before);
    }

    #[test]
    fn it_holds_for_a_comment_that_comes_later_and_for_its_author_alone() {
        let uuid = "0b9f0a52-7c1e-4d9a-9a36-3c9f9f9d8f10";
        let (waits, marks) =
            redacted(&mut Comments::default(), &acme_copy(), mark(uuid, "acme", None));
        assert_eq!((waits, marks.added().count()), (Redacted::default(), 1));
        let comment = known(uuid, "acme", &acme_copy()).content;
        assert!(marks.applied_to(&account("acme"), comment.clone()).body.is_empty());
        assert_eq!(marks.applied_to(&account("globex"), comment.clone()), comment);
    }

    #[test]
    fn what_the_copy_never_got_answers_like_what_is_not_there() {
        let uuid = "0b9f0a52-7c1e-4d9a-9a36-3c9f9f9d8f10";
        let mut comments = Comments::stored([known(uuid, "acme", &acme_copy())]);
        let (unknown, _) =
            redacted(&mut comments, &second_hop().far(), mark(uuid, "initech", None));
        assert_eq!(unknown, Redacted::default());
        assert!(!comments.get(&id(uuid)).unwrap().content.body.is_empty());
    }
}
