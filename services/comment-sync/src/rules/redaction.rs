//! An account blanks a comment of its own, or one of its files; nobody else's. It holds also for a
//! comment that arrives later.

use std::collections::{BTreeMap, BTreeSet};

use contracts::comment::SharedComment;
use contracts::sync::Hop;
use contracts::{AccountName, CommentId, CopyId, Decision, Item, ItemOutcome, Reason};
use line::HopTraversal;

use super::draft::Draft;
use super::missed::{Missed, ways_in};
use super::unreached::{self, Publisher};

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

    pub(super) fn add(&mut self, mark: Mark) {
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

/// What becomes of a redaction.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Redacted {
    /// Why nothing is done, if nothing is.
    pub rejected: Option<Reason>,
    /// The mark, where its comment is still to come.
    pub waits: Option<Mark>,
    /// What the comment says from now on, where that changes.
    pub content: Option<SharedComment>,
    /// Which copies are told, and over which hop.
    pub told: Vec<HopTraversal>,
    /// Which copies miss it.
    pub missed: Vec<Missed>,
    /// What the publisher is told.
    pub decisions: Vec<Decision>,
}

/// Decides a redaction: blanks the comment where it is known, and remembers it where it is not.
/// Every copy on a live hop is told, also where the way from the author's copy has ended: what is
/// blank for one of them is blank for all. A copy whose hops have all ended misses it until it
/// comes into a live share again, and the publisher is told so. `unaware` are the copies that
/// missed the same redaction before, and do not hear of it now.
pub(super) fn redact(
    comments: &Draft,
    unaware: &BTreeSet<&CopyId>,
    publisher: Publisher,
    mark: &Mark,
) -> Redacted {
    let rejected = |reason| Redacted { rejected: Some(reason), ..Redacted::default() };
    let copy = publisher.copy;
    let known = comments
        .get(&mark.comment_id)
        .filter(|comment| comment.is_held_by(copy) || *comment.account() == mark.account);
    let Some(known) = known else {
        // An account's prefix is its own, so what comes later under another's is not this account's
        // either.
        return match mark.comment_id.prefix() {
            Some(prefix) if prefix != mark.account.as_str() => rejected(Reason::NotTheAuthor),
            _ => Redacted {
                waits: Some(mark.clone()),
                decisions: vec![waiting(mark)],
                ..Redacted::default()
            },
        };
    };
    if *known.account() != mark.account {
        return rejected(Reason::NotTheAuthor);
    }
    let item = item(mark);
    let file = mark.attachment_id.as_deref();
    let content = blanked(known.content().clone(), file);
    if content == *known.content() {
        let mut unchanged =
            Decision::new(item.clone(), ItemOutcome::Unchanged).because(Reason::Unchanged);
        if file.is_some() {
            unchanged = unchanged
                .with_detail(format!("comment {} has no such file, or no longer", mark.comment_id));
        }
        let unreached = unaware.iter().map(|copy| unreached::named(publisher, &item, copy));
        let decisions = std::iter::once(unchanged).chain(unreached).collect();
        return Redacted { decisions, ..Redacted::default() };
    }
    let mut others = known.holders();
    others.remove(copy);
    let told = told(publisher, &others);
    let is_told = |holder: &&CopyId| told.iter().any(|crossing| crossing.to == **holder);
    let unreached: Vec<&CopyId> = others.into_iter().filter(|other| !is_told(other)).collect();
    let own = told.iter().filter(|crossing| crossing.from == *copy);
    let transferred = own.map(|crossing| {
        Decision::new(item.clone(), ItemOutcome::Transferred).over(&crossing.hop.share_id)
    });
    let withheld = unreached.iter().map(|copy| unreached::named(publisher, &item, copy));
    let decisions = transferred.chain(withheld).collect();
    let missed = unreached.into_iter().map(|copy| Missed {
        copy: copy.clone(),
        comment_id: mark.comment_id.clone(),
        attachment_id: mark.attachment_id.clone(),
    });
    let missed = missed.collect();
    Redacted { content: Some(content), told, missed, decisions, ..Redacted::default() }
}

fn item(mark: &Mark) -> Item {
    match &mark.attachment_id {
        Some(id) => Item::Attachment(id.clone()),
        None => Item::Comment(mark.comment_id.clone()),
    }
}

