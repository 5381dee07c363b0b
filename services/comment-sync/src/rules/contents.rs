//! What each copy is sent of the comments that a decision brings it: in order of time, without what
//! its owner keeps to itself.

use std::collections::{BTreeMap, BTreeSet};

use contracts::comment::SharedComment;
use contracts::sync::Hop;
use contracts::{AccountName, CommentId, CopyId, Decision, Item};
use line::HopTraversal;

use super::crossing::held_back;
use super::draft::{Draft, DraftComment};
use super::{Settings, attachments};

/// Which copy is sent which comments.
pub(super) type Sent = BTreeMap<CopyId, BTreeSet<CommentId>>;

/// All that a copy holds.
pub(super) fn held_by(comments: &Draft, copy: &CopyId) -> BTreeSet<CommentId> {
    comments.held_by(copy).map(|comment| comment.content().id.clone()).collect()
}

/// What copies are told.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Contents {
    /// Which copy is told what, in order of time.
    pub comments: BTreeMap<CopyId, Vec<SharedComment>>,
    /// Which comment is told to which copy without its attachments.
    pub kept_back: Vec<(CopyId, CommentId)>,
}

/// What each copy is told. A copy that was told a comment without its attachments is never told
/// them later. An account that gets its own comments back gets them with their files.
pub(super) fn contents(
    comments: &Draft,
    settings: &Settings,
    sent: Sent,
    own: Option<&AccountName>,
) -> Contents {
    let mut told = Contents::default();
    for (copy, ids) in sent {
        let mut in_order: Vec<_> = ids.iter().filter_map(|id| comments.get(id)).collect();
        in_order.sort_by(|left, right| left.order().cmp(&right.order()));
        for comment in in_order {
            let content = visible(settings, comment, &copy, own);
            if content.attachments.len() < comment.content().attachments.len() {
                told.kept_back.push((copy.clone(), content.id.clone()));
            }
            let content = match comment.cut_for(&copy) {
                Some(cut) => cut.applied(content),
                None => content,
            };
            told.comments.entry(copy.clone()).or_default().push(content);
        }
    }
    told
}

fn visible(
    settings: &Settings,
    comment: DraftComment,
    copy: &CopyId,
    own: Option<&AccountName>,
) -> SharedComment {
    let content = comment.content().clone();
    if comment.is_without_files(copy) {
        SharedComment { attachments: Vec::new(), ..content }
    } else if own == Some(comment.account()) {
        content
    } else {
        attachments::visible(settings, comment.account(), content).0
    }
}

impl Draft<'_> {
    /// Tells copies comments, and notes which attachments stay.
    pub(super) fn tell(
        &mut self,
        settings: &Settings,
        sent: Sent,
    ) -> BTreeMap<CopyId, Vec<SharedComment>> {
        let told = contents(self, settings, sent, None);
        for (copy, id) in &told.kept_back {
            self.keep_files_from(id, copy);
        }
        told.comments
    }
}

/// Attachments that a new copy does not get, though they left their account before, and the near
/// copy has them.
pub(super) fn kept_back_from(
    comments: &Draft,
    settings: &Settings,
    hop: &Hop,
    held: &BTreeSet<CommentId>,
) -> Vec<Decision> {
    let stays = |comment: DraftComment| {
        attachments::visible(settings, comment.account(), comment.content().clone()).1
    };
    held.iter()
        .filter_map(|id| comments.get(id))
        .filter(|comment| !comment.is_without_files(&hop.near))
        .flat_map(stays)
        .map(|decision| decision.over(&hop.share_id))
        .collect()
}

/// What a new copy is not told, or not all of, because its desk cannot hold it; of what its share
/// brings anew the walk tells.
pub(super) fn beyond_limits(
    comments: &Draft,
    settings: &Settings,
    hop: &Hop,
    new: &[CommentId],
) -> Vec<Decision> {
    let crossing = HopTraversal::outbound(hop);
    let stays = |comment: DraftComment| {
        let content = comment.content();
        if let Some(cut) = comment.cut_for(&crossing.to) {
            return cut.decisions(content);
        }
        let reason = held_back(settings, &crossing, content);
        let stays = reason.filter(|_| !comment.is_held_by(&crossing.to));
        stays
            .map(|reason| Decision::withheld(Item::Comment(content.id.clone()), reason))
            .into_iter()
            .collect()
    };
    comments
        .held_by(&hop.near)
        .filter(|comment| !new.contains(&comment.content().id))
        .flat_map(stays)
        .map(|decision| decision.over(&hop.share_id))
        .collect()
}

