//! `agreement.compare`: a party asks how the custom fields of both fit. Who may ask is decided
//! here, the answer is field-sync's.

use contracts::command::AgreementCompare;
use contracts::delivery::{AgreementStatus, Side};
use contracts::sync::{Change, Compare};
use contracts::{Reason, ReceiptOutcome};

use super::announcement::{Held, held};
use super::state::{Account, State};
use super::{Answer, Asked, Decision};

/// Sends the question along the line, so that it is answered by what is in force there.
pub(super) fn decide(
    state: &State,
    account: &Account,
    asked: Asked<'_>,
    message: &AgreementCompare,
) -> Decision {
    compared(state, account, asked, message).unwrap_or_else(|answer| answer).into()
}

fn compared(
    state: &State,
    account: &Account,
    asked: Asked<'_>,
    message: &AgreementCompare,
) -> Result<Answer, Answer> {
    let Held { agreement, side, sender, receiver } = held(state, account, asked)?;
    let partner = match side {
        Side::Sender => receiver,
        Side::Receiver => sender,
    };
    if !agreement.terms.custom_fields {
        return Err(asked.refused(Reason::CustomFieldsNotSynced, None));
    }
    let shows_all = partner.settings.show_fields;
    match agreement.status {
        AgreementStatus::Pending if !shows_all => {
            let detail =
                "before it is accepted only the fields of a partner with `show_fields` are told";
            return Err(asked.refused(Reason::AgreementNotAccepted, detail.to_owned()));
        }
        AgreementStatus::Pending | AgreementStatus::Accepted => {}
        AgreementStatus::Declined => {
            return Err(asked.refused(Reason::AgreementNotAccepted, None));
        }
        AgreementStatus::Inactive => return Err(asked.refused(Reason::AgreementInactive, None)),
    }
    let change = Change::Agreements(vec![agreement.fact()]);
    let mut fact = asked.changed(change, asked.receipt(ReceiptOutcome::Applied));
    fact.compare = Some(Compare {
        agreement_id: agreement.agreement_id.clone(),
        side,
        own: account.name.clone(),
        partner: partner.name.clone(),
        shows_all,
        after: message.cursor.clone(),
    });
    Ok(Answer::Fact(Box::new(fact)))
}

#[cfg(test)]
mod tests {
    use contracts::AgreementId;

    use super::*;
    use crate::Inbound;
    use crate::rules::world::{
        World, accept_of, actor, deactivate_of, decline_of, id, invite, update,
    };

    fn compare(id: AgreementId) -> Inbound {
        Inbound::Compare(AgreementCompare { agreement_id: id, cursor: Some("m".into()) })
    }

    fn invited(custom_fields: bool) -> World {
        let mut world = World::with(&["acme", "globex", "initech"]);
        let mut message = invite(id(1), "globex");
        if let Inbound::Invite(message) = &mut message {
            message.terms.custom_fields = custom_fields;
        }
        world.tell("acme", "acme", &message).assert_applied();
        world
    }

    fn show_fields(world: &mut World, account: &str) {
        let message = update(|message| {
            message.actor = actor(contracts::Role::Admin);
            message.show_fields = Some(true);
        });
        world.tell(account, account, &message).assert_applied();
    }

    #[test]
    fn either_party_asks_and_nothing_changes() {
        let mut world = invited(true);
        world.tell("globex", "globex", &accept_of(id(1))).assert_applied();
        for (own, partner, side) in
            [("acme", "globex", Side::Sender), ("globex", "acme", Side::Receiver)]
        {
            let answer = world.tell(own, own, &compare(id(1)));
            let fact = answer.assert_applied();
            let asked = fact.compare.clone().unwrap();
            assert_eq!((asked.own.as_str(), asked.partner.as_str()), (own, partner));
            assert_eq!((asked.side, asked.shows_all), (side, false));
            assert_eq!(asked.after.as_deref(), Some("m"));
            assert_eq!(fact.change.agreements()[0].version, 2);
        }
    }

    #[test]
    fn a_pending_one_is_compared_only_with_who_shows_its_fields() {
        let mut world = invited(true);
        world.tell("acme", "acme", &compare(id(1))).assert_refused(Reason::AgreementNotAccepted);
        show_fields(&mut world, "globex");
        let answer = world.tell("acme", "acme", &compare(id(1)));
        assert!(answer.assert_applied().compare.as_ref().is_some_and(|asked| asked.shows_all));
        world
            .tell("globex", "globex", &compare(id(1)))
            .assert_refused(Reason::AgreementNotAccepted);
    }

    #[test]
    fn terms_without_fields_and_what_has_ended_have_nothing_to_compare() {
        let mut world = invited(false);
        world.tell("globex", "globex", &accept_of(id(1))).assert_applied();
        world.tell("acme", "acme", &compare(id(1))).assert_refused(Reason::CustomFieldsNotSynced);
        let mut declined = invited(true);
        declined.tell("globex", "globex", &decline_of(id(1))).assert_applied();
        declined.tell("acme", "acme", &compare(id(1))).assert_refused(Reason::AgreementNotAccepted);
        let mut ended = invited(true);
        ended.tell("acme", "acme", &deactivate_of(id(1))).assert_applied();
        ended.tell("acme", "acme", &compare(id(1))).assert_refused(Reason::AgreementInactive);
    }

    #[test]
    fn another_accounts_agreement_is_like_one_that_is_not_there() {
        let mut world = invited(true);
        let foreign = world.tell("initech", "initech", &compare(id(1)));
        let absent = world.tell("initech", "initech", &compare(id(2)));
        for answer in [foreign.0, absent.0] {
            let waits = matches!(answer, Answer::NotYet { reason: Reason::UnknownAgreement, .. });
            assert!(waits, "{answer:?}");
        }
    }
}
