#![doc = include_str!("../README.md")]

pub mod account;
pub mod address;
pub mod broker;
pub mod canary;
pub mod certify;
pub mod deployment;
mod desk;
pub mod edge;
pub mod error;
pub mod recovery;
pub mod registration;
pub mod secret;
pub mod trace;
pub mod wait;

pub use broker::{Broker, QueueSettings};
pub use deployment::Deployment;
pub use error::{Error, Result};
pub use registration::register;
