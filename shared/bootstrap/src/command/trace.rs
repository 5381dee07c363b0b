//! `trace`: what this service knows of a ticket, a share, an agreement or a command.

use std::process::ExitCode;

use clap::Args;
use messaging::Question;
use timeline::{Target, Timeline, render};

use super::operator::{Operator, print};
use crate::Trailing;

#[derive(Debug, Args)]
pub(super) struct Trace {
    /// account/number of a ticket, or: share ID, agreement ID, message account/id
    #[arg(required = true, num_args = 1..=2, value_name = "WHAT")]
    what: Vec<String>,
    /// Print JSON, as /trace answers
    #[arg(long)]
    json: bool,
    /// With what was sent, word for word: tickets' content. It is kept two days
    #[arg(long, requires = "json")]
    bodies: bool,
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
        print(&render(&Timeline::of(target, &[trail], vec![part])))?;
    }
    Ok(ExitCode::SUCCESS)
}
