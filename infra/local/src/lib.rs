#![doc = include_str!("../README.md")]

mod address;
pub mod broker;
pub mod database;
pub mod error;
pub mod mail_sink;
pub mod packages;
pub mod ports;
pub mod process;
pub mod provision;
pub mod registration;
pub mod secret;
pub mod servers;
pub mod services;
pub mod state;
pub mod wait;

pub use broker::Broker;
pub use database::Database;
pub use error::{Error, Result};
pub use mail_sink::{Mail, MailSink};
pub use provision::{AccountAccess, Installation};
pub use registration::register;
pub use secret::Passwords;
pub use servers::{Ending, Server, Servers};
pub use services::{Fleet, Instance};
