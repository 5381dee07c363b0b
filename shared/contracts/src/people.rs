//! People: as a desk names them, and as they may leave the account.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{AccountName, derive_id};

/// What a person may do in their own account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// May make and end agreements.
    Admin,
    /// Works on tickets.
    Agent,
    /// Asks for help.
    EndUser,
}

/// Who did it, in the account's own words. Address and telephone never leave the account.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(expecting = "an object with id, name and role")]
pub struct Actor {
    /// The account's own id of the person.
    pub id: String,
    /// Display name; one that is an address is cut before the `@` on its way out.
    pub name: String,
    /// Role in the account.
    pub role: Role,
    /// Read, so that a receipt can say it stayed; never kept or passed on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Read, so that a receipt can say it stayed; never kept or passed on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
}

/// Prints no address and no telephone: an `Actor` may end up in a log line.
impl std::fmt::Debug for Actor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Actor")
            .field("id", &self.id)
            .field("role", &self.role)
            .finish_non_exhaustive()
    }
}

/// The stand-in for a person of another account: an end user without an address, one per (account,
/// person).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Person {
    /// `placeholder-<uuid>`, the same in every account and for ever.
    #[schemars(regex(pattern = "^placeholder-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"))]
    pub id: String,
    /// Display name.
    pub name: String,
    /// Always `end_user`.
    #[schemars(extend("const" = "end_user"))]
    pub role: Role,
    /// Always `true`.
    #[schemars(extend("const" = true))]
    pub placeholder: bool,
}

const PLACEHOLDER: &str = "placeholder-";

impl Person {
    /// The placeholder for `actor` of `account`. A placeholder that a desk hands on along the chain
    /// stays the one it is.
    #[must_use]
    pub fn standing_for(account: &AccountName, actor: &Actor) -> Self {
        let passed_on =
            actor.id.strip_prefix(PLACEHOLDER).is_some_and(|id| uuid::Uuid::parse_str(id).is_ok());
        let id = if passed_on {
            actor.id.clone()
        } else {
            format!("{PLACEHOLDER}{}", derive_id("person", &[account.as_str(), &actor.id]))
        };
        Self { id, name: name_without_contact(&actor.name), role: Role::EndUser, placeholder: true }
    }
}

/// A display name with every address in it cut before the `@`, and every telephone number cut out
///
#[must_use]
pub fn name_without_contact(name: &str) -> String {
    let cut = |word: &str| match word.trim_start_matches(['<', '(', '"', '\'', '@']).split_once('@')
    {
        Some((local, domain)) if !local.is_empty() && !domain.is_empty() => local.to_owned(),
        _ => word.to_owned(),
    };
    without_telephone(&name.split(' ').map(cut).collect::<Vec<_>>().join(" "))
}

/// So many digits in a row, whatever stands between them, are a telephone number.
const TELEPHONE_DIGITS: usize = 7;

fn without_telephone(name: &str) -> String {
    let of_a_number = |letter: char| {
        letter.is_numeric() || " +-()./\u{a0}\u{2010}\u{2011}\u{2013}".contains(letter)
    };
    let (mut kept, mut cut, mut rest) = (String::new(), false, name);
    while let Some(kind) = rest.chars().next().map(of_a_number) {
        let end = rest.find(|letter| of_a_number(letter) != kind).unwrap_or(rest.len());
        let (run, after) = rest.split_at(end);
        let is_telephone =
            run.chars().filter(|letter| letter.is_numeric()).count() >= TELEPHONE_DIGITS;
        kept.push_str(if is_telephone { " … " } else { run });
        (cut, rest) = (cut || is_telephone, after);
    }
    if cut { kept.split_whitespace().collect::<Vec<_>>().join(" ") } else { kept }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn actor(id: &str, name: &str) -> Actor {
        Actor {
            id: id.into(),
            name: name.into(),
            role: Role::Agent,
            email: Some("ada@acme.example".into()),
            phone: None,
        }
    }

    #[test]
    fn r_37_one_placeholder_per_account_and_person() {
        let (acme, globex) =
            (AccountName::new("acme").unwrap(), AccountName::new("globex").unwrap());
        let first = Person::standing_for(&acme, &actor("7", "Ada"));
        assert_eq!(first, Person::standing_for(&acme, &actor("7", "Ada")));
        assert_ne!(first.id, Person::standing_for(&globex, &actor("7", "Ada")).id);
        assert_ne!(first.id, Person::standing_for(&acme, &actor("8", "Ada")).id);
    }

    #[test]
    fn r_39_an_agent_becomes_an_end_user_elsewhere() {
        let acme = AccountName::new("acme").unwrap();
        assert_eq!(Person::standing_for(&acme, &actor("7", "Ada")).role, Role::EndUser);
    }

    #[test]
    fn a_placeholder_is_passed_on_unchanged_along_the_chain() {
        let (acme, globex) =
            (AccountName::new("acme").unwrap(), AccountName::new("globex").unwrap());
        let first = Person::standing_for(&acme, &actor("7", "Ada"));
        assert_eq!(Person::standing_for(&globex, &actor(&first.id, "Ada")).id, first.id);
    }

    #[test]
    fn r_41_no_address_leaves_inside_a_name() {
        for (name, left) in [
            ("ada@acme.example", "ada"),
            ("Ada <ada@acme.example>", "Ada ada"),
            ("Ada Byron", "Ada Byron"),
            ("Ada @ Acme", "Ada @ Acme"),
            ("@ada@acme.example", "ada"),
            ("@acme", "@acme"),
        ] {
            assert_eq!(name_without_contact(name), left);
        }
        for (name, left) in [
            ("Caller +39 055 123-4567", "Caller …"),
            ("(055) 1234567 Ada", "… Ada"),
            ("0551234567", "…"),
            ("٠٥٥١٢٣٤٥", "…"),
            ("Agent 4711", "Agent 4711"),
            ("Desk 12 of 345", "Desk 12 of 345"),
        ] {
            assert_eq!(name_without_contact(name), left);
        }
        let shown = format!("{:?}", actor("7", "Ada"));
        assert!(!shown.contains('@'), "{shown}");
    }
}
