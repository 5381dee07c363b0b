//! The gateway's own rows.

pub mod file;
pub mod token;
pub mod webhook;
