//! The subcommands.

pub mod account;
pub mod mail_sink;
mod running;
pub mod up;
pub mod with;
