//! What the rules decide by: the accounts and agreements that a batch touches.

use std::collections::{BTreeMap, BTreeSet};

use contracts::address::{Invitee, Party};
use contracts::command::{AccountKind, Admin};
use contracts::delivery::{AgreementStatus, Decider, Side};
use contracts::fields::{CustomStatuses, TicketField};
use contracts::sync::{AccountFact, AgreementFact};
use contracts::{AccountName, AgreementId, Reason, Terms, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Answer, Decision};

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
    /// Custom statuses.
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
    /// `admins`
    Admins,
    /// `locale`
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
    /// The account as its partners see it.
    #[must_use]
    pub fn party(&self) -> Party {
        Party { account: self.name.clone(), address: self.address.clone(), display_name: self.display_name.clone() }
    }

    /// The account as the line learns it.
    #[must_use]
    pub fn fact(&self) -> AccountFact {
        AccountFact {
            account: self.name.clone(),
            version: self.version,
            kind: self.kind,
            operated_by: self.operated_by.clone(),
            secure_downloads: self.settings.secure_downloads,
            open_fields: self.settings.open_fields,
            custom_statuses: self.settings.custom_statuses.clone(),
            ticket_fields: self.settings.ticket_fields.clone(),
            default_form: self.settings.default_form.clone(),
        }
    }
}

/// An agreement, whole.
#[derive(Clone, Debug, PartialEq)]
pub struct Agreement {
    /// Which; made by the sender.
    pub agreement_id: AgreementId,
    /// Rises with every change.
    pub version: u64,
    /// Who shares.
    pub sender: AccountName,
    /// Who receives.
    pub receiver: AccountName,
    /// What it is called.
    pub name: Option<String>,
    /// What may cross.
    pub terms: Terms,
    /// Where it stands.
    pub status: AgreementStatus,
    /// Who brought it there.
    pub by: Decider,
    /// When.
    pub at: Timestamp,
    /// Why, when no person decided.
    pub reason: Option<Reason>,
}

impl Agreement {
    /// Which party `account` is, if any.
    #[must_use]
    pub fn side_of(&self, account: &AccountName) -> Option<Side> {
        if *account == self.sender {
            Some(Side::Sender)
        } else if *account == self.receiver {
            Some(Side::Receiver)
        } else {
            None
        }
    }

    /// The agreement as the line learns it.
    #[must_use]
    pub fn fact(&self) -> AgreementFact {
        AgreementFact {
            agreement_id: self.agreement_id.clone(),
            version: self.version,
            sender: self.sender.clone(),
            receiver: self.receiver.clone(),
            terms: self.terms,
            status: self.status,
        }
    }
}

/// Rows of one table, with what became of them.
#[derive(Clone, Debug)]
pub struct Rows<K, V> {
    by_key: BTreeMap<K, V>,
    new: BTreeSet<K>,
    changed: BTreeSet<K>,
}

impl<K: Ord + Clone, V> Rows<K, V> {
    fn stored(rows: BTreeMap<K, V>) -> Self {
        Self { by_key: rows, new: BTreeSet::new(), changed: BTreeSet::new() }
    }

    fn put(&mut self, key: K, row: V) {
        if !self.by_key.contains_key(&key) {
            self.new.insert(key.clone());
        } else if !self.new.contains(&key) {
            self.changed.insert(key.clone());
        }
        self.by_key.insert(key, row);
    }

    /// Rows that are not stored yet, in key order.
    pub fn new_rows(&self) -> impl Iterator<Item = &V> {
        self.new.iter().filter_map(|key| self.by_key.get(key))
    }

    /// Stored rows with other content than is stored, in key order.
    pub fn changed_rows(&self) -> impl Iterator<Item = &V> {
        self.changed.iter().filter_map(|key| self.by_key.get(key))
    }
}

/// The accounts and agreements that a batch touches, as they are after what was decided of it so far.
#[derive(Clone, Debug)]
pub struct State {
    accounts: Rows<AccountName, Account>,
    agreements: Rows<AgreementId, Agreement>,
    by_address: BTreeMap<String, AccountName>,
    by_sharing_url: BTreeMap<String, AccountName>,
}

impl State {
    /// What is stored.
    #[must_use]
    pub fn new(accounts: Vec<Account>, agreements: Vec<Agreement>) -> Self {
        let mut state = Self {
            accounts: Rows::stored(BTreeMap::new()),
            agreements: Rows::stored(agreements.into_iter().map(|one| (one.agreement_id.clone(), one)).collect()),
            by_address: BTreeMap::new(),
            by_sharing_url: BTreeMap::new(),
        };
        for account in &accounts {
            state.index(account);
        }
        state.accounts = Rows::stored(accounts.into_iter().map(|one| (one.name.clone(), one)).collect());
        state
    }

    /// Takes over what a decision changes, so that the next message of the batch meets it; hands on the answer.
    pub fn apply(&mut self, decision: Decision) -> Answer {
        if let Some(account) = decision.account {
            self.index(&account);
            self.accounts.put(account.name.clone(), *account);
        }
        if let Some(agreement) = decision.agreement {
            self.agreements.put(agreement.agreement_id.clone(), *agreement);
        }
        decision.answer
    }

    fn index(&mut self, account: &Account) {
        self.by_address.insert(account.address.clone(), account.name.clone());
        if let Some(url) = &account.sharing_url {
            self.by_sharing_url.insert(url.clone(), account.name.clone());
        }
    }

    /// All accounts, with what became of them.
    #[must_use]
    pub fn accounts(&self) -> &Rows<AccountName, Account> {
        &self.accounts
    }

    /// All agreements, with what became of them.
    #[must_use]
    pub fn agreements(&self) -> &Rows<AgreementId, Agreement> {
        &self.agreements
    }

    /// The account of this name.
    #[must_use]
    pub fn account(&self, name: &AccountName) -> Option<&Account> {
        self.accounts.by_key.get(name)
    }

    /// The account that partners reach so.
    #[must_use]
    pub fn invitee(&self, invitee: &Invitee) -> Option<&Account> {
        let name = match invitee {
            Invitee::Address { address } => self.by_address.get(address),
            Invitee::SharingUrl { sharing_url } => self.by_sharing_url.get(sharing_url),
        };
        name.and_then(|name| self.account(name))
    }

    /// The agreement of this id, whosesoever.
    #[must_use]
    pub fn agreement(&self, id: &AgreementId) -> Option<&Agreement> {
        self.agreements.by_key.get(id)
    }
}
