//! People: as a desk names them, and as they may leave the account.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use crate::contact::name_without_contact;
use crate::ids::{AccountName, derive_id, is_uuid, one_spelling};

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
        let passed_on = actor.id.strip_prefix(PLACEHOLDER).filter(|id| is_uuid(id));
        let id = passed_on.map_or_else(
            || derive_id("person", &[account.as_str(), &actor.id]).to_string(),
            |id| one_spelling(id.to_owned()),
        );
        let id = format!("{PLACEHOLDER}{id}");
        Self { id, name: name_without_contact(&actor.name), role: Role::EndUser, placeholder: true }
    }
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
        let upper = first.id.replace(PLACEHOLDER, "").to_uppercase();
        let passed = Person::standing_for(&globex, &actor(&format!("{PLACEHOLDER}{upper}"), "Ada"));
        assert_eq!(passed.id, first.id, "it is the same in either case");
        let bare = first.id.replace(PLACEHOLDER, "");
        for odd in [
            format!("{{{bare}}}"),
            format!("urn:uuid:{bare}"),
            bare.replace('-', ""),
            format!("{bare} "),
        ] {
            let id = format!("{PLACEHOLDER}{odd}");
            let other = Person::standing_for(&globex, &actor(&id, "Ada")).id;
            assert!(other != id && other.len() == first.id.len(), "{id} is no placeholder");
        }
    }

    #[test]
    fn r_41_an_actor_prints_no_address() {
        let shown = format!("{:?}", actor("7", "Ada"));
        assert!(!shown.contains('@'), "{shown}");
    }
}
