//! An account with its sharing settings.

use std::collections::BTreeMap;

use contracts::address::Party;
use contracts::command::{AccountKind, Admin, DeskLimits};
use contracts::fields::{CustomStatuses, FieldOption, TicketField};
use contracts::limits::{OPTION_PARTS, OPTIONS, OPTIONS_BYTES};
use contracts::sync::AccountFact;
use contracts::{AccountName, Timestamp};
use serde::{Deserialize, Serialize};

use super::FieldOptions;

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
    /// Whether it may operate other accounts.
    pub may_operate: bool,
    /// Whether it stands for third-party systems that are invited by their sharing URL.
    pub third_parties: bool,
    /// Where a third-party system is reached, and what partners may invite instead of the address.
    pub sharing_url: Option<String>,
    /// Who gets notices.
    pub admins: Vec<Admin>,
    /// The sharing settings.
    pub settings: Settings,
    /// The version that each attribute was last set with; absent while it is as registered.
    pub attribute_versions: BTreeMap<Attribute, u64>,
    /// When the update that set an attribute arrived; absent for what an earlier release set.
    pub attribute_arrivals: BTreeMap<Attribute, Timestamp>,
    /// Options of fields in parts. Only loaded where they are needed.
    pub field_options: FieldOptions,
    /// Rises with every change of content.
    pub version: u64,
}

/// An address that an account gave up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Released {
    /// The address.
    pub address: String,
    /// Who had it.
    pub account: AccountName,
    /// When it was given up.
    pub at: Timestamp,
}

/// How many options an account has, and how long they are as JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OptionsHeld {
    /// How many.
    pub count: usize,
    /// Bytes.
    pub bytes: usize,
}

impl OptionsHeld {
    fn of<'a>(lists: impl Iterator<Item = &'a Vec<FieldOption>>) -> Self {
        lists.fold(Self::default(), |held, list| Self {
            count: held.count + list.len(),
            bytes: held.bytes + serde_json::to_vec(list).map_or(0, |written| written.len()),
        })
    }
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
    /// Whether partners that compare fields are told all of this account; stored beside the other
    /// settings.
    #[serde(skip)]
    pub show_fields: bool,
    /// Addresses and `@domains` that no notice may go to.
    pub support_addresses: Vec<String>,
    pub custom_statuses: CustomStatuses,
    /// Custom fields.
    pub ticket_fields: Vec<TicketField>,
    /// Keys of the fields on the default form; nothing when it never named any.
    pub default_form: Option<Vec<String>>,
    /// What the desk can hold; stored beside the other settings.
    #[serde(skip)]
    pub limits: DeskLimits,
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
    /// `limits`
    Limits,
    /// `show_fields`
    ShowFields,
}

impl Attribute {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::DisplayName,
        Self::Admins,
        Self::Locale,
        Self::LinkTemplate,
        Self::DeclineInvites,
        Self::SecureDownloads,
        Self::NotifyCcs,
        Self::OpenFields,
        Self::SupportAddresses,
        Self::CustomStatuses,
        Self::TicketFields,
        Self::DefaultForm,
        Self::Limits,
        Self::ShowFields,
    ];

    /// The attribute of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|attribute| attribute.name() == name)
    }

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
            Self::ShowFields => "show_fields",
            Self::SupportAddresses => "support_addresses",
            Self::CustomStatuses => "custom_statuses",
            Self::TicketFields => "ticket_fields",
            Self::DefaultForm => "default_form",
            Self::Limits => "limits",
        }
    }
}

impl Account {
    /// Its custom fields, each with all its options.
    #[must_use]
    pub fn ticket_fields(&self) -> Vec<TicketField> {
        self.settings.ticket_fields.iter().map(|field| self.field_options.whole(field)).collect()
    }

    /// The highest version that anything of it is held with.
    #[must_use]
    pub fn highest_version(&self) -> u64 {
        let parts = self.field_options.iter().map(|(_, part)| part.version);
        self.attribute_versions.values().copied().chain(parts).max().unwrap_or_default()
    }

    /// How many options it has, those of fields that are not defined yet included.
    #[must_use]
    pub fn options_held(&self) -> OptionsHeld {
        let own = self.settings.ticket_fields.iter().map(|field| &field.options);
        OptionsHeld::of(own.chain(self.field_options.iter().map(|(_, part)| &part.options)))
    }

    /// Says which bound its options are over, if they are.
    ///
    /// # Errors
    /// How many there are and may be.
    pub fn check_options(&self) -> Result<(), String> {
        let held = self.options_held();
        let parts = self.field_options.iter().count();
        let over = |what: &str, held: usize, limit: usize| {
            format!("the account would have {held} {what}, and {limit} is the most")
        };
        if held.count > OPTIONS {
            Err(over("options", held.count, OPTIONS))
        } else if held.bytes > OPTIONS_BYTES {
            Err(over("bytes of options", held.bytes, OPTIONS_BYTES))
        } else if parts > OPTION_PARTS as usize {
            Err(over("parts of options", parts, OPTION_PARTS as usize))
        } else {
            Ok(())
        }
    }

    /// The account as its agreements need it.
    #[must_use]
    pub fn contact(&self) -> Contact {
        Contact {
            party: Party {
                account: self.name.clone(),
                address: self.address.clone(),
                display_name: self.display_name.clone(),
                sharing_url: self.sharing_url.clone(),
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
            ticket_fields: self.ticket_fields(),
            default_form: self.settings.default_form.clone(),
            limits: self.settings.limits,
            sharing_url: self.sharing_url.clone(),
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
