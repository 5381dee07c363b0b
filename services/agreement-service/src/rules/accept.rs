//! `agreement.accept`: the receiver puts a pending agreement in force, as it is.

use contracts::Reason;
use contracts::command::AgreementAccept;
use contracts::delivery::{AgreementStatus, Side};

use super::announcement::{Held, already, announce, brought_to, decider, held};
use super::state::{Account, State};
use super::{Answer, Asked, Decision, validate};

/// Accepts an invite.
pub(super) fn decide(
    state: &State,
    account: &Account,
    asked: Asked<'_>,
    message: &AgreementAccept,
) -> Decision {
    match pending(state, account, asked, &message.actor) {
        Ok(held) => {
            let accepted = brought_to(
                AgreementStatus::Accepted,
                held.agreement,
                decider(held.side, &message.actor),
                asked,
            );
            announce(
                accepted,
                (held.sender, held.receiver),
                asked,
                &[Side::Sender, Side::Receiver],
                Some(Side::Sender),
            )
        }
        Err(answer) => answer.into(),
    }
}

/// The agreement that its receiver may still answer; shared with `agreement.decline`.
pub(super) fn pending<'a>(
    state: &'a State,
    account: &Account,
    asked: Asked<'_>,
    actor: &contracts::Actor,
) -> Result<Held<'a>, Answer> {
    asked.check_admin(actor.role)?;
    asked.check_valid(validate::actor(actor))?;
    let held = held(state, account, asked)?;
    if held.side != Side::Receiver {
        return Err(asked.refused(Reason::NotTheReceiver, None));
    }
    if held.agreement.status != AgreementStatus::Pending {
        return Err(already(held.agreement, asked));
    }
    Ok(held)
}

#[cfg(test)]
mod tests {
    use contracts::delivery::{AgreementStatus, DeliveryBody, Side};
    use contracts::sync::{AgreementEvent, Change};
    use contracts::{Reason, Role};

    use crate::inbound::Inbound;
    use crate::rules::world::{
        World, about, accept_of, actor, deactivate_of, decline_of, id, invite, name, terms,
    };

    fn invited() -> World {
        let mut world = World::with(&["acme", "globex"]);
        world.tell("acme", "acme", &invite(id(1), "globex")).assert_applied();
        world
    }

    #[test]
    fn r_06_an_accepted_agreement_is_in_force_without_a_further_step() {
        let answer = invited().tell("globex", "globex", &accept_of(id(1)));
        let Change::Agreements(facts) = &answer.assert_applied().change else { panic!() };
        assert_eq!((facts[0].status, facts[0].version), (AgreementStatus::Accepted, 2));
    }

    #[test]
    fn r_08_the_receiver_takes_the_terms_as_they_are() {
        let answer = invited().tell("globex", "globex", &accept_of(id(1)));
        let Change::Agreements(facts) = &answer.assert_applied().change else { panic!() };
        assert_eq!(facts[0].terms, terms());
    }

    #[test]
    fn r_09_the_sender_cannot_accept_its_own_invite() {
        let mut world = invited();
        world.tell("acme", "acme", &accept_of(id(1))).assert_refused(Reason::NotTheReceiver);
        assert_eq!(world.status(&id(1)), Some(AgreementStatus::Pending));
    }

    #[test]
    fn r_51_only_an_administrator_accepts() {
        let mut world = invited();
        for role in [Role::Agent, Role::EndUser] {
            let Inbound::Accept(mut message) = accept_of(id(1)) else { unreachable!() };
            message.actor = actor(role);
            world
                .tell("globex", "globex", &Inbound::Accept(message))
                .assert_refused(Reason::NotAnAdmin);
        }
    }

    #[test]
    fn r_66_later_is_a_choice_too() {
        let mut world = invited();
        assert_eq!(world.status(&id(1)), Some(AgreementStatus::Pending));
        world.tell("globex", "globex", &accept_of(id(1))).assert_applied();
    }

    #[test]
    fn r_67_both_desks_and_the_senders_admins_are_told() {
        let mut world = invited();
        let answer = world.tell("globex", "globex", &accept_of(id(1)));
        let fact = answer.assert_applied();
        assert_eq!(fact.deliveries.len(), 2);
        assert!(
            fact.deliveries
                .iter()
                .all(|delivery| matches!(delivery.told, DeliveryBody::AgreementAccepted(_)))
        );
        assert_eq!(
            (answer.seen_by("acme").version, answer.seen_by("acme").by.side),
            (2, Side::Receiver)
        );
        let [notice] = fact.notices.as_slice() else { panic!("{:?}", fact.notices) };
        assert_eq!(
            (about(notice).event, &notice.account, &notice.partner.account),
            (AgreementEvent::Accepted, &name("acme"), &name("globex"))
        );
    }

    #[test]
    fn what_is_decided_is_decided() {
        for first in [accept_of, decline_of, deactivate_of] {
            let mut world = invited();
            world.tell("globex", "globex", &first(id(1))).assert_applied();
            let stands = world.status(&id(1));
            world
                .tell("globex", "globex", &accept_of(id(1)))
                .assert_refused(Reason::AlreadyDecided);
            assert_eq!(world.status(&id(1)), stands);
        }
    }
}
