//! `account.rename`: an account takes another public address, which ends its agreements, visibly
//! for both sides.

use contracts::command::AccountRename;
use contracts::delivery::{AgreementStatus, Delivery, Side};
use contracts::limits::MESSAGE_BYTES;
use contracts::sync::{AgreementFact, Change, Fact, Notice};
use contracts::{Reason, ReceiptOutcome};
use serde::Serialize;

use super::announcement::{View, brought_to, decider, partner};
use super::state::{Account, Agreement, Contact, Released, State};
use super::{Answer, Asked, Decision, addresses, validate};

/// Live agreements that are read for a rename. More never fit one fact: the shortest of all takes
/// over 1,300 bytes of it.
pub(crate) const MOST_AGREEMENTS: usize = 3_300;

/// Gives an account another address, and ends what was agreed under the old one.
pub(super) fn decide(
    state: &State,
    account: &Account,
    asked: Asked<'_>,
    message: &AccountRename,
) -> Decision {
    let renamed = match renamed(state, account, asked, message) {
        Ok(renamed) => renamed,
        Err(answer) => return answer.into(),
    };
    let ended = ended(state, &renamed, asked, message);
    let released = Released {
        address: account.address.clone(),
        account: account.name.clone(),
        at: asked.at(),
    };
    match ended.and_then(|ended| announced(state, renamed, ended, asked)) {
        Ok(decision) => Decision { released: Some(released), ..decision },
        Err(answer) => answer.into(),
    }
}

fn renamed(
    state: &State,
    account: &Account,
    asked: Asked<'_>,
    message: &AccountRename,
) -> Result<Account, Answer> {
    asked.check_admin(message.actor.role)?;
    asked.check_valid(validate::actor(&message.actor))?;
    if message.address == account.address {
        return Err(
            asked.answered(asked.receipt(ReceiptOutcome::Ignored).because(Reason::Unchanged, None))
        );
    }
    let address = addresses::check(state, asked, &account.name, &message.address, "/address")?;
    Ok(Account { address, version: account.version + 1, ..account.clone() })
}

/// The account's live agreements with its own side, each ended.
fn ended(
    state: &State,
    renamed: &Account,
    asked: Asked<'_>,
    message: &AccountRename,
) -> Result<Vec<(Side, Agreement)>, Answer> {
    let Some(live) = state.live_agreements(&renamed.name) else {
        let detail = format!(
            "more than {MOST_AGREEMENTS} agreements are pending or accepted: deactivate or decline \
             some of them first"
        );
        return Err(asked.refused(Reason::LimitExceeded, detail));
    };
    let end = |agreement: &Agreement| {
        let side = agreement.side_of(&renamed.name)?;
        let inactive =
            brought_to(AgreementStatus::Inactive, agreement, decider(side, &message.actor), asked);
        Some((side, Agreement { reason: Some(Reason::AccountRenamed), ..inactive }))
    };
    Ok(live.into_iter().filter_map(end).collect())
}

/// The rename on its way along the line, with what both sides of each agreement are told.
fn announced(
    state: &State,
    renamed: Account,
    ended: Vec<(Side, Agreement)>,
    asked: Asked<'_>,
) -> Result<Decision, Answer> {
    let own = renamed.contact();
    let fact = |agreements| {
        let change = Change::WithAgreements { account: Box::new(renamed.fact()), agreements };
        asked.changed(change, asked.receipt(ReceiptOutcome::Applied))
    };
    let mut size = written(&fact(Vec::new()));
    let (mut agreements, mut deliveries, mut notices) = (Vec::new(), Vec::new(), Vec::new());
    for (side, agreement) in &ended {
        let end = End::of(agreement, *side, &own, &partner(state, agreement, *side, asked)?);
        size += end.size();
        if size > MESSAGE_BYTES {
            let (all, fit) = (ended.len(), agreements.len());
            let detail = format!(
                "{all} agreements are pending or accepted, and one message tells the end of {fit} \
                 of them: deactivate or decline some first"
            );
            return Err(asked.refused(Reason::LimitExceeded, detail));
        }
        agreements.push(end.fact);
        deliveries.extend(end.deliveries);
        notices.extend(end.notice);
    }
    let fact = Fact { deliveries, notices, ..fact(agreements) };
    Ok(Decision {
        account: Some(Box::new(renamed)),
        agreements: ended.into_iter().map(|(_, agreement)| agreement).collect(),
        released: None,
        answer: Answer::Fact(Box::new(fact)),
    })
}

