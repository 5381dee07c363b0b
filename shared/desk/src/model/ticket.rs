//! One ticket: a revision per field, comments as a set, redactions that stay.

use std::collections::{BTreeMap, BTreeSet};

use contracts::Epoch;
use contracts::comment::SharedComment;
use contracts::delivery::{TicketCreated, TicketState, TicketUpdated};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::comment::Comment;
use super::sent::without_null;

/// A ticket that was shared or received, as its desk holds it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Ticket {
    /// The desk's own number; a copy has none until the desk gives it one.
    #[serde(default)]
    pub number: Option<String>,
    /// The shares that it is or was in.
    #[serde(default)]
    pub shares: BTreeSet<String>,
    /// What does not change in step: subject, requester, where it came from.
    #[serde(default)]
    pub head: Head,
    /// Fields: `status`, `tag:<name>` and `custom_field:<key>`, each with the revision that set it.
    #[serde(default)]
    pub fields: BTreeMap<String, (Value, u64)>,
    /// Comments by id.
    #[serde(default)]
    pub comments: BTreeMap<String, Comment>,
    /// Comments to be blank, also when they are still to come.
    #[serde(default)]
    pub redacted: BTreeSet<String>,
    /// Files to be gone, by comment and file, also when they are still to come.
    #[serde(default)]
    pub redacted_files: BTreeSet<(String, String)>,
    /// Comments that were not held when the ticket was loaded.
    #[serde(skip)]
    pub new: NewComments,
}

/// Ids of comments in the order in which they came. It says how a ticket came to be what it is, and
/// makes no difference between two that hold the same.
#[derive(Clone, Debug, Default)]
pub struct NewComments(Vec<String>);

impl PartialEq for NewComments {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// What a ticket is about, as it was first said.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Head {
    /// Subject.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The person here, or the placeholder of one elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requester: Option<Value>,
    /// When it was asked, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested_at: Option<String>,
    /// The neighbour that a copy came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub received_from: Option<String>,
    /// Number of the ticket that was shared first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub original_ticket_id: Option<String>,
}

impl Ticket {
    /// Values without revisions, cleared fields and absent tags left out: what an agent sees.
    #[must_use]
    pub fn seen(&self) -> BTreeMap<String, Value> {
        let shown = self
            .fields
            .iter()
            .filter(|(_, (value, _))| *value != json!(false) && *value != json!({ "clear": true }));
        shown.map(|(field, (value, _))| (field.clone(), value.clone())).collect()
    }

    /// Text and visibility of each comment: what all copies that have it agree on.
    #[must_use]
    pub fn said(&self) -> BTreeMap<String, (String, bool)> {
        let said = |comment: &Comment| (comment.body.clone(), comment.public);
        self.comments.iter().map(|(id, comment)| (id.clone(), said(comment))).collect()
    }

    /// The ids of a comment's files.
    #[must_use]
    pub fn files(&self, comment: &str) -> BTreeSet<String> {
        let comment = self.comments.get(comment);
        comment.map(|comment| comment.attachments.keys().cloned().collect()).unwrap_or_default()
    }

    pub(super) fn created(&mut self, created: &TicketCreated) {
        let status = json!({ "value": created.status, "custom_status": created.custom_status });
        self.set("status", without_null(status), created.revision);
        for tag in &created.tags {
            self.set(&format!("tag:{tag}"), json!(true), created.revision);
        }
        for (key, value) in &created.custom_fields {
            self.set(&format!("custom_field:{key}"), json!(value), created.revision);
        }
        self.hear_all(&created.comments);
        self.head = Head {
            subject: Some(created.subject.clone()),
            requester: Some(json!(created.requester)),
            requested_at: created.requested_at.map(|at| at.to_string()),
            received_from: Some(created.received_from.to_string()),
            original_ticket_id: Some(created.original_ticket_id.to_string()),
        };
    }

