//! Rows of one table in memory.

use std::collections::{BTreeMap, BTreeSet};

/// Rows of one table, with what became of them.
#[derive(Clone, Debug)]
pub struct Rows<K, V> {
    by_key: BTreeMap<K, V>,
    new: BTreeSet<K>,
    changed: BTreeSet<K>,
}

impl<K: Ord + Clone, V> Rows<K, V> {
    pub(super) fn stored(rows: impl IntoIterator<Item = (K, V)>) -> Self {
        Self { by_key: rows.into_iter().collect(), new: BTreeSet::new(), changed: BTreeSet::new() }
    }

    /// Takes over a row as it is from now on.
    pub(super) fn put(&mut self, key: K, row: V) {
        if !self.by_key.contains_key(&key) {
            self.new.insert(key.clone());
        } else if !self.new.contains(&key) {
            self.changed.insert(key.clone());
        }
        self.by_key.insert(key, row);
    }

    /// The row of this key.
    pub(super) fn get(&self, key: &K) -> Option<&V> {
        self.by_key.get(key)
    }

    /// All rows, in key order.
    pub fn all(&self) -> impl Iterator<Item = &V> {
        self.by_key.values()
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
