//! Whether a comment that is known says what it said when its author published it first. What was
//! said is kept as a hash, beside the comment, and forgotten when the comment is redacted.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use contracts::sync::{Action, Transfer, TransferComment};
use contracts::{AccountName, ChainId, CommentId, Decision, Item, ItemOutcome, Reason};
use sha2::{Digest, Sha256};

use super::Comments;

/// A hash of what a comment says, and to whom. Its HTML and files are no part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContentHash([u8; 32]);

impl ContentHash {
    /// Of a comment as it was published.
    #[must_use]
    pub fn of(comment: &TransferComment) -> Self {
        let mut hash = Sha256::new();
        hash.update([u8::from(comment.public)]);
        hash.update(comment.body.as_bytes());
        Self(hash.finalize().into())
    }

    /// As it is stored.
    #[must_use]
    pub fn stored(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().map(Self).ok()
    }

    /// For storing.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// What an account said under an id, on one ticket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FirstVersion {
    /// The author's account.
    pub account: AccountName,
    /// What it said.
    pub content_hash: ContentHash,
}

/// An id on a ticket.
pub type VersionKey = (CommentId, ChainId);

/// What was said under the ids that a batch names, wherever, with what differs from what is stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FirstVersions {
    known: BTreeMap<CommentId, BTreeMap<ChainId, FirstVersion>>,
    changed: BTreeSet<VersionKey>,
}

impl FirstVersions {
    /// What is stored.
    #[must_use]
    pub fn stored(known: impl IntoIterator<Item = (VersionKey, FirstVersion)>) -> Self {
        let mut stored = Self::default();
        for ((id, chain), version) in known {
            stored.known.entry(id).or_default().insert(chain, version);
        }
        stored
    }

    /// What differs from what is stored; nothing of what is forgotten.
    pub fn changed(&self) -> impl Iterator<Item = (&VersionKey, Option<&FirstVersion>)> {
        self.changed.iter().map(|key| (key, self.get(&key.0, &key.1)))
    }

    /// Says of comments that are known, or are on another ticket of their account, that their text
    /// or visibility is another one. `before` are the chain's comments as the transfer met them.
    pub fn review(&self, transfer: &Transfer, before: &Comments, decisions: &mut [Decision]) {
        let mut repeated = self.repeated(transfer, before);
        for decision in decisions {
            let Item::Comment(id) = &decision.item else { continue };
            if decision.outcome == ItemOutcome::Unchanged {
                let differs = repeated.get_mut(id).and_then(VecDeque::pop_front);
                if differs == Some(true) {
                    (decision.outcome, decision.reason) =
                        (ItemOutcome::Withheld, Some(Reason::CommentDiffers));
                    decision.detail = Some(
                        "the id is known with other text or visibility, which stands; redact it \
                         and publish what is right under an id of its own"
                            .to_owned(),
                    );
                }
            } else if decision.reason.is_none()
                && before.get(id).is_none()
                && self.differs_on_another_ticket(transfer, id)
            {
                decision.reason = Some(Reason::CommentDiffers);
                decision.detail = Some(
                    "another ticket of the account has this id with other text or visibility; an \
                     id is of one comment"
                        .to_owned(),
                );
            }
        }
    }

    /// For each comment that is not new, one after the other, whether it says something else than
    /// the account said first.
    fn repeated(
        &self,
        transfer: &Transfer,
        before: &Comments,
    ) -> BTreeMap<CommentId, VecDeque<bool>> {
        let mut repeated: BTreeMap<CommentId, VecDeque<bool>> = BTreeMap::new();
        let ids: BTreeSet<&CommentId> =
            transfer.comments.iter().map(|comment| &comment.id).collect();
        // As almost always; nothing has to be hashed for it.
        if ids.len() == transfer.comments.len() && ids.iter().all(|id| before.get(id).is_none()) {
            return repeated;
        }
        let mut first: BTreeMap<&CommentId, Option<ContentHash>> = BTreeMap::new();
        for comment in &transfer.comments {
            let content_hash = ContentHash::of(comment);
            let is_new = before.get(&comment.id).is_none() && !first.contains_key(&comment.id);
            let said = first.entry(&comment.id).or_insert_with(|| {
                if is_new { Some(content_hash) } else { self.own(transfer, &comment.id) }
            });
            if !is_new {
                let differs = said.is_some_and(|said| said != content_hash);
                repeated.entry(comment.id.clone()).or_default().push_back(differs);
            }
        }
        repeated
    }

