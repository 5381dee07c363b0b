//! What a partner holds.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use crate::dialect::head;

/// Which end of an agreement a partner is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AgreementEnd {
    Sender,
    Receiver,
}

impl AgreementEnd {
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Sender => "sender",
            Self::Receiver => "receiver",
        }
    }

    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Sender => Self::Receiver,
            Self::Receiver => Self::Sender,
        }
    }
}

/// Where an agreement stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    Pending,
    Accepted,
    Declined,
    Inactive,
}

impl Standing {
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Accepted => "accepted",
            Self::Declined => "declined",
            Self::Inactive => "inactive",
        }
    }

    #[must_use]
    pub fn read(word: &str) -> Option<Self> {
        [Self::Pending, Self::Accepted, Self::Declined, Self::Inactive]
            .into_iter()
            .find(|standing| standing.word() == word)
    }
}

/// What Zendesk's invites say of the terms; Request Tracker's say nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PartnerTerms {
    pub allows_public_comments: Option<bool>,
    pub sync_tags: Option<bool>,
    pub sync_custom_fields: Option<bool>,
}

impl PartnerTerms {
    #[must_use]
    pub fn everything() -> Self {
        Self {
            allows_public_comments: Some(true),
            sync_tags: Some(true),
            sync_custom_fields: Some(true),
        }
    }
}

/// An agreement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartnerAgreement {
    pub uuid: String,
    pub access_key: String,
    /// Which end the partner is.
    pub end: AgreementEnd,
    pub sender_url: String,
    pub receiver_url: String,
    pub name: String,
    pub standing: Standing,
    pub deactivated_by: Option<AgreementEnd>,
    pub terms: PartnerTerms,
}

impl PartnerAgreement {
    /// The other side's base URL.
    #[must_use]
    pub fn there(&self) -> &str {
        match self.end {
            AgreementEnd::Sender => &self.receiver_url,
            AgreementEnd::Receiver => &self.sender_url,
        }
    }

    #[must_use]
    pub fn token(&self) -> String {
        head::token(&self.uuid, &self.access_key)
    }
}

/// A person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartnerPerson {
    pub uuid: String,
    pub name: String,
    pub role: Option<String>,
}

/// A file at a comment, by where it is fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartnerFile {
    pub url: String,
    pub filename: String,
    pub content_type: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartnerComment {
    pub uuid: String,
    pub author: PartnerPerson,
    pub body: String,
    pub public: bool,
    pub authored_at: Option<DateTime<Utc>>,
    pub files: Vec<PartnerFile>,
    /// Whether it was written here.
    pub is_own: bool,
}

/// A ticket, the partner's own or a copy.
#[derive(Clone, Debug, PartialEq)]
pub struct PartnerTicket {
    pub uuid: String,
    pub agreement: String,
    pub number: String,
    pub original_id: Option<String>,
    pub subject: String,
    pub requested_at: Option<DateTime<Utc>>,
    pub requester: PartnerPerson,
    pub status: String,
    pub custom_status: Option<String>,
    pub tags: BTreeSet<String>,
    pub custom_fields: Map<String, Value>,
    pub comments: BTreeMap<String, PartnerComment>,
    /// Whether it is shared no more.
    pub ended: bool,
}

impl PartnerTicket {
    /// Makes a change; a comment that is there already is not taken again.
    pub fn apply(&mut self, change: &TicketChange) {
        if let Some(status) = &change.status {
            self.status.clone_from(status);
            self.custom_status.clone_from(&change.custom_status);
        }
        if let Some(tags) = &change.tags {
            self.tags.clone_from(tags);
        }
        self.custom_fields.extend(change.custom_fields.clone());
        for comment in &change.comments {
            self.comments.entry(comment.uuid.clone()).or_insert_with(|| comment.clone());
        }
    }

    /// Text and visibility of each comment, in the order of the texts: what both sides agree on,
    /// whatever the ids are there.
    #[must_use]
    pub fn said(&self) -> Vec<(String, bool)> {
        let mut said: Vec<_> =
            self.comments.values().map(|comment| (comment.body.clone(), comment.public)).collect();
        said.sort();
        said
    }
}

/// What changes at a ticket; what is `None` does not.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TicketChange {
    pub status: Option<String>,
    pub custom_status: Option<String>,
    /// The whole list.
    pub tags: Option<BTreeSet<String>>,
    pub custom_fields: Map<String, Value>,
    pub comments: Vec<PartnerComment>,
    pub actor: Option<PartnerPerson>,
}
