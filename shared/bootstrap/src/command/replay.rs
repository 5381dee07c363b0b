//! `replay --since`: what the journal has is sent again after a broker was lost.

use std::num::NonZeroU32;
use std::process::ExitCode;

use clap::Args;
use contracts::Timestamp;
use messaging::replay::{self, ReplayOutcome, ReplayPlan, Span};

use super::operator::{Operator, Person, Progress, print, stop_at_signal};
use super::{listing, rate};

#[derive(Debug, Args)]
pub(super) struct Replay {
    /// What was decided from this moment on (RFC 3339)
    #[arg(long, value_parser = Timestamp::parse, value_name = "TIME")]
    since: Timestamp,
    /// Before this moment; without it, until now
    #[arg(long, value_parser = Timestamp::parse, value_name = "TIME")]
    until: Option<Timestamp>,
    /// Do it; without this, only say what would be sent
    #[arg(long)]
    yes: bool,
    /// Outputs a second, at most
    #[arg(long, default_value = "500", value_parser = rate, value_name = "N/s")]
    rate: NonZeroU32,
    #[command(flatten)]
    person: Person,
}

/// Carries it out. Exit code 1 stands for a replay that did not come to its end.
pub(super) async fn execute(operator: &Operator, command: Replay) -> anyhow::Result<ExitCode> {
    let span =
        Span { since: command.since, until: command.until.unwrap_or_else(super::operator::now) };
    if span.until <= span.since {
        return Ok(operator.usage("--until must be later than --since, and --since in the past"));
    }
    let plan = replay::plan(&operator.pool, span).await?;
    print(&listing::journal(&plan, span, command.yes))?;
    if !command.yes || plan.outputs() == 0 {
        return Ok(ExitCode::SUCCESS);
    }
    let sending = operator.sending(command.rate, &command.person)?;
    let total = usize::try_from(plan.outputs()).unwrap_or_default();
    let (stop, mut progress) = (stop_at_signal()?, Progress::of(total));
    let outcome =
        replay::carry_out(&operator.pool, operator.service, &plan, &sending, &stop, |sent| {
            progress.tell(sent);
        })
        .await?;
    print(&told(&plan, &outcome))?;
    match (outcome.fault, outcome.go_on_since) {
        (Some(fault), _) => Err(anyhow::Error::new(fault).context("interrupted")),
        (None, Some(_)) => Ok(ExitCode::FAILURE),
        (None, None) => Ok(ExitCode::SUCCESS),
    }
}

fn told(plan: &ReplayPlan, outcome: &ReplayOutcome) -> String {
    let sent = format!("{} of {} outputs sent again", outcome.sent, plan.outputs());
    let waiting = (outcome.undelivered > 0)
        .then(|| format!("{} of them wait for a desk's queue", outcome.undelivered));
    let unfinished =
        outcome.go_on_since.map(|since| format!("not at the end: go on with --since {since}"));
    let parts: Vec<String> = std::iter::once(sent).chain(waiting).chain(unfinished).collect();
    parts.join("; ") + "\n"
}
