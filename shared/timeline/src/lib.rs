#![doc = include_str!("../README.md")]

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
pub use filter::{Filter, MOST, since};
pub use finding::Finding;
pub use target::{Target, TargetError};
pub use text::{harmless, render};
pub use trail::{Decided, Parked, Share, Told, Trail, Undelivered};