    pub(super) fn updated(&mut self, updated: &TicketUpdated) {
        let revision = updated.revision.unwrap_or_default();
        if let Some(status) = updated.status {
            let status = json!({ "value": status, "custom_status": updated.custom_status });
            self.set("status", without_null(status), revision);
        }
        if let Some(tags) = &updated.tags {
            let removed = tags.remove.iter().map(|tag| (tag, false));
            for (tag, present) in tags.add.iter().map(|tag| (tag, true)).chain(removed) {
                self.set(&format!("tag:{tag}"), json!(present), revision);
            }
        }
        for (key, value) in &updated.custom_fields {
            self.set(&format!("custom_field:{key}"), json!(value), revision);
        }
        self.hear_all(&updated.comments);
        for redaction in &updated.redact {
            self.redact(redaction.comment_id.as_str(), redaction.attachment_id.as_deref());
        }
    }

    /// Takes what Deskmesh holds of it, as far as the desk holds nothing newer. After a recovery a
    /// field that it does not tell was forgotten, and goes; its command may set it again.
    pub(super) fn restored(&mut self, state: &TicketState) {
        let tag = |name: &str| state.tags.iter().any(|tag| tag.name == name);
        let is_told = |field: &str| match field.split_once(':') {
            Some(("tag", name)) => tag(name),
            Some((_, key)) => state.custom_fields.contains_key(key),
            None => true,
        };
        let epoch = Epoch::of(state.revision);
        self.fields.retain(|field, (_, revision)| is_told(field) || Epoch::of(*revision) >= epoch);
        self.set("status", without_null(json!(state.status.status)), state.status.revision);
        for tag in &state.tags {
            self.set(&format!("tag:{}", tag.name), json!(tag.present), tag.revision);
        }
        for (key, held) in &state.custom_fields {
            self.set(&format!("custom_field:{key}"), json!(held.value), held.revision);
        }
        self.hear_all(&state.comments);
    }

    fn hear_all(&mut self, comments: &[SharedComment]) {
        for comment in comments {
            self.hear(comment.id.as_str(), Comment::of_delivery(comment));
        }
    }

    /// A comment is taken once; a redaction stays.
    pub(super) fn hear(&mut self, id: &str, mut comment: Comment) {
        if self.comments.contains_key(id) {
            return;
        }
        if self.redacted.contains(id) {
            comment.blank();
        }
        let gone = |file: &String| self.redacted_files.contains(&(id.to_owned(), file.clone()));
        comment.attachments.retain(|file, _| !gone(file));
        self.new.0.push(id.to_owned());
        self.comments.insert(id.to_owned(), comment);
    }

    /// Its comments: those that were held before, then the new ones as they came.
    pub(crate) fn comments_as_they_came(&self) -> impl Iterator<Item = (&String, &Comment)> {
        let new: BTreeSet<&String> = self.new.0.iter().collect();
        let before = self.comments.iter().filter(move |(id, _)| !new.contains(id));
        before.chain(self.new.0.iter().filter_map(|id| self.comments.get_key_value(id)))
    }

    pub(super) fn redact(&mut self, id: &str, attachment: Option<&str>) {
        let comment = self.comments.get_mut(id);
        if let Some(file) = attachment {
            self.redacted_files.insert((id.to_owned(), file.to_owned()));
            if let Some(comment) = comment {
                comment.attachments.remove(file);
            }
        } else {
            self.redacted.insert(id.to_owned());
            if let Some(comment) = comment {
                comment.blank();
            }
        }
    }

    pub(super) fn set(&mut self, field: &str, value: Value, revision: u64) {
        let held_at = |field: &str| self.fields.get(field).map(|(_, revision)| *revision);
        // What was told before a recovery may come after it.
        let is_forgotten =
            held_at("status").is_some_and(|status| Epoch::of(revision) < Epoch::of(status));
        if held_at(field).is_none_or(|held| revision >= held) && !is_forgotten {
            self.fields.insert(field.to_owned(), (value, revision));
        }
    }
}