    fn get(&self, id: &CommentId, chain: &ChainId) -> Option<&FirstVersion> {
        self.known.get(id)?.get(chain)
    }

    /// What the publisher said under an id on this ticket.
    fn own(&self, transfer: &Transfer, id: &CommentId) -> Option<ContentHash> {
        let version = self.get(id, &transfer.chain)?;
        (version.account == transfer.command.account).then_some(version.content_hash)
    }

    fn differs_on_another_ticket(&self, transfer: &Transfer, id: &CommentId) -> bool {
        let Some(comment) = transfer.comments.iter().find(|comment| comment.id == *id) else {
            return false;
        };
        let others = self.known.get(id).into_iter().flatten().filter(|(chain, version)| {
            **chain != transfer.chain && version.account == transfer.command.account
        });
        let mut others = others.map(|(_, version)| version.content_hash).peekable();
        // Almost never; nothing has to be hashed for it.
        others.peek().is_some() && {
            let now = ContentHash::of(comment);
            others.any(|content_hash| content_hash != now)
        }
    }

    /// Keeps what a transfer's new comments say, and forgets what it redacted. `before` are those
    /// that were known, `after` the chain's comments with the transfer's.
    pub fn keep(&mut self, transfer: &Transfer, before: &BTreeSet<CommentId>, after: &Comments) {
        let (account, chain) = (&transfer.command.account, &transfer.chain);
        if let Action::Redact { comment_id, attachment_id: None } = &transfer.action {
            if self.get(comment_id, chain).is_some_and(|version| version.account == *account) {
                self.known.entry(comment_id.clone()).or_default().remove(chain);
                self.changed.insert((comment_id.clone(), chain.clone()));
            }
            return;
        }
        for comment in &transfer.comments {
            let is_new = !before.contains(&comment.id) && self.get(&comment.id, chain).is_none();
            // One whose redaction came first is blank already.
            let is_kept = after.get(&comment.id).is_some_and(|known| {
                known.account == *account && known.content.body.starts_with(&comment.body)
            });
            if is_new && is_kept {
                let version = FirstVersion {
                    account: account.clone(),
                    content_hash: ContentHash::of(comment),
                };
                self.known.entry(comment.id.clone()).or_default().insert(chain.clone(), version);
                self.changed.insert((comment.id.clone(), chain.clone()));
            }
        }
    }
}

