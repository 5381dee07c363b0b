//! A desk asks for its shares, live and ended, page by page.

use contracts::command::{ShareList, page_size};
use contracts::delivery::{
    AgreementStatus, Delivery, DeliveryBody, ShareStanding, ShareState, Side,
};
use contracts::sync::CommandRef;
use contracts::{AccountName, Reason};

use super::{Decision, ListedShare, State};

/// Decides `share.list`: the account sees its own shares alone, each from its own side.
pub(super) fn decide(state: &State, command: &CommandRef, list: &ShareList) -> Decision {
    let account = &command.account;
    if let Some(id) = &list.agreement_id {
        let own = state
            .agreements
            .get(id)
            .filter(|agreement| agreement.sender == *account || agreement.receiver == *account);
        if own.is_none() {
            return Decision::NotYet(Reason::UnknownAgreement);
        }
    }
    let size = page_size(list.limit).unwrap_or_default() as usize;
    let listed = state
        .listed
        .get(&(account.clone(), command.message_id.clone()))
        .map_or(&[][..], Vec::as_slice);
    let page = &listed[..listed.len().min(size)];
    // One more than the page was looked for: it is there when the list goes on.
    let next_cursor =
        page.last().filter(|_| listed.len() > size).map(|last| last.hop.share_id.to_string());
    Decision::Listed {
        states: page.iter().filter_map(|share| told(state, account, share)).collect(),
        next_cursor,
    }
}

/// A share as one of its parties sees it.
pub(super) fn told(state: &State, account: &AccountName, share: &ListedShare) -> Option<Delivery> {
    let hop = &share.hop;
    let sends = hop.sender == *account;
    let (side, partner) =
        if sends { (Side::Sender, &hop.receiver) } else { (Side::Receiver, &hop.sender) };
    let (near, far) = (Some(hop.near_ticket.clone()), hop.far_ticket.clone());
    let (ticket_id, partner_ticket_id) = if sends { (near, far) } else { (far, near) };
    let (standing, ended_at) = standing(state, share);
    let told = ShareState {
        share_id: hop.share_id.clone(),
        agreement_id: hop.agreement_id.clone(),
        side,
        // A share is made between accounts that are known here.
        partner: state.accounts.get(partner)?.party(),
        ticket_id,
        partner_ticket_id,
        state: standing,
        started_at: share.started_at,
        ended_at,
    };
    Some(Delivery {
        to: account.clone(),
        correlation_id: hop.share_id.to_string(),
        share_id: Some(hop.share_id.clone()),
        told: DeliveryBody::ShareState(Box::new(told)),
    })
}

/// A share that its sender ended was live until then: an agreement that is inactive lets nobody
/// unshare.
fn standing(state: &State, share: &ListedShare) -> (ShareStanding, Option<contracts::Timestamp>) {
    let unshared = share.ended_at.or_else(|| state.ended.get(&share.hop.share_id).copied());
    if unshared.is_some() {
        return (ShareStanding::Unshared, unshared);
    }
    match state.agreements.get(&share.hop.agreement_id) {
        Some(agreement) if agreement.status == AgreementStatus::Inactive => {
            (ShareStanding::AgreementInactive, Some(agreement.at))
        }
        _ => (ShareStanding::Live, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::samples::SampleDesk;
    use contracts::delivery::AgreementStatus::{Accepted, Inactive};

    fn states(decision: &Decision) -> Vec<ShareState> {
        let Decision::Listed { states, .. } = decision else { panic!("{decision:?}") };
        let state = |delivery: &Delivery| match &delivery.told {
            DeliveryBody::ShareState(state) => (**state).clone(),
            other => panic!("{other:?}"),
        };
        states.iter().map(state).collect()
    }

    #[test]
    fn r_12_each_side_sees_its_own_number_and_where_the_share_stands() {
        let mut desk = SampleDesk::new();
        desk.agree("acme", "globex", Accepted);
        let share = SampleDesk::share_id(&desk.share("acme", "globex", "1")).unwrap();
        desk.bind("globex", &share, "77");
        for (account, side, numbers) in
            [("acme", Side::Sender, ["1", "77"]), ("globex", Side::Receiver, ["77", "1"])]
        {
            let listed = states(&desk.list(account, |_| ()));
            assert_eq!(
                (listed.len(), listed[0].side, listed[0].state),
                (1, side, ShareStanding::Live)
            );
            let told = [&listed[0].ticket_id, &listed[0].partner_ticket_id]
                .map(|id| id.as_ref().unwrap().to_string());
            assert_eq!(told, numbers);
            assert_eq!(listed[0].ended_at, None);
        }
        assert!(states(&desk.list("initech", |_| ())).is_empty());
        desk.unshare("acme", "1");
        let ended = &states(&desk.list("globex", |_| ()))[0];
        assert_eq!((ended.state, ended.ended_at.is_some()), (ShareStanding::Unshared, true));
    }

    #[test]
    fn r_79_a_deactivated_agreement_ends_its_shares_all_at_once() {
        let mut desk = SampleDesk::new();
        desk.agree("acme", "globex", Accepted);
        for ticket in ["1", "2", "3"] {
            desk.share("acme", "globex", ticket);
        }
        desk.agree("acme", "globex", Inactive);
        let listed = states(&desk.list("acme", |_| ()));
        assert_eq!(listed.len(), 3);
        assert!(listed.iter().all(
            |share| share.state == ShareStanding::AgreementInactive && share.ended_at.is_some()
        ));
    }

    #[test]
    fn pages_follow_one_another_without_a_gap() {
        let mut desk = SampleDesk::new();
        desk.agree("acme", "globex", Accepted);
        for ticket in ["1", "2", "3", "4", "5"] {
            desk.share("acme", "globex", ticket);
        }
        let (mut seen, mut cursor) = (Vec::new(), None);
        loop {
            let page =
                desk.list("acme", |list| (list.limit, list.cursor) = (Some(2), cursor.take()));
            seen.extend(states(&page).into_iter().map(|share| share.share_id));
            let Decision::Listed { next_cursor, .. } = page else { unreachable!() };
            match next_cursor {
                Some(next) => cursor = Some(next),
                None => break,
            }
        }
        let mut unique = seen.clone();
        unique.sort();
        unique.dedup();
        assert_eq!((seen.len(), unique.len()), (5, 5));
    }

    #[test]
    fn an_agreement_of_others_answers_like_an_unknown_one() {
        let mut desk = SampleDesk::new();
        desk.agree("acme", "globex", Accepted);
        desk.share("acme", "globex", "1");
        let under = |list: &mut ShareList| {
            list.agreement_id = Some(SampleDesk::agreement("acme", "globex"));
        };
        assert_eq!(states(&desk.list("acme", under)).len(), 1);
        assert_eq!(desk.list("initech", under), Decision::NotYet(Reason::UnknownAgreement));
    }
}
