//! Who sends so much at once that others would wait behind it. Pure.

use std::collections::BTreeMap;

/// What a command of few bytes costs, and so many bytes more.
const BYTES_OF_ONE: usize = 16 * 1024;
/// An account may send so many commands at once in any case.
const BURST: usize = 32;

/// What accounts have sent since the queue last had no more than one batch.
#[derive(Debug, Default)]
pub(crate) struct Backlog {
    costs: BTreeMap<String, usize>,
}

impl Backlog {
    /// Adds a batch: of each command the account and the bytes. `is_full` says whether more waits
    /// in the queue. Returns the accounts that flood it: each has sent more than a quarter of all
    /// that lately came, and more than a quarter of `batch_size` commands.
    pub fn add<'a>(
        &mut self,
        commands: impl Iterator<Item = (&'a str, usize)>,
        is_full: bool,
        batch_size: usize,
    ) -> Vec<String> {
        if !is_full {
            self.costs.clear();
            return Vec::new();
        }
        for (account, bytes) in commands {
            *self.costs.entry(account.to_owned()).or_default() += 1 + bytes / BYTES_OF_ONE;
        }
        let all: usize = self.costs.values().sum();
        let least = (batch_size / 4).max(BURST).max(all / 4);
        let flooding = self.costs.iter().filter(|(_, cost)| **cost > least);
        let flooding = flooding.map(|(account, _)| account.clone()).collect();
        // What came long ago counts for less and less.
        if all > batch_size * 4 {
            self.costs.values_mut().for_each(|cost| *cost /= 2);
            self.costs.retain(|_, cost| *cost > 0);
        }
        flooding
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: usize = 300;
    const LARGE: usize = 512 * 1024;

    fn batch(parts: &[(&'static str, usize)], bytes: usize) -> Vec<(&'static str, usize)> {
        let times = |(account, count): &(&'static str, usize)| vec![(*account, bytes); *count];
        parts.iter().flat_map(times).collect()
    }

    #[test]
    fn who_has_more_than_a_quarter_of_a_full_batch_floods() {
        for (parts, is_full, flooding) in [
            (&[("acme", 256)][..], true, &["acme"][..]),
            (&[("acme", 256)], false, &[]),
            (&[("acme", 65), ("b", 64), ("c", 64), ("d", 63)], true, &["acme"]),
            (&[("acme", 64), ("b", 64), ("c", 64), ("d", 64)], true, &[]),
            (&[("acme", 128), ("globex", 128)], true, &["acme", "globex"]),
            (&[], true, &[]),
        ] {
            let batch = batch(parts, SMALL);
            let found = Backlog::default().add(batch.into_iter(), is_full, 256);
            assert_eq!(found, flooding, "{parts:?}");
        }
    }

    #[test]
    fn few_large_commands_are_as_much_as_many_small_ones() {
        let mut backlog = Backlog::default();
        let one = batch(&[("acme", 1)], LARGE);
        assert!(backlog.add(one.iter().copied(), true, 256).is_empty());
        assert_eq!(backlog.add(one.iter().copied(), true, 256), ["acme"]);
        assert!(backlog.add(one.iter().copied(), false, 256).is_empty(), "nobody waits");
        assert!(backlog.add(one.iter().copied(), true, 256).is_empty(), "and that is forgotten");
    }

    #[test]
    fn a_batch_of_one_is_no_flood() {
        let mut backlog = Backlog::default();
        let one = [("acme", SMALL)];
        let first = (0..40).find(|_| !backlog.add(one.into_iter(), true, 1).is_empty());
        assert_eq!(first, None, "what came long ago is forgotten");
    }

    #[test]
    fn many_who_send_alike_flood_nobody_however_long_it_takes() {
        let mut backlog = Backlog::default();
        let names: Vec<String> = (0..10).map(|number| format!("desk-{number}")).collect();
        for _ in 0..100 {
            let batch = names.iter().flat_map(|name| vec![(name.as_str(), SMALL); 25]);
            assert!(backlog.add(batch, true, 256).is_empty());
        }
        let all: usize = backlog.costs.values().sum();
        assert!(all <= 4 * 256 + 256, "{all}");
    }
}
