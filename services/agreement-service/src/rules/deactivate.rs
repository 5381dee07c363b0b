//! `agreement.deactivate`: either side ends an agreement for good, at any time; a pending one is
//! withdrawn.

use contracts::command::AgreementDeactivate;
use contracts::delivery::{AgreementStatus, Side};

use super::announcement::{Held, already, announce, brought_to, decider, held, other};
use super::state::{Account, State};
use super::{Answer, Asked, Decision, third_party, validate};

/// Ends an agreement.
pub(super) fn decide(
    state: &State,
    account: &Account,
    asked: Asked<'_>,
    message: &AgreementDeactivate,
) -> Decision {
    match live(state, account, asked, message) {
        Ok(held) => {
            let was_accepted = held.agreement.status == AgreementStatus::Accepted;
            let mails = was_accepted || third_party::is_vouched_for(held.sender);
            let ended = brought_to(
                AgreementStatus::Inactive,
                held.agreement,
                decider(held.side, &message.actor),
                asked,
            );
            announce(
                ended,
                (held.sender, held.receiver),
                asked,
                &[Side::Sender, Side::Receiver],
                mails.then_some(other(held.side)),
            )
        }
        Err(answer) => answer.into(),
    }
}

fn live<'a>(
    state: &'a State,
    account: &Account,
    asked: Asked<'_>,
    message: &AgreementDeactivate,
) -> Result<Held<'a>, Answer> {
    asked.check_admin(message.actor.role)?;
    asked.check_valid(validate::actor(&message.actor))?;
    let held = held(state, account, asked)?;
    if held.agreement.is_live() { Ok(held) } else { Err(already(held.agreement, asked)) }
}

#[cfg(test)]
mod tests {
    use contracts::delivery::{AgreementStatus, DeliveryBody};
    use contracts::sync::{AgreementEvent, Change};
    use contracts::{Reason, Role};

    use crate::inbound::Inbound;
    use crate::rules::world::{
        World, about, accept_of, actor, deactivate_of, decline_of, id, invite, name,
    };

    fn accepted() -> World {
        let mut world = World::with(&["acme", "globex"]);
        world.tell("acme", "acme", &invite(id(1), "globex")).assert_applied();
        world.tell("globex", "globex", &accept_of(id(1))).assert_applied();
        world
    }

    #[test]
    fn r_15_either_side_ends_it_at_any_time() {
        for account in ["acme", "globex"] {
            let mut world = accepted();
            let answer = world.tell(account, account, &deactivate_of(id(1)));
            let Change::Agreements(facts) = &answer.assert_applied().change else { panic!() };
            assert_eq!((facts[0].status, facts[0].version), (AgreementStatus::Inactive, 3));
        }
    }

    #[test]
    fn r_51_only_an_administrator_ends_it() {
        let mut world = accepted();
        let Inbound::Deactivate(mut message) = deactivate_of(id(1)) else { unreachable!() };
        message.actor = actor(Role::Agent);
        world
            .tell("acme", "acme", &Inbound::Deactivate(message))
            .assert_refused(Reason::NotAnAdmin);
        assert_eq!(world.status(&id(1)), Some(AgreementStatus::Accepted));
    }

    #[test]
    fn r_73_a_pending_one_is_withdrawn() {
        for account in ["acme", "globex"] {
            let mut world = World::with(&["acme", "globex"]);
            world.tell("acme", "acme", &invite(id(1), "globex")).assert_applied();
            let answer = world.tell(account, account, &deactivate_of(id(1)));
            let told = about(&answer.assert_applied().notices[0]);
            assert_eq!(
                (told.event, told.withdrawn),
                (AgreementEvent::Deactivated, account == "acme")
            );
            world
                .tell("globex", "globex", &accept_of(id(1)))
                .assert_refused(Reason::AlreadyDecided);
        }
    }

    #[test]
    fn r_74_it_never_comes_back() {
        let mut world = accepted();
        world.tell("acme", "acme", &deactivate_of(id(1))).assert_applied();
        for account in ["acme", "globex"] {
            world
                .tell(account, account, &deactivate_of(id(1)))
                .assert_refused(Reason::AlreadyDecided);
        }
        for again in [accept_of, decline_of] {
            world.tell("globex", "globex", &again(id(1))).assert_refused(Reason::AlreadyDecided);
        }
        world.tell("acme", "acme", &invite(id(1), "globex")).assert_refused(Reason::IdTaken);
        assert_eq!(world.status(&id(1)), Some(AgreementStatus::Inactive));
    }

    #[test]
    fn r_76_the_partners_admins_are_told() {
        for (account, partner) in [("acme", "globex"), ("globex", "acme")] {
            let answer = accepted().tell(account, account, &deactivate_of(id(1)));
            let [notice] = answer.fact().notices.as_slice() else { panic!("{answer:?}") };
            assert_eq!(
                (about(notice).event, &notice.account),
                (AgreementEvent::Deactivated, &name(partner))
            );
            assert!(!about(notice).withdrawn);
            assert_eq!(notice.partner.account, name(account));
        }
    }

    #[test]
    fn r_77_both_desks_are_told() {
        let answer = accepted().tell("globex", "globex", &deactivate_of(id(1)));
        assert_eq!(answer.fact().deliveries.len(), 2);
        assert!(
            answer
                .fact()
                .deliveries
                .iter()
                .all(|delivery| matches!(delivery.told, DeliveryBody::AgreementDeactivated(_)))
        );
        assert_eq!(answer.seen_by("acme").version, 3);
    }

    #[test]
    fn a_declined_one_is_over_already() {
        let mut world = World::with(&["acme", "globex"]);
        world.tell("acme", "acme", &invite(id(1), "globex")).assert_applied();
        world.tell("globex", "globex", &decline_of(id(1))).assert_applied();
        world.tell("acme", "acme", &deactivate_of(id(1))).assert_refused(Reason::AlreadyDecided);
    }
}
