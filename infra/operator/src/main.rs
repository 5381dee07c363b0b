//! `deskmesh-operator`.

use std::net::SocketAddr;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use operator::trace::{Services, serve, trace};
use timeline::{Target, render};

/// What whoever operates a deployment asks of it.
#[derive(Parser)]
#[command(name = "deskmesh-operator", version, arg_required_else_help = true)]
struct Line {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Tell what became of a ticket, a share, an agreement or a command
    Trace {
        /// account/number of a ticket, or: share ID, agreement ID, message account/message_id
        #[arg(required = true, num_args = 1..=2, value_name = "WHAT")]
        what: Vec<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        services: ServicesArgs,
    },
    /// Answer the same over HTTP, for people inside: /trace/acme/4711
    Serve {
        /// Where
        #[arg(long, default_value = "127.0.0.1:9099", value_name = "ADDRESS")]
        listen: SocketAddr,
        #[command(flatten)]
        services: ServicesArgs,
    },
}

#[derive(Args)]
struct ServicesArgs {
    /// Where each service answers, any replica: share-dispatcher=http://host:9090,comment-sync=…
    #[arg(long, env = "DESKMESH_SERVICES", value_name = "LIST")]
    services: Services,
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
    match command {
        Command::Trace { what, json, services } => {
            let target = match Target::of_words(&what) {
                Ok(target) => target,
                Err(error) => {
                    eprintln!("deskmesh-operator: {error}");
                    return Ok(ExitCode::from(2));
                }
            };
            let timeline = trace(&services.services, &target);
            if json {
                println!("{}", serde_json::to_string_pretty(&timeline)?);
            } else {
                print!("{}", render(&timeline));
            }
            // Half an answer is printed, and told by the code.
            Ok(if timeline.gaps.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        Command::Serve { listen, services } => {
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
            runtime.block_on(serve(listen, services.services))?;
            Ok(ExitCode::SUCCESS)
        }
    }
}
