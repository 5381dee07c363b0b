//! Against real servers: those of the environment, or private ones.

#![expect(clippy::unwrap_used, reason = "what helps a test fails with it")]

mod account;
mod canary;
mod certify;
mod console;
mod console_accounts;
mod console_parked;
mod recover;
mod site;
