//! A delivery as the session reads it.

use contracts::delivery::DeliveryBody;
use contracts::{CommentId, ShareId};
use messaging::{Content, DecodeError};
use serde_json::Value;

/// What an account is told: as it came, and as far as this release understands it.
#[derive(Clone, Debug, PartialEq)]
pub struct ToldDelivery {
    /// The body as it came, which the log keeps: members that are unknown here are there too.
    pub raw: String,
    /// What it says; nothing for a type that a later release has.
    pub body: Option<DeliveryBody>,
}

impl ToldDelivery {
    /// Reads a delivery.
    ///
    /// # Errors
    /// A body that is no JSON, or not of its type.
    pub fn read(message_type: &str, content: Content<'_>) -> Result<Self, DecodeError> {
        let raw = match content {
            Content::Bytes(bytes) => std::str::from_utf8(bytes)
                .map_err(|_| DecodeError::malformed("", "the body is not UTF-8"))?
                .to_owned(),
            Content::Parsed(value, _) => value.to_string(),
        };
        if !DeliveryBody::NAMES.contains(&message_type) {
            let json: Result<Value, _> = serde_json::from_str(&raw);
            return match json {
                Ok(_) => Ok(Self { raw, body: None }),
                Err(error) => Err(DecodeError::malformed("", error.to_string())),
            };
        }
        match DeliveryBody::read(message_type, raw.as_bytes()) {
            Ok(body) => Ok(Self { raw, body: Some(body) }),
            Err(error) => Err(DecodeError::malformed("", error.to_string())),
        }
    }

    /// The share that it is about.
    #[must_use]
    pub fn share(&self) -> Option<&ShareId> {
        match self.body.as_ref()? {
            DeliveryBody::TicketCreated(it) => Some(&it.share_id),
            DeliveryBody::TicketUpdated(it) => Some(&it.share_id),
            DeliveryBody::TicketBound(it) => Some(&it.share_id),
            DeliveryBody::TicketUnshared(it) => Some(&it.share_id),
            DeliveryBody::ShareState(it) => Some(&it.share_id),
            DeliveryBody::TicketState(it) => Some(&it.share_id),
            DeliveryBody::Receipt(it) => it.share_id.as_ref(),
            DeliveryBody::AgreementInvited(_)
            | DeliveryBody::AgreementAccepted(_)
            | DeliveryBody::AgreementDeclined(_)
            | DeliveryBody::AgreementDeactivated(_)
            | DeliveryBody::AgreementState(_)
            | DeliveryBody::AgreementComparison(_)
            | DeliveryBody::AccountState(_)
            | DeliveryBody::AccountRecovered(_) => None,
        }
    }

    /// This desk's own number, where it is told.
    #[must_use]
    pub fn number(&self) -> Option<&str> {
        let number = match self.body.as_ref()? {
            DeliveryBody::TicketUpdated(it) => it.ticket_id.as_ref(),
            DeliveryBody::TicketUnshared(it) => it.ticket_id.as_ref(),
            DeliveryBody::ShareState(it) => it.ticket_id.as_ref(),
            DeliveryBody::TicketState(it) => it.ticket_id.as_ref(),
            _ => None,
        };
        number.map(contracts::TicketId::as_str)
    }

    /// The comments that it carries.
    #[must_use]
    pub fn comments(&self) -> Vec<&CommentId> {
        let comments = match &self.body {
            Some(DeliveryBody::TicketCreated(it)) => it.comments.as_slice(),
            Some(DeliveryBody::TicketUpdated(it)) => it.comments.as_slice(),
            Some(DeliveryBody::TicketState(it)) => it.comments.as_slice(),
            _ => &[],
        };
        comments.iter().map(|comment| &comment.id).collect()
    }

    /// What is to be blanked: comments, or one file of them.
    #[must_use]
    pub fn redactions(&self) -> Vec<(&CommentId, Option<&str>)> {
        match &self.body {
            Some(DeliveryBody::TicketUpdated(it)) => {
                let redactions = it.redact.iter();
                redactions.map(|it| (&it.comment_id, it.attachment_id.as_deref())).collect()
            }
            _ => Vec::new(),
        }
    }
}