/// Those of a transfer's comments that its chain knows already.
#[must_use]
pub fn known_before(transfer: &Transfer, comments: &Comments) -> BTreeSet<CommentId> {
    let ids = transfer.comments.iter().map(|comment| &comment.id);
    ids.filter(|id| comments.get(id).is_some()).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::super::samples::{
        acme_copy, chain_of_three, first_hop, id, published, second_hop, settings, update,
    };
    use super::super::{ChainState, Decision as Changed, decide};
    use super::*;

    /// A ticket with what was said on it.
    struct Scene {
        state: ChainState,
        first_versions: FirstVersions,
    }

    impl Scene {
        fn new() -> Self {
            Self { state: chain_of_three(), first_versions: FirstVersions::default() }
        }

        fn tell(&mut self, transfer: &Transfer) -> Vec<Decision> {
            let Changed { changes, mut decided } = decide(&self.state, &settings(), transfer);
            self.first_versions.review(transfer, &self.state.comments, &mut decided.decisions);
            let before = known_before(transfer, &self.state.comments);
            self.state.apply(changes);
            self.first_versions.keep(transfer, &before, &self.state.comments);
            decided.decisions
        }

        fn publish(&mut self, account: &str, comments: Vec<TransferComment>) -> Vec<Decision> {
            let copy = if account == "acme" { acme_copy() } else { first_hop().far() };
            self.tell(&update(account, &copy, &[first_hop(), second_hop()], comments))
        }
    }

    fn worded(body: &str, public: bool) -> TransferComment {
        TransferComment { body: body.into(), public, ..published("acme/1") }
    }

    fn reasons(decisions: &[Decision]) -> Vec<(ItemOutcome, Option<Reason>)> {
        decisions.iter().map(|decision| (decision.outcome, decision.reason)).collect()
    }

    const DIFFERS: (ItemOutcome, Option<Reason>) =
        (ItemOutcome::Withheld, Some(Reason::CommentDiffers));
    const UNCHANGED: (ItemOutcome, Option<Reason>) =
        (ItemOutcome::Unchanged, Some(Reason::Unchanged));

    #[test]
    fn a_known_id_with_other_text_or_visibility_differs() {
        let mut scene = Scene::new();
        scene.publish("acme", vec![worded("first", true)]);
        for (again, expected) in [
            (worded("first", true), UNCHANGED),
            (worded("corrected", true), DIFFERS),
            (worded("first", false), DIFFERS),
            (worded("First", true), DIFFERS),
            (
                TransferComment { html_body: Some("<p>x".into()), ..worded("first", true) },
                UNCHANGED,
            ),
        ] {
            assert_eq!(
                reasons(&scene.publish("acme", vec![again.clone()])),
                [expected],
                "{again:?}"
            );
        }
    }

    #[test]
    fn only_the_authors_account_is_told() {
        let mut scene = Scene::new();
        scene.publish("acme", vec![worded("first", true)]);
        let by_partner = scene.publish("globex", vec![worded("as the partner shows it", true)]);
        assert_eq!(reasons(&by_partner), [UNCHANGED]);
    }

    #[test]
    fn two_entries_of_one_comment_in_one_command_are_compared() {
        let mut scene = Scene::new();
        let twice = vec![worded("first", true), worded("second", true), worded("first", true)];
        let decisions = scene.publish("acme", twice);
        let last: Vec<_> = reasons(&decisions).into_iter().filter(|it| it.1.is_some()).collect();
        assert!(last.contains(&DIFFERS) && last.contains(&UNCHANGED), "{last:?}");
    }

    #[test]
    fn after_a_redaction_nothing_is_compared() {
        let mut scene = Scene::new();
        scene.publish("acme", vec![worded("first", true)]);
        let hops = [first_hop(), second_hop()];
        scene.tell(&Transfer {
            action: Action::Redact { comment_id: id("acme/1"), attachment_id: None },
            ..update("acme", &acme_copy(), &hops, Vec::new())
        });
        assert!(scene.first_versions.known.values().all(BTreeMap::is_empty));
        let again = scene.publish("acme", vec![worded("other", true)]);
        assert_eq!(reasons(&again), [UNCHANGED]);
    }

    #[test]
    fn one_id_on_two_tickets_differs() {
        let other = contracts::CopyId::of_share(&second_hop().share_id);
        let key = |number: &str| (id(number), ChainId::starting_with(&other));
        let account = super::super::samples::account("acme");
        let version = |body: &str| FirstVersion {
            account: account.clone(),
            content_hash: ContentHash::of(&worded(body, true)),
        };
        for (elsewhere, is_said) in [(version("elsewhere"), true), (version("first"), false)] {
            let mut scene = Scene::new();
            scene.first_versions = FirstVersions::stored([(key("acme/1"), elsewhere)]);
            let decisions = scene.publish("acme", vec![worded("first", true)]);
            assert!(decisions.iter().all(|it| it.outcome == ItemOutcome::Transferred));
            let said = decisions.iter().any(|it| it.reason == Some(Reason::CommentDiffers));
            assert_eq!(said, is_said, "{decisions:?}");
        }
    }
}
