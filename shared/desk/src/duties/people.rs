//! Users of a desk, and the placeholders beside them.

use std::collections::BTreeMap;
use std::fmt;

use contracts::Person;
use contracts::delivery::DeliveryBody;

use super::DutyRefusal;

/// A user that belongs to the desk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The desk's own id.
    pub id: String,
    /// Display name.
    pub name: String,
    /// Where mail reaches them.
    pub address: Option<String>,
}

/// Who asked, as the desk has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Requester {
    /// Somebody of another account.
    Placeholder(Person),
    /// A user of the desk, put there by hand.
    User(User),
}

/// Where a public reply goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// To the partner's copy; the partner mails its requester.
    Partner,
    /// To this address.
    Mail(String),
    /// To nobody, and the agent is told so.
    Nobody,
}

/// Everybody that a desk shows as a user.
#[derive(Clone, Debug, Default)]
pub struct Users {
    own: BTreeMap<String, User>,
    placeholders: BTreeMap<String, Person>,
}

impl Requester {
    /// Where mail reaches them; a placeholder has no address.
    #[must_use]
    pub fn address(&self) -> Option<&str> {
        match self {
            Self::Placeholder(_) => None,
            Self::User(user) => user.address.as_deref(),
        }
    }
}

impl fmt::Display for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Partner => {
                f.write_str("The reply goes to the partner, who answers the requester.")
            }
            Self::Mail(address) => write!(f, "The reply is mailed to {address}."),
            Self::Nobody => {
                f.write_str("The reply reaches nobody: the requester has no address here.")
            }
        }
    }
}

impl Users {
    /// A desk's own users, before anything was shared with it.
    #[must_use]
    pub fn own(users: impl IntoIterator<Item = User>) -> Self {
        Self {
            own: users.into_iter().map(|user| (user.id.clone(), user)).collect(),
            placeholders: BTreeMap::new(),
        }
    }

    /// Makes the placeholders that a delivery names: by their id alone, whoever else has the same
    /// name.
    pub fn take(&mut self, told: &DeliveryBody) {
        let (people, comments) = match told {
            DeliveryBody::TicketCreated(created) => {
                (vec![created.requester.clone()], &created.comments)
            }
            DeliveryBody::TicketUpdated(updated) => {
                (updated.actor.iter().cloned().collect(), &updated.comments)
            }
            _ => return,
        };
        let authors = comments.iter().map(|comment| comment.author.clone());
        self.placeholders
            .extend(people.into_iter().chain(authors).map(|person| (person.id.clone(), person)));
    }

    /// The placeholders so far.
    pub fn placeholders(&self) -> impl Iterator<Item = &Person> {
        self.placeholders.values()
    }

    /// Deletes a user; a placeholder stays.
    ///
    /// # Errors
    /// [`DutyRefusal::Placeholder`].
    pub fn delete(&mut self, id: &str) -> Result<(), DutyRefusal> {
        self.check_own(id)?;
        self.own.remove(id);
        Ok(())
    }

    /// Merges one user into another; a placeholder takes no part in it.
    ///
    /// # Errors
    /// [`DutyRefusal::Placeholder`].
    pub fn merge(&mut self, from: &str, into: &str) -> Result<(), DutyRefusal> {
        self.check_own(into)?;
        self.delete(from)
    }

    /// The desk's own user, for putting it in a requester's place.
    #[must_use]
    pub fn user(&self, id: &str) -> Option<&User> {
        self.own.get(id)
    }

    fn check_own(&self, id: &str) -> Result<(), DutyRefusal> {
        match self.placeholders.get(id) {
            Some(person) => Err(DutyRefusal::Placeholder(person.name.clone())),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::{comment, created, updated};
    use super::*;
    use serde_json::json;

    fn user(id: &str, name: &str) -> User {
        User {
            id: id.to_owned(),
            name: name.to_owned(),
            address: Some(format!("{id}@globex.example")),
        }
    }

    fn users() -> Users {
        let mut users = Users::own([user("44", "Rita"), user("45", "Otto")]);
        users.take(&created(&json!({})));
        users.take(&updated(&json!({ "comments": [comment(1, "Text")] })));
        users
    }

    #[test]
    fn r_38_a_placeholder_stands_beside_the_user_of_the_same_name() {
        let users = users();
        let names: Vec<&str> = users.placeholders().map(|person| person.name.as_str()).collect();
        assert_eq!(names, ["Rita", "Ada"]);
        assert_eq!(users.user("44"), Some(&user("44", "Rita")), "nothing about it has changed");
    }

    #[test]
    fn one_person_is_one_placeholder_however_often_it_comes() {
        let mut users = users();
        users.take(&updated(&json!({ "comments": [comment(2, "More")] })));
        assert_eq!(users.placeholders().count(), 2);
    }

    #[test]
    fn r_40_placeholders_are_neither_deleted_nor_merged() {
        let mut users = users();
        let rita = users.placeholders().next().unwrap().id.clone();
        let refused = users.delete(&rita).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "Rita stands for a person of another account and cannot be deleted or merged"
        );
        assert_eq!(users.merge(&rita, "44"), Err(refused.clone()));
        assert_eq!(users.merge("44", &rita), Err(refused));
        assert_eq!((users.merge("44", "45"), users.user("44")), (Ok(()), None));
        assert_eq!(users.placeholders().count(), 2);
    }
}
