//! New comments on their way outwards from the publisher's copy, hop by hop.

use contracts::{CommentId, CopyId, Decision, Item, ItemOutcome};
use line::HopTraversal;

use super::contents::Sent;
use super::crossing::held_back;
use super::draft::Draft;
use super::{Cut, Settings};

/// Walks the new comments outwards: each crosses a hop whose near end it reached. The publisher is
/// told of its own hops only.
pub(super) fn carry(
    comments: &mut Draft,
    settings: &Settings,
    crossings: &[HopTraversal],
    publisher: &CopyId,
    new: &[CommentId],
    sent: &mut Sent,
) -> Vec<Decision> {
    let mut decisions = Vec::new();
    for crossing in crossings {
        for id in new {
            let Some(comment) =
                comments.get(id).filter(|comment| comment.is_held_by(&crossing.from))
            else {
                continue;
            };
            let content = comment.content();
            let cut = Cut::of(settings.limits_of(crossing.to_account()), content);
            let told = match held_back(settings, crossing, content) {
                Some(reason) => vec![Decision::withheld(Item::Comment(id.clone()), reason)],
                None => cut.unwrap_or_default().decisions(content),
            };
            if told[0].outcome != ItemOutcome::Withheld {
                comments.reach(id, &crossing.to, cut);
                sent.entry(crossing.to.clone()).or_default().insert(id.clone());
            }
            if crossing.from == *publisher {
                decisions.extend(told.into_iter().map(|told| told.over(&crossing.hop.share_id)));
            }
        }
    }
    decisions
}

#[cfg(test)]
mod tests {
    use super::super::ChainState;
    use super::super::samples::{
        acme_copy, chain_of_three, first_hop, id, published, second_hop, sent, settings, take,
        told, under, update,
    };
    use super::*;
    use contracts::Reason;
    use contracts::sync::TransferComment;
    use contracts::terms::CommentTerms;

    #[test]
    fn r_21_a_comment_reaches_every_copy_and_a_receipt_names_the_near_hops() {
        let mut state = chain_of_three();
        let hops = [first_hop(), second_hop()];
        let decided = take(
            &mut state,
            &settings(),
            &update("acme", &acme_copy(), &hops, vec![published("acme/1")]),
        );
        assert_eq!(sent(&decided), [vec![], vec!["acme/1"], vec!["acme/1"]]);
        assert_eq!(
            told(&decided),
            [("comment:acme/1".into(), ItemOutcome::Transferred, None, true)]
        );
        assert_eq!(decided.decisions[0].share_id, Some(first_hop().share_id));

        let middle = update("globex", &first_hop().far(), &hops, vec![published("globex/1")]);
        let decided = take(&mut state, &settings(), &middle);
        assert_eq!(sent(&decided), [vec!["globex/1"], vec![], vec!["globex/1"]]);
        let mut shares: Vec<_> =
            decided.decisions.into_iter().filter_map(|decision| decision.share_id).collect();
        shares.sort();
        assert_eq!(shares, [first_hop().share_id, second_hop().share_id]);
    }

    #[test]
    fn r_54_what_is_withheld_goes_no_further() {
        let hops = [
            under(CommentTerms::PrivateOnly, first_hop()),
            under(CommentTerms::PrivateOnly, second_hop()),
        ];
        let mut state = ChainState::default();
        let private = TransferComment { public: false, ..published("initech/2") };
        let transfer =
            update("initech", &second_hop().far(), &hops, vec![published("initech/1"), private]);
        let decided = take(&mut state, &settings(), &transfer);
        assert_eq!(sent(&decided), [vec!["initech/2"], vec!["initech/2"], vec![]]);
        let withheld = (
            "comment:initech/1".into(),
            ItemOutcome::Withheld,
            Some(Reason::PublicCommentsNotAllowed),
            true,
        );
        assert!(told(&decided).contains(&withheld));
        assert!(!state.comments.is_held(&id("initech/1"), &acme_copy()));
        assert!(!decided.comments[&acme_copy()][0].public);
    }
}