/// What the end of one agreement adds to the fact.
struct End {
    fact: AgreementFact,
    deliveries: [Delivery; 2],
    notice: Option<Notice>,
}

impl End {
    fn of(agreement: &Agreement, side: Side, own: &Contact, partner: &Contact) -> Self {
        let view = View { agreement, side, own, partner };
        Self {
            fact: agreement.fact(),
            deliveries: [view.news(), view.turned().news()],
            notice: view.turned().notice(),
        }
    }

    /// Its bytes in the fact, with a comma after each part.
    fn size(&self) -> usize {
        let deliveries =
            self.deliveries.iter().map(|delivery| written(delivery) + 1).sum::<usize>();
        written(&self.fact)
            + 1
            + deliveries
            + self.notice.as_ref().map_or(0, |notice| written(notice) + 1)
    }
}

/// The bytes of a value as it is sent.
fn written(value: &impl Serialize) -> usize {
    serde_json::to_vec(value).expect("the contract's types are writable as JSON").len()
}

#[cfg(test)]
mod tests {
    use contracts::delivery::{AgreementStatus, DeliveryBody, Side};
    use contracts::sync::{AgreementEvent, Change};
    use contracts::{Reason, Role};

    use crate::inbound::Inbound;
    use crate::rules::Answer;
    use crate::rules::world::{
        World, about, accept_of, actor, at, deactivate_of, decline_of, id, invite, list, name,
        register, rename_to, titled, update,
    };

    /// Of `acme`: accepted with `globex`, pending from `initech`, declined, and inactive.
    fn partnered() -> World {
        let mut world = World::with(&["acme", "globex", "initech"]);
        world.tell("acme", "acme", &invite(id(1), "globex")).assert_applied();
        world.tell("globex", "globex", &accept_of(id(1))).assert_applied();
        world.tell("initech", "initech", &invite(id(2), "acme")).assert_applied();
        world.tell("acme", "acme", &invite(id(3), "globex")).assert_applied();
        world.tell("globex", "globex", &decline_of(id(3))).assert_applied();
        world.tell("acme", "acme", &invite(id(4), "globex")).assert_applied();
        world.tell("acme", "acme", &deactivate_of(id(4))).assert_applied();
        world.tell("globex", "globex", &invite(id(5), "initech")).assert_applied();
        world
    }

    #[test]
    fn r_17_a_rename_ends_every_live_agreement_of_the_account_and_no_other() {
        let mut world = partnered();
        let answer = world.tell("acme", "acme", &rename_to("acme-group"));
        let Change::WithAgreements { account, agreements } = &answer.assert_applied().change else {
            panic!("{answer:?}")
        };
        assert_eq!(
            (account.account.clone(), account.address.as_str(), account.version),
            (name("acme"), "acme-group", 2)
        );
        let ended: Vec<_> = agreements
            .iter()
            .map(|fact| (fact.agreement_id.clone(), fact.version, fact.status, fact.at))
            .collect();
        assert_eq!(
            ended,
            [
                (id(1), 3, AgreementStatus::Inactive, at()),
                (id(2), 2, AgreementStatus::Inactive, at())
            ]
        );
        for number in [1, 2] {
            let ended = world.agreement(&id(number)).unwrap();
            assert_eq!(
                (ended.status, ended.reason),
                (AgreementStatus::Inactive, Some(Reason::AccountRenamed))
            );
        }
        assert_eq!(world.status(&id(3)), Some(AgreementStatus::Declined));
        assert_eq!(
            world.agreement(&id(4)).and_then(|ended| ended.reason),
            None,
            "ended before, by a person"
        );
        assert_eq!(world.status(&id(5)), Some(AgreementStatus::Pending), "of two others");
    }

