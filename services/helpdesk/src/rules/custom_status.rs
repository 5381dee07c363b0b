//! Custom statuses: an account's own names within the categories that every ticket has. Partners
//! are told the category alone.

use contracts::fields::{CustomStatus, CustomStatuses, Status};
use contracts::limits;

use super::field::key_of;
use super::name::is_name;
use super::ticket::{STATUSES, status_of, status_word};

/// Categories that can have custom statuses.
pub const CATEGORIES: [Status; 5] =
    [Status::New, Status::Open, Status::Pending, Status::Hold, Status::Solved];

/// Where a ticket stands: the category, and the custom status within it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TicketStatus {
    /// What partners are told.
    pub category: Status,
    /// Key of the custom status.
    pub custom: Option<String>,
}

impl TicketStatus {
    /// A category without a custom status.
    #[must_use]
    pub fn of_category(category: Status) -> Self {
        Self { category, custom: None }
    }

    /// As forms, conditions and histories have it: `pending`, or `pending:waiting_for_parts`.
    #[must_use]
    pub fn word(&self) -> String {
        let category = status_word(self.category);
        match &self.custom {
            Some(key) => format!("{category}:{key}"),
            None => category.to_owned(),
        }
    }

    /// What a word says; see [`word`](Self::word).
    #[must_use]
    pub fn read(word: &str) -> Option<Self> {
        let (category, custom) = match word.split_once(':') {
            Some((category, key)) if !key.is_empty() => (category, Some(key.to_owned())),
            Some(_) => return None,
            None => (word, None),
        };
        status_of(category).map(|category| Self { category, custom })
    }

    /// Whether somebody who names `wanted` means this one: a category means all within it.
    #[must_use]
    pub fn is_meant_by(&self, wanted: &Self) -> bool {
        self.category == wanted.category
            && (wanted.custom.is_none() || wanted.custom == self.custom)
    }

    /// What a ticket that is put so has: a custom status that its category does not have becomes
    /// the category's default (R-49c, R-49d).
    #[must_use]
    pub fn settled(self, known: &CustomStatuses) -> Self {
        let fits = |status: &&CustomStatus| {
            status.category == self.category && self.custom.as_ref() == Some(&status.key)
        };
        let in_use = || known.statuses.iter().filter(|_| known.enabled);
        let is_default =
            |status: &&CustomStatus| status.category == self.category && status.default;
        let found = in_use().find(fits).or_else(|| in_use().find(is_default));
        Self { category: self.category, custom: found.map(|status| status.key.clone()) }
    }

    /// The custom status's name.
    #[must_use]
    pub fn name<'a>(&self, known: &'a CustomStatuses) -> Option<&'a str> {
        let key = self.custom.as_ref()?;
        let found = known.statuses.iter().find(|status| status.key == *key);
        found.filter(|status| status.category == self.category).map(|status| status.name.as_str())
    }
}

/// What agents choose from, in the order of a ticket's life: the custom statuses of each category,
/// and the category itself where none of them is its default.
#[must_use]
pub fn choices(known: &CustomStatuses) -> Vec<TicketStatus> {
    let mut choices = Vec::new();
    for category in STATUSES {
        let own: Vec<&CustomStatus> = known
            .statuses
            .iter()
            .filter(|status| known.enabled && status.category == category)
            .collect();
        if !own.iter().any(|status| status.default) {
            choices.push(TicketStatus::of_category(category));
        }
        choices.extend(
            own.into_iter()
                .map(|status| TicketStatus { category, custom: Some(status.key.clone()) }),
        );
    }
    choices
}

/// Custom statuses of an account and of one category, at most.
const MOST: (usize, usize) = (limits::STATUSES, 100);

/// What an admin does to the account's custom statuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CustomStatusChange {
    /// Uses them, or no longer does.
    Use(bool),
    /// Adds one.
    Add(String, Status),
    /// Gives the one of this key another name.
    Rename(String, String),
    /// Makes the one of this key its category's default.
    MakeDefault(String),
    /// Takes the one of this key away.
    Remove(String),
}

/// Why it is not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoStatusChange {
    /// There is none of this key.
    NotFound,
    /// A name is missing, or too long.
    Name,
    /// Another one of the account is called so.
    NameTaken,
    /// There are as many as there may be.
    TooMany,
    /// A category keeps its default while it has others.
    IsDefault,
}

/// The account's custom statuses after a change. The first of a category does not replace the
/// category itself: an admin makes it the default.
///
/// # Errors
/// Why not.
pub fn changed(
    mut known: CustomStatuses,
    change: CustomStatusChange,
) -> Result<CustomStatuses, NoStatusChange> {
    match change {
        CustomStatusChange::Use(on) => known.enabled = on,
        CustomStatusChange::Add(name, category) => {
            let name = free_name(&known, "", &name)?;
            let within = known.statuses.iter().filter(|it| it.category == category).count();
            if known.statuses.len() >= MOST.0 || within >= MOST.1 || !CATEGORIES.contains(&category)
            {
                return Err(NoStatusChange::TooMany);
            }
            let taken: Vec<String> = known.statuses.iter().map(|it| it.key.clone()).collect();
            let key = key_of(&name, &taken);
            known.statuses.push(CustomStatus { key, name, category, default: false });
        }
        CustomStatusChange::Rename(key, name) => {
            let name = free_name(&known, &key, &name)?;
            find(&mut known, &key)?.name = name;
        }
        CustomStatusChange::MakeDefault(key) => {
            let category = find(&mut known, &key)?.category;
            for status in known.statuses.iter_mut().filter(|it| it.category == category) {
                status.default = status.key == key;
            }
        }
        CustomStatusChange::Remove(key) => {
            let gone = find(&mut known, &key)?.clone();
            known.statuses.retain(|it| it.key != key);
            let has_others = known.statuses.iter().any(|it| it.category == gone.category);
            if gone.default && has_others {
                return Err(NoStatusChange::IsDefault);
            }
        }
    }
    Ok(known)
}

