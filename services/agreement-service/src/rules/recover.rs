//! `account.recover`: after the database was restored, an account's version and those of what it
//! invited others to rise above all that were ever given, and both sides hear where it stands.

use contracts::command::AccountRecover;
use contracts::delivery::{AccountRecovered, Delivery, DeliveryBody, Side};
use contracts::sync::{Change, Fact};
use contracts::{AccountName, Epoch, Reason, ReceiptOutcome, Timestamp};

use super::announcement::{View, partner};
use super::state::{Account, Agreement, State};
use super::validate::Flaw;
use super::{Answer, Asked, Decision};

/// Agreements of one page: each brings its receiver, whose settings may be large.
pub(crate) const AGREEMENTS: usize = 20;

/// Where a page begins.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct AccountPage {
    /// The account that it goes on with, after this agreement of it.
    pub within: Option<(String, String)>,
    /// Else the first account after this name.
    pub after: String,
}

impl AccountPage {
    /// The page that a cursor leads to; the first one without a cursor.
    pub fn at(cursor: Option<&str>) -> Self {
        let cursor = cursor.unwrap_or_default();
        match cursor.split_once('/') {
            Some((account, agreement)) => Self {
                within: Some((account.to_owned(), agreement.to_owned())),
                after: account.to_owned(),
            },
            None => Self { within: None, after: cursor.to_owned() },
        }
    }

    fn account<'a>(&self, state: &'a State) -> Option<&'a Account> {
        match &self.within {
            Some((name, _)) => {
                AccountName::new(name.as_str()).ok().and_then(|name| state.account(&name))
            }
            None => state.accounts().all().find(|account| account.name.as_str() > &*self.after),
        }
    }

    fn agreements<'a>(&self, state: &'a State, sender: &AccountName) -> Vec<&'a Agreement> {
        let after = self.within.as_ref().map_or("", |(_, agreement)| agreement);
        let is_of_page = |agreement: &&Agreement| {
            agreement.sender == *sender && agreement.agreement_id.as_str() > after
        };
        state.agreements().all().filter(is_of_page).collect()
    }
}

/// Recovers the next account. Where there is no further one, the receipt has no cursor.
pub(super) fn decide(state: &State, asked: Asked<'_>, message: &AccountRecover) -> Decision {
    recovered(state, asked, message).unwrap_or_else(Decision::from)
}

fn recovered(
    state: &State,
    asked: Asked<'_>,
    message: &AccountRecover,
) -> Result<Decision, Answer> {
    let epoch = epoch(state, asked, message)?;
    let page = AccountPage::at(message.cursor.as_deref());
    let mut receipt = asked.receipt(ReceiptOutcome::Applied);
    let Some(account) = page.account(state) else { return Err(asked.answered(receipt)) };
    let mut agreements = page.agreements(state, &account.name);
    let goes_on = agreements.len() > AGREEMENTS;
    agreements.truncate(AGREEMENTS);
    receipt.next_cursor = Some(next(account, agreements.last().filter(|_| goes_on)));
    let account = Account { version: epoch.raise(account.version), ..account.clone() };
    let raised = |agreement: &Agreement| Agreement {
        version: epoch.raise(agreement.version),
        ..agreement.clone()
    };
    let agreements: Vec<Agreement> = agreements.into_iter().map(raised).collect();
    let mut deliveries = Vec::new();
    if page.within.is_none() {
        deliveries.push(told(&account.name, epoch, message.since));
    }
    for agreement in &agreements {
        deliveries.extend(standing(state, &account, agreement, asked)?);
    }
    let change = Change::WithAgreements {
        account: Box::new(account.fact()),
        agreements: agreements.iter().map(Agreement::fact).collect(),
    };
    let fact = Fact { deliveries, epoch: Some(epoch), ..asked.changed(change, receipt) };
    Ok(Decision {
        account: Some(Box::new(account)),
        agreements,
        released: None,
        answer: Answer::Fact(Box::new(fact)),
    })
}

/// The epoch of the recovery: an operator who goes on with one gives the same again.
fn epoch(state: &State, asked: Asked<'_>, message: &AccountRecover) -> Result<Epoch, Answer> {
    let (epoch, held) = (message.epoch, state.epoch());
    if epoch == Epoch::default() {
        let flaw = Flaw::new("/epoch", "0 stands for no recovery: 1 and up");
        return asked.check_valid(Err(flaw));
    }
    if epoch < held {
        let detail = format!("/epoch: {} is held, so {0} or higher", held.number());
        return Err(asked.refused(Reason::NewerChangeExists, detail));
    }
    Ok(epoch)
}

/// The account's desk sends again what may be forgotten.
fn told(account: &AccountName, epoch: Epoch, since: Timestamp) -> Delivery {
    Delivery {
        to: account.clone(),
        correlation_id: account.to_string(),
        share_id: None,
        told: DeliveryBody::AccountRecovered(Box::new(AccountRecovered { epoch, since })),
    }
}

fn next(account: &Account, last: Option<&&Agreement>) -> String {
    match last {
        Some(last) => format!("{}/{}", account.name, last.agreement_id),
        None => account.name.to_string(),
    }
}

/// What the desks of both sides are told, as far as they know of the agreement.
fn standing(
    state: &State,
    account: &Account,
    agreement: &Agreement,
    asked: Asked<'_>,
) -> Result<Vec<Delivery>, Answer> {
    let (own, partner) = (account.contact(), partner(state, agreement, Side::Sender, asked)?);
    let view = View { agreement, side: Side::Sender, own: &own, partner: &partner };
    let receiver = agreement.is_shown_to(Side::Receiver).then(|| view.turned().standing());
    Ok(std::iter::once(view.standing()).chain(receiver).collect())
}

