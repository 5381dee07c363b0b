#![doc = include_str!("../README.md")]

mod calls;
mod entry;
mod filter;
mod finding;
mod target;
#[cfg(test)]
mod tests;
mod text;
mod trail;
mod waiting;

pub use entry::{DeskQueue, Entry, Queued, Timeline};
pub use filter::{MOST, TimelineFilter, since};
pub use finding::{Finding, Kind};
pub use target::{Target, TargetError};
pub use text::{harmless, left_account, queues, render, verdict};
pub use trail::{CallOutcome, Decided, EdgeCall, Parked, SentMessage, Share, Trail, Undelivered};