    #[test]
    fn r_17_both_sides_of_each_see_that_and_why_it_ended() {
        let answer = partnered().tell("acme", "acme", &rename_to("acme-group"));
        let told = |delivery: &contracts::delivery::Delivery| match &delivery.told {
            DeliveryBody::AgreementDeactivated(state) => {
                (delivery.to.to_string(), state.agreement_id.clone(), state.side)
            }
            other => panic!("{other:?}"),
        };
        let mut heard: Vec<_> = answer.fact().deliveries.iter().map(told).collect();
        heard.sort_by(|one, other| one.1.cmp(&other.1).then(one.0.cmp(&other.0)));
        let expected = [
            ("acme", 1, Side::Sender),
            ("globex", 1, Side::Receiver),
            ("acme", 2, Side::Receiver),
            ("initech", 2, Side::Sender),
        ];
        assert_eq!(heard, expected.map(|(to, number, side)| (to.to_owned(), id(number), side)));
        let seen = answer.seen_by("globex");
        assert_eq!(
            (seen.version, seen.status, seen.reason),
            (3, AgreementStatus::Inactive, Some(Reason::AccountRenamed))
        );
        assert_eq!(
            (seen.by.side, seen.sender.address.as_str()),
            (Side::Sender, "acme-group"),
            "whom to invite from now on"
        );
        assert!(seen.partner_support_addresses.is_empty());
        assert!(
            answer.fact().deliveries.iter().all(|delivery| delivery.correlation_id.len() == 40)
        );
    }

    #[test]
    fn r_17_the_admins_of_each_partner_are_told_and_the_accounts_own_are_not() {
        let answer = partnered().tell("acme", "acme", &rename_to("acme-group"));
        let told: Vec<_> = answer
            .fact()
            .notices
            .iter()
            .map(|notice| (notice.account.clone(), about(notice).event))
            .collect();
        assert_eq!(
            told,
            [(name("globex"), AgreementEvent::Renamed), (name("initech"), AgreementEvent::Renamed)]
        );
        assert!(
            answer
                .fact()
                .notices
                .iter()
                .all(|notice| notice.partner.address == "acme-group" && notice.by == "Agent Ada")
        );
    }

    #[test]
    fn r_17_what_was_agreed_ends_for_good_and_r_75_new_agreements_may_follow() {
        let mut world = partnered();
        world.tell("acme", "acme", &rename_to("acme-group")).assert_applied();
        world.tell("acme", "acme", &accept_of(id(2))).assert_refused(Reason::AlreadyDecided);
        world
            .tell("globex", "globex", &deactivate_of(id(1)))
            .assert_refused(Reason::AlreadyDecided);
        world.tell("globex", "globex", &invite(id(10), "acme-group")).assert_applied();
        world.tell("acme", "acme", &accept_of(id(10))).assert_applied();
        world.tell("acme", "acme", &invite(id(11), "globex")).assert_applied();
        assert_eq!(world.status(&id(10)), Some(AgreementStatus::Accepted));
        assert_eq!(world.status(&id(11)), Some(AgreementStatus::Pending));
    }

