//! What whoever runs the account's desk needs to know.

use std::fmt;

use contracts::AccountName;
use contracts::topology::{self, ACCOUNT_CHANNELS, ACCOUNT_CONNECTIONS, Exchange};
use serde::Serialize;

/// What is handed over: everything a desk needs to join.
#[derive(Clone, Debug, Serialize)]
pub struct Handover {
    /// Where the broker is, without user and password.
    pub address: String,
    /// The broker user, also what `user_id` says: the account, or the one that operates it.
    pub user: String,
    /// The password, told once; none when it stands in a file, or stays as it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    /// The exchange for commands.
    pub exchange: String,
    /// The keys of its commands.
    pub keys: String,
    /// The queue with its deliveries.
    pub queue: String,
    /// How many connections it may hold open at a time.
    pub max_connections: u32,
    /// How many channels it may hold open at a time.
    pub max_channels: u32,
    /// Where the contract is, in Deskmesh's repository.
    pub contract: &'static str,
}

impl Handover {
    /// What to hand over for an account whose deliveries and rights are `user`'s.
    #[must_use]
    pub fn new(
        account: &AccountName,
        user: &AccountName,
        address: String,
        password: Option<String>,
    ) -> Self {
        Self {
            address,
            user: user.to_string(),
            password,
            exchange: Exchange::Share.name().to_owned(),
            keys: format!("{account}.<entity>.<verb>"),
            queue: topology::desk_queue(user),
            max_connections: ACCOUNT_CONNECTIONS,
            max_channels: ACCOUNT_CHANNELS,
            contract: "shared/contracts/README.md",
        }
    }
}

impl fmt::Display for Handover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "address   {}", self.address)?;
        writeln!(f, "user      {}", self.user)?;
        if let Some(password) = &self.password {
            writeln!(f, "password  {password}   (told once)")?;
        }
        writeln!(
            f,
            "publish   exchange `{}`, keys `{}`, user_id `{}`",
            self.exchange, self.keys, self.user
        )?;
        writeln!(f, "receive   queue `{}`", self.queue)?;
        writeln!(
            f,
            "limits    {} connections, {} channels",
            self.max_connections, self.max_channels
        )?;
        writeln!(f, "contract  {}", self.contract)
    }
}
