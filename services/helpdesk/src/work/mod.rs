//! What happens to tickets: what agents do, what partners did, what rules add, and the commands
//! that follow, each in one transaction.

pub mod agent;
mod agreement;
pub mod asker;
pub mod automations;
pub mod changes;
mod command;
pub mod counts;
pub mod follow;
pub mod looker;
mod mails;
pub mod merge;
pub mod people;
mod receipt;
mod received;
pub mod settings;
pub mod settle;
pub mod told;
mod whole;
pub mod would;

use contracts::{AccountName, Actor, Role, Timestamp};

pub use settle::SettleError;

/// Who does something, for whom and when.
#[derive(Clone, Debug)]
pub struct By {
    /// The account.
    pub account: AccountName,
    /// Who, as the line is told.
    pub actor: Actor,
    /// When.
    pub now: Timestamp,
}

impl By {
    /// A rule of the account acts for itself.
    #[must_use]
    pub fn rule(account: AccountName, id: &str, name: &str, now: Timestamp) -> Self {
        let actor = Actor {
            id: format!("rule-{id}"),
            name: name.to_owned(),
            role: Role::Agent,
            email: None,
            phone: None,
        };
        Self { account, actor, now }
    }
}
