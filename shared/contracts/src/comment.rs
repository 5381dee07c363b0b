//! Comments: as a desk sends them, and as they reach another.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Actor, CommentId, Person, Timestamp, ids, limits};

fn yes() -> bool {
    true
}

/// A file, as a link. Deskmesh never fetches it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(expecting = "an object with id, filename and url")]
pub struct Attachment {
    /// The desk's id of the file, unique within its comment. A UUID and 40 hex digits are taken in
    /// either case and told in lower case.
    #[serde(deserialize_with = "ids::spelt_once")]
    pub id: String,
    /// File name.
    pub filename: String,
    /// Where a desk fetches it: https, with a host, without user or password, blanks and control
    /// characters. With any other the file stays, as `bad_link`.
    #[schemars(regex(pattern = "^[Hh][Tt][Tt][Pp][Ss]://"))]
    pub url: String,
    /// Media type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// Size in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = limits::WHOLE_NUMBER))]
    pub size: Option<u64>,
}

/// A telephone call behind a comment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(expecting = "an object")]
pub struct Call {
    /// The recording; never leaves the account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recording_url: Option<String>,
    /// The transcript; crosses as lines of text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transcript: Option<String>,
    /// Length in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = limits::WHOLE_NUMBER))]
    pub duration_s: Option<u64>,
}

/// A comment as a desk sends it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(expecting = "an object with id and body")]
pub struct Comment {
    /// The comment's id, kept wherever it goes.
    pub id: CommentId,
    /// Who wrote it; the command's actor when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<Actor>,
    /// Plain text.
    pub body: String,
    /// The same as HTML; what no allow-list names is taken out on the way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub html_body: Option<String>,
    /// Whether the requester sees it. Without it, a comment with a member that looks like a
    /// misspelling of it, or like another desk's word for it, stays as `unknown_members`.
    #[serde(default = "yes")]
    pub public: bool,
    /// When it was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authored_at: Option<Timestamp>,
    /// Files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = limits::ATTACHMENTS))]
    pub attachments: Vec<Attachment>,
    /// The call behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<Call>,
}

/// A comment as it reaches another desk: its author is a placeholder, and what had to stay is gone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SharedComment {
    /// The comment's id.
    pub id: CommentId,
    /// Stand-in for who wrote it.
    pub author: Person,
    /// Plain text, a transcript's lines included.
    pub body: String,
    /// The same as HTML, cleaned by an allow-list; desks sanitise it all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub html_body: Option<String>,
    /// Whether the requester sees it.
    pub public: bool,
    /// When it was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authored_at: Option<Timestamp>,
    /// Files that may be fetched.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
}
