//! A hop that is new here takes over what its near copy holds, and hands it on along the hops
//! beyond it.

use std::collections::BTreeSet;

use contracts::sync::Hop;
use contracts::{CommentId, CopyId};
use line::Chain;

use super::contents::Sent;
use super::crossing::held_back;
use super::draft::Draft;
use super::{Cut, Settings};

/// Which copy is sent what new hops bring it. A copy whose own share is still to come gets what it
/// takes over by that share, so it is not sent now.
pub(super) fn take_over_all(
    chain: &Chain<&Hop>,
    settings: &Settings,
    new_hops: &[Hop],
    created: Option<&Hop>,
    comments: &mut Draft,
) -> Sent {
    let mut sent = Sent::new();
    for hop in new_hops {
        for (copy, id) in take_over(chain, settings, hop, comments) {
            sent.entry(copy).or_default().insert(id);
        }
    }
    for hop in
        new_hops.iter().filter(|hop| created.is_none_or(|created| created.share_id != hop.share_id))
    {
        sent.remove(&hop.far());
    }
    sent
}

/// Brings the comments of the near copy over `hop` and onwards; returns which copy got which. A hop
/// that is not live takes nothing.
///
/// Only outwards: whatever the far copy holds was walked from where it was published, along the
/// hops that were live then.
fn take_over(
    chain: &Chain<&Hop>,
    settings: &Settings,
    hop: &Hop,
    comments: &mut Draft,
) -> Vec<(CopyId, CommentId)> {
    let mut reached = BTreeSet::new();
    let mut taken = Vec::new();
    for crossing in chain.crossings(&hop.near, &settings.inactive) {
        if crossing.hop.share_id != hop.share_id && !reached.contains(&crossing.from) {
            continue;
        }
        reached.insert(crossing.to.clone());
        let crosses: Vec<CommentId> = comments
            .held_by(&crossing.from)
            .filter(|comment| {
                !comment.is_held_by(&crossing.to)
                    && held_back(settings, &crossing, comment.content()).is_none()
            })
            .map(|comment| comment.content().id.clone())
            .collect();
        for id in crosses {
            // From the whole, whatever the desk that hands it on can hold.
            let limits = settings.limits_of(crossing.to_account());
            let cut = comments.get(&id).and_then(|comment| Cut::of(limits, comment.content()));
            comments.reach(&id, &crossing.to, cut);
            // A file goes on from a copy that has it.
            if comments.is_without_files(&id, &crossing.from) {
                comments.keep_files_from(&id, &crossing.to);
            }
            taken.push((crossing.to.clone(), id));
        }
    }
    taken
}

#[cfg(test)]
mod tests {
    use super::super::samples::{
        acme_copy, first_hop, id, known, published, second_hop, sent, settings, share, take, told,
        under, update,
    };
    use super::super::{ChainState, Comments};
    use super::*;
    use contracts::terms::CommentTerms;
    use contracts::{ItemOutcome, Reason};

    /// What a hop takes over along hops, each live or ended, from a copy with one comment.
    fn taken(hops: &[(Hop, bool)], settings: &Settings, hop: &Hop) -> Vec<(CopyId, CommentId)> {
        let comments = Comments::stored([known("acme/1", "acme", &acme_copy())]);
        let chain = Chain::stored(hops.iter().map(|(hop, ended)| (hop, *ended)));
        let mut draft = Draft::over(&comments);
        let taken = take_over(&chain, settings, hop, &mut draft);
        for (copy, id) in &taken {
            assert!(draft.is_held(id, copy));
        }
        assert_eq!(take_over(&chain, settings, hop, &mut draft), [], "each comment once");
        taken
    }

    #[test]
    fn r_18_a_new_copy_begins_with_what_the_shared_one_holds() {
        let hops = [(under(CommentTerms::PrivateOnly, first_hop()), false)];
        assert_eq!(
            taken(&hops, &Settings::default(), &first_hop()),
            [(first_hop().far(), id("acme/1"))]
        );
    }

    #[test]
    fn r_14_what_is_taken_over_goes_on_along_the_chain() {
        let hops = [(first_hop(), false), (second_hop(), false)];
        assert_eq!(
            taken(&hops, &Settings::default(), &first_hop()),
            [first_hop().far(), second_hop().far()].map(|copy| (copy, id("acme/1")))
        );
    }

    #[test]
    fn nothing_goes_back_to_the_near_copy_or_into_its_other_hops() {
        let hops = [(first_hop(), false), (second_hop(), false)];
        assert_eq!(taken(&hops, &Settings::default(), &second_hop()), []);
    }

    #[test]
    fn r_79_a_hop_that_has_ended_takes_nothing() {
        let inactive = [first_hop().agreement_id].into();
        let inactive = Settings { inactive, ..Settings::default() };
        assert_eq!(taken(&[(first_hop(), false)], &inactive, &first_hop()), []);
        assert_eq!(taken(&[(first_hop(), true)], &Settings::default(), &first_hop()), []);
    }

    #[test]
    fn r_18_a_share_carries_the_history_and_all_that_its_copy_holds() {
        let mut state = ChainState::default();
        take(&mut state, &settings(), &share(&[first_hop()], vec![published("acme/1")]));
        let history = vec![published("acme/1"), published("globex/1")];
        let decided = take(&mut state, &settings(), &share(&[first_hop(), second_hop()], history));
        assert_eq!(sent(&decided), [vec!["globex/1"], vec![], vec!["acme/1", "globex/1"]]);
        let unchanged =
            ("comment:acme/1".to_owned(), ItemOutcome::Unchanged, Some(Reason::Unchanged), false);
        assert!(told(&decided).contains(&unchanged));
    }

    #[test]
    fn an_update_that_overtook_its_share_leaves_the_history_to_the_share() {
        let mut state = ChainState::default();
        take(&mut state, &settings(), &share(&[first_hop()], vec![published("acme/1")]));
        let hops = [first_hop(), second_hop()];
        let decided = take(
            &mut state,
            &settings(),
            &update("acme", &acme_copy(), &hops, vec![published("acme/2")]),
        );
        assert_eq!(sent(&decided)[2], ["acme/2"]);
        assert!(state.comments.is_held(&id("acme/1"), &second_hop().far()));
        let decided = take(&mut state, &settings(), &share(&hops, Vec::new()));
        assert_eq!(sent(&decided), [vec![], vec![], vec!["acme/1", "acme/2"]]);
    }

    #[test]
    fn a_share_that_comes_after_the_next_one_still_fills_the_whole_chain() {
        let mut state = ChainState::default();
        take(
            &mut state,
            &settings(),
            &update("acme", &acme_copy(), &[], vec![published("acme/1")]),
        );
        take(&mut state, &settings(), &share(&[second_hop()], Vec::new()));
        let decided =
            take(&mut state, &settings(), &share(&[first_hop()], vec![published("acme/2")]));
        assert_eq!(sent(&decided), [vec![], vec!["acme/1", "acme/2"], vec!["acme/1", "acme/2"]]);
    }
}
