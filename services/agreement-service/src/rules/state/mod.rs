//! What the rules decide by: the accounts and agreements that a batch touches.

mod account;
mod agreement;
mod options;
mod rows;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use contracts::address::Invitee;
use contracts::{AccountName, AgreementId, Epoch};

pub use self::account::{Account, Attribute, Contact, Released, Settings};
pub use self::agreement::Agreement;
pub use self::options::{FieldOptions, Part, PartKey};
pub use self::rows::Rows;
use super::invites_a_day::Invites;
use super::{Answer, Decision};

/// What is stored of what a batch needs.
#[derive(Clone, Debug, Default)]
pub struct Stored {
    /// Accounts that may change, locked.
    pub accounts: Vec<Account>,
    /// Agreements that may change, locked: those that commands name, and the live ones of accounts
    /// that are renamed.
    pub agreements: Vec<Agreement>,
    /// Accounts with more live agreements than were read.
    pub crowded: BTreeSet<AccountName>,
    /// Per account the agreements that it asked for, only read.
    pub listed: BTreeMap<AccountName, Vec<Agreement>>,
    /// Per account that may be let operate others, one whose name begins with its own and that it
    /// does not operate.
    pub foreign_below: BTreeMap<AccountName, AccountName>,
    /// Addresses that were given up.
    pub released: Vec<Released>,
    /// The account that stands for third-party systems, only read.
    pub third_parties: Option<AccountName>,
    /// Partners, only read: what is told of them changes nothing of theirs.
    pub contacts: Vec<Contact>,
    /// Addresses and sharing URLs that registrations and renames bring: those of the batch, and
    /// those that wait until somebody else is known.
    pub coming: BTreeSet<String>,
    /// Invites that the batch's inviting accounts made lately.
    pub invites: Invites,
    /// Which recovery of the deployment was the last.
    pub epoch: Epoch,
}

/// The accounts and agreements that a batch touches, as they are after what was decided of it so
/// far.
#[derive(Clone, Debug)]
pub struct State {
    accounts: Rows<AccountName, Account>,
    agreements: Rows<AgreementId, Agreement>,
    by_address: BTreeMap<String, AccountName>,
    by_sharing_url: BTreeMap<String, AccountName>,
    crowded: BTreeSet<AccountName>,
    listed: BTreeMap<AccountName, BTreeMap<AgreementId, Agreement>>,
    foreign_below: BTreeMap<AccountName, AccountName>,
    released: Rows<String, Released>,
    third_parties: Option<AccountName>,
    contacts: BTreeMap<AccountName, Contact>,
    coming: BTreeSet<String>,
    delayed: BTreeSet<String>,
    invites: Invites,
    epoch: Epoch,
    /// Whether this batch brought the epoch.
    is_new_epoch: bool,
}

impl State {
    #[must_use]
    pub fn new(stored: Stored) -> Self {
        let by_id = |agreements: Vec<Agreement>| {
            agreements.into_iter().map(|one| (one.agreement_id.clone(), one))
        };
        let by_url = |one: &Account| one.sharing_url.clone().map(|url| (url, one.name.clone()));
        Self {
            by_address: stored
                .accounts
                .iter()
                .map(|one| (one.address.clone(), one.name.clone()))
                .collect(),
            by_sharing_url: stored.accounts.iter().filter_map(by_url).collect(),
            accounts: Rows::stored(stored.accounts.into_iter().map(|one| (one.name.clone(), one))),
            agreements: Rows::stored(by_id(stored.agreements)),
            crowded: stored.crowded,
            listed: stored
                .listed
                .into_iter()
                .map(|(account, listed)| (account, by_id(listed).collect()))
                .collect(),
            foreign_below: stored.foreign_below,
            released: Rows::stored(
                stored.released.into_iter().map(|one| (one.address.clone(), one)),
            ),
            third_parties: stored.third_parties,
            contacts: stored
                .contacts
                .into_iter()
                .map(|one| (one.party.account.clone(), one))
                .collect(),
            coming: stored.coming,
            delayed: BTreeSet::new(),
            invites: stored.invites,
            epoch: stored.epoch,
            is_new_epoch: false,
        }
    }

    /// Takes over what a decision changes, so that the next message of the batch meets it; hands on
    /// the answer.
    pub fn apply(&mut self, decision: Decision) -> Answer {
        if let Answer::Fact(fact) = &decision.answer {
            let told = fact.epoch.unwrap_or_default();
            self.is_new_epoch |= told > self.epoch;
            self.epoch = self.epoch.max(told);
        }
        if let Some(account) = decision.account {
            self.put_account(*account);
        }
        if let Some(released) = decision.released {
            self.released.put(released.address.clone(), released);
        }
        for agreement in decision.agreements {
            if self.agreements.get(&agreement.agreement_id).is_none() {
                self.invites.made(&agreement.sender, agreement.at);
            }
            self.agreements.put(agreement.agreement_id.clone(), agreement);
        }
        decision.answer
    }

    /// Takes over that a registration or rename is decided, or that it waits: whether it may still
    /// bring what partners could invite by.
    pub fn settle(&mut self, brought: &[String], waits: bool) {
        for text in brought {
            if waits {
                self.coming.insert(text.clone());
                self.delayed.insert(text.clone());
            } else {
                self.coming.remove(text);
            }
        }
    }

