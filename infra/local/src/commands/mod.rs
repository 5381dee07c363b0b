//! The subcommands.

pub mod account;
pub mod mail_sink;
mod running;
pub mod service;
pub mod up;
pub mod with;
