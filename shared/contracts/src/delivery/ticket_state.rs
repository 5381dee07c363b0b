use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::comment::SharedComment;
use crate::fields::{FieldValue, StatusValue};
use crate::{ShareId, TicketId};

/// A ticket's status with the revision that set it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StatusHeld {
    /// Status with custom status, the account's own.
    #[serde(flatten)]
    pub status: StatusValue,
    /// The revision that set it; where nothing did, the lowest of its epoch: 0 before any recovery.
    pub revision: u64,
}

/// A tag that is, or was, on the ticket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TagHeld {
    /// The tag.
    pub name: String,
    /// Set (`true`) or taken off (`false`).
    pub present: bool,
    /// The revision that did so.
    pub revision: u64,
}

/// The value of a custom field with the revision that set it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FieldHeld {
    /// The value; cleared fields are there too.
    pub value: FieldValue,
    /// The revision that set it.
    pub revision: u64,
}

/// All of one copy as Deskmesh holds it, for a desk that lost it, or after a recovery. Comments
/// beyond 1 MiB follow as updates.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TicketState {
    /// The share.
    pub share_id: ShareId,
    /// This desk's own number, once it is bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket_id: Option<TicketId>,
    /// The chain's revision.
    pub revision: u64,
    /// Status; `new` where Deskmesh was never told one.
    pub status: StatusHeld,
    /// Tags, those taken off included.
    pub tags: Vec<TagHeld>,
    /// Custom fields by the account's own key, cleared ones included.
    pub custom_fields: BTreeMap<String, FieldHeld>,
    /// Comments, the account's own included.
    pub comments: Vec<SharedComment>,
}
