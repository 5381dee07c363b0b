use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::command::{AccountKind, Admin, DeskLimits};
use crate::fields::{CustomStatus, CustomStatuses, FieldOption, FieldType, Status};
use crate::{AccountName, Epoch, Timestamp};

/// The deployment's database was restored. A desk sends again each command whose receipt came since
/// and was not `rejected`, under the same `message_id`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AccountRecovered {
    /// Which recovery it is: every revision and version from now on is at least `epoch × 2^40`.
    pub epoch: Epoch,
    /// What was decided from this moment on may be forgotten.
    pub since: Timestamp,
}

/// The account as Deskmesh holds it. A desk ignores a lower version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own in the contract")]
pub struct AccountState {
    /// The account's name.
    pub account: AccountName,
    /// Rises with every change.
    pub version: u64,
    /// What partners invite.
    pub address: String,
    /// How it calls itself.
    pub display_name: String,
    /// What kind of desk it has.
    pub kind: AccountKind,
    /// The account that publishes for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operated_by: Option<AccountName>,
    /// Whether it may operate other accounts.
    #[serde(default)]
    pub may_operate: bool,
    /// Whether it stands for third-party systems.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub third_parties: bool,
    /// Where a third-party system is reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sharing_url: Option<String>,
    /// Who gets notices.
    pub admins: Vec<Admin>,
    /// Language of notices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// Link to a ticket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link_template: Option<String>,
    /// Whether every invite is declined.
    pub decline_invites: bool,
    /// Whether attachments stay.
    pub secure_downloads: bool,
    /// Whether Deskmesh mails the CCs of its tickets.
    pub notify_ccs: bool,
    /// Whether it takes custom fields of any title.
    pub open_fields: bool,
    /// Whether partners that compare fields are told all of this account.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub show_fields: bool,
    /// Addresses and `@domains` that no notice may go to.
    pub support_addresses: Vec<String>,
    /// Custom statuses.
    pub custom_statuses: StatusesShown,
    /// Custom fields; options only of the one that was asked for.
    pub ticket_fields: Vec<FieldShown>,
    /// Keys of the custom fields on the default form; all where it named none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_form: Option<Vec<String>>,
    /// What its desk can hold.
    #[serde(default)]
    pub limits: LimitsShown,
    /// The version of each attribute that was ever set.
    pub attributes: Vec<AttributeHeld>,
    /// How much there is of what is bounded.
    #[serde(rename = "use")]
    pub used: Vec<Usage>,
}

/// An account's custom statuses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StatusesShown {
    /// Whether the account uses custom statuses at all.
    pub enabled: bool,
    /// All of them.
    pub statuses: Vec<StatusShown>,
}

/// A custom status.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StatusShown {
    /// Key.
    pub key: String,
    /// What agents read.
    pub name: String,
    /// The status it counts as.
    pub category: Status,
    /// Whether it is its category's default.
    pub default: bool,
}

impl From<&CustomStatuses> for StatusesShown {
    fn from(custom: &CustomStatuses) -> Self {
        let shown = |status: &CustomStatus| StatusShown {
            key: status.key.clone(),
            name: status.name.clone(),
            category: status.category,
            default: status.default,
        };
        Self { enabled: custom.enabled, statuses: custom.statuses.iter().map(shown).collect() }
    }
}

/// What a desk can hold, as `account.update.v1` said it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct LimitsShown {
    /// Characters of a subject.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject_chars: Option<u64>,
    /// Characters of a comment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body_chars: Option<u64>,
    /// Bytes of an attachment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attachment_bytes: Option<u64>,
    /// Whether it keeps a private comment from the requester.
    pub private_comments: bool,
}

impl Default for LimitsShown {
    fn default() -> Self {
        DeskLimits::default().into()
    }
}

impl From<DeskLimits> for LimitsShown {
    fn from(limits: DeskLimits) -> Self {
        let DeskLimits { subject_chars, body_chars, attachment_bytes, private_comments } = limits;
        Self { subject_chars, body_chars, attachment_bytes, private_comments }
    }
}

/// A custom field as it is held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FieldShown {
    /// Key.
    pub key: String,
    /// Title.
    pub title: String,
    /// Data type.
    #[serde(rename = "type")]
    pub field_type: FieldType,
    /// Pattern of a `regexp` field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// Whether values are held against the pattern: not where the desk says so, nor where the
    /// pattern cannot be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern_checked: Option<bool>,
    /// How many options it has, those of its parts included.
    pub option_count: usize,
    /// The options, where the field was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub options: Option<Vec<FieldOption>>,
}

/// The version that an attribute was last set with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AttributeHeld {
    /// As `account.update.v1` names it; a part of a field's options is
    /// `ticket_field_options/<part>/<key>`.
    pub name: String,
    /// The version.
    pub version: u64,
    /// When the update that set it arrived, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set_at: Option<Timestamp>,
}

/// How much there is of something that is bounded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Usage {
    /// Of what: `ticket_fields`, `options`, `options_bytes`, `custom_statuses`, `default_form`,
    /// `support_addresses`, `admins`. More may be added.
    pub of: String,
    /// How much there is.
    pub held: usize,
    /// How much there may be.
    pub limit: usize,
}
