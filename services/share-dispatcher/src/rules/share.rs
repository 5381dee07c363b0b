//! A ticket is shared.

use contracts::command::TicketShare;
use contracts::delivery::AgreementStatus;
use contracts::fields::Status;
use contracts::sync::{Action, AgreementFact, CommandRef, DryRun, Hop, Sharing, Transfer};
use contracts::{AccountName, ChainId, CopyId, Person, Reason, TicketId, limits};
use line::Chain;

use super::privacy::Clean;
use super::{
    Answer, Binding, Decision, Keys, Noted, Place, State, bind, privacy, refuse, remarked,
};

pub(super) fn decide(
    state: &State,
    keys: &Keys,
    command: &CommandRef,
    share: &TicketShare,
    noted: &Noted,
) -> Decision {
    let account = &command.account;
    // Somebody else's agreement answers like an unknown one, after the same wait.
    let agreement = state
        .agreements
        .get(&share.agreement_id)
        .filter(|it| it.sender == *account || it.receiver == *account);
    let Some(agreement) = agreement else { return Decision::NotYet(Reason::UnknownAgreement) };
    // Its sender may try out what it has offered.
    let draft = share.dry_run && agreement.status == AgreementStatus::Pending;
    if let Some(reason) = forbidden_by(agreement, account)
        .filter(|reason| !(draft && *reason == Reason::AgreementNotAccepted))
    {
        return refuse(account, reason);
    }
    if share.ticket.status == Status::Closed {
        return refuse(account, Reason::TicketClosed);
    }
    let share_id =
        share.share_id.clone().unwrap_or_else(|| keys.share_id(account, &command.message_id));
    if state.shares.contains_key(&share_id) {
        return refuse(account, Reason::IdTaken);
    }
    let near = match near_copy(state, command, share) {
        Ok(near) => near,
        Err(decision) => return *decision,
    };
    let chain = state.chains.get(&near.place.chain).cloned().unwrap_or_default();
    if let Some(hop) = chain.live_outbound(&near.place.copy, &state.inactive()) {
        let mut answer = Answer::refused(account, Reason::AlreadyShared);
        answer.share_id = Some(hop.share_id.clone());
        return Decision::Answered(answer);
    }
    let forbidden = forbidden_in(state, &chain, &near.place.copy, agreement);
    if let Some(reason) = forbidden.filter(|reason| !(draft && *reason == Reason::WouldLoop)) {
        return refuse(account, reason);
    }
    let hop = Hop {
        share_id,
        agreement_id: agreement.agreement_id.clone(),
        sender: account.clone(),
        receiver: agreement.receiver.clone(),
        near: near.place.copy.clone(),
        near_ticket: share.ticket.id.clone(),
        far_ticket: None,
        terms: agreement.terms,
    };
    let way = chain.crossings(&near.place.copy, &state.inactive());
    let sharing = Sharing {
        share_id: hop.share_id.clone(),
        original_ticket_id: first_ticket(&chain, &near.place, &share.ticket.id),
        subject: share.ticket.subject.clone(),
        requested_at: share.ticket.requested_at,
        requester: keys.standing_for(account, &share.ticket.requester),
    };
    let clean = privacy::of_share(keys, account, share, noted);
    let hops = way.into_iter().map(|crossing| crossing.hop).chain([hop]).collect();
    let actor = keys.standing_for(account, &share.actor);
    let mut transfer = Transfer {
        occurred_at: share.occurred_at,
        ..transfer(command, clean, near.place, hops, sharing, actor)
    };
    if share.dry_run {
        transfer.command.remarks.dry_run = Some(DryRun { draft });
    }
    Decision::Passed { transfer: Box::new(transfer), bound: near.binding.map(Box::new) }
}

