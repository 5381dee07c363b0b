//! People: as a desk names them, and as they may leave the account.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use crate::contact::name_without_contact;

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
    /// `placeholder-<uuid>`, the same in every account. Handed back as an actor's `id` it stays the
    /// one it is; one that was not told by Deskmesh is a person of the account's own.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r_41_an_actor_prints_no_address() {
        let actor = Actor {
            id: "7".into(),
            name: "Ada".into(),
            role: Role::Agent,
            email: Some("ada@acme.example".into()),
            phone: None,
        };
        let shown = format!("{actor:?}");
        assert!(!shown.contains('@'), "{shown}");
    }
}
