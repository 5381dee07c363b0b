//! What follows from a changed agreement: its fact, what both desks are told, and whose admins get
//! a notice.

use contracts::delivery::{AgreementState, AgreementStatus, Decider, Delivery, DeliveryBody, Side};
use contracts::epoch::count;
use contracts::people::name_without_contact;
use contracts::sync::{About, AgreementEvent, AgreementNotice, Change, Notice, Recipient};
use contracts::{Actor, Reason, ReceiptOutcome};

use super::state::{Account, Agreement, Contact, State};
use super::{Answer, Asked, Decision};

/// An agreement with its two parties, as one of them sees it.
#[derive(Clone, Copy)]
pub(super) struct Held<'a> {
    pub agreement: &'a Agreement,
    pub side: Side,
    pub sender: &'a Account,
    pub receiver: &'a Account,
}

/// The agreement the command names, if the account is a party of it and was told of it. Another
/// account's answers like one that is not there, in waiting too: nobody learns which ids exist.
pub(super) fn held<'a>(
    state: &'a State,
    account: &Account,
    asked: Asked<'_>,
) -> Result<Held<'a>, Answer> {
    let found = asked.agreement_id.and_then(|id| state.agreement(id)).and_then(|agreement| {
        let side = agreement.side_of(&account.name).filter(|side| agreement.is_shown_to(*side))?;
        let (sender, receiver) =
            (state.account(&agreement.sender)?, state.account(&agreement.receiver)?);
        Some(Held { agreement, side, sender, receiver })
    });
    found.ok_or_else(|| asked.not_yet(Reason::UnknownAgreement, None))
}

/// Who did it, without an address in the name.
pub(super) fn decider(side: Side, actor: &Actor) -> Decider {
    Decider { side, name: name_without_contact(&actor.name) }
}

/// The agreement, brought to `status`.
pub(super) fn brought_to(
    status: AgreementStatus,
    agreement: &Agreement,
    by: Decider,
    asked: Asked<'_>,
) -> Agreement {
    Agreement {
        version: agreement.version + 1,
        status,
        by,
        at: asked.at(),
        reason: None,
        ..agreement.clone()
    }
}

/// The other party.
pub(super) fn other(side: Side) -> Side {
    match side {
        Side::Sender => Side::Receiver,
        Side::Receiver => Side::Sender,
    }
}

/// What is told of the partner of `side`, also where it is only read.
pub(super) fn partner(
    state: &State,
    agreement: &Agreement,
    side: Side,
    asked: Asked<'_>,
) -> Result<Contact, Answer> {
    let name = agreement.party(other(side));
    state.contact(name).ok_or_else(|| {
        asked.not_yet(Reason::UnknownAccount, format!("{name} is a party and not known yet"))
    })
}

/// Refuses what is possible only before the agreement came to where it stands.
pub(super) fn already(agreement: &Agreement, asked: Asked<'_>) -> Answer {
    let stands = match agreement.status {
        AgreementStatus::Pending => "pending",
        AgreementStatus::Accepted => "accepted",
        AgreementStatus::Declined => "declined",
        AgreementStatus::Inactive => "inactive",
    };
    asked.refused(Reason::AlreadyDecided, format!("the agreement is {stands}"))
}

/// The changed agreement on its way along the line: `told` are the sides whose desks hear of it,
/// `noticed` the side whose admins do.
pub(super) fn announce(
    agreement: Agreement,
    (sender, receiver): (&Account, &Account),
    asked: Asked<'_>,
    told: &[Side],
    noticed: Option<Side>,
) -> Decision {
    let (sender, receiver) = (sender.contact(), receiver.contact());
    let seen_from = |side: &Side| match side {
        Side::Sender => {
            View { agreement: &agreement, side: *side, own: &sender, partner: &receiver }
        }
        Side::Receiver => {
            View { agreement: &agreement, side: *side, own: &receiver, partner: &sender }
        }
    };
    let mut fact = asked.changed(
        Change::Agreements(vec![agreement.fact()]),
        asked.receipt(ReceiptOutcome::Applied),
    );
    fact.deliveries = told.iter().map(|side| seen_from(side).news()).collect();
    fact.notices = noticed.iter().filter_map(|side| seen_from(side).notice()).collect();
    Decision {
        account: None,
        agreements: vec![agreement],
        released: None,
        answer: Answer::Fact(Box::new(fact)),
    }
}

/// An agreement from one side.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    pub agreement: &'a Agreement,
    pub side: Side,
    pub own: &'a Contact,
    pub partner: &'a Contact,
}