/// What of the agreement stands against it.
fn forbidden_by(agreement: &AgreementFact, account: &AccountName) -> Option<Reason> {
    if agreement.sender != *account {
        return Some(Reason::NotTheSender);
    }
    match agreement.status {
        AgreementStatus::Accepted => None,
        AgreementStatus::Pending | AgreementStatus::Declined => Some(Reason::AgreementNotAccepted),
        AgreementStatus::Inactive => Some(Reason::AgreementInactive),
    }
}

/// What of the chain stands against it.
fn forbidden_in(
    state: &State,
    chain: &Chain,
    near: &CopyId,
    agreement: &AgreementFact,
) -> Option<Reason> {
    let way = chain.crossings(near, &state.inactive());
    if way.iter().any(|crossing| *crossing.to_account() == agreement.receiver) {
        return Some(Reason::WouldLoop);
    }
    // The way's accounts, the sharing one and the new one.
    (way.len() + 2 > limits::ACCOUNTS).then_some(Reason::ChainTooLong)
}

struct Near {
    place: Place,
    binding: Option<Binding>,
}

/// The copy that is shared: the one a share made, or the first of a new chain.
fn near_copy(
    state: &State,
    command: &CommandRef,
    share: &TicketShare,
) -> Result<Near, Box<Decision>> {
    let (account, ticket) = (&command.account, &share.ticket.id);
    let known = state.place(account, ticket);
    let Some(copy_of) = &share.ticket.copy_of else {
        let place = known.cloned().unwrap_or_else(|| {
            let copy = CopyId::original(account, ticket);
            Place { chain: ChainId::starting_with(&copy), copy }
        });
        return Ok(Near { place, binding: None });
    };
    let Some((chain, _, hop)) = state.share(copy_of).filter(|(_, _, hop)| hop.receiver == *account)
    else {
        return Err(Box::new(Decision::NotYet(Reason::NotShared)));
    };
    let place = Place { chain: chain.clone(), copy: hop.far() };
    match bind::number(hop, ticket, known, &place) {
        bind::Number::Known => Ok(Near { place, binding: None }),
        bind::Number::Taken => Err(Box::new(refuse(account, Reason::AlreadyBound))),
        bind::Number::New => {
            let delivery = bind::delivery(hop, ticket, command.received_at);
            let binding = Binding {
                share_id: copy_of.clone(),
                ticket: ticket.clone(),
                place: place.clone(),
                delivery,
            };
            Ok(Near { place, binding: Some(binding) })
        }
    }
}

fn transfer(
    command: &CommandRef,
    clean: Clean,
    near: Place,
    hops: Vec<Hop>,
    sharing: Sharing,
    actor: Person,
) -> Transfer {
    Transfer {
        comments: clean.comments,
        fields: clean.fields,
        ccs: clean.ccs,
        decisions: clean.decisions,
        ..Transfer::new(
            remarked(command, clean.remarks),
            near.chain,
            near.copy,
            hops,
            Action::Share(Box::new(sharing)),
            actor,
        )
    }
}

