//! Rows of the database ↔ what the rules know.

pub mod due;
pub mod notice;
