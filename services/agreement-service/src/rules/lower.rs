//! `account.lower`: the operator lowers the versions of attributes, so that an account whose
//! version was far too high can change them again.

use contracts::command::AccountLower;
use contracts::limits::VERSION;
use contracts::{Reason, ReceiptOutcome};

use super::show::part_name;
use super::state::{Account, Attribute, Part, PartKey, State};
use super::validate::Flaw;
use super::{Asked, Decision};

enum Named {
    Attribute(Attribute),
    Part(PartKey),
}

/// Lowers what is held with a higher version. What the attributes hold stays.
pub(super) fn decide(state: &State, asked: Asked<'_>, message: &AccountLower) -> Decision {
    let Some(account) = state.account(&message.account) else {
        let detail = format!("/account: no account {} is registered", message.account);
        return asked.refused(Reason::UnknownAccount, detail).into();
    };
    let named = match asked.check_valid(named(account, message)) {
        Ok(named) => named,
        Err(answer) => return answer.into(),
    };
    let mut lowered = account.clone();
    for attribute in named {
        lower(&mut lowered, attribute, message.version);
    }
    if lowered == *account {
        let receipt = asked.receipt(ReceiptOutcome::Ignored).because(Reason::Unchanged, None);
        return asked.answered(receipt).into();
    }
    Decision {
        account: Some(Box::new(lowered)),
        agreements: Vec::new(),
        released: None,
        answer: asked.answered(asked.receipt(ReceiptOutcome::Applied)),
    }
}

fn named(account: &Account, message: &AccountLower) -> Result<Vec<Named>, Flaw> {
    if message.attributes.is_empty() {
        return Err(Flaw::new("/attributes", "empty"));
    }
    if message.version > VERSION {
        return Err(Flaw::new("/version", format!("above {VERSION}")));
    }
    let one = |(index, name): (usize, &String)| {
        let part = account.field_options.iter().map(|(key, _)| key);
        let mut part = part.filter(|(key, number)| part_name(key, *number) == *name);
        let attribute = Attribute::named(name).map(Named::Attribute);
        attribute.or_else(|| part.next().cloned().map(Named::Part)).ok_or_else(|| {
            Flaw::new(
                format!("/attributes/{index}"),
                "no attribute of this name: account.state.v1 has those that were set",
            )
        })
    };
    message.attributes.iter().enumerate().map(one).collect()
}

fn lower(account: &mut Account, named: Named, version: u64) {
    match named {
        Named::Attribute(attribute) => {
            if let Some(held) = account.attribute_versions.get_mut(&attribute)
                && *held > version
            {
                *held = version;
                account.attribute_arrivals.remove(&attribute);
            }
        }
        Named::Part(key) => {
            let Some(part) = account.field_options.get(&key) else { return };
            let is_empty = part.options.is_empty() && version == 0;
            if part.version > version {
                let lowered = Part { version, set_at: None, ..part.clone() };
                account.field_options.set(key, (!is_empty).then_some(lowered));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use contracts::command::AccountUpdate;
    use contracts::fields::OptionsPart;

    use super::*;
    use crate::Inbound;
    use crate::rules::world::{World, name, update};

    fn lower_of(attributes: &[&str], version: u64) -> Inbound {
        Inbound::Lower(AccountLower {
            account: name("acme"),
            attributes: attributes.iter().map(ToString::to_string).collect(),
            version,
        })
    }

    fn titled(version: u64, title: &str) -> Inbound {
        update(|message| {
            message.version = Some(version);
            message.display_name = Some(title.into());
        })
    }

    #[test]
    fn a_version_that_was_far_too_high_is_no_dead_end() {
        let mut world = World::with(&["acme"]);
        world.tell("acme", "acme", &titled(VERSION, "High")).assert_applied();
        world.tell("acme", "acme", &titled(2, "Low")).assert_ignored(Reason::NewerChangeExists);
        let answer = world.tell("operator", "operator", &lower_of(&["display_name"], 1));
        assert_eq!(answer.receipt().outcome, ReceiptOutcome::Applied);
        assert_eq!(world.account("acme").display_name, "High");
        world
            .tell("operator", "operator", &lower_of(&["display_name"], 1))
            .assert_ignored(Reason::Unchanged);
        world.tell("acme", "acme", &titled(2, "Low")).assert_applied();
    }

    #[test]
    fn only_the_operator_lowers_and_only_what_there_is() {
        let mut world = World::with(&["acme", "globex"]);
        for publisher in ["acme", "globex"] {
            world
                .tell(publisher, publisher, &lower_of(&["display_name"], 0))
                .assert_refused(Reason::NotYourAccount);
        }
        for names in [&["titles"][..], &["ticket_field_options/1/x"], &[]] {
            world
                .tell("operator", "operator", &lower_of(names, 0))
                .assert_refused(Reason::Malformed);
        }
        let message =
            AccountLower { account: name("nobody"), attributes: vec!["locale".into()], version: 0 };
        world
            .tell("operator", "operator", &Inbound::Lower(message))
            .assert_refused(Reason::UnknownAccount);
    }

    #[test]
    fn a_part_that_is_empty_is_forgotten() {
        let mut world = World::with(&["acme"]);
        let taken_away = update(|message: &mut AccountUpdate| {
            message.version = Some(VERSION);
            message.ticket_field_options =
                Some(vec![OptionsPart { key: "c".into(), part: 1, options: vec![] }]);
        });
        world.tell("acme", "acme", &taken_away);
        assert_eq!(world.account("acme").field_options.iter().count(), 1);
        world.tell("operator", "operator", &lower_of(&["ticket_field_options/1/c"], 0));
        assert_eq!(world.account("acme").field_options.iter().count(), 0);
    }
}
