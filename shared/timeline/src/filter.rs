//! Less of a story: what failed, what is new, so many commands.

use std::collections::{BTreeMap, BTreeSet};
use std::time::SystemTime;

use chrono::{DateTime, Utc};
use contracts::Timestamp;

use crate::entry::Timeline;
use crate::target::Target;

/// Which part of a story is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TimelineFilter {
    /// Only commands of which something did not cross, was refused, waits or is set aside.
    pub failed: bool,
    /// Only what happened from then on.
    pub since: Option<Timestamp>,
    /// So many commands, the newest, and so many findings; all when absent.
    pub most: Option<usize>,
}

/// Commands that are told where nothing else is asked for.
pub const MOST: usize = 10;

impl TimelineFilter {
    /// The filter of a command line or a query, where `limit` 0 stands for all.
    #[must_use]
    pub fn of(failed: bool, since: Option<Timestamp>, limit: Option<usize>) -> Self {
        let limit = limit.unwrap_or(MOST);
        Self { failed, since, most: (limit > 0).then_some(limit) }
    }
}

/// Reads a moment, RFC 3339 or so long before `now`: `90s`, `10m`, `2h`, `3d`.
///
/// # Errors
/// A sentence when it is neither.
pub fn since(text: &str, now: SystemTime) -> Result<Timestamp, String> {
    let now = DateTime::<Utc>::from(now);
    let ago = || {
        let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
        let seconds = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 60 * 60,
            "d" => 24 * 60 * 60,
            _ => return None,
        };
        let seconds = number.parse::<u32>().ok().map(i64::from)? * seconds;
        now.checked_sub_signed(chrono::Duration::try_seconds(seconds)?)
    };
    ago().map(Timestamp::from).or_else(|| Timestamp::parse(text).ok()).ok_or_else(|| {
        format!(
            "{text:?} is neither so long ago, such as 2h, nor a time such as 2026-03-01T10:00:00Z"
        )
    })
}

impl Timeline {
    /// The part of the story that `filter` asks for. Services that only passed a command on are
    /// told of where one command is asked for, and where it went no further.
    #[must_use]
    pub fn narrowed(mut self, filter: &TimelineFilter) -> Self {
        if let Some(since) = filter.since {
            self.since = Some(since);
            self.entries.retain(|entry| entry.at >= since);
            self.missing.retain(|found| found.at >= since);
            self.sent.retain(|(_, at)| *at >= since);
            self.count_queued();
        }
        self.commands = self.roots().len();
        if filter.failed {
            let failed: BTreeSet<_> =
                self.missing.iter().filter_map(|found| found.command.clone()).collect();
            self.entries.retain(|entry| {
                entry.open || entry.command.as_ref().is_some_and(|root| failed.contains(root))
            });
        }
        if !matches!(self.target, Target::Message(_)) {
            self.leave_out_stations();
        }
        if let Some(most) = filter.most {
            self.keep_newest(most);
        }
        self
    }

    /// The commands, each with when something happened to it last.
    pub(crate) fn roots(&self) -> BTreeMap<String, Timestamp> {
        let mut roots = BTreeMap::new();
        for entry in &self.entries {
            if let Some(root) = &entry.command {
                let last = roots.entry(root.clone()).or_insert(entry.at);
                *last = entry.at.max(*last);
            }
        }
        roots
    }

    fn leave_out_stations(&mut self) {
        let mut last = BTreeMap::new();
        for (index, entry) in self.entries.iter().enumerate() {
            last.insert(entry.command.clone(), index);
        }
        let mut index = 0;
        self.entries.retain(|entry| {
            let is_last = last.get(&entry.command) == Some(&index);
            index += 1;
            is_last || entry.open || !entry.accounts.is_empty()
        });
    }

    fn keep_newest(&mut self, most: usize) {
        let mut roots: Vec<(Timestamp, String)> =
            self.roots().into_iter().map(|(root, last)| (last, root)).collect();
        roots.sort();
        self.left_out = roots.len().saturating_sub(most);
        let kept: BTreeSet<String> = roots.drain(self.left_out..).map(|(_, root)| root).collect();
        let first = self
            .entries
            .iter()
            .filter(|entry| entry.command.as_ref().is_some_and(|root| kept.contains(root)))
            .map(|entry| entry.at)
            .min();
        let all = self.left_out == 0;
        self.entries.retain(|entry| match &entry.command {
            Some(root) => kept.contains(root),
            None => entry.open || all || first.is_some_and(|first| entry.at >= first),
        });
        self.missing_left_out = self.missing.len().saturating_sub(most);
        self.missing.drain(..self.missing_left_out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_a_time_or_so_long_ago() {
        let now = SystemTime::from(Timestamp::parse("2026-03-01T10:00:00Z").unwrap().utc());
        for (text, expected) in [
            ("90s", "2026-03-01T09:58:30.000Z"),
            ("10m", "2026-03-01T09:50:00.000Z"),
            ("2h", "2026-03-01T08:00:00.000Z"),
            ("3d", "2026-02-26T10:00:00.000Z"),
            ("2026-03-01T11:00:00+02:00", "2026-03-01T09:00:00.000Z"),
        ] {
            assert_eq!(since(text, now).unwrap().to_string(), expected, "{text}");
        }
        for wrong in ["", "h", "2", "2 h", "-2h", "2w", "ä", "yesterday", "10:00"] {
            assert!(since(wrong, now).is_err(), "{wrong}");
        }
    }
}
