//! What partners invite: an account's public address or a sharing URL.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de};

use crate::sharing_url;

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
    /// The sharing URL of a third-party system. One that no account has yet becomes an account of
    /// the operator with `third_parties`, where the deployment has one.
    #[schemars(title = "InviteeBySharingUrl")]
    SharingUrl {
        /// The URL: https. Scheme and host in any case, the default port, user, query, fragment and
        /// a slash at the end tell no two apart.
        sharing_url: String,
    },
}

impl Invitee {
    /// What is invited by, a sharing URL in its one spelling.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Address { address } => address.clone(),
            Self::SharingUrl { sharing_url } => sharing_url::spelt(sharing_url),
        }
    }
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
    /// Where it is reached, of a third-party system behind a bridge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sharing_url: Option<String>,
}
