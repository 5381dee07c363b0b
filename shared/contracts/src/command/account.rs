use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::fields::{CustomStatuses, OptionsPart, TicketField};
use crate::{AccountName, Actor, Epoch, Message, Timestamp, limits};

/// What kind of desk an account has; a third party takes part in custom fields only with
/// `open_fields` (R-56, R-62).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AccountKind {
    /// A desk that publishes for itself.
    Connected,
    /// A desk hosted by the deployment.
    Hosted,
    /// Somebody else's system behind a bridge.
    ThirdParty,
}

/// An administrator, for notices. The address goes to notifier only.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(expecting = "an object with name and email")]
pub struct Admin {
    /// Display name.
    pub name: String,
    /// E-mail address.
    pub email: String,
}

/// Prints no address.
impl std::fmt::Debug for Admin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Admin").finish_non_exhaustive()
    }
}

/// What a desk can hold. What is beyond it is told as the desk can take it, and the publisher's
/// receipt says so: `too_long`, `no_private_comments`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, expecting = "an object")]
pub struct DeskLimits {
    /// Characters of a subject (Unicode code points); a longer one is cut at a word.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = limits::WHOLE_NUMBER))]
    pub subject_chars: Option<u64>,
    /// Characters of a comment (Unicode code points): longer text is cut at a word, and longer HTML
    /// left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = limits::WHOLE_NUMBER))]
    pub body_chars: Option<u64>,
    /// Bytes of an attachment; one whose `size` is above it is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = limits::WHOLE_NUMBER))]
    pub attachment_bytes: Option<u64>,
    /// Whether it keeps a private comment from the requester; without it none is told.
    pub private_comments: bool,
}

impl Default for DeskLimits {
    fn default() -> Self {
        Self {
            subject_chars: None,
            body_chars: None,
            attachment_bytes: None,
            private_comments: true,
        }
    }
}

impl DeskLimits {
    /// Whether the desk can hold everything.
    #[must_use]
    pub fn are_none(&self) -> bool {
        *self == Self::default()
    }
}

/// Registers an account; published by `operator`, or by the account that operates it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AccountRegister {
    /// The account's name. Read as text, because a bad one is `invalid_name`, not `malformed`.
    #[schemars(with = "AccountName")]
    pub account: String,
    /// What partners invite; the name when absent. Read as text, because a bad one is
    /// `invalid_name`, not `malformed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// How it calls itself.
    pub display_name: String,
    /// What kind of desk it has.
    pub kind: AccountKind,
    /// The account that publishes for it: one with `may_operate`, whose name and `-` its own begins
    /// with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operated_by: Option<AccountName>,
    /// Whether it may operate other accounts, whose names begin with its own and `-`, and are
    /// nobody else's then. Given by `operator` alone; an account that is registered already gets it
    /// too, and nothing else of it changes.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub may_operate: bool,
    /// Whether it stands for third-party systems: an invite to a sharing URL that no account has
    /// registers an account that it operates. Given by `operator` alone, with `may_operate` or
    /// after it, and to one account of a deployment; one that is registered already gets it too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub third_parties: bool,
    /// Where a third-party system is reached: https; kept and told in one spelling. Given by
    /// `operator`, and by the operator with `third_parties`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sharing_url: Option<String>,
    /// Who gets notices.
    pub admins: Vec<Admin>,
}

impl Message for AccountRegister {
    const NAME: &'static str = "account.register.v1";
}

/// Changes an account's attributes; per attribute the highest version wins. A list given replaces
/// the whole list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AccountUpdate {
    /// A number the desk raises with every update, below 2^53. Without it the update counts as the
    /// latest when it arrives: each attribute gets the highest version held, and one more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = limits::VERSION))]
    pub version: Option<u64>,
    /// Who did it.
    pub actor: Actor,
    /// How the account calls itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// Who gets notices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub admins: Option<Vec<Admin>>,
    /// Language of notices, a BCP 47 tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// Link to a ticket, with `{ticket_id}`; https.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^https://.*\{ticket_id\}"))]
    pub link_template: Option<String>,
    /// Whether every invite is declined (R-16, R-70).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decline_invites: Option<bool>,
    /// Whether attachments stay (R-35).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secure_downloads: Option<bool>,
    /// Whether Deskmesh mails the CCs of this account's tickets (R-25).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notify_ccs: Option<bool>,
    /// Whether the account takes custom fields of any title (bridges).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_fields: Option<bool>,
    /// Addresses and `@domains` that no notice may go to (R-45 to R-47).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub support_addresses: Option<Vec<String>>,
    /// Custom statuses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custom_statuses: Option<CustomStatuses>,
    /// Custom fields.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::FIELDS))]
    pub ticket_fields: Option<Vec<TicketField>>,
    /// Options of drop-downs and multiselects that have too many for one command, in parts. Each
    /// part is an attribute of its own: parts may come in any order and number of commands, and of
    /// each the highest version counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket_field_options: Option<Vec<OptionsPart>>,
    /// Keys of the custom fields on the default form (R-98).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::FIELDS))]
    pub default_form: Option<Vec<String>>,
    /// Whether partners that compare fields are told those of this account too that theirs have no
    /// counterpart of, and before an agreement is accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub show_fields: Option<bool>,
    /// What the desk can hold. Given, it replaces all of it; for what is told from then on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<DeskLimits>,
}

impl Message for AccountUpdate {
    const NAME: &'static str = "account.update.v1";
}

/// Gives an account another public address; ends its agreements, visibly for both sides (R-17).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AccountRename {
    /// What partners invite from now on. Read as text, because a bad one is `invalid_name`, not
    /// `malformed`.
    pub address: String,
    /// Who did it.
    pub actor: Actor,
}

impl Message for AccountRename {
    const NAME: &'static str = "account.rename.v1";
}

/// Asks for the account as Deskmesh holds it: an `account.state`, then the receipt.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AccountShow {
    /// With the options of this field, whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket_field: Option<String>,
}

impl Message for AccountShow {
    const NAME: &'static str = "account.show.v1";
}

/// Lowers the versions with which attributes of an account are held, so that its next update
/// counts: the way back after a version that was far too high. Published by `operator`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AccountLower {
    /// The account.
    pub account: AccountName,
    /// Attributes as `account.state.v1` names them.
    #[schemars(length(min = 1))]
    pub attributes: Vec<String>,
    /// The version that they are held with from now on; 0 when absent.
    #[serde(default)]
    #[schemars(range(max = limits::VERSION))]
    pub version: u64,
}

impl Message for AccountLower {
    const NAME: &'static str = "account.lower.v1";
}

/// After the database was restored: raises the versions of one account and of what it invited
/// others to, and tells both sides of each agreement where it stands. Page by page, through all
/// accounts. Published by `operator`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AccountRecover {
    /// Which recovery it is: every number is above those of the one before.
    pub epoch: Epoch,
    /// What was decided from this moment on may be forgotten: the moment of the backup, or before.
    pub since: Timestamp,
    /// The `next_cursor` of the page before; absent for the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

impl Message for AccountRecover {
    const NAME: &'static str = "account.recover.v1";
}
