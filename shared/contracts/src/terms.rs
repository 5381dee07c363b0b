//! The terms of an agreement.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What may cross under an agreement, set by the sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(expecting = "an object with comments, tags and custom_fields")]
pub struct Terms {
    /// Comment permission, and with it whether status is synced.
    pub comments: CommentTerms,
    /// Whether tags are synced, both ways.
    pub tags: bool,
    /// Whether custom fields are synced.
    pub custom_fields: bool,
}

/// The two permissions of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CommentTerms {
    /// Public and private comments, status synced.
    PublicAndPrivate,
    /// The receiver comments privately only, status not synced.
    PrivateOnly,
}

impl Terms {
    /// Whether status is synced: with public comments only.
    #[must_use]
    pub fn syncs_status(&self) -> bool {
        self.comments == CommentTerms::PublicAndPrivate
    }
}
