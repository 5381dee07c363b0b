//! `deskmesh-local`: what `make up`, `make account`, `make test` and `make down` call.

mod commands;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};
use contracts::command::AccountKind;
use contracts::topology::Service;

/// Private servers, accounts and service processes of one clone.
#[derive(Parser)]
#[command(version, name = "deskmesh-local")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Start servers, mail sink and the five services, and leave them running.
    Up,
    /// Stop everything that `up` started; data stay.
    Down,
    /// Say what runs.
    Status,
    /// Make an account: broker user, rights, desk queue, registration.
    Account {
        /// The account's name, also of its broker user.
        name: String,
        /// What kind of desk it has.
        #[arg(long, value_enum, default_value = "connected")]
        kind: Kind,
        /// How it calls itself; its name when left out.
        #[arg(long)]
        display_name: Option<String>,
        /// The edge that keeps it: then NAME is its address, and a token is printed.
        #[arg(long, value_enum)]
        via: Option<commands::account::Edge>,
    },
    /// Run one of a service's commands on what `up` started: `service comment-sync parked summary`.
    Service {
        /// The service.
        name: Service,
        /// Its command and arguments.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
        arguments: Vec<String>,
    },
    /// Run a command with servers of its own, and remove them afterwards.
    With {
        /// Folder of the servers; `target/test-servers` when left out.
        #[arg(long)]
        dir: Option<PathBuf>,
        /// The command and its arguments.
        #[arg(last = true, required = true)]
        command: Vec<OsString>,
    },
    /// Print where Chromium is, after installing it where it is not and this user may.
    Chromium,
    /// Take mails by SMTP and write each to a file.
    MailSink {
        /// Address to listen on.
        #[arg(long)]
        listen: String,
        /// Folder for the mails.
        #[arg(long)]
        dir: PathBuf,
    },
}

#[derive(Clone, Copy, ValueEnum)]
enum Kind {
    #[value(name = "connected")]
    Connected,
    #[value(name = "hosted")]
    Hosted,
    #[value(name = "third_party")]
    ThirdParty,
}

impl From<Kind> for AccountKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Connected => Self::Connected,
            Kind::Hosted => Self::Hosted,
            Kind::ThirdParty => Self::ThirdParty,
        }
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Up => commands::up::up().await,
        Command::Down => commands::up::down(),
        Command::Status => commands::up::status(),
        Command::Account { name, kind, display_name, via } => {
            commands::account::account(name, kind.into(), display_name, via).await
        }
        Command::Service { name, arguments } => commands::service::service(name, &arguments),
        Command::With { dir, command } => commands::with::with(dir, command).await,
        Command::Chromium => commands::chromium::chromium(),
        Command::MailSink { listen, dir } => commands::mail_sink::mail_sink(&listen, &dir).await,
    };
    outcome.unwrap_or_else(|failed| {
        eprintln!("deskmesh-local: {failed:#}");
        ExitCode::FAILURE
    })
}
