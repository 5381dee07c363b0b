//! An account with its sharing settings.

use std::collections::BTreeMap;

use contracts::AccountName;
use contracts::address::Party;
use contracts::command::{AccountKind, Admin};
use contracts::fields::{CustomStatuses, TicketField};
use contracts::sync::AccountFact;
use serde::{Deserialize, Serialize};

/// A registered account, whole.
#[derive(Clone, Debug, PartialEq)]
pub struct Account {
    /// Its name, fixed for life.
    pub name: AccountName,
    /// What partners invite.
    pub address: String,
    /// How it calls itself.
    pub display_name: String,
    /// What kind of desk it has.
    pub kind: AccountKind,
    /// Who publishes for it.
    pub operated_by: Option<AccountName>,
    /// Where a third-party system is reached, and what partners may invite instead of the address.
    pub sharing_url: Option<String>,
    /// Who gets notices.
    pub admins: Vec<Admin>,
    /// The sharing settings.
    pub settings: Settings,
    /// The version that each attribute was last set with; absent while it is as registered.
    pub attribute_versions: BTreeMap<Attribute, u64>,
    /// Rises with every change of content.
    pub version: u64,
}

/// Sharing settings that an account has beside its name and admins.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own in the contract")]
pub struct Settings {
    /// Language of notices.
    pub locale: Option<String>,
    /// Link to a ticket.
    pub link_template: Option<String>,
    /// Whether every invite is declined.
    pub decline_invites: bool,
    /// Whether attachments stay.
    pub secure_downloads: bool,
    /// Whether Deskmesh mails the CCs of this account's tickets.
    pub notify_ccs: bool,
    /// Whether it takes custom fields of any title.
    pub open_fields: bool,
    /// Addresses and `@domains` that no notice may go to.
    pub support_addresses: Vec<String>,
    pub custom_statuses: CustomStatuses,
    /// Custom fields.
    pub ticket_fields: Vec<TicketField>,
    /// Keys of the fields on the default form; nothing when it never named any.
    pub default_form: Option<Vec<String>>,
}

/// What an `account.update` can change; each has a version of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Attribute {
    /// `display_name`
    DisplayName,
    Admins,
    Locale,
    /// `link_template`
    LinkTemplate,
    /// `decline_invites`
    DeclineInvites,
    /// `secure_downloads`
    SecureDownloads,
    /// `notify_ccs`
    NotifyCcs,
    /// `open_fields`
    OpenFields,
    /// `support_addresses`
    SupportAddresses,
    /// `custom_statuses`
    CustomStatuses,
    /// `ticket_fields`
    TicketFields,
    /// `default_form`
    DefaultForm,
}

impl Attribute {
    /// The name in the contract.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::DisplayName => "display_name",
            Self::Admins => "admins",
            Self::Locale => "locale",
            Self::LinkTemplate => "link_template",
            Self::DeclineInvites => "decline_invites",
            Self::SecureDownloads => "secure_downloads",
            Self::NotifyCcs => "notify_ccs",
            Self::OpenFields => "open_fields",
            Self::SupportAddresses => "support_addresses",
            Self::CustomStatuses => "custom_statuses",
            Self::TicketFields => "ticket_fields",
            Self::DefaultForm => "default_form",
        }
    }
}

impl Account {
    /// The account as its agreements need it.
    #[must_use]
    pub fn contact(&self) -> Contact {
        Contact {
            party: Party {
                account: self.name.clone(),
                address: self.address.clone(),
                display_name: self.display_name.clone(),
            },
            admins: self.admins.clone(),
            locale: self.settings.locale.clone(),
            support_addresses: self.settings.support_addresses.clone(),
        }
    }

    /// The account as the line learns it.
    #[must_use]
    pub fn fact(&self) -> AccountFact {
        AccountFact {
            account: self.name.clone(),
            version: self.version,
            address: self.address.clone(),
            display_name: self.display_name.clone(),
            kind: self.kind,
            operated_by: self.operated_by.clone(),
            secure_downloads: self.settings.secure_downloads,
            notify_ccs: self.settings.notify_ccs,
            locale: self.settings.locale.clone(),
            link_template: self.settings.link_template.clone(),
            support_addresses: self.settings.support_addresses.clone(),
            open_fields: self.settings.open_fields,
            custom_statuses: self.settings.custom_statuses.clone(),
            ticket_fields: self.settings.ticket_fields.clone(),
            default_form: self.settings.default_form.clone(),
        }
    }
}

/// An account as its agreements need it: what partners see of it, and whom to tell.
#[derive(Clone, Debug, PartialEq)]
pub struct Contact {
    /// The account as its partners see it.
    pub party: Party,
    /// Who gets notices.
    pub admins: Vec<Admin>,
    /// Language of notices.
    pub locale: Option<String>,
    /// Addresses and `@domains` that no notice may go to.
    pub support_addresses: Vec<String>,
}
