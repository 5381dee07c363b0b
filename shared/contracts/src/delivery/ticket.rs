use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::comment::SharedComment;
use crate::fields::{FieldValue, Status};
use crate::{AccountName, AgreementId, CommentId, Person, ShareId, TicketId, Timestamp};

/// Custom fields by the receiving account's own key.
pub type FieldValues = BTreeMap<String, FieldValue>;

/// How a change came: always by ticket sharing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Received {
    /// From another account's copy.
    #[default]
    TicketSharing,
}

/// Status as it arrives: the receiver's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusDelivered {
    /// Status, or category of the custom status.
    pub status: Status,
    /// The receiver's custom status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custom_status: Option<String>,
}

/// A ticket was shared with this account: create it, in the default form.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TicketCreated {
    /// The share it came by.
    pub share_id: ShareId,
    /// The agreement.
    pub agreement_id: AgreementId,
    /// The neighbour in the chain.
    pub received_from: AccountName,
    /// Always `ticket_sharing`.
    pub via: Received,
    /// Number of the ticket that was shared first.
    pub original_ticket_id: TicketId,
    /// Subject.
    pub subject: String,
    /// When it was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested_at: Option<Timestamp>,
    /// Status; `new` where the terms do not sync it.
    pub status: Status,
    /// The receiver's custom status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custom_status: Option<String>,
    /// Stand-in for who asked.
    pub requester: Person,
    /// Always `default`: the receiver's default form.
    #[schemars(extend("const" = "default"))]
    pub form: String,
    /// Tags.
    pub tags: Vec<String>,
    /// Custom fields by the receiver's own key.
    pub custom_fields: FieldValues,
    /// Comments so far.
    pub comments: Vec<SharedComment>,
    /// The chain's revision; every field of this message has it.
    pub revision: u64,
}

/// Tags that were set and taken off.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TagChanges {
    /// Set.
    #[serde(default)]
    pub add: Vec<String>,
    /// Taken off.
    #[serde(default)]
    pub remove: Vec<String>,
}

/// A comment or one of its attachments to blank.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Redaction {
    /// The comment.
    pub comment_id: CommentId,
    /// Only this file of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attachment_id: Option<String>,
}

/// Another copy of the ticket changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TicketUpdated {
    /// The share it came by.
    pub share_id: ShareId,
    /// This desk's own number, once it is bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket_id: Option<TicketId>,
    /// The neighbour in the chain.
    pub received_from: AccountName,
    /// Always `ticket_sharing`.
    pub via: Received,
    /// The chain's revision; every field of this message has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<u64>,
    /// Who did it; absent when only custom fields changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<Person>,
    /// New status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// The receiver's custom status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custom_status: Option<String>,
    /// Tags set and taken off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<TagChanges>,
    /// Custom fields by the receiver's own key.
    #[serde(default, skip_serializing_if = "FieldValues::is_empty")]
    pub custom_fields: FieldValues,
    /// New comments.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub comments: Vec<SharedComment>,
    /// What to blank.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub redact: Vec<Redaction>,
}

/// The sender learns the copy's number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TicketBound {
    /// The share.
    pub share_id: ShareId,
    /// The partner's number.
    pub partner_ticket_id: TicketId,
    /// When it was told.
    pub at: Timestamp,
}

/// The sender stopped sharing; the copy stays with the receiver.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TicketUnshared {
    /// The share.
    pub share_id: ShareId,
    /// This desk's own number, once it is bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket_id: Option<TicketId>,
    /// Always `unshared`.
    #[schemars(extend("const" = "unshared"))]
    pub reason: String,
    /// When.
    pub at: Timestamp,
}
