//! `watch`: a log line for every message that names something, for a while, without a restart.

use std::process::ExitCode;
use std::time::Duration;

use clap::Subcommand;
use messaging::{can_be_watched, unwatch, watch, watched};

use super::operator::{Operator, Person, now, print};
use super::table::table;

#[derive(Debug, Subcommand)]
pub(super) enum Watch {
    /// Log every message that names it: an agreement's or a share's id, or a ticket as
    /// account/number
    On {
        /// What
        name: String,
        /// For how long, for example 30m or 2h
        #[arg(long = "for", default_value = "1h", value_parser = humantime::parse_duration,
            value_name = "TIME")]
        time: Duration,
        #[command(flatten)]
        person: Person,
    },
    /// No longer
    Off {
        /// What
        name: String,
    },
    /// List what is watched
    List,
}

pub(super) async fn execute(operator: &Operator, command: Watch) -> anyhow::Result<ExitCode> {
    match command {
        Watch::On { name, time, person } => {
            if !can_be_watched(&name) {
                return Ok(operator
                    .usage(&format!("{name:?} is too short: it would be in messages by chance")));
            }
            let until = now().plus_seconds(i64::try_from(time.as_secs())?);
            watch(&operator.pool, &name, until, &person.name()).await?;
            print(&format!(
                "{name} is watched until {until}; its lines say \"watched message\"\n"
            ))?;
        }
        Watch::Off { name } => {
            let was = unwatch(&operator.pool, &name).await?;
            print(&format!(
                "{name} {}\n",
                if was { "is watched no longer" } else { "was not watched" }
            ))?;
        }
        Watch::List => {
            let rows = watched(&operator.pool, now()).await?;
            let row = |one: messaging::Watched| [one.name, one.until.to_rfc3339(), one.by];
            print(&table(["name", "until", "by"], rows.into_iter().map(row)))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
