//! Which comments cross which hops, and as what. Functions of values: nothing here waits, reads or
//! writes.

mod admit;
mod attachments;
mod ccs;
mod comments;
mod contents;
mod crossing;
mod draft;
mod ended;
mod first_versions;
mod limits;
mod missed;
mod notices;
mod publish;
mod recording;
mod redaction;
mod state;
mod take_over;
mod transfer;
mod unreached;
mod walk;

use std::collections::{BTreeMap, BTreeSet};

use contracts::command::DeskLimits;
use contracts::{AccountName, AgreementId};
use line::AccountBasics;

pub use ccs::{CcList, CcLists};
pub use comments::{Comments, KnownComment};
pub use draft::CommentChanges;
pub use first_versions::{ContentHash, FirstVersion, FirstVersions, VersionKey, known_before};
pub use limits::Cut;
pub(crate) use limits::subject;
pub use missed::{Missed, MissedRedactions, Overdue};
pub use redaction::{Mark, Marks};
pub use state::{ChainState, Changes, Decided, Decision};
pub use transfer::decide;

/// What accounts and agreements say that comments depend on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    /// Whether an account keeps its attachments to itself; one that was not told of yet is absent.
    pub secure_downloads: BTreeMap<AccountName, bool>,
    /// Accounts, as notices need them.
    pub accounts: BTreeMap<AccountName, AccountBasics>,
    /// Support addresses of an account's partners: it sends no mail there.
    pub no_mail_to: BTreeMap<AccountName, Vec<String>>,
    /// Agreements that end their hops.
    pub inactive: BTreeSet<AgreementId>,
    /// What desks can hold; one that can hold everything is absent.
    pub limits: BTreeMap<AccountName, DeskLimits>,
}

impl Settings {
    /// What an account's desk can hold.
    #[must_use]
    pub fn limits_of(&self, account: &AccountName) -> DeskLimits {
        self.limits.get(account).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod history;
#[cfg(test)]
mod returns;
#[cfg(test)]
pub(crate) mod samples;
