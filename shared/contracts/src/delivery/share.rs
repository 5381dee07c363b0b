use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Side;
use crate::address::Party;
use crate::{AgreementId, ShareId, TicketId, Timestamp};

/// Where a share stands.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum ShareStanding {
    /// Both copies are kept in step.
    Live,
    /// Its sender ended it.
    Unshared,
    /// Its agreement was deactivated, and it with it.
    AgreementInactive,
}

/// A share as one of its parties sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ShareState {
    /// Which.
    pub share_id: ShareId,
    /// The agreement it was made under.
    pub agreement_id: AgreementId,
    /// Which party the receiving desk is.
    pub side: Side,
    /// The other one.
    pub partner: Party,
    /// This desk's own number; absent while the copy is not bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket_id: Option<TicketId>,
    /// The partner's number; absent while the copy is not bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partner_ticket_id: Option<TicketId>,
    /// Where it stands.
    pub state: ShareStanding,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
}