    /// Whether a registration or rename that is on its way brings this address or sharing URL.
    #[must_use]
    pub fn is_coming(&self, text: &str) -> bool {
        self.coming.contains(text)
    }

    /// What registrations and renames bring that this batch let wait.
    #[must_use]
    pub fn delayed(&self) -> &BTreeSet<String> {
        &self.delayed
    }

    /// Which recovery of the deployment was the last: what is new begins above all before it.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// The epoch that this batch brought.
    #[must_use]
    pub fn new_epoch(&self) -> Option<Epoch> {
        self.is_new_epoch.then_some(self.epoch)
    }

    /// The invites of the last 24 hours.
    #[must_use]
    pub fn invites(&self) -> &Invites {
        &self.invites
    }

    fn put_account(&mut self, account: Account) {
        if let Some(before) = self.accounts.get(&account.name) {
            self.by_address.remove(&before.address);
        }
        self.by_address.insert(account.address.clone(), account.name.clone());
        if let Some(url) = &account.sharing_url {
            self.by_sharing_url.insert(url.clone(), account.name.clone());
        }
        if account.third_parties {
            self.third_parties = Some(account.name.clone());
        }
        self.accounts.put(account.name.clone(), account);
    }

    /// All accounts that may change, with what became of them.
    #[must_use]
    pub fn accounts(&self) -> &Rows<AccountName, Account> {
        &self.accounts
    }

    /// All agreements that may change, with what became of them.
    #[must_use]
    pub fn agreements(&self) -> &Rows<AgreementId, Agreement> {
        &self.agreements
    }

    /// The account of this name.
    #[must_use]
    pub fn account(&self, name: &AccountName) -> Option<&Account> {
        self.accounts.get(name)
    }

    /// What is told of the account of this name, also where it is only read.
    #[must_use]
    pub fn contact(&self, name: &AccountName) -> Option<Contact> {
        self.account(name).map(Account::contact).or_else(|| self.contacts.get(name).cloned())
    }

    /// The account that partners reach so.
    #[must_use]
    pub fn invitee(&self, invitee: &Invitee) -> Option<&Account> {
        match invitee {
            Invitee::Address { address } => {
                self.by_address.get(address).and_then(|name| self.account(name))
            }
            Invitee::SharingUrl { sharing_url } => self.at_url(sharing_url),
        }
    }

    /// The account that is reached at this sharing URL, as it is kept.
    #[must_use]
    pub fn at_url(&self, url: &str) -> Option<&Account> {
        self.by_sharing_url.get(url).and_then(|name| self.account(name))
    }

    /// The account that stands for third-party systems.
    #[must_use]
    pub fn third_parties(&self) -> Option<&AccountName> {
        self.third_parties.as_ref()
    }

    /// An account whose name begins with this one and `-`, and that this one does not operate.
    #[must_use]
    pub fn foreign_below(&self, operator: &AccountName) -> Option<&AccountName> {
        let is_foreign = |one: &&Account| {
            one.name.is_under(operator) && one.operated_by.as_ref() != Some(operator)
        };
        let of_batch = self.accounts.all().find(is_foreign).map(|one| &one.name);
        self.foreign_below.get(operator).or(of_batch)
    }

    /// Who gave this address up last, and when.
    #[must_use]
    pub fn released(&self, address: &str) -> Option<&Released> {
        self.released.get(&address.to_owned())
    }

    /// All addresses that were given up, with what became of them.
    #[must_use]
    pub fn released_addresses(&self) -> &Rows<String, Released> {
        &self.released
    }

    /// The agreement of this id, whosesoever.
    #[must_use]
    pub fn agreement(&self, id: &AgreementId) -> Option<&Agreement> {
        self.agreements.get(id)
    }

    /// The pending and accepted agreements of an account that is renamed; nothing when there are
    /// more than were read.
    #[must_use]
    pub fn live_agreements(&self, account: &AccountName) -> Option<Vec<&Agreement>> {
        let is_its =
            |agreement: &&Agreement| agreement.is_live() && agreement.side_of(account).is_some();
        (!self.crowded.contains(account)).then(|| self.agreements.all().filter(is_its).collect())
    }

    /// The agreements that an account is shown after `after`, in the order of their ids. What was
    /// only read is overlaid with what this batch changed or made.
    #[must_use]
    pub fn shown_agreements(
        &self,
        account: &AccountName,
        after: Option<&AgreementId>,
    ) -> Vec<&Agreement> {
        let from = (after.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded);
        let listed = self
            .listed
            .get(account)
            .into_iter()
            .flat_map(|listed| listed.range(from))
            .map(|(_, agreement)| agreement);
        let is_further =
            |agreement: &&Agreement| after.is_none_or(|after| agreement.agreement_id > *after);
        let mut shown: BTreeMap<&AgreementId, &Agreement> = BTreeMap::new();
        shown.extend(
            listed
                .chain(self.agreements.all().filter(is_further))
                .map(|agreement| (&agreement.agreement_id, agreement)),
        );
        let is_shown = |agreement: &&Agreement| {
            agreement.side_of(account).is_some_and(|side| agreement.is_shown_to(side))
        };
        shown.into_values().filter(is_shown).collect()
    }
}