impl View<'_> {
    /// The same from the other side.
    pub(super) fn turned(self) -> Self {
        Self { side: other(self.side), own: self.partner, partner: self.own, ..self }
    }

    /// What its desk is told when the agreement has come to where it stands.
    pub(super) fn news(self) -> Delivery {
        let state = Box::new(self.state());
        self.delivery(match self.agreement.status {
            AgreementStatus::Pending => DeliveryBody::AgreementInvited(state),
            AgreementStatus::Accepted => DeliveryBody::AgreementAccepted(state),
            AgreementStatus::Declined => DeliveryBody::AgreementDeclined(state),
            AgreementStatus::Inactive => DeliveryBody::AgreementDeactivated(state),
        })
    }

    /// What its desk is told when it asks.
    pub(super) fn standing(self) -> Delivery {
        self.delivery(DeliveryBody::AgreementState(Box::new(self.state())))
    }

    fn delivery(self, told: DeliveryBody) -> Delivery {
        let correlation_id = self.agreement.agreement_id.to_string();
        Delivery { to: self.own.party.account.clone(), correlation_id, share_id: None, told }
    }

    fn state(self) -> AgreementState {
        let (sender, receiver) = match self.side {
            Side::Sender => (self.own, self.partner),
            Side::Receiver => (self.partner, self.own),
        };
        AgreementState {
            agreement_id: self.agreement.agreement_id.clone(),
            version: self.agreement.version,
            side: self.side,
            sender: sender.party.clone(),
            receiver: receiver.party.clone(),
            // Given to partners by agreement: an invite alone tells nobody's addresses.
            partner_support_addresses: match self.agreement.status {
                AgreementStatus::Accepted => self.partner.support_addresses.clone(),
                AgreementStatus::Pending
                | AgreementStatus::Declined
                | AgreementStatus::Inactive => Vec::new(),
            },
            name: self.agreement.name.clone(),
            terms: self.agreement.terms,
            status: self.agreement.status,
            by: self.agreement.by.clone(),
            at: self.agreement.at,
            reason: self.agreement.reason,
        }
    }

    /// Whether its sender took it back before it was decided: the invite is version 1, its decision
    /// version 2.
    fn is_withdrawn(self) -> bool {
        self.agreement.status == AgreementStatus::Inactive
            && count(self.agreement.version) == 2
            && self.agreement.by.side == Side::Sender
            && self.agreement.reason.is_none()
    }

    /// What its admins are told by e-mail; nothing when it has none.
    pub(super) fn notice(self) -> Option<Notice> {
        let agreement = AgreementNotice {
            event: match self.agreement.status {
                AgreementStatus::Pending => AgreementEvent::Invited,
                AgreementStatus::Accepted => AgreementEvent::Accepted,
                AgreementStatus::Declined => AgreementEvent::Declined,
                AgreementStatus::Inactive
                    if self.agreement.reason == Some(Reason::AccountRenamed) =>
                {
                    AgreementEvent::Renamed
                }
                AgreementStatus::Inactive => AgreementEvent::Deactivated,
            },
            agreement_id: self.agreement.agreement_id.clone(),
            name: self.agreement.name.clone(),
            terms: self.agreement.terms,
            withdrawn: self.is_withdrawn(),
        };
        let notice = Notice {
            about: About::Agreement(agreement),
            account: self.own.party.account.clone(),
            to: self.own.admins.iter().map(Recipient::from).collect(),
            locale: self.own.locale.clone(),
            partner: self.partner.party.clone(),
            by: self.agreement.by.name.clone(),
            at: self.agreement.at,
            partner_support_addresses: self.partner.support_addresses.clone(),
        };
        (!notice.to.is_empty()).then_some(notice)
    }
}

#[cfg(test)]
mod tests {
    use contracts::Reason;
    use contracts::delivery::{AgreementStatus, Side};
    use contracts::sync::{AgreementEvent, Change};

    use crate::rules::Answer;
    use crate::rules::world::{
        World, about, accept_of, at, deactivate_of, decline_of, id, invite, name, terms, update,
    };

    #[test]
    fn r_01_the_line_learns_where_an_agreement_stands_and_since_when() {
        let mut world = World::with(&["acme", "globex"]);
        let steps = [
            ("acme", invite(id(1), "globex"), AgreementStatus::Pending),
            ("globex", accept_of(id(1)), AgreementStatus::Accepted),
            ("acme", deactivate_of(id(1)), AgreementStatus::Inactive),
            ("acme", invite(id(2), "globex"), AgreementStatus::Pending),
            ("globex", decline_of(id(2)), AgreementStatus::Declined),
        ];
        for (account, message, status) in steps {
            let answer = world.tell(account, account, &message);
            let [fact] = answer.assert_applied().change.agreements() else { panic!("{answer:?}") };
            assert_eq!((fact.status, fact.at), (status, at()));
            assert_eq!(world.status(&fact.agreement_id), Some(status));
        }
    }

