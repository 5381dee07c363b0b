//! A hop that is new here takes over what its near copy holds, and hands it on along the hops
//! beyond it.

use std::collections::BTreeSet;

use contracts::sync::Hop;
use contracts::{CommentId, CopyId};

use super::crossing::held_back;
use super::{ChainState, Settings};

/// Brings the comments of the near copy over `hop` and onwards; returns which copy got which. A hop
/// that is not live takes nothing.
///
/// Only outwards: whatever the far copy holds was walked from where it was published, along the
/// hops that were live then.
pub(super) fn take_over(
    state: &mut ChainState,
    settings: &Settings,
    hop: &Hop,
) -> Vec<(CopyId, CommentId)> {
    let mut reached = BTreeSet::new();
    let mut taken = Vec::new();
    for crossing in state.chain.crossings(&hop.near, &settings.inactive) {
        if crossing.hop.share_id != hop.share_id && !reached.contains(&crossing.from) {
            continue;
        }
        reached.insert(crossing.to.clone());
        let crosses: Vec<CommentId> = state
            .comments
            .held_by(&crossing.from)
            .filter(|comment| {
                !comment.copies.contains(&crossing.to)
                    && held_back(&crossing, &comment.content).is_none()
            })
            .map(|comment| comment.content.id.clone())
            .collect();
        for id in crosses {
            state.comments.reach(&id, &crossing.to);
            // A file goes on from a copy that has it.
            if state.comments.is_without_files(&id, &crossing.from) {
                state.comments.keep_files_from(&id, &crossing.to);
            }
            taken.push((crossing.to.clone(), id));
        }
    }
    taken
}

#[cfg(test)]
mod tests {
    use super::super::samples::{acme_copy, first_hop, id, known, second_hop, under};
    use super::super::{Comments, Settings};
    use super::*;
    use contracts::terms::CommentTerms;
    use line::Chain;

    fn state(hops: &[Hop]) -> ChainState {
        let comments = Comments::stored([known("acme/1", "acme", &acme_copy())]);
        ChainState {
            chain: Chain::stored(hops.iter().map(|hop| (hop.clone(), false))),
            comments,
            ..ChainState::default()
        }
    }

    #[test]
    fn r_18_a_new_copy_begins_with_what_the_shared_one_holds() {
        let mut state = state(&[under(CommentTerms::PrivateOnly, first_hop())]);
        let taken = take_over(&mut state, &Settings::default(), &first_hop());
        assert_eq!(taken, [(first_hop().far(), id("acme/1"))]);
        assert!(take_over(&mut state, &Settings::default(), &first_hop()).is_empty());
    }

    #[test]
    fn r_14_what_is_taken_over_goes_on_along_the_chain() {
        let mut state = state(&[first_hop(), second_hop()]);
        take_over(&mut state, &Settings::default(), &first_hop());
        assert!(state.comments.is_held(&id("acme/1"), &second_hop().far()));
    }

    #[test]
    fn nothing_goes_back_to_the_near_copy_or_into_its_other_hops() {
        let mut state = state(&[first_hop(), second_hop()]);
        assert!(take_over(&mut state, &Settings::default(), &second_hop()).is_empty());
        assert!(!state.comments.is_held(&id("acme/1"), &first_hop().far()));
    }

    #[test]
    fn r_79_a_hop_that_has_ended_takes_nothing() {
        let mut state = state(&[first_hop()]);
        let inactive = [first_hop().agreement_id].into();
        assert!(
            take_over(&mut state, &Settings { inactive, ..Settings::default() }, &first_hop())
                .is_empty()
        );
        state.chain.end(&first_hop().share_id);
        assert!(take_over(&mut state, &Settings::default(), &first_hop()).is_empty());
    }
}
