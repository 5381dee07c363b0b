//! `agreement.invite`: any account may invite any other; the sender makes the terms.

use std::borrow::Cow;

use contracts::Reason;
use contracts::address::Invitee;
use contracts::command::AgreementInvite;
use contracts::delivery::{AgreementStatus, Decider, Side};
use contracts::sync::{Change, Fact};

use super::announcement::{announce, decider};
use super::state::{Account, Agreement, State};
use super::{Answer, Asked, Decision, third_party, validate};

/// Invites an account, or records that it declines all invites.
pub(super) fn decide(
    state: &State,
    sender: &Account,
    asked: Asked<'_>,
    message: &AgreementInvite,
) -> Decision {
    let receiver = match receiver(state, sender, asked, message) {
        Ok(receiver) => receiver,
        Err(answer) => return answer.into(),
    };
    let invited = Agreement {
        agreement_id: message.agreement_id.clone(),
        version: state.epoch().raise(1),
        sender: sender.name.clone(),
        receiver: receiver.name.clone(),
        name: message.name.clone(),
        terms: message.terms,
        status: AgreementStatus::Pending,
        by: decider(Side::Sender, &message.actor),
        at: asked.at(),
        reason: None,
    };
    if receiver.settings.decline_invites {
        let declined = Agreement {
            status: AgreementStatus::Declined,
            // No person declined; it is the account that does.
            by: Decider { side: Side::Receiver, name: receiver.display_name.clone() },
            reason: Some(Reason::InvitesDeclined),
            ..invited
        };
        return announce(declined, (sender, &receiver), asked, &[Side::Sender], None);
    }
    let announced = announce(
        invited,
        (sender, &receiver),
        asked,
        &[Side::Sender, Side::Receiver],
        third_party::is_vouched_for(sender).then_some(Side::Receiver),
    );
    match receiver {
        Cow::Borrowed(_) => announced,
        Cow::Owned(new) => with_account(announced, new),
    }
}

/// The same with the account that it registers: one fact, so no stage ever holds one half.
fn with_account(announced: Decision, account: Account) -> Decision {
    let answer = match announced.answer {
        Answer::Fact(fact) => {
            let (told, agreements) = (Box::new(account.fact()), fact.change.agreements().to_vec());
            let change = Change::WithAgreements { account: told, agreements };
            Answer::Fact(Box::new(Fact { change, ..*fact }))
        }
        other => other,
    };
    Decision { account: Some(Box::new(account)), answer, ..announced }
}

/// Whom it is for; owned, an account that is not registered yet.
fn receiver<'a>(
    state: &'a State,
    sender: &Account,
    asked: Asked<'_>,
    message: &AgreementInvite,
) -> Result<Cow<'a, Account>, Answer> {
    asked.check_admin(message.actor.role)?;
    asked.check_valid(validate::invite(message))?;
    if state.agreement(&message.agreement_id).is_some() {
        return Err(asked
            .refused(Reason::IdTaken, "/agreement_id: make a new id for every invite".to_owned()));
    }
    let found = match &message.receiver {
        Invitee::SharingUrl { sharing_url } => third_party::invited(state, asked, sharing_url)?,
        by_address @ Invitee::Address { .. } => state.invitee(by_address).map(Cow::Borrowed),
    };
    let receiver = found.ok_or_else(|| {
        let detail = "/receiver: no account has this address or sharing URL".to_owned();
        let refusal = asked.refusal(Reason::UnknownAccount, detail);
        Answer::NotYet {
            reason: Reason::UnknownAccount,
            brief: !state.is_coming(&message.receiver.text()),
            refusal: Some(Box::new(refusal)),
        }
    })?;
    if receiver.name == sender.name {
        return Err(asked.refused(Reason::InviteToSelf, None));
    }
    let invites = state.invites();
    if let Some(next) = invites.next_after(&sender.name, asked.at()) {
        let detail = format!(
            "{} invites in 24 hours are what an account may make: the next from {next}",
            invites.most()
        );
        return Err(asked.refused(Reason::QuotaExceeded, detail));
    }
    Ok(receiver)
}

