//! Who used the processors: from `/proc`, in microseconds, by part of the system.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result};

/// The kernel's clock ticks a second, as `/proc` counts them on Linux (`USER_HZ`).
const TICKS: u64 = 100;

/// A part of the system, with the processes that it consists of.
pub type Parts = BTreeMap<&'static str, Vec<i32>>;

/// What was used so far.
#[derive(Clone, Debug, Default)]
pub struct Used {
    /// By part of the system.
    pub parts: BTreeMap<&'static str, Duration>,
    /// By everything on the machine.
    pub machine: Duration,
}

impl Used {
    /// Reads what was used up to now. A process counts with the children that it has now, as the
    /// database's do, but for those that are a part of their own.
    ///
    /// # Errors
    /// When `/proc` cannot be read.
    pub fn now(parts: &Parts) -> Result<Self> {
        let processes = processes()?;
        let is_listed = |pid: i32| parts.values().any(|pids| pids.contains(&pid));
        let used = |pids: &Vec<i32>| {
            let is_own = |process: &&Stat| {
                pids.contains(&process.pid)
                    || (pids.contains(&process.parent) && !is_listed(process.pid))
            };
            let own = processes.iter().filter(is_own);
            ticks(own.map(|process| process.ticks).sum())
        };
        Ok(Self {
            parts: parts.iter().map(|(name, pids)| (*name, used(pids))).collect(),
            machine: machine()?,
        })
    }

    /// What was used since `earlier`.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let part = |(name, used): (&&'static str, &Duration)| {
            (*name, used.saturating_sub(earlier.parts.get(*name).copied().unwrap_or_default()))
        };
        Self {
            parts: self.parts.iter().map(part).collect(),
            machine: self.machine.saturating_sub(earlier.machine),
        }
    }

    /// By all parts of the system together.
    #[must_use]
    pub fn system(&self) -> Duration {
        self.parts.values().sum()
    }

    /// By others, who should not be there.
    #[must_use]
    pub fn foreign(&self) -> Duration {
        self.machine.saturating_sub(self.system())
    }
}

struct Stat {
    pid: i32,
    parent: i32,
    ticks: u64,
}

fn processes() -> Result<Vec<Stat>> {
    let folders = std::fs::read_dir("/proc").context("reading /proc")?.flatten();
    let pids = folders.filter_map(|folder| folder.file_name().to_str()?.parse::<i32>().ok());
    Ok(pids.filter_map(stat).collect())
}

/// `/proc/PID/stat` (proc(5)); none when the process has ended meanwhile.
fn stat(pid: i32) -> Option<Stat> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name before it may hold anything.
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let number = |index: usize| fields.get(index)?.parse::<u64>().ok();
    // Of itself, and of children that have ended.
    let ticks = number(11)? + number(12)? + number(13)? + number(14)?;
    Some(Stat { pid, parent: fields.get(1)?.parse().ok()?, ticks })
}

fn machine() -> Result<Duration> {
    let text = std::fs::read_to_string("/proc/stat").context("reading /proc/stat")?;
    let line = text.lines().next().unwrap_or_default();
    let fields: Vec<u64> =
        line.split_whitespace().skip(1).filter_map(|field| field.parse().ok()).collect();
    // user, nice, system, irq, softirq; not idle and waiting.
    Ok(ticks([0, 1, 2, 5, 6].into_iter().filter_map(|index| fields.get(index)).sum()))
}

fn ticks(count: u64) -> Duration {
    Duration::from_micros(count * 1_000_000 / TICKS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_this_process_uses_is_seen() {
        let parts: Parts = [("this", vec![i32::try_from(std::process::id()).unwrap()])].into();
        let before = Used::now(&parts).unwrap();
        let mut sum = 0_u64;
        let until = std::time::Instant::now() + Duration::from_millis(200);
        while std::time::Instant::now() < until {
            sum = sum.wrapping_add(1);
        }
        let used = Used::now(&parts).unwrap().since(&before);
        assert!(sum > 0 && used.system() >= Duration::from_millis(50), "{used:?}");
        assert!(used.machine + apart() >= used.system(), "{used:?}");
    }

    /// Machine and processes are counted in ticks of their own, so they may differ by one of every
    /// processor.
    fn apart() -> Duration {
        ticks(std::thread::available_parallelism().unwrap().get() as u64)
    }

    #[test]
    fn a_child_that_is_a_part_of_its_own_counts_once() {
        let mut child =
            std::process::Command::new("sh").args(["-c", "while :; do :; done"]).spawn().unwrap();
        let parts: Parts = [
            ("this", vec![i32::try_from(std::process::id()).unwrap()]),
            ("child", vec![i32::try_from(child.id()).unwrap()]),
        ]
        .into();
        let before = Used::now(&parts).unwrap();
        let begun = std::time::Instant::now();
        let used = loop {
            let used = Used::now(&parts).unwrap().since(&before);
            if used.parts["child"] >= Duration::from_millis(200)
                || begun.elapsed() > Duration::from_secs(20)
            {
                break used;
            }
            std::thread::yield_now();
        };
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(used.parts["child"] >= Duration::from_millis(200), "{used:?}");
        assert!(used.machine + apart() >= used.system(), "{used:?}");
    }
}
