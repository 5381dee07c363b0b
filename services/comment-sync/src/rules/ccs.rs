//! CC lists: each copy's own, as its desk last told it. They stay in the account; notices
//! need them.

use std::collections::{BTreeMap, BTreeSet};

use contracts::command::Cc;
use contracts::{CopyId, Timestamp};
use serde::{Deserialize, Serialize};

/// One copy's list, and which command told it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CcList {
    /// Everybody on it.
    pub ccs: Vec<Cc>,
    /// When it was told, as the desk says, but not later than it arrived; of its own changes the
    /// latest counts.
    pub occurred_at: Timestamp,
    /// The command's arrival stamp; absent where an earlier release took it in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arrival: Option<u64>,
    /// By which command.
    pub message_id: String,
}

/// The lists of a chain's copies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CcLists {
    known: BTreeMap<CopyId, CcList>,
    changed: BTreeSet<CopyId>,
}

impl CcLists {
    /// Lists as they are stored.
    #[must_use]
    pub fn stored(lists: impl IntoIterator<Item = (CopyId, CcList)>) -> Self {
        Self { known: lists.into_iter().collect(), changed: BTreeSet::new() }
    }

    /// Everybody on a copy's list.
    #[must_use]
    pub fn of(&self, copy: &CopyId) -> &[Cc] {
        self.known.get(copy).map_or(&[], |list| &list.ccs)
    }

    /// Whether a list was told after the one that is known.
    pub(super) fn is_news(&self, copy: &CopyId, list: &CcList) -> bool {
        let order = |list: &CcList| (list.occurred_at, list.arrival, list.message_id.clone());
        self.known.get(copy).is_none_or(|known| order(known) < order(list))
    }

    /// Takes a list, unless a later one is known.
    pub(super) fn tell(&mut self, copy: &CopyId, list: CcList) {
        if self.is_news(copy, &list) {
            self.known.insert(copy.clone(), list);
            self.changed.insert(copy.clone());
        }
    }

    /// Lists that differ from what is stored.
    pub fn changed(&self) -> impl Iterator<Item = (&CopyId, &CcList)> {
        self.changed.iter().filter_map(|copy| self.known.get_key_value(copy))
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::{acme_copy, noon};
    use super::*;

    fn list(names: &[&str], second: i64, message_id: &str) -> CcList {
        let cc = |name: &&str| Cc { name: (*name).into(), email: format!("{name}@acme.example") };
        CcList {
            ccs: names.iter().map(cc).collect(),
            occurred_at: noon().plus_seconds(second),
            arrival: None,
            message_id: message_id.into(),
        }
    }

    #[test]
    fn r_25_the_list_told_last_counts_in_whatever_order_they_come() {
        let (first, second, third) =
            (list(&["a"], 1, "m2"), list(&["b"], 1, "m3"), list(&[], 2, "m1"));
        for order in
            [[&first, &second, &third], [&third, &first, &second], [&second, &third, &first]]
        {
            let mut lists = CcLists::default();
            for told in order {
                lists.tell(&acme_copy(), told.clone());
            }
            assert_eq!(lists.of(&acme_copy()), []);
        }
        let stamped = |list: &CcList, arrival| CcList { arrival: Some(arrival), ..list.clone() };
        let mut lists = CcLists::stored([(acme_copy(), stamped(&second, 1))]);
        lists.tell(&acme_copy(), stamped(&first, 2));
        assert_eq!(lists.of(&acme_copy()), first.ccs, "of one moment the one that arrived last");
        let mut lists = CcLists::stored([(acme_copy(), second.clone())]);
        lists.tell(&acme_copy(), first);
        assert_eq!((lists.of(&acme_copy()), lists.changed().count()), (&second.ccs[..], 0));
    }
}
