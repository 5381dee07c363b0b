//! `make faults`: the whole system under faults, with its proof.

use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use clap::{Args, Parser, Subcommand};
use faults::report::{Report, told};
use faults::runner::{Pace, Runner};
use faults::schedule::{Extent, rounds};
use faults::site::{Deviations, Site};
use faults::traffic::Traffic;
use faults::{endurance, isolation, upgrade};
use futures_util::FutureExt;
use local::services;
use tokio::signal::unix::{SignalKind, signal};

/// Nothing lost, doubled, leaked or diverged, whatever happens: real binaries on private servers,
/// and what happens to them.
#[derive(Parser)]
#[command(name = "faults", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Let faults strike, one at a time and then in mixes.
    Run(Run),
    /// Measure what other accounts feel of one that is in trouble.
    Isolation {
        /// Only troubles with these words in their name.
        #[arg(long, value_name = "WORDS")]
        only: Option<String>,
    },
    /// Work at half speed and watch the services' memory.
    Soak {
        /// For how long.
        #[arg(long, default_value_t = 15)]
        minutes: u64,
    },
    /// Work off a backlog and watch the services' memory.
    Backlog {
        /// How many commands wait.
        #[arg(long, default_value_t = 200_000)]
        count: usize,
    },
    /// Upgrade from one release to another while desks work, and go back.
    Upgrade {
        /// The folder of the release in use.
        #[arg(long, value_name = "DIR")]
        old: PathBuf,
        /// The folder of the release that follows it.
        #[arg(long, value_name = "DIR")]
        new: PathBuf,
    },
}

#[derive(Args)]
struct Run {
    /// Repeats a run; without it, one is chosen and printed.
    #[arg(long)]
    seed: Option<u64>,
    /// Faults that strike, in all.
    #[arg(long, default_value_t = 200)]
    injections: usize,
    /// The short form, as in the tests.
    #[arg(long)]
    short: bool,
    /// Only rounds in which a fault has these words in its name.
    #[arg(long, value_name = "WORDS")]
    only: Option<String>,
    /// No rounds in which a fault has these words in its name.
    #[arg(long, value_name = "WORDS")]
    without: Option<String>,
    /// Leave out so many rounds at the beginning.
    #[arg(long, default_value_t = 0)]
    skip: usize,
    /// Take the services' binaries from this folder: broken ones, to see that it is noticed.
    #[arg(long, value_name = "DIR")]
    binaries: Option<PathBuf>,
    /// End at the first round that fails.
    #[arg(long)]
    first_wrong: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let work = AssertUnwindSafe(carry_out(Arguments::parse().command)).catch_unwind();
    let ended = tokio::select! {
        ended = work => ended.unwrap_or_else(|_told| Err(anyhow!("it panicked"))),
        caught = end_signal() => caught.and(Err(anyhow!("interrupted"))),
    };
    match ended {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("faults: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn carry_out(command: Command) -> Result<bool> {
    match command {
        Command::Run(wanted) => run(&wanted).await,
        Command::Isolation { only } => {
            isolation::measure(&dir("isolation")?, 1, only.as_deref().unwrap_or_default()).await
        }
        Command::Soak { minutes } => {
            endurance::soak(&dir("soak")?, 1, Duration::from_mins(minutes)).await
        }
        Command::Upgrade { old, new } => {
            upgrade::play(&dir("upgrade")?.join("run"), &old, &new).await
        }
        Command::Backlog { count } => endurance::backlog(&dir("backlog")?, count).await,
    }
}

async fn end_signal() -> Result<()> {
    let (mut interrupt, mut terminate) =
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}

/// A folder of its own for each command, so that two may run beside each other.
fn dir(name: &str) -> Result<PathBuf> {
    Ok(services::target_dir().context("finding the target folder")?.join(name))
}

async fn run(wanted: &Run) -> Result<bool> {
    let seed = wanted.seed.unwrap_or_else(|| fastrand::u64(0..1_000_000));
    println!("seed {seed}");
    let extent = if wanted.short { Extent::Short } else { Extent::Long(wanted.injections) };
    let mut rounds = rounds(seed, extent);
    let named =
        |words: &Option<String>, name: &str| words.as_ref().map(|words| name.contains(words));
    rounds.retain(|round| {
        named(&wanted.only, &round.name()) != Some(false)
            && named(&wanted.without, &round.name()) != Some(true)
    });
    let dir = dir("faults")?.join(format!("seed-{seed}"));
    println!(
        "starting private servers and two replicas of each service; logs in {}",
        dir.display()
    );
    let started = Instant::now();
    let pace = Pace::steady();
    let site = Site::open(
        &dir,
        &Deviations { binaries: wanted.binaries.clone(), gateway: true, ..Deviations::default() },
    )
    .await?;
    let traffic = Traffic::open(&site, seed, pace.think).await?;
    let mut runner = Runner::new(site, traffic, pace);
    let (count, mut outcomes) = (rounds.len(), Vec::new());
    for (index, round) in rounds.into_iter().enumerate().skip(wanted.skip) {
        println!("{:>3}/{count}  {}", index + 1, round.name());
        let outcome = runner.play(round).await?;
        println!("{}", told(&outcome));
        for wrong in outcome.verdict.wrong.iter().take(10) {
            println!("         {wrong}");
        }
        let enough = wanted.first_wrong && !outcome.holds();
        outcomes.push(outcome);
        if enough {
            break;
        }
    }
    runner.end().await?;
    let report = Report::of(seed, &outcomes, started.elapsed());
    report.write(&dir)?;
    println!("\n{}", report.table());
    println!(
        "seed {seed}: {} injections in {} min: {}",
        report.injections,
        Duration::from_secs(report.seconds).as_secs().div_ceil(60),
        if report.holds { "nothing lost, doubled, leaked or diverged" } else { "FAILED" }
    );
    Ok(report.holds)
}