#[cfg(test)]
mod tests {
    use contracts::address::Invitee;
    use contracts::delivery::{AgreementStatus, DeliveryBody, Side};
    use contracts::sync::{AgreementEvent, Change};
    use contracts::terms::CommentTerms;
    use contracts::{Reason, Role, Terms};

    use crate::inbound::Inbound;
    use crate::rules::Answer;
    use crate::rules::world::{
        World, about, accept_of, actor, deactivate_of, decline_of, id, invite, name, register,
        terms, update,
    };

    fn changed(
        message: Inbound,
        change: impl FnOnce(&mut contracts::command::AgreementInvite),
    ) -> Inbound {
        let Inbound::Invite(mut inner) = message else { unreachable!() };
        change(&mut inner);
        Inbound::Invite(inner)
    }

    fn opt_out(on: bool, version: u64) -> Inbound {
        update(|message| {
            message.version = Some(version);
            message.decline_invites = Some(on);
        })
    }

    #[test]
    fn r_03_nobody_but_the_invited_account_makes_the_agreement_towards_us() {
        let mut world = World::with(&["acme", "globex"]);
        world.tell("acme", "acme", &invite(id(1), "globex")).assert_applied();
        let answer = world.tell("globex", "globex", &accept_of(id(1)));
        assert_eq!(
            answer.fact().change.agreements()[0].sender,
            name("acme"),
            "to accept does not make it the sender"
        );
        world.tell("globex", "globex", &invite(id(1), "acme")).assert_refused(Reason::IdTaken);
        let answer = world.tell("globex", "globex", &invite(id(2), "acme"));
        assert_eq!(answer.fact().change.agreements()[0].sender, name("globex"));
        world.tell("globex", "globex", &accept_of(id(2))).assert_refused(Reason::NotTheReceiver);
    }

    #[test]
    fn r_07_any_account_may_invite_any_other() {
        let mut world = World::with(&["acme", "globex", "initech"]);
        let pairs = [("acme", "globex"), ("globex", "initech"), ("initech", "acme")];
        for (number, (sender, receiver)) in (1..).zip(pairs) {
            world.tell(sender, sender, &invite(id(number), receiver)).assert_applied();
            assert_eq!(world.status(&id(number)), Some(AgreementStatus::Pending));
        }
    }

    #[test]
    fn r_09_an_agreement_is_one_way() {
        let mut world = World::with(&["acme", "globex"]);
        let answer = world.tell("acme", "acme", &invite(id(1), "globex"));
        let Change::Agreements(facts) = &answer.fact().change else { panic!() };
        assert_eq!((&facts[0].sender, &facts[0].receiver), (&name("acme"), &name("globex")));
    }

    #[test]
    fn r_10_the_other_direction_is_an_agreement_of_its_own() {
        let mut world = World::with(&["acme", "globex"]);
        world.tell("acme", "acme", &invite(id(1), "globex")).assert_applied();
        world.tell("globex", "globex", &accept_of(id(1))).assert_applied();
        world.tell("globex", "globex", &invite(id(2), "acme")).assert_applied();
        world.tell("acme", "acme", &invite(id(3), "globex")).assert_applied();
        world.tell("acme", "acme", &accept_of(id(2))).assert_applied();
        assert_eq!(world.status(&id(1)), Some(AgreementStatus::Accepted));
        assert_eq!(world.status(&id(2)), Some(AgreementStatus::Accepted));
        assert_eq!(world.status(&id(3)), Some(AgreementStatus::Pending));
    }

    #[test]
    fn r_51_only_an_administrator_invites() {
        let mut world = World::with(&["acme", "globex"]);
        for role in [Role::Agent, Role::EndUser] {
            let message = changed(invite(id(1), "globex"), |message| message.actor = actor(role));
            world.tell("acme", "acme", &message).assert_refused(Reason::NotAnAdmin);
        }
        assert_eq!(world.status(&id(1)), None);
    }

    #[test]
    fn r_52_the_invite_states_the_terms() {
        for comments in [CommentTerms::PublicAndPrivate, CommentTerms::PrivateOnly] {
            for (tags, custom_fields) in
                [(false, false), (false, true), (true, false), (true, true)]
            {
                let mut world = World::with(&["acme", "globex"]);
                let terms = Terms { comments, tags, custom_fields };
                let message = changed(invite(id(1), "globex"), |message| message.terms = terms);
                let answer = world.tell("acme", "acme", &message);
                assert_eq!(answer.seen_by("globex").terms, terms);
                assert_eq!(about(&answer.fact().notices[0]).terms, terms);
            }
        }
    }

