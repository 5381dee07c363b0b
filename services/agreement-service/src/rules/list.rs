//! `agreement.list`: an account is told its agreements as they stand, page by page.

use contracts::command::{AgreementList, MAX_LIMIT, page_size};
use contracts::delivery::Delivery;
use contracts::{AgreementId, ReceiptOutcome};

use super::announcement::{View, held, partner};
use super::state::{Account, Agreement, Contact, State};
use super::validate::Flaw;
use super::{Answer, Asked, Decision};

/// Which agreements are asked for: so many, in the order of their ids, after this one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Page {
    pub after: Option<AgreementId>,
    pub entries: usize,
}

/// The page that a command asks for, or why there is none.
pub(crate) fn page(message: &AgreementList) -> Result<Page, Flaw> {
    let entries = page_size(message.limit).and_then(|entries| usize::try_from(entries).ok());
    let entries = entries.ok_or_else(|| Flaw::new("/limit", format!("not 1 to {MAX_LIMIT}")))?;
    let after = message.cursor.as_deref().map(AgreementId::new).transpose();
    let after = after
        .map_err(|_| Flaw::new("/cursor", "not the next_cursor of a receipt for this command"))?;
    Ok(Page { after, entries })
}

/// Tells an account its agreements. It changes nothing, so nothing walks the line.
pub(super) fn decide(
    state: &State,
    account: &Account,
    asked: Asked<'_>,
    message: &AgreementList,
) -> Decision {
    shown(state, account, asked, message).unwrap_or_else(|answer| answer).into()
}

fn shown(
    state: &State,
    account: &Account,
    asked: Asked<'_>,
    message: &AgreementList,
) -> Result<Answer, Answer> {
    let page = asked.check_valid(page(message))?;
    let mut receipt = asked.receipt(ReceiptOutcome::Applied);
    let agreements = if message.agreement_id.is_some() {
        vec![held(state, account, asked)?.agreement]
    } else {
        let mut further = state.shown_agreements(&account.name, page.after.as_ref());
        if further.len() > page.entries {
            further.truncate(page.entries);
            receipt.next_cursor = further.last().map(|last| last.agreement_id.to_string());
        }
        further
    };
    let own = account.contact();
    let told: Result<Vec<Delivery>, Answer> = agreements
        .into_iter()
        .filter_map(|agreement| standing(state, agreement, &own, asked))
        .collect();
    Ok(Answer::Shown { deliveries: told?, receipt: Box::new(receipt) })
}

/// What the account is told of one of its agreements.
fn standing(
    state: &State,
    agreement: &Agreement,
    own: &Contact,
    asked: Asked<'_>,
) -> Option<Result<Delivery, Answer>> {
    let side = agreement.side_of(&own.party.account)?;
    let partner = partner(state, agreement, side, asked);
    Some(partner.map(|partner| View { agreement, side, own, partner: &partner }.standing()))
}

#[cfg(test)]
mod tests {
    use contracts::delivery::{AgreementStatus, Side};
    use contracts::{Reason, ReceiptOutcome};

    use crate::rules::Answer;
    use crate::rules::world::{
        Answered, World, accept_of, deactivate_of, decline_of, id, invite, list, name, register,
        rename_to, update,
    };

    /// Of `acme`: accepted, pending, declined and inactive, to and from it.
    fn partnered() -> World {
        let mut world = World::with(&["acme", "globex", "initech"]);
        world.tell("acme", "acme", &invite(id(4), "globex")).assert_applied();
        world.tell("globex", "globex", &accept_of(id(4))).assert_applied();
        world.tell("initech", "initech", &invite(id(2), "acme")).assert_applied();
        world.tell("acme", "acme", &invite(id(3), "globex")).assert_applied();
        world.tell("globex", "globex", &decline_of(id(3))).assert_applied();
        world.tell("globex", "globex", &invite(id(1), "acme")).assert_applied();
        world.tell("acme", "acme", &deactivate_of(id(1))).assert_applied();
        world.tell("globex", "globex", &invite(id(5), "initech")).assert_applied();
        world
    }

    fn numbers(answer: &Answered) -> Vec<String> {
        answer.shown().0.iter().map(|state| state.agreement_id.to_string()).collect()
    }

    fn ids<const N: usize>(numbers: [u64; N]) -> Vec<String> {
        numbers.map(|number| id(number).to_string()).to_vec()
    }

    #[test]
    fn r_69_and_r_77_all_agreements_are_listed_whatever_became_of_them() {
        let mut world = partnered();
        let answer = world.tell("acme", "acme", &list(|_| ()));
        let (states, receipt) = answer.shown();
        let shown: Vec<_> = states
            .iter()
            .map(|state| (state.agreement_id.clone(), state.status, state.side))
            .collect();
        let expected = [
            (id(1), AgreementStatus::Inactive, Side::Receiver),
            (id(2), AgreementStatus::Pending, Side::Receiver),
            (id(3), AgreementStatus::Declined, Side::Sender),
            (id(4), AgreementStatus::Accepted, Side::Sender),
        ];
        assert_eq!(shown, expected);
        assert_eq!(
            (receipt.outcome, receipt.reason, &receipt.next_cursor),
            (ReceiptOutcome::Applied, None, &None)
        );
        let Answer::Shown { deliveries, .. } = &answer.0 else { panic!() };
        assert!(deliveries.iter().zip(&states).all(|(delivery, state)| {
            delivery.to == name("acme") && delivery.correlation_id == state.agreement_id.to_string()
        }));
    }