/// Number of the ticket that was shared first.
fn first_ticket(chain: &Chain, near: &Place, ticket: &TicketId) -> TicketId {
    let first = chain.hops().find(|hop| ChainId::starting_with(&hop.near) == near.chain);
    first.map_or_else(|| ticket.clone(), |hop| hop.near_ticket.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::samples::{SampleDesk, reason};
    use contracts::ShareId;
    use contracts::delivery::AgreementStatus::{Accepted, Declined, Inactive, Pending};

    #[test]
    fn r_01_only_an_accepted_agreement_lets_a_ticket_be_shared() {
        for (status, refused) in [
            (Accepted, None),
            (Pending, Some(Reason::AgreementNotAccepted)),
            (Declined, Some(Reason::AgreementNotAccepted)),
            (Inactive, Some(Reason::AgreementInactive)),
        ] {
            let mut desk = SampleDesk::new();
            desk.agree("acme", "globex", status);
            assert_eq!(reason(&desk.share("acme", "globex", "1")), refused, "{status:?}");
        }
    }

    #[test]
    fn r_09_an_agreement_is_one_way() {
        let mut desk = SampleDesk::new();
        desk.agree("acme", "globex", Accepted);
        let share = desk.share_under("globex", SampleDesk::agreement("acme", "globex"), "1", None);
        assert_eq!(reason(&share), Some(Reason::NotTheSender));
        desk.agree("globex", "acme", Accepted);
        assert_eq!(reason(&desk.share("globex", "acme", "1")), None);
    }

    #[test]
    fn somebody_elses_agreement_is_unknown() {
        let mut desk = SampleDesk::new();
        desk.agree("acme", "globex", Accepted);
        let share = desk.share_under("initech", SampleDesk::agreement("acme", "globex"), "1", None);
        assert_eq!(share, Decision::NotYet(Reason::UnknownAgreement));
    }

    #[test]
    fn r_13_a_ticket_is_shared_with_one_account_at_a_time() {
        let mut desk = SampleDesk::new();
        desk.agree("acme", "globex", Accepted);
        desk.agree("acme", "initech", Accepted);
        let first = desk.share("acme", "globex", "1");
        assert_eq!(reason(&first), None);
        let second = desk.share("acme", "initech", "1");
        assert_eq!(reason(&second), Some(Reason::AlreadyShared));
        let Decision::Answered(answer) = second else { unreachable!() };
        assert_eq!(
            answer.share_id,
            SampleDesk::share_id(&first),
            "it names the share that there is"
        );
        assert_eq!(reason(&desk.share("acme", "initech", "2")), None);
    }

    #[test]
    fn r_14_a_copy_is_shared_onward_but_never_back() {
        let mut desk = SampleDesk::new();
        desk.agree("acme", "globex", Accepted);
        desk.agree("globex", "initech", Accepted);
        desk.agree("initech", "acme", Accepted);
        let first = desk.share("acme", "globex", "1");
        let second = desk.share_under(
            "globex",
            SampleDesk::agreement("globex", "initech"),
            "77",
            SampleDesk::share_id(&first),
        );
        let Decision::Passed { transfer, bound } = &second else { panic!("{second:?}") };
        assert_eq!(transfer.hops.len(), 2);
        assert!(bound.is_some(), "copy_of binds too");
        assert!(matches!(&transfer.action,
                Action::Share(sharing) if sharing.original_ticket_id.as_str() == "1"));
        let back = desk.share_under(
            "initech",
            SampleDesk::agreement("initech", "acme"),
            "9",
            SampleDesk::share_id(&second),
        );
        assert_eq!(reason(&back), Some(Reason::WouldLoop));
    }

    #[test]
    fn a_chain_has_eight_accounts_at_most() {
        let mut desk = SampleDesk::new();
        let mut copy_of = None;
        for number in 0..8 {
            let (from, to) = (format!("desk-{number}"), format!("desk-{}", number + 1));
            desk.agree(&from, &to, Accepted);
            let share =
                desk.share_under(&from, SampleDesk::agreement(&from, &to), "1", copy_of.take());
            assert_eq!(reason(&share), (number == 7).then_some(Reason::ChainTooLong), "{to}");
            copy_of = SampleDesk::share_id(&share);
        }
    }

    #[test]
    fn r_26_a_closed_ticket_cannot_be_shared() {
        let mut desk = SampleDesk::new();
        desk.agree("acme", "globex", Accepted);
        let closed =
            desk.decide_share("acme", SampleDesk::agreement("acme", "globex"), "1", |share| {
                share.ticket.status = Status::Closed;
            });
        assert_eq!(reason(&closed), Some(Reason::TicketClosed));
    }

    #[test]
    fn a_share_id_is_used_once() {
        let mut desk = SampleDesk::new();
        desk.agree("acme", "globex", Accepted);
        let first = desk.share("acme", "globex", "1");
        let id = SampleDesk::share_id(&first);
        let again =
            desk.decide_share("acme", SampleDesk::agreement("acme", "globex"), "2", |share| {
                share.share_id = id;
            });
        assert_eq!(reason(&again), Some(Reason::IdTaken));
    }

    #[test]
    fn r_68_r_79_after_the_end_a_ticket_can_be_shared_again() {
        let mut desk = SampleDesk::new();
        desk.agree("acme", "globex", Accepted);
        desk.share("acme", "globex", "1");
        assert_eq!(reason(&desk.unshare("acme", "1")), None);
        let again = desk.share("acme", "globex", "1");
        assert_eq!(reason(&again), None);
        let Decision::Passed { transfer, .. } = again else { unreachable!() };
        assert_eq!(transfer.hops.len(), 1, "the ended hop is not on the way");
    }

    fn tried(
        desk: &mut SampleDesk,
        sender: &str,
        receiver: &str,
        copy_of: Option<ShareId>,
    ) -> Decision {
        desk.decide_share(sender, SampleDesk::agreement(sender, receiver), "1", |share| {
            share.dry_run = true;
            share.ticket.copy_of = copy_of;
        })
    }

    #[test]
    fn a_dry_run_goes_by_the_same_rules_and_an_own_offer_counts_as_accepted() {
        for (status, refused, draft) in [
            (Accepted, None, false),
            (Pending, None, true),
            (Declined, Some(Reason::AgreementNotAccepted), false),
            (Inactive, Some(Reason::AgreementInactive), false),
        ] {
            let mut desk = SampleDesk::new();
            desk.agree("acme", "globex", status);
            let decision = tried(&mut desk, "acme", "globex", None);
            assert_eq!(reason(&decision), refused, "{status:?}");
            if let Decision::Passed { transfer, .. } = decision {
                assert!(matches!(transfer.action, Action::DryRun(_)), "{status:?}");
                assert_eq!(transfer.command.remarks.dry_run, Some(DryRun { draft }), "{status:?}");
            }
        }
        let mut desk = SampleDesk::new();
        desk.agree("acme", "globex", Pending);
        let receivers =
            desk.decide_share("globex", SampleDesk::agreement("acme", "globex"), "1", |it| {
                it.dry_run = true;
            });
        assert_eq!(reason(&receivers), Some(Reason::NotTheSender), "an offer is its sender's");
    }

    #[test]
    fn a_dry_run_leaves_nothing_behind() {
        let mut desk = SampleDesk::new();
        desk.agree("acme", "globex", Accepted);
        desk.agree("globex", "initech", Accepted);
        for _ in 0..2 {
            assert_eq!(reason(&tried(&mut desk, "acme", "globex", None)), None);
        }
        let first = desk.share("acme", "globex", "1");
        assert_eq!(reason(&first), None, "the ticket is not shared yet");
        let onward = tried(&mut desk, "globex", "initech", SampleDesk::share_id(&first));
        let Decision::Passed { bound, .. } = &onward else { panic!("{onward:?}") };
        assert_eq!(*bound, None, "no number is told");
        assert_eq!(reason(&tried(&mut desk, "acme", "globex", None)), Some(Reason::AlreadyShared));
    }

    #[test]
    fn a_draft_does_not_tell_who_is_further_along_the_chain() {
        let mut desk = SampleDesk::new();
        desk.agree("acme", "globex", Accepted);
        desk.agree("globex", "initech", Accepted);
        desk.agree("initech", "acme", Pending);
        let first = desk.share("acme", "globex", "1");
        let copy_of = SampleDesk::share_id(&first);
        let second =
            desk.share_under("globex", SampleDesk::agreement("globex", "initech"), "77", copy_of);
        let back = tried(&mut desk, "initech", "acme", SampleDesk::share_id(&second));
        assert_eq!(reason(&back), None);
        desk.agree("initech", "acme", Accepted);
        let back = tried(&mut desk, "initech", "acme", SampleDesk::share_id(&second));
        assert_eq!(reason(&back), Some(Reason::WouldLoop));
    }
}