fn find<'a>(
    known: &'a mut CustomStatuses,
    key: &str,
) -> Result<&'a mut CustomStatus, NoStatusChange> {
    known.statuses.iter_mut().find(|it| it.key == key).ok_or(NoStatusChange::NotFound)
}

/// The name, if it is one that no other than `key` has.
fn free_name(known: &CustomStatuses, key: &str, name: &str) -> Result<String, NoStatusChange> {
    let name = name.trim();
    if !is_name(name) {
        return Err(NoStatusChange::Name);
    }
    let is_taken =
        |it: &CustomStatus| it.key != key && it.name.to_lowercase() == name.to_lowercase();
    if known.statuses.iter().any(is_taken) {
        return Err(NoStatusChange::NameTaken);
    }
    Ok(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> CustomStatuses {
        let status = |key: &str, category, default| CustomStatus {
            key: key.to_owned(),
            name: key.to_uppercase(),
            category,
            default,
        };
        CustomStatuses {
            enabled: true,
            statuses: vec![
                status("triage", Status::Open, true),
                status("field", Status::Open, false),
                status("parts", Status::Hold, false),
            ],
        }
    }

    fn standing(word: &str) -> TicketStatus {
        TicketStatus::read(word).unwrap_or_else(|| panic!("{word}"))
    }

    #[test]
    fn words_are_read_as_written() {
        for word in ["open", "hold:parts", "closed"] {
            assert_eq!(standing(word).word(), word);
        }
        for word in ["", "on-hold", "open:", ":parts"] {
            assert_eq!(TicketStatus::read(word), None, "{word}");
        }
    }

    #[test]
    fn r_49_what_a_category_lacks_becomes_its_default() {
        for (put, has) in [
            ("open", "open:triage"),
            ("open:field", "open:field"),
            ("open:parts", "open:triage"),
            ("hold", "hold"),
            ("hold:parts", "hold:parts"),
            ("solved:gone", "solved"),
        ] {
            assert_eq!(standing(put).settled(&known()).word(), has, "{put}");
        }
        let off = CustomStatuses { enabled: false, ..known() };
        assert_eq!(standing("open:field").settled(&off).word(), "open");
    }

    #[test]
    fn a_category_without_a_default_can_be_chosen_itself() {
        let words: Vec<String> = choices(&known()).iter().map(TicketStatus::word).collect();
        let all = [
            "new",
            "open:triage",
            "open:field",
            "pending",
            "hold",
            "hold:parts",
            "solved",
            "closed",
        ];
        assert_eq!(words, all);
        assert_eq!(choices(&CustomStatuses::default()).len(), STATUSES.len());
    }

    #[test]
    fn a_category_means_all_within_it_and_a_custom_status_itself() {
        assert!(standing("open:field").is_meant_by(&standing("open")));
        assert!(standing("open:field").is_meant_by(&standing("open:field")));
        assert!(!standing("open").is_meant_by(&standing("open:field")));
        assert!(!standing("hold:parts").is_meant_by(&standing("open")));
    }

    #[test]
    fn an_admin_adds_renames_and_takes_away() {
        let after = |change| changed(known(), change);
        let added = after(CustomStatusChange::Add("Field visit".into(), Status::Open)).unwrap();
        assert_eq!(added.statuses[3].key, "field_visit");
        assert!(!added.statuses[3].default, "the category stays what it was");
        let moved = after(CustomStatusChange::MakeDefault("field".into())).unwrap();
        let defaults: Vec<bool> = moved.statuses.iter().map(|it| it.default).collect();
        assert_eq!(defaults, [false, true, false]);
        let renamed = after(CustomStatusChange::Rename("parts".into(), "PARTS".into())).unwrap();
        assert_eq!(renamed.statuses[2].key, "parts");
        for (change, why) in [
            (CustomStatusChange::Add(" ".into(), Status::Open), NoStatusChange::Name),
            (CustomStatusChange::Add("parts".into(), Status::Open), NoStatusChange::NameTaken),
            (CustomStatusChange::Add("Shut".into(), Status::Closed), NoStatusChange::TooMany),
            (CustomStatusChange::Rename("gone".into(), "x".into()), NoStatusChange::NotFound),
            (CustomStatusChange::Remove("triage".into()), NoStatusChange::IsDefault),
        ] {
            assert_eq!(after(change), Err(why));
        }
    }

    #[test]
    fn a_name_is_that_of_the_categorys_own_status() {
        assert_eq!(standing("open:field").name(&known()), Some("FIELD"));
        assert_eq!(standing("open").name(&known()), None);
        assert_eq!(standing("hold:field").name(&known()), None);
    }
}
