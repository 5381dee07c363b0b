//! Accounts that the slots treat otherwise for a while. The database says which; it is looked at
//! once a second. Nearly always none, and then they cost nothing.

use std::collections::BTreeSet;
use std::sync::{PoisonError, RwLock, RwLockWriteGuard};

/// Their names, as the slots see them.
#[derive(Debug)]
pub(crate) struct MarkedAccounts {
    gauge: &'static str,
    known: RwLock<Known>,
}

#[derive(Debug, Default)]
struct Known {
    names: BTreeSet<String>,
    /// Those that were marked since the last look began, which may have been too early to see them.
    since_look: BTreeSet<String>,
}

impl MarkedAccounts {
    /// None. How many they are, the gauge says.
    pub fn counted_by(gauge: &'static str) -> Self {
        Self { gauge, known: RwLock::default() }
    }

    pub fn has(&self, account: &str) -> bool {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        !known.names.is_empty() && known.names.contains(account)
    }

    /// They are marked from now on.
    pub fn mark<'a>(&self, accounts: impl Iterator<Item = &'a str>) {
        let mut known = self.known();
        for account in accounts {
            known.names.insert(account.to_owned());
            known.since_look.insert(account.to_owned());
        }
    }

    /// The database is looked at.
    pub fn look_begins(&self) {
        self.known().since_look.clear();
    }

    /// What the database said.
    pub fn are(&self, mut names: BTreeSet<String>) {
        let mut known = self.known();
        names.extend(known.since_look.iter().cloned());
        #[expect(clippy::cast_precision_loss, reason = "a gauge")]
        metrics::gauge!(self.gauge).set(names.len() as f64);
        known.names = names;
    }

    fn known(&self) -> RwLockWriteGuard<'_, Known> {
        self.known.write().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_marked_while_the_database_is_looked_at_stays() {
        let marked = MarkedAccounts::counted_by("tested");
        marked.mark(["acme"].into_iter());
        assert!(marked.has("acme") && !marked.has("globex"));
        marked.look_begins();
        marked.mark(["globex"].into_iter());
        marked.are(BTreeSet::from(["umbrella".to_owned()]));
        assert_eq!(["acme", "globex", "umbrella"].map(|it| marked.has(it)), [false, true, true]);
        marked.look_begins();
        marked.are(BTreeSet::new());
        assert!(!marked.has("globex"));
    }
}
