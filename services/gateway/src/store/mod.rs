//! The gateway's own rows.

pub mod file;
pub mod token;
