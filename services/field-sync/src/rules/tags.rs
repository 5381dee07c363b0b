//! Tags: each is a field of its own, present or absent. What business rules do with them stays at
//! home.

use std::collections::BTreeMap;

use contracts::comparable::comparable;
use contracts::sync::TagChange;
use contracts::{Decision, Item, Reason};

use super::Withheld;
use super::state::MAX_NAME;

/// What a publisher's tag changes come to.
#[derive(Debug, Default)]
pub struct OwnTags {
    /// What people did, the last word per tag, by its name as that word spells it.
    pub by_people: BTreeMap<String, bool>,
    /// Names that were said before the last word about the same tag, with that word's spelling.
    pub repeated: Vec<(String, String)>,
    /// About what business rules did, which is not even recorded, and about what is no tag.
    pub decisions: Vec<Decision>,
}

/// Splits tag changes.
#[must_use]
pub fn own(changes: &[TagChange]) -> OwnTags {
    let mut said: BTreeMap<String, Vec<&TagChange>> = BTreeMap::new();
    let mut own = OwnTags::default();
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
            own.decisions.push(withheld.decision(Item::Tag(change.name.clone())));
        } else {
            let form = comparable(&change.name);
            let form = if form.is_empty() { change.name.clone() } else { form };
            said.entry(form).or_default().push(change);
        }
    }
    for words in said.into_values() {
        let Some((last, before)) = words.split_last() else { continue };
        own.by_people.insert(last.name.clone(), last.present);
        let superseded =
            before.iter().filter(|word| word.name != last.name || word.present != last.present);
        own.repeated.extend(superseded.map(|word| (word.name.clone(), last.name.clone())));
    }
    own
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
        let OwnTags { by_people: people, decisions, .. } = own(&[
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
            let OwnTags { by_people: people, decisions, .. } = own(&[change(&name, true, false)]);
            assert_eq!((people.len(), decisions[0].reason), (0, Some(Reason::BadValue)));
        }
    }

    #[test]
    fn the_last_word_about_a_tag_counts() {
        let tags = own(&[change("vip", true, false), change("vip", false, false)]);
        assert_eq!(tags.by_people, BTreeMap::from([("vip".to_owned(), false)]));
        assert_eq!(tags.repeated, [("vip".to_owned(), "vip".to_owned())]);
    }

    #[test]
    fn r_91_spellings_of_one_tag_are_one_tag_and_the_earlier_are_named() {
        let tags = own(&[
            change("VIP", true, false),
            change("vip ", true, false),
            change("vi\u{200b}p", false, false),
            change("Größe", true, false),
            change("Gro\u{308}ße", true, false),
            change("other", true, false),
            change("other", true, false),
        ]);
        let counted = BTreeMap::from([
            ("vi\u{200b}p".to_owned(), false),
            ("Gro\u{308}ße".to_owned(), true),
            ("other".to_owned(), true),
        ]);
        assert_eq!(tags.by_people, counted);
        let lost: Vec<_> = tags.repeated.iter().map(|(lost, _)| lost.as_str()).collect();
        assert_eq!(lost, ["Größe", "VIP", "vip "]);
    }
}
