//! The program's commands: what they are asked for, and what they print.

pub mod account;
pub mod canary;
pub mod certify;
pub mod reach;
pub mod recover;
pub mod service;
pub mod watch;
