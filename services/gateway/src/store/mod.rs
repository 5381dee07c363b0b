//! The gateway's own rows.

pub mod delivery;
pub mod token;
pub mod webhook;
