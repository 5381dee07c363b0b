//! Tags: each is a field of its own, present or absent. What business rules do with them stays at
//! home.

use std::collections::BTreeMap;

use contracts::sync::TagChange;
use contracts::{Decision, Item, Reason};

use super::Withheld;
use super::state::MAX_NAME;

/// Splits tag changes: what people did, the last word per tag, and the decisions about what
/// business rules did, which is not even recorded, and about what is no tag.
#[must_use]
pub fn own(changes: &[TagChange]) -> (BTreeMap<String, bool>, Vec<Decision>) {
    let mut by_people = BTreeMap::new();
    let mut decisions = Vec::new();
    for change in changes {
        let withheld = if change.by_rule {
            Some(Withheld::because(Reason::AddedByRule))
        } else if !(1..=MAX_NAME).contains(&change.name.chars().count()) {
            Some(Withheld::with_detail(
                Reason::BadValue,
                format!("a tag has 1 to {MAX_NAME} characters"),
            ))
        } else {
            None
        };
        if let Some(withheld) = withheld {
            decisions.push(withheld.decision(Item::Tag(change.name.clone())));
        } else {
            by_people.insert(change.name.clone(), change.present);
        }
    }
    (by_people, decisions)
}

#[cfg(test)]
mod tests {
    use super::*;
    use contracts::ItemOutcome;

    fn change(name: &str, present: bool, by_rule: bool) -> TagChange {
        TagChange { name: name.into(), present, by_rule }
    }

    #[test]
    fn r_61_what_business_rules_do_stays() {
        let (people, decisions) = own(&[
            change("vip", true, false),
            change("auto", true, true),
            change("old", false, true),
        ]);
        assert_eq!(people, BTreeMap::from([("vip".to_owned(), true)]));
        let items: Vec<_> = decisions
            .iter()
            .map(|decision| (decision.item.to_string(), decision.outcome, decision.reason))
            .collect();
        let stays =
            |item: &str| (item.to_owned(), ItemOutcome::Withheld, Some(Reason::AddedByRule));
        assert_eq!(items, [stays("tag:auto"), stays("tag:old")]);
    }

    #[test]
    fn what_is_no_tag_is_not_recorded() {
        for name in [String::new(), "x".repeat(MAX_NAME + 1)] {
            let (people, decisions) = own(&[change(&name, true, false)]);
            assert_eq!((people.len(), decisions[0].reason), (0, Some(Reason::BadValue)));
        }
    }

    #[test]
    fn the_last_word_about_a_tag_counts() {
        let (people, _) = own(&[change("vip", true, false), change("vip", false, false)]);
        assert_eq!(people, BTreeMap::from([("vip".to_owned(), false)]));
    }
}
