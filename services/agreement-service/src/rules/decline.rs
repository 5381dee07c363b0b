//! `agreement.decline`: the receiver refuses a pending agreement; the sender may invite again
//!

use contracts::command::AgreementDecline;
use contracts::delivery::{AgreementStatus, Side};

use super::accept::pending;
use super::announcement::{announce, brought_to, decider};
use super::state::{Account, State};
use super::{Asked, Decision};

/// Declines an invite.
pub(super) fn decide(
    state: &State,
    account: &Account,
    asked: Asked<'_>,
    message: &AgreementDecline,
) -> Decision {
    match pending(state, account, asked, &message.actor) {
        Ok(held) => {
            let declined = brought_to(
                AgreementStatus::Declined,
                held.agreement,
                decider(held.side, &message.actor),
                asked,
            );
            announce(
                declined,
                (held.sender, held.receiver),
                asked,
                &[Side::Sender, Side::Receiver],
                Some(Side::Sender),
            )
        }
        Err(answer) => answer.into(),
    }
}

#[cfg(test)]
mod tests {
    use contracts::delivery::{AgreementStatus, DeliveryBody};
    use contracts::sync::AgreementEvent;
    use contracts::{Reason, Role};

    use crate::inbound::Inbound;
    use crate::rules::world::{
        World, about, accept_of, actor, deactivate_of, decline_of, id, invite, name,
    };

    fn invited() -> World {
        let mut world = World::with(&["acme", "globex"]);
        world.tell("acme", "acme", &invite(id(1), "globex")).assert_applied();
        world
    }

    #[test]
    fn r_66_the_receiver_may_decline_and_the_sender_learns_it() {
        let mut world = invited();
        let answer = world.tell("globex", "globex", &decline_of(id(1)));
        let fact = answer.assert_applied();
        assert_eq!(fact.deliveries.len(), 2);
        assert!(
            fact.deliveries
                .iter()
                .all(|delivery| matches!(delivery.told, DeliveryBody::AgreementDeclined(_)))
        );
        assert_eq!(answer.seen_by("acme").reason, None);
        let [notice] = fact.notices.as_slice() else { panic!("{:?}", fact.notices) };
        assert_eq!(
            (about(notice).event, &notice.account),
            (AgreementEvent::Declined, &name("acme"))
        );
        assert_eq!(world.status(&id(1)), Some(AgreementStatus::Declined));
    }

    #[test]
    fn r_51_only_an_administrator_of_the_receiver_declines() {
        let mut world = invited();
        world.tell("acme", "acme", &decline_of(id(1))).assert_refused(Reason::NotTheReceiver);
        let Inbound::Decline(mut message) = decline_of(id(1)) else { unreachable!() };
        message.actor = actor(Role::Agent);
        world
            .tell("globex", "globex", &Inbound::Decline(message))
            .assert_refused(Reason::NotAnAdmin);
        assert_eq!(world.status(&id(1)), Some(AgreementStatus::Pending));
    }

    #[test]
    fn what_is_decided_is_decided() {
        for first in [accept_of, decline_of, deactivate_of] {
            let mut world = invited();
            world.tell("globex", "globex", &first(id(1))).assert_applied();
            world
                .tell("globex", "globex", &decline_of(id(1)))
                .assert_refused(Reason::AlreadyDecided);
        }
    }
}
