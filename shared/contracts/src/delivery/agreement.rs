use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::address::Party;
use crate::{AgreementId, Reason, Terms, Timestamp};

/// Which party of an agreement or share a desk is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Made the agreement, shares its tickets under it.
    Sender,
    /// Was invited, receives copies.
    Receiver,
}

/// Where an agreement stands.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum AgreementStatus {
    /// Sent, not decided.
    Pending,
    /// In force.
    Accepted,
    /// Refused by the receiver; a new invite is possible.
    Declined,
    /// Ended for good.
    Inactive,
}

/// Who brought the agreement to where it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Decider {
    /// For which party.
    pub side: Side,
    /// The person's display name.
    pub name: String,
}

/// An agreement as one of its parties sees it, whole. A desk ignores a lower version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AgreementState {
    /// Which.
    pub agreement_id: AgreementId,
    /// Rises with every change.
    pub version: u64,
    /// Which party the receiving desk is.
    pub side: Side,
    /// Who shares.
    pub sender: Party,
    /// Who receives.
    pub receiver: Party,
    /// The partner's support addresses: no mail may go there.
    pub partner_support_addresses: Vec<String>,
    /// What the agreement is called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The terms.
    pub terms: Terms,
    /// Where it stands.
    pub status: AgreementStatus,
    /// Who brought it there.
    pub by: Decider,
    /// When.
    pub at: Timestamp,
    /// Why, when no person decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
}
