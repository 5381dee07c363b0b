//! A comment as a desk holds it.

use std::collections::BTreeMap;

use contracts::comment::SharedComment;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// One comment of a ticket, the desk's own or another's. A redacted one is blank: it keeps its id,
/// its author and whether it is public.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Comment {
    /// Plain text.
    pub body: String,
    /// Whether the requester sees it.
    pub public: bool,
    /// The actor who wrote it here, or the placeholder of one elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<Value>,
    /// The same text as HTML; whoever shows it cleans it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub html_body: Option<String>,
    /// When it was written, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authored_at: Option<String>,
    /// Its files by id, each as the contract's `Attachment`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attachments: BTreeMap<String, Value>,
}

impl Comment {
    /// One without author, files or HTML.
    #[must_use]
    pub fn plain(body: impl Into<String>, public: bool) -> Self {
        Self { body: body.into(), public, ..Self::default() }
    }

    /// A comment of the desk's own, from its command, with its id. Its author is `actor` unless it
    /// names one.
    pub(super) fn of_command(comment: &Value, actor: &Value) -> Option<(String, Self)> {
        let text = |name: &str| comment[name].as_str().map(str::to_owned);
        let author = if comment["author"].is_object() { &comment["author"] } else { actor };
        let files = comment["attachments"].as_array().into_iter().flatten();
        let held = Self {
            body: text("body").unwrap_or_default(),
            public: comment["public"].as_bool().unwrap_or(true),
            author: author.is_object().then(|| author.clone()),
            html_body: text("html_body"),
            authored_at: text("authored_at"),
            attachments: files
                .filter_map(|file| Some((file["id"].as_str()?.to_owned(), file.clone())))
                .collect(),
        };
        text("id").map(|id| (id, held))
    }

    /// A comment of another desk.
    pub(super) fn of_delivery(comment: &SharedComment) -> Self {
        Self {
            body: comment.body.clone(),
            public: comment.public,
            author: Some(json!(comment.author)),
            html_body: comment.html_body.clone(),
            authored_at: comment.authored_at.map(|at| at.to_string()),
            attachments: comment
                .attachments
                .iter()
                .map(|file| (file.id.clone(), json!(file)))
                .collect(),
        }
    }

    /// What stays when it is redacted.
    pub(super) fn blank(&mut self) {
        self.body.clear();
        self.html_body = None;
        self.attachments.clear();
    }
}