#[cfg(test)]
mod tests {
    use contracts::sync::{Action, Transfer, TransferComment};
    use contracts::{ItemOutcome, Reason};

    use super::super::ChainState;
    use super::super::samples::{
        acme_copy, chain_of_three, file, first_hop, hop, ids, published, second_hop, secure,
        settings, share, take, told, update,
    };
    use super::*;

    #[test]
    fn a_desk_that_lost_everything_gets_all_its_copy_holds() {
        let mut state = chain_of_three();
        let hops = [first_hop(), second_hop()];
        let with_file = TransferComment { attachments: vec![file("f1")], ..published("acme/1") };
        take(&mut state, &settings(), &update("acme", &acme_copy(), &hops, vec![with_file]));
        take(
            &mut state,
            &settings(),
            &update("globex", &first_hop().far(), &hops, vec![published("globex/1")]),
        );
        let resync = |account: &str, copy: &CopyId| Transfer {
            action: Action::Resync { share_id: first_hop().share_id },
            ..update(account, copy, &hops, Vec::new())
        };
        let decided = take(&mut state, &secure("acme"), &resync("acme", &acme_copy()));
        assert_eq!(ids(&decided.comments[&acme_copy()]), ["acme/1", "globex/1"]);
        assert_eq!(decided.comments[&acme_copy()][0].attachments, [file("f1")], "its own file");
        let decided = take(&mut state, &secure("acme"), &resync("globex", &first_hop().far()));
        assert!(
            decided.comments[&first_hop().far()][0].attachments.is_empty(),
            "which the partner's setting of now keeps"
        );
    }

    #[test]
    fn r_35_attachments_that_stayed_once_are_never_let_out() {
        let mut state = chain_of_three();
        let comment = TransferComment { attachments: vec![file("f1")], ..published("acme/1") };
        let transfer = update("acme", &acme_copy(), &[first_hop()], vec![comment]);
        let decided = take(&mut state, &secure("acme"), &transfer);
        assert!(decided.comments[&first_hop().far()][0].attachments.is_empty());
        assert!(told(&decided).contains(&(
            "attachment:f1".into(),
            ItemOutcome::Withheld,
            Some(Reason::SecureDownloads),
            false
        )));
        let again = take(&mut state, &settings(), &share(&[first_hop(), second_hop()], Vec::new()));
        assert!(again.comments[&second_hop().far()][0].attachments.is_empty());
    }

    #[test]
    fn r_35_a_new_copy_meets_the_owners_setting_of_now() {
        let mut state = ChainState::default();
        let comment = TransferComment { attachments: vec![file("f1")], ..published("acme/1") };
        let decided = take(&mut state, &settings(), &share(&[first_hop()], vec![comment]));
        assert_eq!(decided.comments[&first_hop().far()][0].attachments, [file("f1")]);

        let decided =
            take(&mut state, &secure("acme"), &share(&[first_hop(), second_hop()], Vec::new()));
        assert!(decided.comments[&second_hop().far()][0].attachments.is_empty());
        assert_eq!(
            told(&decided),
            [("attachment:f1".into(), ItemOutcome::Withheld, Some(Reason::SecureDownloads), true)]
        );
    }

    #[test]
    fn r_35_a_copy_without_attachments_stays_so_when_the_setting_changes() {
        let mut state = ChainState::default();
        let with_file = TransferComment { attachments: vec![file("f1")], ..published("acme/1") };
        take(&mut state, &settings(), &share(&[first_hop()], vec![with_file]));
        let hops = [first_hop(), second_hop()];
        take(&mut state, &secure("acme"), &share(&hops, Vec::new()));
        let far = second_hop().far();
        let resync = |account: &str, copy: &CopyId| Transfer {
            action: Action::Resync { share_id: second_hop().share_id },
            ..update(account, copy, &hops, Vec::new())
        };
        let told = take(&mut state, &settings(), &resync("initech", &far));
        assert!(told.comments[&far][0].attachments.is_empty(), "as it was told before");
        let near = first_hop().far();
        let told = take(&mut state, &settings(), &resync("globex", &near));
        assert_eq!(told.comments[&near][0].attachments, [file("f1")]);

        let third = hop(3, "initech", "umbrella", far);
        let onward =
            take(&mut state, &settings(), &share(std::slice::from_ref(&third), Vec::new()));
        assert!(onward.comments[&third.far()][0].attachments.is_empty(), "nor does it hand it on");
    }
}
