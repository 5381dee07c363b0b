use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::CommandRef;
use crate::command::Cc;
use crate::comment::{Attachment, Call, SharedComment};
use crate::fields::{SentFields, Status};
use crate::{
    AccountName, AgreementId, ChainId, CommentId, CopyId, Decision, Message, Person, Reason,
    ShareId, Terms, TicketId, Timestamp,
};

/// A ticket command on its way to all other copies of its chain.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Transfer {
    /// What it comes from.
    pub command: CommandRef,
    /// The chain; stages lock by it.
    pub chain: ChainId,
    /// The publisher's copy.
    pub copy: CopyId,
    /// The chain's live hops as the entry knew them. A stage goes along the union of these and its
    /// own.
    pub hops: Vec<Hop>,
    /// What kind of command it is.
    pub action: Action,
    /// Who did it.
    pub actor: Person,
    /// When it was done, as sent.
    pub occurred_at: Timestamp,
    /// When share-dispatcher decided the command: microseconds by its database's clock, one more
    /// for each of a batch. Set once; orders changes that one account made in one moment. Absent in
    /// what an earlier release made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arrival: Option<u64>,
    /// The lowest revision the desk held among the fields touched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_revision: Option<u64>,
    /// New comments; emptied by comment-sync, which decides them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub comments: Vec<TransferComment>,
    /// Field changes; decided by field-sync.
    #[serde(default, skip_serializing_if = "FieldChanges::is_empty")]
    pub fields: FieldChanges,
    /// The whole list of CCs, where one was given; kept by comment-sync for notices, never
    /// told to a desk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ccs: Option<Vec<Cc>>,
    /// Why a share came to nothing on its way: its hop had ended before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejected: Option<Reason>,
    /// What the stages so far decided, for the publisher's receipt.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub decisions: Vec<Decision>,
    /// What comment-sync decided to send, per copy.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub decided_comments: BTreeMap<CopyId, Vec<SharedComment>>,
}

impl Message for Transfer {
    const NAME: &'static str = "transfer.v1";
}

impl Transfer {
    /// A transfer that changes nothing yet.
    #[must_use]
    pub fn new(
        command: CommandRef,
        chain: ChainId,
        copy: CopyId,
        hops: Vec<Hop>,
        action: Action,
        actor: Person,
    ) -> Self {
        Self {
            occurred_at: command.received_at,
            command,
            chain,
            copy,
            hops,
            action,
            actor,
            arrival: None,
            base_revision: None,
            comments: Vec::new(),
            fields: FieldChanges::default(),
            ccs: None,
            rejected: None,
            decisions: Vec::new(),
            decided_comments: BTreeMap::new(),
        }
    }
}

/// What kind of ticket command a transfer is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// A new hop.
    Share(Box<Sharing>),
    /// Changes.
    Update,
    /// The end of a hop.
    Unshare {
        /// Which.
        share_id: ShareId,
    },
    /// A comment of the publisher's is blanked, or one of its files.
    Redact {
        /// The comment.
        comment_id: CommentId,
        /// Only this file of it.
        #[serde(
            default,
            deserialize_with = "crate::ids::spelt_once_if_given",
            skip_serializing_if = "Option::is_none"
        )]
        attachment_id: Option<String>,
    },
    /// The publisher asks for all that is held of its copy.
    Resync {
        /// The share that it names.
        share_id: ShareId,
    },
    /// What a share or update would come to: decided, and nothing of it done. An action of its own,
    /// so that a release that does not know it parks it and does not carry it out.
    DryRun(Box<Action>),
}

impl Action {
    /// What is done, or would be.
    #[must_use]
    pub fn tried(&self) -> &Self {
        match self {
            Self::DryRun(action) => action.tried(),
            done => done,
        }
    }
}

/// What a new copy is created with, beside fields and comments.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sharing {
    /// The new hop's share.
    pub share_id: ShareId,
    /// Number of the ticket that was shared first.
    pub original_ticket_id: TicketId,
    /// Subject.
    pub subject: String,
    /// When it was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested_at: Option<Timestamp>,
    /// Stand-in for who asked.
    pub requester: Person,
}

/// One share as a link of its chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hop {
    /// The share.
    pub share_id: ShareId,
    /// Its agreement; an inactive one ends the hop.
    pub agreement_id: AgreementId,
    /// Who shared.
    pub sender: AccountName,
    /// With whom.
    pub receiver: AccountName,
    /// The sender's copy.
    pub near: CopyId,
    /// The sender's number for it.
    pub near_ticket: TicketId,
    /// The receiver's number, once it is bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub far_ticket: Option<TicketId>,
    /// What may cross.
    pub terms: Terms,
}

impl Hop {
    /// The receiver's copy.
    #[must_use]
    pub fn far(&self) -> CopyId {
        CopyId::of_share(&self.share_id)
    }
}

/// A comment on its way: no address left, the author a placeholder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransferComment {
    /// The comment's id.
    pub id: CommentId,
    /// Stand-in for who wrote it.
    pub author: Person,
    /// Plain text.
    pub body: String,
    /// The same as HTML.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub html_body: Option<String>,
    /// Whether the requester sees it.
    pub public: bool,
    /// When it was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authored_at: Option<Timestamp>,
    /// Files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
    /// The call behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<Call>,
}

/// Field changes as the publisher sent them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FieldChanges {
    /// Status with custom status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<StatusChange>,
    /// Tags set and taken off.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<TagChange>,
    /// Custom fields by the publisher's own key.
    #[serde(default, skip_serializing_if = "SentFields::is_empty")]
    pub custom_fields: SentFields,
}

impl FieldChanges {
    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.status.is_none() && self.tags.is_empty() && self.custom_fields.is_empty()
    }
}

/// A new status as sent: either half may be absent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusChange {
    /// Status, or category of the custom status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// Key of the publisher's custom status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custom_status: Option<String>,
}

/// A tag set or taken off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagChange {
    /// The tag.
    pub name: String,
    /// Set (`true`) or taken off (`false`).
    pub present: bool,
    /// Whether a business rule did it.
    pub by_rule: bool,
}
