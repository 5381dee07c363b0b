//! The subcommands.

pub mod account;
pub mod chromium;
pub mod mail_sink;
mod running;
pub mod service;
mod shell;
pub mod up;
pub mod with;
