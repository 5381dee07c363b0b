//! How a call is worded: as the partner is known to take it, and otherwise where it does not.

use serde_json::json;

use super::call::Heard;
use super::message::{JSON, Message, X_JSON};
use crate::rules::called::{CallKind, Meaning, begins_otherwise};
use crate::store::agreement::AgreementRow;

/// What a call came to, in the end.
pub(super) struct Ended {
    pub meaning: Meaning,
    pub heard: Option<Heard>,
    pub media: &'static str,
    /// Whether the partner took as open what has another status, which is still to be told.
    pub as_open: bool,
}

/// The words of one call.
pub(super) struct Wording {
    kind: CallKind,
    /// The media type.
    pub media: &'static str,
    /// Whether it may still be the other one.
    pub may_change_media: bool,
    /// A share is sent as an update where the partner has the ticket already.
    pub sent_as: CallKind,
    /// Whether a ticket of another status is shared as an open one.
    as_open: bool,
    /// What the partner said first against a share.
    refused: Option<Heard>,
}

impl Wording {
    pub fn of(agreement: &AgreementRow, kind: CallKind) -> Self {
        Self {
            kind,
            media: if agreement.media.as_deref() == Some(X_JSON) { X_JSON } else { JSON },
            may_change_media: agreement.media.is_none(),
            sent_as: kind,
            as_open: false,
            refused: None,
        }
    }

    /// A message in these words.
    pub fn put(&self, message: &mut Message) {
        if let Some(body) = message.body.as_mut().filter(|_| self.as_open) {
            body["status"] = json!("open");
        }
    }

    /// What an answer to `message` makes of the call: its end, or nothing where it is to be made
    /// again at once, in other words.
    pub fn after(&mut self, message: &Message, meaning: Meaning, heard: Heard) -> Option<Ended> {
        let sent = message.body.as_ref().and_then(|body| body["status"].as_str());
        let was_refused = meaning == Meaning::UnknownTicket && self.refused.is_some();
        // It was not there: it was refused for what it says.
        let meaning = if was_refused { Meaning::Refused } else { meaning };
        match meaning {
            Meaning::OtherMedia => (self.media, self.may_change_media) = (X_JSON, false),
            Meaning::AsUpdate => {
                self.sent_as = CallKind::Update;
                self.refused.get_or_insert(heard);
            }
            Meaning::Refused
                if self.kind == CallKind::Share && !self.as_open && begins_otherwise(sent) =>
            {
                (self.sent_as, self.as_open) = (CallKind::Share, true);
                self.refused.get_or_insert(heard);
            }
            Meaning::Refused => {
                let first = self.refused.take();
                return Some(self.ended(meaning, first.unwrap_or(heard)));
            }
            _ => return Some(self.ended(meaning, heard)),
        }
        None
    }

    fn ended(&self, meaning: Meaning, heard: Heard) -> Ended {
        Ended { meaning, heard: Some(heard), media: self.media, as_open: self.as_open }
    }
}