    #[test]
    fn r_02_the_agreement_states_its_terms_wherever_it_is_told() {
        let mut world = World::with(&["acme", "globex"]);
        for (account, message) in [
            ("acme", invite(id(1), "globex")),
            ("globex", accept_of(id(1))),
            ("acme", deactivate_of(id(1))),
        ] {
            let answer = world.tell(account, account, &message);
            assert_eq!(
                (answer.seen_by("acme").terms, answer.seen_by("globex").terms),
                (terms(), terms())
            );
            assert_eq!(about(&answer.fact().notices[0]).terms, terms());
            assert_eq!(answer.fact().change.agreements()[0].terms, terms());
        }
    }

    #[test]
    fn r_45_both_sides_learn_where_no_mail_may_go() {
        let mut world = World::with(&["acme", "globex"]);
        for (account, address) in
            [("acme", "@help.acme.example"), ("globex", "support@globex.example")]
        {
            let message =
                update(|message| message.support_addresses = Some(vec![address.to_owned()]));
            world.tell(account, account, &message).assert_applied();
        }
        let invited = world.tell("acme", "acme", &invite(id(1), "globex"));
        assert!(
            invited.seen_by("acme").partner_support_addresses.is_empty(),
            "an invite alone tells nobody's addresses"
        );
        assert!(invited.seen_by("globex").partner_support_addresses.is_empty());
        assert_eq!(invited.fact().notices[0].partner_support_addresses, ["@help.acme.example"]);
        let accepted = world.tell("globex", "globex", &accept_of(id(1)));
        assert_eq!(accepted.seen_by("acme").partner_support_addresses, ["support@globex.example"]);
        assert_eq!(accepted.seen_by("globex").partner_support_addresses, ["@help.acme.example"]);
    }

    #[test]
    fn r_41_no_address_leaves_in_the_name_of_who_did_it() {
        let mut world = World::with(&["acme", "globex"]);
        let mut message = invite(id(1), "globex");
        let crate::inbound::Inbound::Invite(inner) = &mut message else { unreachable!() };
        inner.actor.name = "Ada <ada@acme.example>".to_owned();
        let answer = world.tell("acme", "acme", &message);
        let written = serde_json::to_string(&answer.fact().deliveries).unwrap();
        assert!(!written.contains('@'), "{written}");
        assert!(!answer.fact().notices[0].by.contains('@'));
    }

    #[test]
    fn r_65_each_side_sees_the_whole_agreement_as_its_own() {
        let mut world = World::with(&["acme", "globex"]);
        let answer = world.tell("acme", "acme", &invite(id(1), "globex"));
        for (account, side) in [("acme", Side::Sender), ("globex", Side::Receiver)] {
            let seen = answer.seen_by(account);
            assert_eq!(
                (seen.side, seen.version, seen.status, seen.terms),
                (side, 1, AgreementStatus::Pending, terms())
            );
            assert_eq!(
                (&seen.sender.account, &seen.receiver.account),
                (&name("acme"), &name("globex"))
            );
            assert_eq!((seen.by.side, seen.at, seen.reason), (Side::Sender, at(), None));
        }
        let Change::Agreements(facts) = &answer.fact().change else { panic!() };
        assert_eq!(
            (facts.len(), facts[0].version, facts[0].status),
            (1, 1, AgreementStatus::Pending)
        );
        assert_eq!(answer.fact().receipt.agreement_id, Some(id(1)));
        assert!(
            answer
                .fact()
                .deliveries
                .iter()
                .all(|delivery| delivery.correlation_id == id(1).to_string())
        );
    }

    #[test]
    fn another_accounts_agreement_answers_like_an_unknown_one() {
        let mut world = World::with(&["acme", "globex", "initech"]);
        world.tell("acme", "acme", &invite(id(1), "globex")).assert_applied();
        for message in [accept_of, decline_of, deactivate_of] {
            let (foreign, unknown) = (
                world.tell("initech", "initech", &message(id(1))),
                world.tell("initech", "initech", &message(id(2))),
            );
            for (answer, id) in [(foreign, id(1)), (unknown, id(2))] {
                let Answer::NotYet { reason, brief: false, refusal: Some(receipt) } = answer.0
                else {
                    panic!("{answer:?}")
                };
                assert_eq!(
                    (reason, receipt.reason, receipt.detail),
                    (Reason::UnknownAgreement, Some(reason), None)
                );
                assert_eq!(receipt.agreement_id, Some(id));
            }
        }
        assert_eq!(world.status(&id(1)), Some(AgreementStatus::Pending));
    }

    #[test]
    fn an_account_without_admins_gets_no_notice() {
        let mut world = World::with(&["acme", "globex"]);
        world
            .tell("globex", "globex", &update(|message| message.admins = Some(Vec::new())))
            .assert_applied();
        assert!(world.tell("acme", "acme", &invite(id(1), "globex")).fact().notices.is_empty());
        let answer = world.tell("globex", "globex", &accept_of(id(1)));
        assert_eq!(about(&answer.fact().notices[0]).event, AgreementEvent::Accepted);
    }
}