    #[test]
    fn r_65_each_account_sees_its_own_side_and_where_no_mail_may_go() {
        let mut world = partnered();
        for (account, address) in
            [("acme", "@help.acme.example"), ("globex", "@help.globex.example")]
        {
            let message =
                update(|message| message.support_addresses = Some(vec![address.to_owned()]));
            world.tell(account, account, &message).assert_applied();
        }
        for (account, side, address) in [
            ("acme", Side::Sender, "@help.globex.example"),
            ("globex", Side::Receiver, "@help.acme.example"),
        ] {
            let answer = world.tell(account, account, &list(|_| ()));
            for state in answer.shown().0 {
                let accepted = state.status == AgreementStatus::Accepted;
                assert_eq!(
                    state.partner_support_addresses,
                    if accepted { vec![address] } else { Vec::new() }
                );
                assert!(!accepted || state.side == side);
            }
        }
    }

    #[test]
    fn pages_follow_each_other_by_their_cursors() {
        let mut world = partnered();
        let first = world.tell("acme", "acme", &list(|message| message.limit = Some(3)));
        assert_eq!(numbers(&first), ids([1, 2, 3]));
        let cursor = first.shown().1.next_cursor.clone();
        assert!(cursor.is_some());
        let second = world.tell(
            "acme",
            "acme",
            &list(|message| (message.limit, message.cursor) = (Some(3), cursor)),
        );
        assert_eq!((numbers(&second), &second.shown().1.next_cursor), (ids([4]), &None));
        let exactly = world.tell("acme", "acme", &list(|message| message.limit = Some(4)));
        assert_eq!(
            (numbers(&exactly).len(), &exactly.shown().1.next_cursor),
            (4, &None),
            "a full page may be the last"
        );
    }

    #[test]
    fn a_page_that_is_none_is_refused_with_its_place() {
        let mut world = partnered();
        for limit in [0, 201, u32::MAX] {
            let detail = world
                .tell("acme", "acme", &list(|message| message.limit = Some(limit)))
                .assert_refused(Reason::Malformed);
            assert!(detail.starts_with("/limit: "), "{detail}");
        }
        for cursor in ["", "2", "next"] {
            let message = list(|message| message.cursor = Some(cursor.to_owned()));
            let detail = world.tell("acme", "acme", &message).assert_refused(Reason::Malformed);
            assert!(detail.starts_with("/cursor: "), "{detail}");
        }
        assert_eq!(
            numbers(&world.tell("acme", "acme", &list(|message| message.limit = Some(200)))).len(),
            4
        );
    }

    #[test]
    fn one_alone_can_be_asked_for() {
        let mut world = partnered();
        let answer =
            world.tell("globex", "globex", &list(|message| message.agreement_id = Some(id(3))));
        assert_eq!(numbers(&answer), ids([3]));
        let receipt = answer.shown().1;
        assert_eq!((&receipt.agreement_id, &receipt.next_cursor), (&Some(id(3)), &None));
    }

    #[test]
    fn another_accounts_agreement_answers_like_an_unknown_one() {
        let mut world = partnered();
        for number in [5, 99] {
            let answer = world.tell(
                "acme",
                "acme",
                &list(|message| message.agreement_id = Some(id(number))),
            );
            let Answer::NotYet { reason, brief: false, refusal: Some(receipt) } = answer.0 else {
                panic!("{answer:?}")
            };
            assert_eq!(
                (reason, receipt.reason, receipt.detail),
                (Reason::UnknownAgreement, Some(reason), None)
            );
        }
    }

    #[test]
    fn r_71_an_account_that_declines_all_invites_is_not_shown_them_either() {
        let mut world = World::with(&["acme", "globex"]);
        let opt_out = |on, version| {
            update(|message| (message.version, message.decline_invites) = (Some(version), Some(on)))
        };
        world.tell("globex", "globex", &opt_out(true, 1)).assert_applied();
        world.tell("acme", "acme", &invite(id(1), "globex")).assert_applied();
        world.tell("globex", "globex", &invite(id(2), "acme")).assert_applied();
        world.tell("globex", "globex", &opt_out(false, 2)).assert_applied();
        assert_eq!(
            numbers(&world.tell("acme", "acme", &list(|_| ()))),
            ids([1, 2]),
            "its sender knows it, declined"
        );
        assert_eq!(numbers(&world.tell("globex", "globex", &list(|_| ()))), ids([2]));
        for message in [
            list(|message| message.agreement_id = Some(id(1))),
            accept_of(id(1)),
            deactivate_of(id(1)),
        ] {
            let answer = world.tell("globex", "globex", &message);
            assert!(
                matches!(answer.0, Answer::NotYet { reason: Reason::UnknownAgreement, .. }),
                "{answer:?}"
            );
        }
    }

    #[test]
    fn what_was_just_done_is_listed_as_it_is() {
        let mut world = partnered();
        world.tell("acme", "acme", &invite(id(0), "initech")).assert_applied();
        world.tell("globex", "globex", &rename_to("globex-group")).assert_applied();
        let answer = world.tell("acme", "acme", &list(|_| ()));
        assert_eq!(numbers(&answer), ids([0, 1, 2, 3, 4]));
        let ended = answer.shown().0[4];
        assert_eq!(
            (ended.status, ended.reason),
            (AgreementStatus::Inactive, Some(Reason::AccountRenamed))
        );
        assert_eq!(ended.receiver.address, "globex-group");
    }

    #[test]
    fn an_account_lists_for_itself_only() {
        let mut world = partnered();
        world.tell("operator", "operator", &register("bridge")).assert_applied();
        world.tell("bridge", "acme", &list(|_| ())).assert_refused(Reason::NotYourAccount);
    }
}
