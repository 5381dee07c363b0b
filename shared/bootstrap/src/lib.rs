#![doc = include_str!("../README.md")]

mod address;
mod command;
mod config;
mod context;
mod database;
mod describe;
mod health;
mod lifecycle;
mod metrics;
mod migrations;
mod parked;
mod process;
mod seal;
mod serve;
mod telemetry;
mod trace;

use std::future::Future;
use std::process::ExitCode;

use contracts::topology::Service;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::migrate::Migrator;

pub use self::config::{
    ConfigError, Fraction, GuardedListener, Listener, NoKeys, Secret, Within, load_own, public_url,
};
pub use self::context::Context;
pub use self::lifecycle::Tasks;
pub use self::seal::Seal;
pub use self::serve::{Tls, serve};
pub use messaging::{Question, Trailing, trailing};

/// The services spend a quarter of their time on memory; this allocator halves it.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// A service as a process: data, no logic.
#[derive(Clone, Copy, Debug)]
pub struct Process<Start> {
    /// Which of the services it is; its name is the name of the program.
    pub service: Service,
    /// The service's own default file, compiled in; it may be empty.
    pub default_config: &'static str,
    /// The service's own tables, with versions from 1000; the runtime's come before them.
    pub migrations: &'static Migrator,
    /// Answers what the service knows of a ticket: [`messaging::trailing`] of the service.
    pub trailing: Trailing,
    /// Builds the service and runs it until the context's shutdown token is cancelled.
    pub start: Start,
}

/// Parses the command line and does what it says; returns the exit code.
///
/// 0: done, or stopped as asked. 1: failed, or the stop took too long. 2: command line or
/// configuration cannot be used.
pub fn main<C, Start, Running>(process: Process<Start>) -> ExitCode
where
    C: DeserializeOwned + Serialize + Send + 'static,
    Start: FnOnce(Context<C>) -> Running + Send + 'static,
    Running: Future<Output = anyhow::Result<()>> + Send + 'static,
{
    // First of all: also a command that a person gives may have its output kept somewhere.
    telemetry::log_panics();
    command::execute(process)
}
