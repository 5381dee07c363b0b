//! The answer to a command's publisher.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::ids::one_spelling;
use crate::{AgreementId, CommentId, Message, Reason, ShareId};

/// What became of a command as a whole.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum ReceiptOutcome {
    /// All of it was done.
    Applied,
    /// Something was left out: see the decisions.
    Partial,
    /// Nothing was done.
    Rejected,
    /// There was nothing to do.
    Ignored,
}

/// The answer to a command: one per command, at least once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Receipt {
    /// The command's `message_id`; empty when it had none that can be told.
    pub command_id: String,
    /// The command's `type`.
    pub command_type: String,
    /// What became of it.
    pub outcome: ReceiptOutcome,
    /// Why, when it was not simply applied; `unknown_members` where nothing else is to be said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// The same for people; for `malformed` a JSON pointer and a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The agreement it was about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreement_id: Option<AgreementId>,
    /// The share it was about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share_id: Option<ShareId>,
    /// The chain's revision after the decision: of each field that the command set, together with
    /// its value; never one without the other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<u64>,
    /// Where a list goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
    /// Whether it was asked for as a dry run: all that is told would be, and nothing was done. It
    /// has no `revision`, and no field of it is taken.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
    /// What became of each item, for the shares that this account is a party of.
    #[serde(default)]
    pub decisions: Vec<Decision>,
}

impl Message for Receipt {
    const NAME: &'static str = "command.receipt.v1";
}

impl Receipt {
    /// A receipt without particulars.
    #[must_use]
    pub fn new(
        command_id: impl Into<String>,
        command_type: impl Into<String>,
        outcome: ReceiptOutcome,
    ) -> Self {
        Self {
            command_id: command_id.into(),
            command_type: command_type.into(),
            outcome,
            reason: None,
            detail: None,
            agreement_id: None,
            share_id: None,
            revision: None,
            next_cursor: None,
            dry_run: false,
            decisions: Vec::new(),
        }
    }

    /// Adds why.
    #[must_use]
    pub fn because(mut self, reason: Reason, detail: impl Into<Option<String>>) -> Self {
        self.reason = Some(reason);
        self.detail = detail.into();
        self
    }
}

/// What became of one item.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum ItemOutcome {
    /// It crossed as it is.
    Transferred,
    /// It crossed as something else.
    Mapped,
    /// It stayed.
    Withheld,
    /// Another change stands; `value` is what the publisher's ticket holds.
    Superseded,
    /// The other side holds it already.
    Unchanged,
}

/// Why one item crossed, changed or stayed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Decision {
    /// The share it would cross, when the decision is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share_id: Option<ShareId>,
    /// What it is about.
    pub item: Item,
    /// What became of it.
    pub outcome: ItemOutcome,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// The same for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// What the publisher's ticket now holds, where it differs from what was sent, and always with
    /// `superseded`: for `status` an object of `value` and `custom_status`, for a tag whether it is
    /// present, for a custom field its value. Without it, the ticket holds what was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
    /// Whether it is about a copy beyond the partner's, of a further organisation, which is not
    /// named. Only of a dry run, and only of what would reach it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub beyond: bool,
}

impl Decision {
    /// A decision about `item` without particulars.
    #[must_use]
    pub fn new(item: Item, outcome: ItemOutcome) -> Self {
        Self {
            share_id: None,
            item,
            outcome,
            reason: None,
            detail: None,
            value: None,
            beyond: false,
        }
    }

    /// An item that stays, and why.
    #[must_use]
    pub fn withheld(item: Item, reason: Reason) -> Self {
        Self::new(item, ItemOutcome::Withheld).because(reason)
    }

    /// Adds why.
    #[must_use]
    pub fn because(mut self, reason: Reason) -> Self {
        self.reason = Some(reason);
        self
    }

    /// Adds a sentence for people.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Says that it is about a copy of a further organisation.
    #[must_use]
    pub fn beyond(mut self) -> Self {
        self.beyond = true;
        self
    }

    /// Adds the share it is about.
    #[must_use]
    pub fn over(mut self, share: &ShareId) -> Self {
        self.share_id = Some(share.clone());
        self
    }

    /// Adds what the publisher's ticket now holds.
    #[must_use]
    pub fn holding(mut self, value: Option<Value>) -> Self {
        self.value = value;
        self
    }
}

/// What a decision is about. Written as one word: `status`, `tag:<name>`, `comment:<id>` …
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Item {
    /// Status with custom status.
    Status,
    /// A tag, by name.
    Tag(String),
    /// A custom field, by the publisher's key.
    CustomField(String),
    /// A comment.
    Comment(CommentId),
    /// An attachment, by the desk's id.
    Attachment(String),
    /// The recording of a comment's call.
    Recording(CommentId),
    /// The ticket's requester.
    Requester,
    /// The ticket's CCs.
    Ccs,
    /// A member of the command, by its JSON pointer.
    Member(String),
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status => f.write_str("status"),
            Self::Tag(name) => write!(f, "tag:{name}"),
            Self::CustomField(key) => write!(f, "custom_field:{key}"),
            Self::Comment(id) => write!(f, "comment:{id}"),
            Self::Attachment(id) => write!(f, "attachment:{id}"),
            Self::Recording(id) => write!(f, "recording:{id}"),
            Self::Requester => f.write_str("requester"),
            Self::Ccs => f.write_str("ccs"),
            Self::Member(pointer) => write!(f, "member:{pointer}"),
        }
    }
}

impl std::str::FromStr for Item {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let comment = |id: &str| CommentId::new(id).map_err(|error| error.to_string());
        match text.split_once(':') {
            Some(("tag", name)) => Ok(Self::Tag(name.to_owned())),
            Some(("custom_field", key)) => Ok(Self::CustomField(key.to_owned())),
            Some(("comment", id)) => Ok(Self::Comment(comment(id)?)),
            Some(("attachment", id)) => Ok(Self::Attachment(one_spelling(id.to_owned()))),
            Some(("recording", id)) => Ok(Self::Recording(comment(id)?)),
            Some(("member", pointer)) => Ok(Self::Member(pointer.to_owned())),
            None if text == "status" => Ok(Self::Status),
            None if text == "requester" => Ok(Self::Requester),
            None if text == "ccs" => Ok(Self::Ccs),
            _ => Err(format!("{text:?} is no item of a receipt")),
        }
    }
}

impl Serialize for Item {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Item {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// By hand: an item is one word.
impl JsonSchema for Item {
    fn schema_name() -> Cow<'static, str> {
        "Item".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "What a decision is about: `status`, `tag:<name>`, \
                `custom_field:<publisher's key>`, `comment:<id>`, \
                `attachment:<id>`, `recording:<comment id>`, `requester`, `ccs` or `member:<JSON \
                pointer>`. More may be added.",
            "type": "string",
            "pattern": "^(status|requester|ccs)$|\
                ^(tag|custom_field|comment|attachment|recording|member):",
            "examples": [
                "status", "tag:vip", "custom_field:order_number", "comment:acme/77", "attachment:1",
                "requester",
            ],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_read_as_they_are_written() {
        let comment = CommentId::new("acme/1").unwrap();
        for item in [
            Item::Status,
            Item::Tag("vip: gold".into()),
            Item::CustomField("order".into()),
            Item::Comment(comment.clone()),
            Item::Attachment("a:1".into()),
            Item::Recording(comment),
            Item::Requester,
            Item::Ccs,
            Item::Member("/ticket/subject".into()),
        ] {
            assert_eq!(item.to_string().parse(), Ok(item));
        }
        assert!("nothing:1".parse::<Item>().is_err());
    }
}