#[cfg(test)]
mod tests {
    use contracts::delivery::AgreementStatus;
    use contracts::epoch::count;

    use super::*;
    use crate::inbound::Inbound;
    use crate::rules::world::{
        Answered, World, accept_of, at, deactivate_of, id, invite, name, register, titled,
    };

    fn message(epoch: u16, cursor: Option<&str>) -> AccountRecover {
        let epoch = Epoch::new(epoch).unwrap();
        AccountRecover { epoch, since: at(), cursor: cursor.map(str::to_owned) }
    }

    fn recover(world: &mut World, epoch: u16, cursor: Option<&str>) -> Answered {
        let message = Inbound::Recover(message(epoch, cursor));
        world.tell("operator", "operator", &message)
    }

    /// All pages of a recovery, in order.
    fn recover_all(world: &mut World, epoch: u16) -> Vec<Fact> {
        let (mut pages, mut cursor) = (Vec::new(), None);
        loop {
            match recover(world, epoch, cursor.as_deref()).0 {
                Answer::Fact(fact) => {
                    cursor.clone_from(&fact.receipt.next_cursor);
                    pages.push(*fact);
                }
                Answer::Receipt { receipt, .. } => {
                    assert_eq!(receipt.next_cursor, None);
                    return pages;
                }
                other => panic!("{other:?}"),
            }
        }
    }

    fn agreed() -> World {
        let mut world = World::with(&["acme", "globex"]);
        world.tell("acme", "acme", &invite(id(1), "globex")).assert_applied();
        world.tell("globex", "globex", &accept_of(id(1))).assert_applied();
        world
    }

    #[test]
    fn c4_every_version_rises_above_all_that_were_given_and_both_sides_hear_it() {
        let mut world = agreed();
        let pages = recover_all(&mut world, 3);
        let epoch = Epoch::new(3).unwrap();
        assert_eq!(pages.len(), 2, "an account each");
        assert!(pages.iter().all(|page| page.epoch == Some(epoch)));
        let Change::WithAgreements { account, agreements } = &pages[0].change else { panic!() };
        assert_eq!((account.account.clone(), account.version), (name("acme"), epoch.raise(1)));
        assert_eq!(agreements[0].version, epoch.raise(2));
        assert_eq!(agreements[0].status, AgreementStatus::Accepted, "where it stands");
        let [again, states @ ..] = &pages[0].deliveries[..] else { panic!("nobody is told") };
        let expected = AccountRecovered { epoch, since: at() };
        assert_eq!(again.told, DeliveryBody::AccountRecovered(Box::new(expected)));
        let told = |delivery: &Delivery| match &delivery.told {
            DeliveryBody::AgreementState(state) => (delivery.to.to_string(), state.version),
            other => panic!("{other:?}"),
        };
        let heard: Vec<_> = states.iter().map(told).collect();
        assert_eq!(heard, ["acme", "globex"].map(|to| (to.to_owned(), epoch.raise(2))));
        assert!(pages.iter().all(|page| page.notices.is_empty()), "nobody gets mail of it");
        let ended = world.tell("acme", "acme", &deactivate_of(id(1)));
        assert_eq!(ended.seen_by("globex").version, epoch.raise(3), "it goes on from there");
    }

    #[test]
    fn c4_what_is_new_after_a_recovery_is_above_what_was_lost() {
        let mut world = agreed();
        recover_all(&mut world, 1);
        let epoch = Epoch::new(1).unwrap();
        world.tell("operator", "operator", &register("initech")).assert_applied();
        assert_eq!(world.account("initech").version, epoch.raise(1));
        let invited = world.tell("initech", "initech", &invite(id(2), "acme"));
        assert_eq!(invited.seen_by("acme").version, epoch.raise(1));
        assert_eq!(count(invited.seen_by("acme").version), 1);
    }

    #[test]
    fn a_recovery_that_is_told_again_changes_nothing_more() {
        let mut world = agreed();
        let (first, again) = (recover_all(&mut world, 1), recover_all(&mut world, 1));
        let changes = |pages: Vec<Fact>| pages.into_iter().map(|page| page.change);
        assert!(changes(first).eq(changes(again)));
    }

    #[test]
    fn an_account_with_many_agreements_takes_many_pages() {
        let mut world = World::with(&["acme", "globex"]);
        let all = u64::try_from(2 * AGREEMENTS + 1).unwrap();
        for number in 1..=all {
            world.tell("acme", "acme", &invite(id(number), "globex")).assert_applied();
        }
        let pages = recover_all(&mut world, 1);
        let told: Vec<usize> = pages.iter().map(|page| page.change.agreements().len()).collect();
        assert_eq!(told, [AGREEMENTS, AGREEMENTS, 1, 0]);
        let epoch = Epoch::new(1).unwrap();
        for number in 1..=all {
            assert_eq!(world.agreement(&id(number)).unwrap().version, epoch.raise(1), "{number}");
        }
    }

    #[test]
    fn only_the_operator_recovers_and_only_onwards() {
        let mut world = agreed();
        world
            .tell("acme", "acme", &Inbound::Recover(message(1, None)))
            .assert_refused(Reason::NotYourAccount);
        recover(&mut world, 5, None).assert_applied();
        recover(&mut world, 4, None).assert_refused(Reason::NewerChangeExists);
        recover(&mut world, 0, None).assert_refused(Reason::Malformed);
        world.tell("acme", "acme", &titled("Acme")).assert_applied();
    }
}
