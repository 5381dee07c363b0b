//! Properties over whole histories of agreements: whatever anybody asks for, in whatever order and
//! however often.

use std::collections::{BTreeMap, BTreeSet};

use contracts::delivery::{AgreementState, AgreementStatus, Delivery, Side};
use contracts::sync::{Change, Fact};
use contracts::{AccountName, AgreementId, ReceiptOutcome};
use proptest::prelude::*;

use super::Answer;
use super::state::Agreement;
use super::world::{
    World, accept_of, deactivate_of, decline_of, id, invite, list, name, register, rename_to,
    update,
};
use crate::inbound::Inbound;

const ACCOUNTS: [&str; 3] = ["acme", "globex", "initech"];
/// What can be invited: the addresses that accounts have at first, and others that they take.
const ADDRESSES: [&str; 5] = ["acme", "globex", "initech", "acme-group", "globex-group"];

fn a_command() -> impl Strategy<Value = (usize, Inbound)> {
    let message = (0..7u8, 1..4u64, 0..ADDRESSES.len(), any::<bool>(), 1..9u64);
    (0..ACCOUNTS.len(), message).prop_map(|(from, (kind, number, to, on, version))| {
        let message = match kind {
            0 | 1 => invite(id(number), ADDRESSES[to]),
            2 => accept_of(id(number)),
            3 => decline_of(id(number)),
            4 => deactivate_of(id(number)),
            5 => rename_to(ADDRESSES[to]),
            _ => update(|message| {
                message.version = Some(version);
                message.decline_invites = Some(on);
            }),
        };
        (from, message)
    })
}

fn a_history(length: usize) -> impl Strategy<Value = Vec<(usize, Inbound)>> {
    proptest::collection::vec(a_command(), 1..length)
}

/// Where an agreement may go from where it stands.
fn may_follow(before: Option<AgreementStatus>, after: AgreementStatus) -> bool {
    use AgreementStatus::{Accepted, Declined, Inactive, Pending};
    match before {
        None => matches!(after, Pending | Declined),
        Some(Pending) => matches!(after, Accepted | Declined | Inactive),
        Some(Accepted) => after == Inactive,
        Some(Declined | Inactive) => false,
    }
}

fn all(world: &World) -> BTreeMap<AgreementId, Agreement> {
    world.state.agreements().all().map(|one| (one.agreement_id.clone(), one.clone())).collect()
}

/// What went along the line, if anything did.
fn fact(answer: &Answer) -> Option<&Fact> {
    match answer {
        Answer::Fact(fact) => Some(fact),
        Answer::Receipt { .. } | Answer::Shown { .. } | Answer::NotYet { .. } => None,
    }
}

/// What each account is shown, all pages of this size one after the other.
fn listed(world: &mut World, account: &str, limit: u32) -> Vec<AgreementState> {
    let (mut states, mut cursor) = (Vec::new(), None);
    loop {
        let answer = world.tell(
            account,
            account,
            &list(|message| (message.limit, message.cursor) = (Some(limit), cursor)),
        );
        let (page, receipt) = answer.shown();
        assert!(
            page.len() <= limit as usize
                && (receipt.next_cursor.is_none() || page.len() == limit as usize)
        );
        states.extend(page.into_iter().cloned());
        cursor = receipt.next_cursor.clone();
        if cursor.is_none() {
            return states;
        }
    }
}

/// Names of accounts that are registered while others operate or are let operate.
const NAMES: [&str; 7] = ["a1", "a1-x", "a1-x-y", "a1-z", "b1", "b1-x", "a1x"];

