//! What partners invite: an account's public address or a sharing URL.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de};

/// Whom an invite is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Invitee {
    /// A public address: starts as the account's name and can be renamed.
    #[schemars(title = "InviteeByAddress")]
    Address {
        /// The address.
        address: String,
    },
    /// The sharing URL of a third-party system.
    #[schemars(title = "InviteeBySharingUrl")]
    SharingUrl {
        /// The URL.
        sharing_url: String,
    },
}

/// By hand: a derived one would not say which member is wrong.
impl<'de> Deserialize<'de> for Invitee {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Either { address, sharing_url } = Either::deserialize(deserializer)?;
        address
            .map(|address| Self::Address { address })
            .or(sharing_url.map(|sharing_url| Self::SharingUrl { sharing_url }))
            .ok_or_else(|| de::Error::custom(EITHER_IS_EXPECTED))
    }
}

const EITHER_IS_EXPECTED: &str = "an object with address or sharing_url is expected";

#[derive(Deserialize)]
#[serde(expecting = "an object with address or sharing_url")]
struct Either {
    address: Option<String>,
    sharing_url: Option<String>,
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
