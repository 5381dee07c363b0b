//! What one account's desk may do on the broker, and what it has there.

use super::{Exchange, desk_queue};
use crate::AccountName;

/// How many connections one account's desk may hold open at a time.
pub const ACCOUNT_CONNECTIONS: u32 = 20;
/// How many channels one account's desk may hold open at a time.
pub const ACCOUNT_CHANNELS: u32 = 100;

/// What the broker lets an account's user do, as regular expressions in the words of `RabbitMQ`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountRights {
    /// What it may declare and delete: nothing.
    pub configure: String,
    /// What it may publish to: `share`.
    pub write: String,
    /// What it may consume: its own queue.
    pub read: String,
    /// With which keys it may publish to `share`.
    pub keys: String,
    /// With which keys it may bind from `share`: none.
    pub bind: String,
}

impl AccountRights {
    /// The rights of an account that publishes for itself.
    #[must_use]
    pub fn own(account: &AccountName) -> Self {
        Self::with_keys(account, format!("^{account}\\."))
    }

    /// The rights of an account that publishes for those under its name, too.
    #[must_use]
    pub fn operating(account: &AccountName) -> Self {
        Self::with_keys(account, format!("^{account}(-[a-z0-9-]+)?\\."))
    }

    fn with_keys(account: &AccountName, keys: String) -> Self {
        Self {
            configure: "^$".to_owned(),
            write: format!("^{}$", Exchange::Share.name()),
            read: format!("^{}$", desk_queue(account).replace('.', "\\.")),
            keys,
            bind: "^$".to_owned(),
        }
    }
}

/// The key on `desk` that leads an account's deliveries into its queue, or its operator's.
#[must_use]
pub fn desk_key(account: &AccountName) -> String {
    format!("{account}.#")
}