/// A registration: its publisher, and what it says.
fn a_registration() -> impl Strategy<Value = (&'static str, Inbound)> {
    let any_name = || proptest::sample::select(&NAMES[..]);
    let publisher = prop_oneof![2 => Just("operator"), 1 => any_name()];
    let address = proptest::option::of(any_name());
    let operator = proptest::option::of(any_name());
    let url = proptest::option::weighted(0.2, 0..3_u8);
    let flags = (any::<bool>(), proptest::bool::weighted(0.2));
    (publisher, any_name(), address, operator, flags, url).prop_map(
        |(publisher, account, address, operator, (may_operate, third_parties), url)| {
            let Inbound::Register(mut message) = register(account) else { unreachable!() };
            message.address = address.map(str::to_owned);
            message.operated_by = operator.map(name);
            message.may_operate = may_operate;
            message.third_parties = third_parties;
            message.sharing_url = url.map(|number| format!("https://x{number}.example/"));
            (publisher, Inbound::Register(message))
        },
    )
}

proptest! {
    #[test]
    fn whoever_may_operate_has_all_names_below_its_own(
        history in proptest::collection::vec(a_registration(), 1..60),
    ) {
        let mut world = World::with(&[]);
        for (publisher, message) in &history {
            let given = world.tell(publisher, publisher, message).0;
            let accounts: Vec<_> = world.state.accounts().all().cloned().collect();
            let standing: Vec<_> = accounts.iter().filter(|one| one.third_parties).collect();
            prop_assert!(standing.len() < 2 && standing.iter().all(|one| one.may_operate));
            let told = fact(&given).and_then(|fact| fact.change.account());
            prop_assert!(
                told.is_none_or(|told| told.sharing_url.is_none() || told.version > 1)
                    || *publisher == "operator"
                    || standing.iter().any(|one| one.name.as_str() == *publisher),
                "{publisher} says where {told:?} is reached"
            );
            let urls: Vec<_> = accounts.iter().filter_map(|one| one.sharing_url.clone()).collect();
            let distinct: BTreeSet<_> = urls.iter().collect();
            prop_assert_eq!(distinct.len(), urls.len());
            for account in &accounts {
                prop_assert!(
                    account.operated_by.as_ref().is_none_or(|operator| {
                        world.account(operator.as_str()).may_operate
                            && account.name.is_under(operator)
                    }),
                    "{given:?}"
                );
                for other in accounts.iter().filter(|other| other.name != account.name) {
                    prop_assert!(
                        !account.may_operate
                            || !other.name.is_under(&account.name)
                            || other.operated_by.as_ref() == Some(&account.name),
                        "{} is below {}",
                        other.name,
                        account.name
                    );
                    prop_assert!(
                        account.address != other.address && other.name.as_str() != account.address,
                        "{} has what is taken for {}",
                        account.name,
                        other.name
                    );
                }
            }
        }
    }

    #[test]
    fn an_address_that_led_to_an_account_leads_to_no_other(history in a_history(40)) {
        let mut world = World::with(&ACCOUNTS);
        let mut led: BTreeMap<String, AccountName> = BTreeMap::new();
        for (from, message) in &history {
            world.tell(ACCOUNTS[*from], ACCOUNTS[*from], message);
            for account in ACCOUNTS.map(|account| world.account(account)) {
                let first = led.entry(account.address.clone()).or_insert(account.name.clone());
                prop_assert_eq!(&*first, &account.name, "{}", account.address);
            }
        }
    }

    #[test]
    fn r_74_an_agreement_only_ever_goes_forward(history in a_history(40)) {
        let mut world = World::with(&ACCOUNTS);
        for (from, message) in &history {
            let account = ACCOUNTS[*from];
            let before = all(&world);
            let answer = world.tell(account, account, message).0;
            let after = all(&world);
            let changed: Vec<_> =
                after.values().filter(|one| before.get(&one.agreement_id) != Some(*one)).collect();
            let said: Vec<_> = fact(&answer)
                .into_iter()
                .flat_map(|fact| fact.change.agreements())
                .cloned()
                .collect();
            prop_assert_eq!(
                changed.iter().map(|one| one.fact()).collect::<Vec<_>>(),
                said,
                "the line learns what changed, and all of it"
            );
            for now in changed {
                let before = before.get(&now.agreement_id);
                prop_assert!(now.side_of(&name(account)).is_some(), "a stranger changed it");
                prop_assert!(may_follow(before.map(|before| before.status), now.status));
                prop_assert_eq!(now.version, before.map_or(0, |before| before.version) + 1);
                if let Some(before) = before {
                    prop_assert_eq!(
                        (before.terms, &before.sender, &before.receiver),
                        (now.terms, &now.sender, &now.receiver)
                    );
                }
                let heard = fact(&answer).into_iter().flat_map(|fact| &fact.deliveries);
                let heard: Vec<_> = heard
                    .filter(|delivery| delivery.correlation_id == now.agreement_id.to_string())
                    .collect();
                let is_shown = |delivery: &&Delivery| {
                    now.side_of(&delivery.to).is_some_and(|side| now.is_shown_to(side))
                };
                prop_assert!(heard.iter().all(is_shown));
                prop_assert_eq!(heard.len(), if now.is_shown_to(Side::Receiver) { 2 } else { 1 });
            }
        }
    }

    #[test]
    fn r_17_no_agreement_outlives_the_address_that_a_party_had_when_it_was_made(
        history in a_history(40),
    ) {
        let mut world = World::with(&ACCOUNTS);
        let mut renames: BTreeMap<AccountName, u32> =
            ACCOUNTS.map(|account| (name(account), 0)).into();
        let mut made: BTreeMap<AgreementId, BTreeMap<AccountName, u32>> = BTreeMap::new();
        for (from, message) in &history {
            let account = ACCOUNTS[*from];
            let version = world.account(account).version;
            let answer = world.tell(account, account, message).0;
            if let Some(Fact { change: Change::WithAgreements { account: renamed, .. }, .. }) =
                fact(&answer)
            {
                prop_assert_eq!((&renamed.account, renamed.version), (&name(account), version + 1));
                *renames.get_mut(&renamed.account).unwrap() += 1;
            }
            for agreement in all(&world).into_values() {
                let now: BTreeMap<_, _> = [agreement.sender, agreement.receiver]
                    .map(|party| (party.clone(), renames[&party]))
                    .into();
                let then = made.entry(agreement.agreement_id).or_insert_with(|| now.clone());
                let stands = matches!(
                    agreement.status,
                    AgreementStatus::Pending | AgreementStatus::Accepted
                );
                prop_assert!(
                    !stands || *then == now,
                    "made before a rename: {:?}",
                    agreement.status
                );
            }
            let addresses: BTreeSet<String> =
                ACCOUNTS.iter().map(|account| world.account(account).address).collect();
            prop_assert_eq!(addresses.len(), ACCOUNTS.len(), "an address leads to one account");
        }
    }

    #[test]
    fn r_69_pages_of_any_size_show_each_agreement_once_and_as_it_stands(
        history in a_history(40),
        limit in 1..5u32,
    ) {
        let mut world = World::with(&ACCOUNTS);
        for (from, message) in &history {
            world.tell(ACCOUNTS[*from], ACCOUNTS[*from], message);
        }
        for account in ACCOUNTS {
            let own = name(account);
            let shown = listed(&mut world, account, limit);
            let expected = all(&world).into_values().filter_map(|one| {
                one.side_of(&own).filter(|side| one.is_shown_to(*side)).map(|side| (one, side))
            });
            let expected: Vec<_> = expected
                .map(|(one, side)| (one.agreement_id, one.version, one.status, side))
                .collect();
            let shown: Vec<_> = shown
                .into_iter()
                .map(|state| (state.agreement_id, state.version, state.status, state.side))
                .collect();
            prop_assert_eq!(shown, expected);
        }
    }

    #[test]
    fn the_same_command_again_changes_nothing_more(history in a_history(20)) {
        let mut world = World::with(&ACCOUNTS);
        for (from, message) in &history {
            let account = ACCOUNTS[*from];
            world.tell(account, account, message);
            let again = world.tell(account, account, message);
            let changed_nothing = |fact: &Fact| {
                fact.receipt.outcome == ReceiptOutcome::Ignored && fact.deliveries.is_empty()
            };
            prop_assert!(fact(&again.0).is_none_or(changed_nothing), "{:?}", again);
        }
    }
}
