//! How many agreements the fact of one rename can end, from the shortest texts to the longest that
//! are let in.

use contracts::address::Party;
use contracts::command::Admin;
use contracts::delivery::{AgreementStatus, Decider, Side};
use contracts::fields::{CustomStatus, CustomStatuses, FieldType, Status, TicketField};
use contracts::limits::{BODY_BYTES, MESSAGE_BYTES};
use contracts::{AccountName, Reason};

use super::rename::MOST_AGREEMENTS;
use super::state::{Account, Agreement, Contact, State, Stored};
use super::world::{Answered, World, at, id, name, rename_to, terms};
use crate::inbound::Inbound;

/// A character of four bytes, the most that one has.
const WIDE: &str = "𝄞";

/// How long everything is.
#[derive(Clone, Copy)]
struct Lengths {
    /// Of names and titles.
    name: usize,
    admins: usize,
    support_addresses: usize,
}

/// The longest that is let in (`valid.rs`).
const LONGEST: Lengths = Lengths { name: 200, admins: 100, support_addresses: 200 };
/// As desks have them.
const ORDINARY: Lengths = Lengths { name: 6, admins: 3, support_addresses: 3 };
/// Nothing that could be left out.
const SHORTEST: Lengths = Lengths { name: 0, admins: 0, support_addresses: 0 };

impl Lengths {
    fn name(self) -> String {
        WIDE.repeat(self.name)
    }

    fn address(self) -> String {
        if self.name == LONGEST.name {
            format!("{}@example", "a".repeat(246))
        } else {
            "support@acme.example".to_owned()
        }
    }

    fn account_name(self, number: usize) -> AccountName {
        name(&if self.name == LONGEST.name {
            format!("{number:0>39}")
        } else {
            format!("{number:0>6}")
        })
    }

    fn partner(self, number: usize) -> Contact {
        let account = self.account_name(number);
        Contact {
            party: Party {
                address: account.to_string(),
                account,
                display_name: self.name(),
                sharing_url: None,
            },
            admins: vec![Admin { name: self.name(), email: self.address() }; self.admins],
            locale: (self.admins > 0).then(|| "de-x-".to_owned() + &"a".repeat(30)),
            support_addresses: vec![self.address(); self.support_addresses],
        }
    }

    fn agreement(self, acme: &AccountName, number: usize) -> Agreement {
        Agreement {
            agreement_id: id(number as u64),
            version: 1,
            sender: acme.clone(),
            receiver: self.account_name(number),
            name: (self.name > 0).then(|| self.name()),
            terms: terms(),
            status: AgreementStatus::Pending,
            by: Decider { side: Side::Receiver, name: self.name() },
            at: at(),
            reason: None,
        }
    }

    /// The account that is renamed.
    fn account(self) -> Account {
        let mut account = World::with(&["acme"]).account("acme");
        account.display_name = self.name();
        account.settings.support_addresses = vec![self.address(); self.support_addresses];
        account
    }

    fn rename(self, account: Account, count: usize) -> Answered {
        let agreements: Vec<_> =
            (1..=count).map(|number| self.agreement(&account.name, number)).collect();
        let contacts = (1..=count).map(|number| self.partner(number)).collect();
        let stored = Stored { accounts: vec![account], agreements, contacts, ..Stored::default() };
        let mut world = World { state: State::new(stored) };
        let Inbound::Rename(mut message) = rename_to("acme-group") else { unreachable!() };
        message.actor.name = self.name();
        world.tell("acme", "acme", &Inbound::Rename(message))
    }
}

/// Fields, statuses and a form as large as one update each can make them.
fn fill(account: &mut Account) {
    let key = |number: usize| format!("{number:0>4}{}", WIDE.repeat(124));
    let field = |number| TicketField {
        key: key(number),
        title: WIDE.repeat(200),
        field_type: FieldType::PartialCreditCard,
        options: Vec::new(),
        pattern: None,
        pattern_checked: true,
    };
    let status = |number| CustomStatus {
        key: key(number),
        name: WIDE.repeat(200),
        category: Status::Pending,
        default: false,
    };
    // As many as a command's body has room for.
    account.settings.ticket_fields = (0..388).map(field).collect();
    let written = serde_json::to_vec(&account.settings.ticket_fields).unwrap().len();
    assert!((BODY_BYTES - 2048..BODY_BYTES).contains(&written), "{written}");
    account.settings.custom_statuses =
        CustomStatuses { enabled: true, statuses: (0..300).map(status).collect() };
    account.settings.default_form = Some((0..400).map(key).collect());
    account.settings.link_template =
        Some(format!("https://acme.example/{{ticket_id}}/{}", WIDE.repeat(460)));
}

/// The size of what goes along the line.
fn size(answer: &Answered) -> usize {
    serde_json::to_vec(answer.assert_applied()).expect("a fact is JSON").len()
}

#[test]
fn seventeen_fit_whatever_the_lengths() {
    let mut account = LONGEST.account();
    fill(&mut account);
    let size = size(&LONGEST.rename(account, 17));
    assert!(size <= MESSAGE_BYTES, "{size}");
}

#[test]
fn of_the_shortest_no_more_fit_than_are_read() {
    let each = size(&SHORTEST.rename(SHORTEST.account(), 2))
        - size(&SHORTEST.rename(SHORTEST.account(), 1));
    assert!(each > 1_300 && 1_300 * MOST_AGREEMENTS > MESSAGE_BYTES, "{each}");
    SHORTEST.rename(SHORTEST.account(), MOST_AGREEMENTS).assert_refused(Reason::LimitExceeded);
}

#[test]
fn what_was_not_all_read_is_not_ended_in_part() {
    let account = ORDINARY.account();
    let agreements = vec![ORDINARY.agreement(&account.name, 1)];
    let crowded = [account.name.clone()].into();
    let contacts = vec![ORDINARY.partner(1)];
    let stored =
        Stored { accounts: vec![account], agreements, crowded, contacts, ..Stored::default() };
    let mut world = World { state: State::new(stored) };
    let detail =
        world.tell("acme", "acme", &rename_to("acme-group")).assert_refused(Reason::LimitExceeded);
    assert!(detail.contains("more than 3300 agreements"), "{detail}");
    assert_eq!(world.status(&id(1)), Some(AgreementStatus::Pending));
}

#[test]
fn what_does_not_fit_is_refused_with_what_would() {
    for (lengths, many, at_least) in [(LONGEST, 30, 17), (ORDINARY, 2500, 1500)] {
        let answer = lengths.rename(lengths.account(), many);
        let detail = answer.assert_refused(Reason::LimitExceeded);
        let fit = (1..many)
            .find(|fit| detail.contains(&format!(" of {fit} of them")))
            .expect("it says how many fit");
        assert!(
            detail.starts_with(&format!("{many} agreements are pending or accepted")),
            "{detail}"
        );
        assert!(fit >= at_least, "{detail}");
        let largest = size(&lengths.rename(lengths.account(), fit));
        let further = largest - size(&lengths.rename(lengths.account(), fit - 1));
        assert!(
            largest <= MESSAGE_BYTES && largest + further > MESSAGE_BYTES - 3,
            "{largest} and {further} more"
        );
        lengths.rename(lengths.account(), fit + 1).assert_refused(Reason::LimitExceeded);
    }
}
