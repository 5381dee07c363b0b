//! The gateway's own rows.

pub mod token;
