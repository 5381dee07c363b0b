//! `trace`: what this service knows of a ticket, a share, an agreement or a command.

use std::process::ExitCode;
use std::time::SystemTime;

use clap::Args;
use contracts::Timestamp;
use messaging::Question;
use timeline::{Target, Timeline, TimelineFilter, render};

use super::operator::{Operator, print};
use crate::Trailing;

#[derive(Debug, Args)]
pub(super) struct Trace {
    /// account/number of a ticket, or: share ID, agreement ID, message account/id
    #[arg(required = true, num_args = 1..=2, value_name = "WHAT")]
    what: Vec<String>,
    /// Only commands that were refused or of which something stayed, waits or is parked
    #[arg(long, conflicts_with = "json")]
    failed: bool,
    /// Only what happened since then: so long ago, 2h, or a time, 2026-03-01T10:00:00Z
    #[arg(long, value_parser = since, value_name = "TIME", conflicts_with = "json")]
    since: Option<Timestamp>,
    /// At most so many commands, the newest; 0 for all
    #[arg(long, default_value_t = timeline::MOST, value_name = "N", conflicts_with = "json")]
    limit: usize,
    /// Print JSON, as /trace answers
    #[arg(long)]
    json: bool,
    /// With what was sent, word for word: tickets' content. It is kept two days
    #[arg(long, requires = "json")]
    bodies: bool,
}

fn since(text: &str) -> Result<Timestamp, String> {
    timeline::since(text, SystemTime::now())
}

pub(super) async fn execute(
    operator: &Operator,
    trailing: Trailing,
    command: Trace,
) -> anyhow::Result<ExitCode> {
    let target = match Target::of_words(&command.what) {
        Ok(target) => target,
        Err(error) => return Ok(operator.usage(&error.to_string())),
    };
    let mut connection = operator.pool.acquire().await?;
    let trail =
        trailing(&mut connection, &Question::Target(target.clone()), command.bodies).await?;
    if command.json {
        print(&format!("{}\n", serde_json::to_string_pretty(&trail)?))?;
    } else {
        let part = format!(
            "only what {} knows: `deskmesh-operator trace` joins all services",
            operator.service.name()
        );
        let filter = TimelineFilter::of(command.failed, command.since, Some(command.limit));
        print(&render(&Timeline::of(target, &[trail], vec![part]).narrowed(&filter)))?;
    }
    Ok(ExitCode::SUCCESS)
}
