//! `trace` and `serve`: what became of a thing.

use std::net::SocketAddr;
use std::process::ExitCode;

use clap::Args;
use operator::trace::{self, Services};
use timeline::{Target, render};

/// Which thing, and how it is told.
#[derive(Args)]
pub struct TraceArgs {
    /// account/number of a ticket, or: share ID, agreement ID, message account/id
    #[arg(required = true, num_args = 1..=2, value_name = "WHAT")]
    what: Vec<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    services: ServicesArgs,
}

/// Where it is told.
#[derive(Args)]
pub struct ServeArgs {
    /// Where
    #[arg(long, default_value = "127.0.0.1:9099", value_name = "ADDRESS")]
    listen: SocketAddr,
    #[command(flatten)]
    services: ServicesArgs,
}

#[derive(Args)]
struct ServicesArgs {
    /// Where each service answers, any replica: share-dispatcher=http://host:9090,comment-sync=…
    #[arg(long, env = "DESKMESH_SERVICES", value_name = "LIST")]
    services: Services,
}

/// Tells it once.
pub fn tell(given: &TraceArgs) -> anyhow::Result<ExitCode> {
    let target = match Target::of_words(&given.what) {
        Ok(target) => target,
        Err(error) => {
            eprintln!("deskmesh-operator: {error}");
            return Ok(ExitCode::from(2));
        }
    };
    let timeline = trace::trace(&given.services.services, &target);
    if given.json {
        println!("{}", serde_json::to_string_pretty(&timeline)?);
    } else {
        print!("{}", render(&timeline));
    }
    // Half an answer is printed, and told by the code.
    Ok(if timeline.gaps.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Tells it to whoever asks, until the process ends.
pub async fn serve(given: ServeArgs) -> anyhow::Result<ExitCode> {
    trace::serve(given.listen, given.services.services).await?;
    Ok(ExitCode::SUCCESS)
}
