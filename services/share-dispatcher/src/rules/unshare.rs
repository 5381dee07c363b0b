//! A sender stops sharing. A chain beyond the hop goes on by itself.

use contracts::Reason;
use contracts::command::TicketUnshare;
use contracts::sync::{Action, CommandRef, Hop, Transfer};

use super::{Decision, Keys, State, refuse};

pub(super) fn decide(
    state: &State,
    keys: &Keys,
    command: &CommandRef,
    unshare: &TicketUnshare,
) -> Decision {
    let account = &command.account;
    let Some(place) =
        state.copy_named(account, unshare.ticket_id.as_ref(), unshare.share_id.as_ref())
    else {
        return Decision::NotYet(Reason::NotShared);
    };
    let Some(chain) = state.chains.get(&place.chain) else {
        return Decision::NotYet(Reason::NotShared);
    };
    let inactive = state.inactive();
    let outbound = match &unshare.share_id {
        Some(share) => {
            chain.live(&inactive).find(|hop| hop.share_id == *share && hop.sender == *account)
        }
        None => chain.live_outbound(&place.copy, &inactive),
    };
    let Some(outbound) = outbound else {
        let received = chain.live_inbound(&place.copy, &inactive).is_some();
        return refuse(
            account,
            if received { Reason::ReceiverCannotUnshare } else { Reason::NotShared },
        );
    };
    let action = Action::Unshare { share_id: outbound.share_id.clone() };
    let actor = keys.standing_for(account, &unshare.actor);
    let hops: Vec<Hop> =
        chain.crossings(&place.copy, &inactive).into_iter().map(|crossing| crossing.hop).collect();
    Decision::Passed {
        transfer: Box::new(Transfer::new(
            command.clone(),
            place.chain,
            place.copy,
            hops,
            action,
            actor,
        )),
        bound: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::samples::{SampleDesk, reason};
    use contracts::delivery::AgreementStatus::Accepted;

    #[test]
    fn r_12_the_receiver_cannot_unshare() {
        let mut desk = SampleDesk::new();
        desk.agree("acme", "globex", Accepted);
        let share = SampleDesk::share_id(&desk.share("acme", "globex", "1")).unwrap();
        desk.bind("globex", &share, "77");
        assert_eq!(reason(&desk.unshare("globex", "77")), Some(Reason::ReceiverCannotUnshare));
        assert_eq!(reason(&desk.unshare("acme", "1")), None);
        assert_eq!(reason(&desk.unshare("acme", "1")), Some(Reason::NotShared), "it has ended");
        assert_eq!(desk.unshare("acme", "2"), Decision::NotYet(Reason::NotShared));
    }
}
