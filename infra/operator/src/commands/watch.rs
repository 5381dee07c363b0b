//! `trace` and `serve`: what became of a thing.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::SystemTime;

use anyhow::{Context, ensure};
use clap::Args;
use contracts::Timestamp;
use contracts::topology::VHOST;
use operator::trace::{self, Services};
use operator::{Broker, address, secret};
use timeline::{Target, TimelineFilter, render};

use super::canary::CanaryAccounts;
use super::reach::{BrokerArgs, ManagementArgs, vhost_of};
use crate::console::{self, Setting};

/// Which thing, and how it is told.
#[derive(Args)]
pub struct TraceArgs {
    /// account/number of a ticket, or: share ID, agreement ID, message account/id
    #[arg(required = true, num_args = 1..=2, value_name = "WHAT")]
    what: Vec<String>,
    /// Only commands that were refused or of which something stayed, waits or is parked
    #[arg(long)]
    failed: bool,
    /// Only what happened since then: so long ago, 2h, or a time, 2026-03-01T10:00:00Z
    #[arg(long, value_parser = since, value_name = "TIME")]
    since: Option<Timestamp>,
    /// At most so many commands, the newest; 0 for all
    #[arg(long, default_value_t = timeline::MOST, value_name = "N")]
    limit: usize,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    management: ManagementArgs,
    #[command(flatten)]
    services: ServicesArgs,
}

/// Where it is told.
#[derive(Args)]
pub struct ServeArgs {
    /// Where
    #[arg(long, default_value = "127.0.0.1:9099", value_name = "ADDRESS")]
    listen: SocketAddr,
    /// A file with the secret that people sign in with, and programs show as a bearer token.
    /// Without it only this machine is answered
    #[arg(long, env = "DESKMESH_CONSOLE_SECRET_FILE", value_name = "FILE")]
    console_secret_file: Option<PathBuf>,
    /// How browsers reach it, `https://console.example`, where a proxy stands before it
    #[arg(long, env = "DESKMESH_CONSOLE_URL", value_name = "URL")]
    console_url: Option<String>,
    /// How a service's own commands are given here, for the lines that pages show
    #[arg(
        long,
        env = "DESKMESH_SERVICE_COMMAND",
        default_value = "kubectl -n deskmesh exec deploy/{service} -- /service",
        value_name = "LINE"
    )]
    service_command: String,
    /// The broker's virtual host; the one that --broker-url names, or `deskmesh`, when not given
    #[arg(long, env = "DESKMESH_VHOST", value_name = "NAME")]
    vhost: Option<String>,
    /// A file with what the services' `http.operator_secret` holds: with it pages replay and
    /// discard parked messages
    #[arg(long, env = "DESKMESH_OPERATOR_SECRET_FILE", value_name = "FILE")]
    operator_secret_file: Option<PathBuf>,
    #[command(flatten)]
    management: ManagementArgs,
    #[command(flatten)]
    broker: BrokerArgs,
    #[command(flatten)]
    canary: CanaryAccounts,
    #[command(flatten)]
    services: ServicesArgs,
}

#[derive(Args)]
struct ServicesArgs {
    /// Where each service answers, any replica: share-dispatcher=http://host:9090,comment-sync=…
    /// After `make up`: `. target/local/env` sets it
    #[arg(long, env = "DESKMESH_SERVICES", value_name = "LIST")]
    services: Option<Services>,
    /// A file with what the services' `http.trace_secret` holds, where they have one
    #[arg(long, env = "DESKMESH_TRACE_SECRET_FILE", value_name = "FILE")]
    trace_secret_file: Option<PathBuf>,
}

impl ServicesArgs {
    fn needed(self) -> anyhow::Result<Services> {
        let services = self.services.context(
            "where the services answer is not said: give --services, or set DESKMESH_SERVICES; \
             after `make up`, `. target/local/env` sets it",
        )?;
        let Some(path) = self.trace_secret_file else { return Ok(services) };
        let secret = secret::read(&path)?
            .with_context(|| format!("--trace-secret-file: there is no {}", path.display()))?;
        Ok(services.with_secret(secret))
    }
}

fn since(text: &str) -> Result<Timestamp, String> {
    timeline::since(text, SystemTime::now())
}

/// Tells it once.
pub fn tell(given: TraceArgs) -> anyhow::Result<ExitCode> {
    let target = match Target::of_words(&given.what) {
        Ok(target) => target,
        Err(error) => {
            eprintln!("deskmesh-operator: {error}");
            return Ok(ExitCode::from(2));
        }
    };
    let filter = TimelineFilter::of(given.failed, given.since, Some(given.limit));
    let mut timeline = trace::trace(&given.services.needed()?, &target).narrowed(&filter);
    // Only where that address is set; a story is a story without it.
    if let Some(url) = given.management.given()?
        && let Err(cause) = trace::ask_queues(&mut timeline, &Broker::new(&url), VHOST)
    {
        eprintln!("deskmesh-operator: the broker does not tell of its queues: {cause}");
    }
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
    let operator_url = given.broker.given()?;
    let named = operator_url.as_deref().and_then(vhost_of);
    console::serve(Setting {
        listen: given.listen,
        broker: given.management.given()?.map(|url| Broker::new(&url)),
        services: given.services.needed()?,
        service_command: given.service_command,
        vhost: one_vhost(given.vhost, named)?,
        operator_url,
        canary: given.canary.given()?,
        operator_secret: in_file("operator-secret-file", given.operator_secret_file.as_deref())?,
        secret: in_file("console-secret-file", given.console_secret_file.as_deref())?,
        url: given.console_url,
    })
    .await?;
    Ok(ExitCode::SUCCESS)
}

/// What stands in the file of an option, where it is given.
fn in_file(option: &str, file: Option<&Path>) -> anyhow::Result<Option<String>> {
    let Some(file) = file else { return Ok(None) };
    let missing = || format!("the file {} of --{option} is not there", file.display());
    let secret = secret::read(file)?.with_context(missing)?;
    ensure!(!secret.is_empty(), "the file {} of --{option} is empty", file.display());
    Ok(Some(secret))
}

/// The virtual host of everything that is done. An address for another one would register accounts
/// there, whose users are made here.
fn one_vhost(given: Option<String>, named: Option<&str>) -> anyhow::Result<String> {
    let vhost = given.or_else(|| named.map(str::to_owned)).unwrap_or_else(|| VHOST.to_owned());
    if let Some(named) = named {
        ensure!(
            named == vhost || named == address::segment(&vhost),
            "--broker-url names the virtual host {named}, and --vhost is {vhost}: give one of them"
        );
    }
    Ok(vhost)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_is_done_in_one_virtual_host() {
        let one = |given: Option<&str>, named| {
            one_vhost(given.map(str::to_owned), named).map_err(|error| error.to_string())
        };
        assert_eq!(one(None, None).unwrap(), VHOST);
        assert_eq!(one(None, Some("eu")).unwrap(), "eu");
        assert_eq!(one(Some("a/b"), Some("a%2Fb")).unwrap(), "a/b");
        let refused = one(Some("eu"), Some("us")).unwrap_err();
        assert!(refused.contains("the virtual host us, and --vhost is eu"), "{refused}");
    }
}