/// Nothing is blank yet: whoever misspelt the id learns it from this.
fn waiting(mark: &Mark) -> Decision {
    Decision::new(item(mark), ItemOutcome::Unchanged).with_detail(format!(
        "this ticket has no comment {} so far: the redaction waits for it",
        mark.comment_id
    ))
}

/// The ways to those of the copies that are at a live hop, one for each. A copy in the middle of a
/// chain is at the end of two and is told over one: the publisher's own, where it is one of them.
fn told(publisher: Publisher, copies: &BTreeSet<&CopyId>) -> Vec<HopTraversal> {
    let live: Vec<&Hop> = publisher.chain.live(publisher.inactive).collect();
    let mut ways: Vec<HopTraversal> =
        ways_in(&live).filter(|crossing| copies.contains(&crossing.to)).collect();
    ways.sort_by_key(|crossing| (crossing.to.clone(), crossing.from != *publisher.copy));
    ways.dedup_by(|next, first| next.to == first.to);
    ways
}

#[cfg(test)]
mod tests {
    use contracts::ShareId;
    use line::{Chain, ChainEntry};

    use super::super::samples::{account, acme_copy, file, first_hop, id, known, second_hop};
    use super::super::{ChainState, Changes, Comments};
    use super::*;

    fn mark(comment: &str, by: &str, attachment: Option<&str>) -> Mark {
        Mark {
            comment_id: id(comment),
            account: account(by),
            attachment_id: attachment.map(Into::into),
        }
    }

    /// A comment of acme's with two files, held by the first two of three copies, whose two hops
    /// have ended or not.
    fn state(ended: [bool; 2]) -> ChainState {
        let mut comment = known("acme/1", "acme", &acme_copy());
        comment.content.attachments = vec![file("f1"), file("f2")];
        comment.copies.insert(first_hop().far());
        let hops = [first_hop(), second_hop()].into_iter().zip(ended);
        ChainState {
            chain: Chain::stored(hops),
            comments: Comments::stored([comment]),
            ..ChainState::default()
        }
    }

    fn redacted(state: &mut ChainState, copy: &CopyId, mark: &Mark) -> Redacted {
        let (inactive, entry) = (BTreeSet::new(), ChainEntry::default());
        let (account, chain) = (&mark.account, &state.chain.after(&entry));
        let publisher = Publisher { account, copy, chain, inactive: &inactive };
        let mut comments = Draft::over(&state.comments);
        let (comment, file) = (&mark.comment_id, mark.attachment_id.as_deref());
        let unaware = state.missed.by(comment, file, &BTreeSet::new());
        let done = redact(&comments, &unaware, publisher, mark);
        if let Some(content) = &done.content {
            comments.rewrite(comment, content.clone());
        }
        let (comments, waits, missed) =
            (comments.into_changes(), done.waits.clone(), done.missed.clone());
        state.apply(Changes { comments, waits, missed, ..Changes::default() });
        done
    }

    /// Outcome, reason and share of each decision.
    fn outcomes(done: &Redacted) -> Vec<(ItemOutcome, Option<Reason>, Option<ShareId>)> {
        let outcome = |it: &Decision| (it.outcome, it.reason, it.share_id.clone());
        done.decisions.iter().map(outcome).collect()
    }

    #[test]
    fn every_copy_that_holds_it_blanks_it() {
        let mut state = state([false, false]);
        let done = redacted(&mut state, &acme_copy(), &mark("acme/1", "acme", None));
        assert_eq!(done.told, [HopTraversal::outbound(&first_hop())]);
        assert_eq!(
            outcomes(&done),
            [(ItemOutcome::Transferred, None, Some(first_hop().share_id))],
            "of its own hop"
        );
        let left = &state.comments.get(&id("acme/1")).unwrap().content;
        assert_eq!((left.body.as_str(), left.attachments.len()), ("", 0));
        assert_eq!((state.comments.rewritten().count(), state.marks.added().count()), (1, 0));
        let again = redacted(&mut state, &acme_copy(), &mark("acme/1", "acme", None));
        assert_eq!((again.told.len(), again.decisions[0].outcome), (0, ItemOutcome::Unchanged));
    }

