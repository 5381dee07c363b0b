use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::comment::Comment;
use crate::fields::{FieldValue, SentFields, Status};
use crate::{Actor, AgreementId, CommentId, Message, ShareId, TicketId, Timestamp, ids, limits};

/// For the schemas of commands about a ticket: without its number and without a share of it they
/// are `malformed`. As a condition, because of alternatives a code generator makes types of their
/// own, in place of the command's.
fn without_number() -> Value {
    json!({ "properties": { "ticket_id": { "const": null } } })
}

/// The other half of it.
fn by_share() -> Value {
    json!({ "required": ["share_id"], "properties": { "share_id": { "type": "string" } } })
}

/// Who set or removed a tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SetBy {
    /// A person.
    User,
    /// A business rule; such tags are never synced.
    Rule,
    /// Ticket sharing itself.
    Sharing,
}

/// A tag on the ticket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(expecting = "an object with name and added_by")]
pub struct SentTag {
    /// The tag.
    pub name: String,
    /// Who added it.
    pub added_by: SetBy,
}

/// A tag taken off the ticket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(expecting = "an object with name and removed_by")]
pub struct SentTagRemoval {
    /// The tag.
    pub name: String,
    /// Who removed it.
    pub removed_by: SetBy,
}

/// Changes of tags.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(expecting = "an object")]
pub struct SentTagChanges {
    /// Tags set.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = limits::TAGS))]
    pub add: Vec<SentTag>,
    /// Tags taken off.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = limits::TAGS))]
    pub remove: Vec<SentTagRemoval>,
}

/// A CC of the ticket; stays in its account.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(expecting = "an object with name and email")]
pub struct Cc {
    /// Display name.
    pub name: String,
    /// E-mail address.
    pub email: String,
}

/// Prints no address.
impl std::fmt::Debug for Cc {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cc").finish_non_exhaustive()
    }
}

/// The ticket that is shared, as it is now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(expecting = "an object with id, subject, status and requester")]
pub struct SharedTicket {
    /// The desk's own number.
    pub id: TicketId,
    /// The share that this ticket came by; required when it is not bound yet, and binds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copy_of: Option<ShareId>,
    /// Subject.
    pub subject: String,
    /// Status.
    pub status: Status,
    /// Key of the custom status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custom_status: Option<String>,
    /// When it was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested_at: Option<Timestamp>,
    /// Who asked.
    pub requester: Actor,
    /// CCs; stay.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = limits::CCS))]
    pub ccs: Vec<Cc>,
    /// Tags.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = limits::TAGS))]
    pub tags: Vec<SentTag>,
    /// Custom fields by the account's own key. A value that its field cannot hold is `bad_value`
    /// and holds back nothing else.
    #[serde(default, skip_serializing_if = "SentFields::is_empty")]
    #[schemars(
        with = "BTreeMap<String, Option<FieldValue>>",
        extend("maxProperties" = limits::FIELDS)
    )]
    pub custom_fields: SentFields,
    /// Comments so far.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = limits::COMMENTS))]
    pub comments: Vec<Comment>,
}

/// Shares a ticket under an agreement: a new ticket is created in the receiver.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TicketShare {
    /// Under which agreement.
    pub agreement_id: AgreementId,
    /// The share's id; derived from the command when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share_id: Option<ShareId>,
    /// The ticket.
    pub ticket: SharedTicket,
    /// Who did it.
    pub actor: Actor,
    /// When it was done.
    pub occurred_at: Timestamp,
    /// Only what it would come to: nothing is done, and the receipt has the decisions.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
}

impl Message for TicketShare {
    const NAME: &'static str = "ticket.share.v1";
}

/// What an agent did to a shared ticket, in one action.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("if" = without_number(), "then" = by_share()))]
pub struct TicketUpdate {
    /// The desk's own number; this or the share's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket_id: Option<TicketId>,
    /// A share of the ticket; this or the ticket's number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share_id: Option<ShareId>,
    /// The lowest revision held among the fields touched; absent for a field never held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = limits::WHOLE_NUMBER))]
    pub base_revision: Option<u64>,
    /// Who did it.
    pub actor: Actor,
    /// When it was done.
    pub occurred_at: Timestamp,
    /// New status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// Key of the new custom status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custom_status: Option<String>,
    /// Tags set and taken off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<SentTagChanges>,
    /// Custom fields by the account's own key. A value that its field cannot hold is `bad_value`
    /// and holds back nothing else.
    #[serde(default, skip_serializing_if = "SentFields::is_empty")]
    #[schemars(
        with = "BTreeMap<String, Option<FieldValue>>",
        extend("maxProperties" = limits::FIELDS)
    )]
    pub custom_fields: SentFields,
    /// The whole list of CCs; stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::CCS))]
    pub ccs: Option<Vec<Cc>>,
    /// New comments.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = limits::COMMENTS))]
    pub comments: Vec<Comment>,
    /// Only what it would come to: nothing is done, and the receipt has the decisions.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
}

impl Message for TicketUpdate {
    const NAME: &'static str = "ticket.update.v1";
}

/// Tells the desk's own number for a ticket it was asked to create.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TicketBind {
    /// The share that asked for it.
    pub share_id: ShareId,
    /// The number.
    pub ticket_id: TicketId,
}

impl Message for TicketBind {
    const NAME: &'static str = "ticket.bind.v1";
}

/// Ends the outbound share of a ticket; a chain beyond it goes on by itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("if" = without_number(), "then" = by_share()))]
pub struct TicketUnshare {
    /// The desk's own number; this or the share's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket_id: Option<TicketId>,
    /// The share; this or the ticket's number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share_id: Option<ShareId>,
    /// Who did it.
    pub actor: Actor,
}

impl Message for TicketUnshare {
    const NAME: &'static str = "ticket.unshare.v1";
}

/// Blanks a comment, or one of its attachments, on every copy on a live hop, and on the others when
/// they come into a live share again; holds also for a comment that arrives later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("if" = without_number(), "then" = by_share()))]
pub struct TicketRedact {
    /// The desk's own number; this or the share's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket_id: Option<TicketId>,
    /// A share of the ticket; this or the ticket's number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share_id: Option<ShareId>,
    /// The comment; its author's account redacts it, nobody else.
    pub comment_id: CommentId,
    /// Only this file of it.
    #[serde(
        default,
        deserialize_with = "ids::spelt_once_if_given",
        skip_serializing_if = "Option::is_none"
    )]
    pub attachment_id: Option<String>,
    /// Who did it.
    pub actor: Actor,
}

impl Message for TicketRedact {
    const NAME: &'static str = "ticket.redact.v1";
}

/// Asks for all that Deskmesh holds of this account's copy of a share.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TicketResync {
    /// The share.
    pub share_id: ShareId,
}

impl Message for TicketResync {
    const NAME: &'static str = "ticket.resync.v1";
}
