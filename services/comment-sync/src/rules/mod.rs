//! Which comments cross which hops, and as what. Functions of values: nothing here waits, reads or writes.

mod admit;
mod attachments;
mod comments;
mod crossing;
mod recording;
mod take_over;
mod transfer;

use std::collections::{BTreeMap, BTreeSet};

use contracts::{AccountName, AgreementId};

pub use comments::{Comments, KnownComment};
pub use transfer::{ChainState, Decided, decide};

/// What accounts and agreements say that comments depend on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Whether an account keeps its attachments to itself; one that was not told of yet is absent.
    pub secure_downloads: BTreeMap<AccountName, bool>,
    /// Agreements that end their hops.
    pub inactive: BTreeSet<AgreementId>,
}

#[cfg(test)]
mod history;
#[cfg(test)]
mod samples;
