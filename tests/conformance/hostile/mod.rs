//! What one account may try against the system and against the others.
//!
//! Each row of the table is one test. It asserts how the attempt ends, that the system still
//! answers the attacker, and that the other accounts have seen nothing of it.

mod ground;
mod rogue;
mod rows;
mod wire;

mod bodies;
mod broker;
mod headers;
mod keys;
mod names;
mod others;
mod properties;
mod values;
mod volume;

pub use rows::{Attempt, all};
