#![doc = include_str!("../README.md")]

mod entry;
mod target;
mod text;
mod trail;

pub use entry::{Entry, Timeline};
pub use target::{Target, TargetError};
pub use text::{harmless, render};
pub use trail::{Decided, Parked, Share, Told, Trail, Undelivered};
