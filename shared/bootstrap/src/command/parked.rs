//! `parked`: what operators see of parked messages, and what they do with them.

use std::num::NonZeroU32;
use std::process::ExitCode;
use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};
use contracts::Timestamp;
use messaging::ParkReason;
use messaging::parked::{self, ActionOutcome, ActionPlan, ParkedAction, ParkedFilter};
use uuid::Uuid;

use super::operator::{Operator, Person, Progress, print, stop_at_signal};
use super::{listing, rate};
use crate::parked::NO_DISCARD;

#[derive(Debug, Subcommand)]
pub(super) enum Parked {
    /// List parked messages, first arrived first
    List {
        #[command(flatten)]
        filter: FilterArgs,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Count parked messages by reason and account, and what waits for desks' queues
    Summary {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show all of one parked message but what it says
    Show {
        /// The id of its row, as `list` prints it
        id: Uuid,
        /// Show what it says, too
        #[arg(long)]
        body: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Have parked messages decided, or delivered, after all; without --yes only say what would
    /// happen
    Replay {
        #[command(flatten)]
        which: Which,
        /// Every parked message
        #[arg(long)]
        all: bool,
        /// Messages a second, at most
        #[arg(long, default_value = "50", value_parser = rate, value_name = "N/s")]
        rate: NonZeroU32,
        #[command(flatten)]
        act: Act,
    },
    /// End desks' commands for good; their publishers are answered `rejected`, `discarded`. Entry
    /// services only
    Discard {
        #[command(flatten)]
        which: Which,
        /// Why; the publisher reads it in the receipt
        #[arg(long = "because", value_name = "TEXT", value_parser = ParkedAction::discard)]
        discard: ParkedAction,
        #[command(flatten)]
        act: Act,
    },
    /// List who did what with parked messages, oldest first
    Audit {
        /// From this moment on (RFC 3339)
        #[arg(long, value_parser = Timestamp::parse, value_name = "TIME")]
        since: Option<Timestamp>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Args)]
pub(super) struct FilterArgs {
    /// Parked for this reason
    #[arg(long, value_parser = reason())]
    reason: Option<ParkReason>,
    /// Of this account
    #[arg(long)]
    account: Option<String>,
    /// Of this AMQP type, as ticket.update.v1
    #[arg(long = "type", value_name = "TYPE")]
    message_type: Option<String>,
    /// Parked at least so long ago, for example 2h or 3days
    #[arg(long, value_parser = humantime::parse_duration, value_name = "AGE")]
    older_than: Option<Duration>,
    /// Parked at most so long ago
    #[arg(long, value_parser = humantime::parse_duration, value_name = "AGE")]
    newer_than: Option<Duration>,
    /// At most so many
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    limit: Option<u32>,
}

#[derive(Debug, Args)]
pub(super) struct Which {
    /// Ids of rows, as `list` prints them
    #[arg(value_name = "ID")]
    ids: Vec<Uuid>,
    #[command(flatten)]
    filter: FilterArgs,
}

#[derive(Debug, Args)]
pub(super) struct Act {
    /// Do it; without this, only say what would be done
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    person: Person,
}

impl FilterArgs {
    fn filter(self, ids: Vec<Uuid>) -> ParkedFilter {
        let Self { reason, account, message_type, older_than, newer_than, limit } = self;
        ParkedFilter { ids, reason, account, message_type, older_than, newer_than, limit }
    }
}

impl Which {
    fn filter(self) -> ParkedFilter {
        self.filter.filter(self.ids)
    }
}

fn reason() -> impl TypedValueParser<Value = ParkReason> {
    let code = |reason: ParkReason| reason.code();
    PossibleValuesParser::new(ParkReason::ALL.map(code)).try_map(move |given| {
        ParkReason::ALL
            .into_iter()
            .find(|reason| reason.code() == given)
            .ok_or("no reason for which messages are parked")
    })
}

/// Carries out a command. Exit code 2 stands for what cannot be asked for here, 1 for what was not
/// done.
pub(super) async fn execute(operator: &Operator, command: Parked) -> anyhow::Result<ExitCode> {
    let pool = &operator.pool;
    let text = match command {
        Parked::List { filter, json } => {
            let (messages, total) = parked::list(pool, &filter.filter(Vec::new())).await?;
            let waiting = parked::waiting(pool).await?;
            listing::messages(&messages, total, &waiting, json)?
        }
        Parked::Summary { json } => {
            let (piles, waiting) = (parked::piles(pool).await?, parked::waiting(pool).await?);
            listing::summary(&piles, &waiting, json)?
        }
        Parked::Show { id, body, json } => match parked::show(pool, id, body).await? {
            Some(details) => listing::details(&details, json)?,
            None => {
                anyhow::bail!("no message was parked under the id {id}; `parked list` has the ids")
            }
        },
        Parked::Audit { since, json } => listing::audit(&parked::audit(pool, since).await?, json)?,
        Parked::Replay { which, all, rate, act } => {
            let filter = which.filter();
            if filter.is_everything() != all {
                return Ok(operator.usage("say which messages: ids, a filter, or --all alone"));
            }
            return work(operator, ParkedAction::Replay, &filter, rate, &act).await;
        }
        Parked::Discard { which, discard, act } => {
            if !operator.service.is_entry() {
                return Ok(operator.usage(NO_DISCARD));
            }
            let filter = which.filter();
            if filter.is_everything() {
                return Ok(operator.usage("say which messages: ids or a filter"));
            }
            return work(operator, discard, &filter, super::DEFAULT_RATE, &act).await;
        }
    };
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}

async fn work(
    operator: &Operator,
    action: ParkedAction,
    filter: &ParkedFilter,
    rate: NonZeroU32,
    act: &Act,
) -> anyhow::Result<ExitCode> {
    let verb = if action == ParkedAction::Replay { "replayed" } else { "discarded" };
    let plan = parked::plan(&operator.pool, operator.service, action, filter).await?;
    print(&listing::plan(&plan, act.yes))?;
    if !plan.missing.is_empty() {
        anyhow::bail!(
            "not parked: {}; `parked show` tells what became of them",
            listing::ids(&plan.missing)
        );
    }
    if !act.yes || plan.total() == 0 {
        return Ok(ExitCode::SUCCESS);
    }
    let sending = operator.sending(rate, &act.person)?;
    let (stop, mut progress) = (stop_at_signal()?, Progress::of(plan.total()));
    let outcome =
        parked::carry_out(&operator.pool, &plan, &sending, &stop, |behind| progress.tell(behind))
            .await?;
    print(&told(verb, &plan, &outcome))?;
    if let Some(fault) = outcome.fault {
        return Err(anyhow::Error::new(fault).context("interrupted, what is left is still parked"));
    }
    let complete = outcome.done == plan.total();
    Ok(if complete { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn told(verb: &str, plan: &ActionPlan, outcome: &ActionOutcome) -> String {
    let counts = [
        (outcome.back, "of them parked again already"),
        (outcome.refused, "not taken by the broker, a queue is missing or full; still parked"),
        (outcome.left, "left as they are"),
    ];
    let counts = counts
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"));
    let stopped = outcome.stopped.then(|| "stopped, the rest is still parked".to_owned());
    let done = format!("{} of {} {verb}", outcome.done, plan.total());
    let parts: Vec<String> = std::iter::once(done).chain(counts).chain(stopped).collect();
    parts.join("; ") + "\n"
}