    #[test]
    fn r_57_a_partner_is_invited_by_address_or_sharing_url() {
        let mut world = World::with(&["acme"]);
        world.add_with_address("globex", "support-globex");
        let Inbound::Register(mut third) = register("third") else { unreachable!() };
        third.sharing_url = Some("https://third.example/sharing".to_owned());
        world.tell("operator", "operator", &Inbound::Register(third)).assert_applied();

        let answer = world.tell("acme", "acme", &invite(id(1), "support-globex"));
        assert_eq!(answer.seen_by("acme").receiver.account, name("globex"));
        let message = changed(invite(id(2), ""), |message| {
            message.receiver =
                Invitee::SharingUrl { sharing_url: "https://third.example/sharing".to_owned() };
        });
        let answer = world.tell("acme", "acme", &message);
        assert_eq!(answer.seen_by("acme").receiver.account, name("third"));
        let answer = world.tell("acme", "acme", &invite(id(3), "globex"));
        assert!(matches!(answer.0, Answer::NotYet { .. }), "a name is no address");
    }

    #[test]
    fn r_64_the_receiver_and_its_admins_are_told() {
        let mut world = World::with(&["acme", "globex"]);
        let answer = world.tell("acme", "acme", &invite(id(1), "globex"));
        let fact = answer.assert_applied();
        assert!(
            fact.deliveries
                .iter()
                .all(|delivery| matches!(delivery.told, DeliveryBody::AgreementInvited(_)))
        );
        assert_eq!(fact.deliveries.len(), 2);
        let [notice] = fact.notices.as_slice() else { panic!("{:?}", fact.notices) };
        assert_eq!(
            (about(notice).event, &notice.account, &notice.partner.account),
            (AgreementEvent::Invited, &name("globex"), &name("acme"))
        );
        let addresses: Vec<_> =
            notice.to.iter().map(|recipient| recipient.email.as_str()).collect();
        assert_eq!(addresses, ["admin@globex.example"]);
        assert_eq!(
            (about(notice).terms, about(notice).name.as_deref()),
            (terms(), Some("Second level"))
        );
    }

    #[test]
    fn r_68_after_a_refusal_a_new_invite_is_possible() {
        let mut world = World::with(&["acme", "globex"]);
        world.tell("acme", "acme", &invite(id(1), "globex")).assert_applied();
        world.tell("globex", "globex", &decline_of(id(1))).assert_applied();
        world.tell("acme", "acme", &invite(id(2), "globex")).assert_applied();
        world.tell("globex", "globex", &accept_of(id(2))).assert_applied();
        assert_eq!(world.status(&id(1)), Some(AgreementStatus::Declined));
    }

    #[test]
    fn r_75_after_deactivation_either_side_may_invite_anew() {
        let mut world = World::with(&["acme", "globex"]);
        world.tell("acme", "acme", &invite(id(1), "globex")).assert_applied();
        world.tell("globex", "globex", &accept_of(id(1))).assert_applied();
        world.tell("globex", "globex", &deactivate_of(id(1))).assert_applied();
        world.tell("acme", "acme", &invite(id(2), "globex")).assert_applied();
        world.tell("globex", "globex", &invite(id(3), "acme")).assert_applied();
    }

    #[test]
    fn r_16_an_account_can_refuse_every_invite() {
        let mut world = World::with(&["acme", "globex"]);
        world.tell("globex", "globex", &opt_out(true, 1)).assert_applied();
        world.tell("acme", "acme", &invite(id(1), "globex")).assert_applied();
        assert_eq!(world.status(&id(1)), Some(AgreementStatus::Declined));
        world.tell("globex", "globex", &opt_out(false, 2)).assert_applied();
        world.tell("acme", "acme", &invite(id(2), "globex")).assert_applied();
        assert_eq!(world.status(&id(2)), Some(AgreementStatus::Pending));
    }