    #[test]
    fn a_copy_on_another_live_hop_blanks_it_too() {
        let mut state = state([true, false]);
        let mut comments = Draft::over(&state.comments);
        comments.reach(&id("acme/1"), &second_hop().far(), None);
        let comments = comments.into_changes();
        state.apply(Changes { comments, ..Changes::default() });
        let done = redacted(&mut state, &acme_copy(), &mark("acme/1", "acme", None));
        assert_eq!(done.told.len(), 2, "the first hop has ended, the second is live: {done:?}");
        assert!(done.decisions.is_empty());
    }

    #[test]
    fn a_copy_out_of_reach_is_named_and_misses_it_also_when_it_is_said_again() {
        for attachment in [None, Some("f1")] {
            let mut state = state([true, true]);
            let mark = mark("acme/1", "acme", attachment);
            let done = redacted(&mut state, &acme_copy(), &mark);
            let withheld =
                (ItemOutcome::Withheld, Some(Reason::NotShared), Some(first_hop().share_id));
            assert_eq!((&done.told[..], &outcomes(&done)[..]), (&[][..], &[withheld.clone()][..]));
            let missed: Vec<_> = state.missed.added().cloned().collect();
            assert_eq!(missed, done.missed);
            assert_eq!(
                (&missed[0].copy, missed[0].attachment_id.as_deref()),
                (&first_hop().far(), attachment)
            );
            let again = redacted(&mut state, &acme_copy(), &mark);
            let unchanged = (ItemOutcome::Unchanged, Some(Reason::Unchanged), None);
            assert_eq!(outcomes(&again), [unchanged, withheld]);
            assert_eq!(state.missed.added().count(), 1);
        }
    }

    #[test]
    fn one_file_alone_can_go() {
        let mut state = state([false, false]);
        redacted(&mut state, &acme_copy(), &mark("acme/1", "acme", Some("f1")));
        let left = &state.comments.get(&id("acme/1")).unwrap().content;
        assert_eq!((left.body.is_empty(), &left.attachments[..]), (false, &[file("f2")][..]));
    }

    #[test]
    fn only_its_authors_account_redacts_a_comment() {
        let mut state = state([false, false]);
        let before = state.clone();
        let refused = redacted(&mut state, &first_hop().far(), &mark("acme/1", "globex", None));
        assert_eq!(refused.rejected, Some(Reason::NotTheAuthor));
        let foreign = redacted(&mut state, &first_hop().far(), &mark("acme/2", "globex", None));
        assert_eq!(
            foreign.rejected,
            Some(Reason::NotTheAuthor),
            "not even one that is still to come"
        );
        assert_eq!(state, before);
    }

    #[test]
    fn it_holds_for_a_comment_that_comes_later_and_for_its_author_alone() {
        let uuid = "0b9f0a52-7c1e-4d9a-9a36-3c9f9f9d8f10";
        let mut state = ChainState::default();
        let waits = redacted(&mut state, &acme_copy(), &mark(uuid, "acme", None));
        let [told] = &waits.decisions[..] else { panic!("{waits:?}") };
        assert_eq!((told.outcome, told.reason), (ItemOutcome::Unchanged, None));
        assert!(told.detail.as_deref().unwrap().ends_with("the redaction waits for it"));
        assert_eq!((waits.waits.is_some(), state.marks.added().count()), (true, 1));
        let comment = known(uuid, "acme", &acme_copy()).content;
        let applied_to = |by| state.marks.applied_to(&account(by), comment.clone());
        assert!(applied_to("acme").body.is_empty());
        assert_eq!(applied_to("globex"), comment);
    }

    #[test]
    fn what_the_copy_never_got_answers_like_what_is_not_there() {
        let uuid = "0b9f0a52-7c1e-4d9a-9a36-3c9f9f9d8f10";
        let comments = Comments::stored([known(uuid, "acme", &acme_copy())]);
        let mut state = ChainState { comments, ..ChainState::default() };
        let unknown = redacted(&mut state, &second_hop().far(), &mark(uuid, "initech", None));
        assert_eq!((unknown.rejected, unknown.waits.is_some()), (None, true));
        assert!(unknown.decisions[0].detail.as_deref().unwrap().contains("waits"));
        assert!(!state.comments.get(&id(uuid)).unwrap().content.body.is_empty());
    }
}
