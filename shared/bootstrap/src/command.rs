//! The command line: `run`, `migrate`, `config`, `describe`, and for operators `parked` and
//! `replay`.

mod listing;
mod operator;
mod parked;
mod replay;
mod table;
mod trace;
mod watch;

use std::future::Future;
use std::io::Write;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::config::{self, ConfigError, Loaded};
use crate::database::Database;
use crate::{Context, Process, describe, migrations, process};
use operator::Operator;

/// Messages a second that an operator sends, where nothing else is asked for.
const DEFAULT_RATE: NonZeroU32 = NonZeroU32::new(50).expect("not zero");

#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true)]
struct Line {
    /// A TOML file with keys that differ from their defaults
    #[arg(long, global = true, value_name = "PATH")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Consume messages until SIGTERM or SIGINT
    Run {
        /// Apply missing migrations first; without it, wait until somebody did
        #[arg(long)]
        migrate: bool,
    },
    /// Apply missing migrations and end
    Migrate,
    /// Print the configuration in force, secrets hidden
    Config,
    /// Print what this service accepts, sends, stores and can be configured with; needs no broker
    /// and no database
    Describe,
    /// List, show, replay and discard messages that were set aside for a person
    #[command(subcommand)]
    Parked(parked::Parked),
    /// Tell what became of a ticket, a share, an agreement or a command, as far as this service
    /// knows
    Trace(trace::Trace),
    /// Log every message that names an agreement, a share or a ticket, for a while
    #[command(subcommand)]
    Watch(watch::Watch),
    /// Send stored outputs again after a broker was lost; receivers drop what they had
    Replay(replay::Replay),
}

/// Parses the command line and carries it out. Exit code 2 stands for a configuration that cannot
/// be used.
pub(crate) fn execute<C, Start, Running>(process: Process<Start>) -> ExitCode
where
    C: DeserializeOwned + Serialize + Send + 'static,
    Start: FnOnce(Context<C>) -> Running + Send + 'static,
    Running: Future<Output = anyhow::Result<()>> + Send + 'static,
{
    let name = process.service.name();
    let matches = Line::command().name(name).bin_name(name).get_matches();
    let line = Line::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    carry_out(process, line).unwrap_or_else(|error| {
        eprintln!("{name}: {}", messaging::cause(error.as_ref()));
        if error.is::<ConfigError>() { ExitCode::from(2) } else { ExitCode::FAILURE }
    })
}

fn carry_out<C, Start, Running>(process: Process<Start>, line: Line) -> anyhow::Result<ExitCode>
where
    C: DeserializeOwned + Serialize + Send + 'static,
    Start: FnOnce(Context<C>) -> Running + Send + 'static,
    Running: Future<Output = anyhow::Result<()>> + Send + 'static,
{
    let name = process.service.name();
    let migrator = migrations::migrator(process.migrations);
    let load = || -> Result<Loaded<C>, ConfigError> {
        config::load(process.default_config, line.config.as_deref(), environment())
    };
    let text = match line.command {
        Command::Run { migrate } => {
            let loaded = load()?;
            return process::run(process, loaded, migrator, migrate);
        }
        Command::Migrate => {
            let database = Database::new(name, &load()?.common)?;
            let applied = process::runtime()?.block_on(database.migrate(&migrator))?;
            format!("{name}: schema is current, {applied} migrations applied now\n")
        }
        Command::Config => config::in_force(&load()?)?,
        Command::Describe => {
            describe::describe(process.service, process.default_config, &migrator)?
        }
        Command::Parked(command) => {
            let common = load()?.common;
            return process::runtime()?.block_on(async {
                parked::execute(&Operator::new(process.service, common)?, command).await
            });
        }
        Command::Trace(command) => {
            let common = load()?.common;
            return process::runtime()?.block_on(async {
                trace::execute(&Operator::new(process.service, common)?, process.trailing, command)
                    .await
            });
        }
        Command::Watch(command) => {
            let common = load()?.common;
            return process::runtime()?.block_on(async {
                watch::execute(&Operator::new(process.service, common)?, command).await
            });
        }
        Command::Replay(command) => {
            let common = load()?.common;
            return process::runtime()?.block_on(async {
                replay::execute(&Operator::new(process.service, common)?, command).await
            });
        }
    };
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

/// Reads `50` or `50/s`.
fn rate(text: &str) -> Result<NonZeroU32, String> {
    let number = text.strip_suffix("/s").unwrap_or(text);
    number.parse().map_err(|_| format!("{text:?} is no whole number of messages a second, from 1"))
}

/// Reads the environment, the only place that does. Lossy only for names and values that no key can
/// have.
fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os().map(|(name, value)| {
        (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned())
    })
}
