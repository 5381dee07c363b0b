//! What comes of hops that have ended, or whose agreement is inactive.

use contracts::sync::{Action, Hop, Transfer};
use contracts::{CommentId, Decision, Item, Reason};
use line::{Chain, HopTraversal};

use super::Settings;

/// Why the hop of a share is not live, if it is not.
pub(super) fn why_ended(
    chain: &Chain<&Hop>,
    settings: &Settings,
    action: &Action,
) -> Option<Reason> {
    let Action::Share(sharing) = action else { return None };
    let hop = chain.hop(&sharing.share_id)?;
    if chain.has_ended(&hop.share_id) {
        Some(Reason::NotShared)
    } else if settings.inactive.contains(&hop.agreement_id) {
        Some(Reason::AgreementInactive)
    } else {
        None
    }
}

/// Hops of the publisher's copy that ended after the entry let the command in: what was to cross
/// them stays.
pub(super) fn not_live(
    chain: &Chain<&Hop>,
    crossings: &[HopTraversal],
    transfer: &Transfer,
    new: &[CommentId],
) -> Vec<Decision> {
    let touches = |hop: &&Hop| hop.near == transfer.copy || hop.far() == transfer.copy;
    let walked = |hop: &Hop| crossings.iter().any(|crossing| crossing.hop.share_id == hop.share_id);
    let mut decisions = Vec::new();
    for hop in transfer.hops.iter().filter(touches).filter(|hop| !walked(hop)) {
        let reason = if chain.has_ended(&hop.share_id) {
            Reason::NotShared
        } else {
            Reason::AgreementInactive
        };
        let withheld = |id: &CommentId| {
            Decision::withheld(Item::Comment(id.clone()), reason).over(&hop.share_id)
        };
        decisions.extend(new.iter().map(withheld));
    }
    decisions
}

#[cfg(test)]
mod tests {
    use super::super::samples::{
        acme_copy, chain_of_three, first_hop, id, published, second_hop, sent, settings, share,
        take, told, update,
    };
    use super::super::{ChainState, Decided};
    use super::*;
    use contracts::ItemOutcome;

    #[test]
    fn r_79_over_a_hop_that_has_ended_comments_stay() {
        let mut state = chain_of_three();
        state.chain.end(&first_hop().share_id);
        let transfer = update("acme", &acme_copy(), &[first_hop()], vec![published("acme/1")]);
        let decided = take(&mut state, &settings(), &transfer);
        assert!(decided.comments.is_empty());
        assert_eq!(
            told(&decided),
            [("comment:acme/1".into(), ItemOutcome::Withheld, Some(Reason::NotShared), true)]
        );

        let inactive = Settings { inactive: [second_hop().agreement_id].into(), ..settings() };
        let transfer =
            update("globex", &first_hop().far(), &[second_hop()], vec![published("globex/1")]);
        let decided = take(&mut state, &inactive, &transfer);
        assert_eq!(told(&decided)[0].2, Some(Reason::AgreementInactive));
    }

    #[test]
    fn an_unshare_ends_its_hop_for_good_and_no_other() {
        let mut state = chain_of_three();
        let hops = [first_hop(), second_hop()];
        let share_id = first_hop().share_id;
        let unshare = Transfer {
            action: Action::Unshare { share_id },
            ..update("acme", &acme_copy(), &hops, Vec::new())
        };
        assert_eq!(take(&mut state, &settings(), &unshare), Decided::default());
        let late = update("globex", &first_hop().far(), &hops, vec![published("globex/1")]);
        assert_eq!(sent(&take(&mut state, &settings(), &late)), [vec![], vec![], vec!["globex/1"]]);
    }

    #[test]
    fn an_unshare_that_overtook_its_share_leaves_nothing_to_create() {
        let mut state = ChainState::default();
        let share_id = first_hop().share_id;
        let unshare = Transfer {
            action: Action::Unshare { share_id },
            ..update("acme", &acme_copy(), &[first_hop()], vec![])
        };
        take(&mut state, &settings(), &unshare);
        let decided =
            take(&mut state, &settings(), &share(&[first_hop()], vec![published("acme/1")]));
        assert_eq!(decided, Decided { rejected: Some(Reason::NotShared), ..Decided::default() });
        assert!(state.comments.get(&id("acme/1")).is_none(), "what is rejected changed nothing");
    }

    #[test]
    fn r_79_a_share_that_finds_its_agreement_inactive_stays_rejected() {
        let mut state = ChainState::default();
        let inactive = Settings { inactive: [first_hop().agreement_id].into(), ..settings() };
        let decided =
            take(&mut state, &inactive, &share(&[first_hop()], vec![published("acme/1")]));
        assert_eq!(
            decided,
            Decided { rejected: Some(Reason::AgreementInactive), ..Decided::default() }
        );
        assert!(state.chain.has_ended(&first_hop().share_id));
    }
}
