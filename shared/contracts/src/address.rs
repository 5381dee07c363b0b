//! What partners invite: an account's public address or a sharing URL.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whom an invite is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Invitee {
    /// A public address: starts as the account's name and can be renamed.
    Address {
        /// The address.
        address: String,
    },
    /// The sharing URL of a third-party system.
    SharingUrl {
        /// The URL.
        sharing_url: String,
    },
}

/// A party of an agreement as its partner sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Party {
    /// The account's name.
    pub account: crate::AccountName,
    /// Its public address.
    pub address: String,
    /// How it calls itself.
    pub display_name: String,
}
