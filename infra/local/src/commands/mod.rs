//! The subcommands.

pub mod account;
pub mod chromium;
mod console;
pub mod mail_sink;
mod running;
pub mod service;
mod shell;
pub mod up;
pub mod with;
