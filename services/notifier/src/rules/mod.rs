//! What is told to whom, and what is not: functions of values.

pub mod comment;
pub mod language;
pub mod notice;
pub mod page;
pub mod suppression;
pub mod wording;

#[cfg(test)]
pub(crate) mod samples;