    #[test]
    fn r_70_the_setting_does_not_touch_what_is_pending() {
        let mut world = World::with(&["acme", "globex"]);
        world.tell("acme", "acme", &invite(id(1), "globex")).assert_applied();
        world.tell("globex", "globex", &opt_out(true, 1)).assert_applied();
        world.tell("globex", "globex", &accept_of(id(1))).assert_applied();
    }

    #[test]
    fn r_71_an_opted_out_account_is_never_told() {
        let mut world = World::with(&["acme", "globex"]);
        world.tell("globex", "globex", &opt_out(true, 1)).assert_applied();
        let answer = world.tell("acme", "acme", &invite(id(1), "globex"));
        let fact = answer.assert_applied();
        assert!(fact.deliveries.iter().all(|delivery| delivery.to == name("acme")));
        assert!(fact.notices.is_empty());
    }

    #[test]
    fn r_72_the_sender_sees_its_invite_declined_and_may_retry() {
        let mut world = World::with(&["acme", "globex"]);
        world.tell("globex", "globex", &opt_out(true, 1)).assert_applied();
        for number in [1, 2] {
            let answer = world.tell("acme", "acme", &invite(id(number), "globex"));
            let [delivery] = answer.assert_applied().deliveries.as_slice() else {
                panic!("{answer:?}")
            };
            let DeliveryBody::AgreementDeclined(seen) = &delivery.told else {
                panic!("{delivery:?}")
            };
            assert_eq!(
                (seen.status, seen.reason),
                (AgreementStatus::Declined, Some(Reason::InvitesDeclined))
            );
            assert_eq!(seen.by.side, Side::Receiver);
        }
    }

    #[test]
    fn an_id_is_used_once_by_anybody() {
        let mut world = World::with(&["acme", "globex", "initech"]);
        world.tell("acme", "acme", &invite(id(1), "globex")).assert_applied();
        world.tell("acme", "acme", &invite(id(1), "globex")).assert_refused(Reason::IdTaken);
        world.tell("initech", "initech", &invite(id(1), "globex")).assert_refused(Reason::IdTaken);
        world.tell("globex", "globex", &decline_of(id(1))).assert_applied();
        world.tell("acme", "acme", &invite(id(1), "globex")).assert_refused(Reason::IdTaken);
    }

    #[test]
    fn an_unknown_receiver_is_waited_for_and_then_refused() {
        let mut world = World::with(&["acme"]);
        let answer = world.tell("acme", "acme", &invite(id(1), "globex"));
        let Answer::NotYet { reason, brief: true, refusal: Some(receipt) } = &answer.0 else {
            panic!("{answer:?}")
        };
        assert_eq!(*reason, Reason::UnknownAccount);
        assert_eq!(
            (receipt.reason, &receipt.agreement_id),
            (Some(Reason::UnknownAccount), &Some(id(1)))
        );
        world.tell("operator", "operator", &register("globex")).assert_applied();
        world.tell("acme", "acme", &invite(id(1), "globex")).assert_applied();
    }

    #[test]
    fn what_a_registration_on_its_way_brings_is_waited_for_longer() {
        let is_brief = |world: &mut World| {
            let answer = world.tell("acme", "acme", &invite(id(1), "bridge-x"));
            let Answer::NotYet { brief, .. } = answer.0 else { panic!("{answer:?}") };
            brief
        };
        let mut world = World::with(&["acme"]);
        world.state.settle(&["bridge-x".to_owned()], true);
        assert!(!is_brief(&mut world));
        world.state.settle(&["bridge-x".to_owned()], false);
        assert!(is_brief(&mut world), "decided, and did not bring it");
    }

    #[test]
    fn nobody_invites_itself() {
        let mut world = World::with(&["acme"]);
        world.tell("acme", "acme", &invite(id(1), "acme")).assert_refused(Reason::InviteToSelf);
    }

    #[test]
    fn a_name_that_is_no_line_of_text_is_refused() {
        let mut world = World::with(&["acme", "globex"]);
        for bad in ["", "Two\r\nlines"] {
            let message =
                changed(invite(id(1), "globex"), |message| message.name = Some(bad.to_owned()));
            let detail = world.tell("acme", "acme", &message).assert_refused(Reason::Malformed);
            assert!(detail.starts_with("/name: "), "{detail}");
        }
    }
}