    #[test]
    fn the_old_address_leads_nowhere_until_another_account_takes_it() {
        let mut world = World::with(&["acme", "globex", "initech"]);
        world.tell("acme", "acme", &rename_to("acme-group")).assert_applied();
        let answer = world.tell("globex", "globex", &invite(id(1), "acme"));
        assert!(
            matches!(answer.0, Answer::NotYet { reason: Reason::UnknownAccount, .. }),
            "{answer:?}"
        );
        world
            .tell("operator", "operator", &register("acme-group"))
            .assert_refused(Reason::NameTaken);
        world.tell("operator", "operator", &register("acme")).assert_refused(Reason::AccountExists);
        world.tell("initech", "initech", &rename_to("acme")).assert_refused(Reason::NameTaken);
        world.tell("acme", "acme", &rename_to("acme-world")).assert_applied();
        let later = 90 * 24 * 60 * 60;
        world.tell_at(later, "initech", &rename_to("acme-group")).assert_applied();
        world.tell("globex", "globex", &invite(id(1), "acme-group")).assert_applied();
        assert_eq!(world.agreement(&id(1)).unwrap().receiver, name("initech"));
        assert_eq!(
            (world.account("acme").address.as_str(), world.account("acme").version),
            ("acme-world", 3)
        );
    }

    #[test]
    fn r_71_an_opted_out_account_hears_of_the_end_of_its_agreements() {
        let mut world = partnered();
        for account in ["globex", "initech"] {
            world
                .tell(account, account, &update(|message| message.decline_invites = Some(true)))
                .assert_applied();
        }
        world.tell("acme", "acme", &invite(id(6), "globex")).assert_applied();
        let answer = world.tell("acme", "acme", &rename_to("acme-group"));
        assert_eq!(answer.seen_by("globex").agreement_id, id(1));
        assert_eq!(answer.seen_by("initech").agreement_id, id(2));
        assert_eq!(
            (answer.fact().deliveries.len(), answer.fact().notices.len()),
            (4, 2),
            "nothing of the invite it never heard of"
        );
    }

    #[test]
    fn r_51_only_an_administrator_renames() {
        let mut world = partnered();
        for role in [Role::Agent, Role::EndUser] {
            let Inbound::Rename(mut message) = rename_to("acme-group") else { unreachable!() };
            message.actor = actor(role);
            world
                .tell("acme", "acme", &Inbound::Rename(message))
                .assert_refused(Reason::NotAnAdmin);
        }
        assert_eq!(world.account("acme").address, "acme");
        assert_eq!(world.status(&id(1)), Some(AgreementStatus::Accepted));
    }

    #[test]
    fn an_address_has_the_form_of_a_name_and_is_nobody_elses() {
        let mut world = partnered();
        for bad in
            ["", "a", "Acme", "acme.example", "operator", "desk", "notifier", &"a".repeat(40)]
        {
            let detail =
                world.tell("acme", "acme", &rename_to(bad)).assert_refused(Reason::InvalidName);
            assert!(detail.starts_with("/address: "), "{detail}");
        }
        world.tell("acme", "acme", &rename_to("globex")).assert_refused(Reason::NameTaken);
        assert_eq!(world.status(&id(1)), Some(AgreementStatus::Accepted));
    }

    #[test]
    fn its_own_address_changes_nothing() {
        let mut world = partnered();
        world.tell("acme", "acme", &rename_to("acme")).assert_ignored(Reason::Unchanged);
        world.tell("acme", "acme", &rename_to("acme-group")).assert_applied();
        world.tell("acme", "acme", &rename_to("acme-group")).assert_ignored(Reason::Unchanged);
        assert_eq!(world.account("acme").version, 2);
    }

    #[test]
    fn an_account_without_agreements_is_renamed_too_and_keeps_its_settings() {
        let mut world = World::with(&["acme"]);
        world.tell("acme", "acme", &titled("Acme")).assert_applied();
        let answer = world.tell("acme", "acme", &rename_to("acme-group"));
        let Change::WithAgreements { account, agreements } = &answer.assert_applied().change else {
            panic!("{answer:?}")
        };
        assert_eq!(
            (account.display_name.as_str(), account.version, agreements.len()),
            ("Acme", 3, 0)
        );
        assert!(answer.fact().deliveries.is_empty() && answer.fact().notices.is_empty());
        assert!(world.tell("acme", "acme", &list(|_| ())).shown().0.is_empty());
    }
}
