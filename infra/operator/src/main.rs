//! `deskmesh-operator`.

mod commands;
mod console;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use commands::account::AccountCommand;
use commands::canary::CanaryArgs;
use commands::certify::CertifyArgs;
use commands::recover::RecoverArgs;
use commands::service::ServiceCommand;
use commands::watch::{ServeArgs, TraceArgs};
use commands::{account, canary, certify, recover, service, watch};

/// What whoever operates a deployment does to it and asks of it.
#[derive(Parser)]
#[command(name = "deskmesh-operator", version, arg_required_else_help = true)]
struct Line {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Let a help desk in, take it out, give it another password, look at it
    #[command(subcommand)]
    Account(AccountCommand),
    /// Give a service another password
    #[command(subcommand)]
    Service(ServiceCommand),
    /// Play one round of the canary: share, comment, unshare
    Canary(CanaryArgs),
    /// Play a partner against somebody's desk, and say what the desk does wrong
    Certify(CertifyArgs),
    /// After the database was restored: bring what desks hold and what is held here together again
    Recover(RecoverArgs),
    /// Tell what became of a ticket, a share, an agreement or a command
    Trace(TraceArgs),
    /// Serve the operator's console: pages in a browser, and /trace/acme/4711 for programs
    Serve(ServeArgs),
}

fn main() -> ExitCode {
    match carry_out(Line::parse().command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("deskmesh-operator: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn carry_out(command: Command) -> anyhow::Result<ExitCode> {
    let runtime = || tokio::runtime::Builder::new_multi_thread().enable_all().build();
    match command {
        Command::Account(command) => runtime()?.block_on(account::carry_out(command)),
        Command::Service(command) => service::carry_out(&command),
        Command::Canary(given) => runtime()?.block_on(canary::carry_out(&given)),
        Command::Certify(given) => runtime()?.block_on(certify::carry_out(given)),
        Command::Recover(given) => runtime()?.block_on(recover::carry_out(&given)),
        Command::Trace(given) => watch::tell(given),
        Command::Serve(given) => runtime()?.block_on(watch::serve(given)),
    }
}
