//! A process on record: found again by another process, never mistaken for a later one.

use std::fs;
use std::ops::ControlFlow;
use std::process::{Child, Command};
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

use crate::error::{During, Result};
use crate::wait;

/// A process by its id and the time it started: ids are used again, the pair is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// The process id.
    pub pid: i32,
    started: u64,
}

impl Process {
    /// Looks a running process up.
    #[must_use]
    pub fn find(pid: i32) -> Option<Self> {
        let (state, started) = look_up(pid)?;
        (state != 'Z').then_some(Self { pid, started })
    }

    /// Starts a command in a process group of its own, so that Ctrl-C in the terminal does not
    /// reach it, and takes note of its end in the background.
    ///
    /// # Errors
    /// When the command cannot be started.
    pub fn spawn_apart(command: &mut Command) -> Result<Self> {
        use std::os::unix::process::CommandExt;
        let what = format!("starting {}", command.get_program().display());
        let child = command.process_group(0).spawn().during(what.clone())?;
        let pid = i32::try_from(child.id()).map_err(std::io::Error::other).during(what)?;
        // Not yet waited for, so it is there even if it ended at once.
        let started = look_up(pid).map_or(0, |(_, started)| started);
        take_note_of_the_end(child);
        Ok(Self { pid, started })
    }

    /// Whether it still runs.
    #[must_use]
    pub fn is_alive(self) -> bool {
        Self::find(self.pid) == Some(self)
    }

    /// Its resident memory, in KiB (`VmRSS`, proc(5)); none when it does not run any more.
    #[must_use]
    pub fn resident(self) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid)).ok()?;
        let size = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        size.trim().trim_end_matches(" kB").trim().parse().ok()
    }

    /// Sends a signal, if it still runs.
    pub fn signal(self, signal: Signal) {
        if self.is_alive() {
            // A refusal means that it ended in between, which is what a signal is for here.
            kill(Pid::from_raw(self.pid), signal).ok();
        }
    }

    /// Sends a signal to it and to what it started, if it leads a process group and still runs.
    pub fn signal_group(self, signal: Signal) {
        if self.is_alive() {
            killpg(Pid::from_raw(self.pid), signal).ok();
        }
    }

    /// Asks it and its group to end with `signal`; kills them when the limit has passed.
    pub fn stop_group(self, signal: Signal, limit: Duration) {
        self.signal_group(signal);
        if self.wait_gone(limit).is_err() {
            self.signal_group(Signal::SIGKILL);
            self.wait_gone(Duration::from_secs(10)).ok();
        }
    }

    /// Waits until it is gone.
    ///
    /// # Errors
    /// When it still runs at the limit.
    pub fn wait_gone(self, limit: Duration) -> Result<()> {
        wait::until(&format!("process {} gone", self.pid), limit, || {
            Ok(if self.is_alive() {
                ControlFlow::Continue("it still runs".to_owned())
            } else {
                ControlFlow::Break(())
            })
        })
    }
}

/// Without this an ended child would stay in the process table as long as we run.
fn take_note_of_the_end(mut child: Child) {
    thread::spawn(move || child.wait());
}

/// State and start time from `/proc/<pid>/stat`; the command's name before them may hold anything.
fn look_up(pid: i32) -> Option<(char, u64)> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace();
    let state = fields.next()?.chars().next()?;
    let started = fields.nth(18)?.parse().ok()?;
    Some((state, started))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recorded_process_is_found_and_stopped() {
        let process = Process::spawn_apart(Command::new("sleep").arg("60")).unwrap();
        assert_eq!(Process::find(process.pid), Some(process));
        let other = Process { started: process.started + 1, ..process };
        assert!(!other.is_alive(), "a process of the same id but another start is another process");
        process.stop_group(Signal::SIGTERM, Duration::from_secs(5));
        assert!(!process.is_alive());
    }
}
