#![doc = include_str!("../README.md")]

pub mod browser;
pub mod certificates;
pub mod database;
pub mod edges;
pub mod error;
pub mod mail_sink;
pub mod packages;
pub mod playground;
pub mod ports;
pub mod process;
pub mod provision;
pub mod secret;
pub mod servers;
pub mod services;
pub mod state;
pub mod test_environment;
pub mod wait;

pub use certificates::Certificates;
pub use database::Database;
pub use error::{Error, Result};
pub use mail_sink::{Mail, MailSink};
pub use operator::{Broker, register};
pub use provision::{AccountAccess, Installation};
pub use secret::Passwords;
pub use servers::{Ending, Server, Servers};
pub use services::{Fleet, Instance};
pub use test_environment::TestEnvironment;
