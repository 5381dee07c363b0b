//! `make bench`: the whole system and its peers, side by side in one run.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use bench::contestant::{Contestant, Running};
use bench::environment::{Halls, clear_logs};
use bench::forwarder::{self, Place};
use bench::load::Load;
use bench::report::Report;
use bench::scenario::{self, Doing, Scenario};
use bench::site::Site;
use bench::turn::{self, Lasting, Pace, Shown};
use bench::{cleaning, facts, goals};
use clap::{Args, Parser, Subcommand};
use local::services;

/// The whole system and its peers, measured side by side in one run.
#[derive(Parser)]
#[command(name = "bench", version)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: Run,
}

#[derive(Subcommand)]
enum Command {
    /// Take one service's place as a bare forwarder; the benchmark starts it itself.
    #[command(hide = true)]
    Forward { url: String, place: Place, next: Option<Place> },
}

#[derive(Args)]
struct Run {
    /// Turns of everybody, one after the other.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Seconds of a turn that count.
    #[arg(long, default_value_t = 8)]
    seconds: u64,
    /// Seconds before that, which do not.
    #[arg(long, default_value_t = 3)]
    warm: u64,
    /// Tickets that the accounts share, in hundreds.
    #[arg(long, default_value_t = 100)]
    hundreds: usize,
    /// Only turns with these words in "who: what."; several times for several.
    #[arg(long, value_name = "WORDS")]
    only: Vec<String>,
}

impl Run {
    fn wants(&self, scenario: &Scenario) -> bool {
        let name = format!("{}: {}.", scenario.contestant.name(), scenario.name);
        self.only.is_empty() || self.only.iter().any(|words| name.contains(words))
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let Arguments { command, run } = Arguments::parse();
    let done = match command {
        Some(Command::Forward { url, place, next }) => forwarder::run(&url, place, next).await,
        // What was started ends with what is dropped.
        None => tokio::select! {
            done = measure(&run) => done,
            _ = tokio::signal::ctrl_c() => Err(anyhow!("interrupted; everything that was started \
                is stopped")),
        },
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn measure(run: &Run) -> Result<()> {
    let dir = services::target_dir().context("finding the target folder")?.join("bench");
    clear_logs(&dir);
    println!("starting private servers in {}", dir.display());
    let site = Site::open(&dir).await?;
    let wanted: Vec<Scenario> =
        scenario::all().into_iter().filter(|scenario| run.wants(scenario)).collect();
    let mut report = Report { facts: facts::read(&site).await?, ..Report::default() };
    report.facts.insert(
        "turns".to_owned(),
        format!("{} rounds, {} s each after {} s", run.rounds, run.seconds, run.warm),
    );
    let python =
        wanted.iter().any(|scenario| matches!(scenario.contestant, Contestant::Python { .. }));
    let halls = Halls::open(
        &site,
        run.hundreds * 100,
        |on| wanted.iter().any(|scenario| scenario.on == on),
        python,
    )
    .await?;
    for round in 0..run.rounds {
        for scenario in &wanted {
            let name = scenario.contestant.name();
            let half = report.rate(&name, scenario::FULL).unwrap_or(200.0) / 2.0;
            let played = play(run, round, scenario, half, &site, &halls).await;
            let shown = played.with_context(|| format!("{name}: {}", scenario.name))?;
            println!("round {}  {name}: {}: {}", round + 1, scenario.name, line(&shown));
            report.add(name, scenario.name, shown);
        }
        report.write(&dir)?;
    }
    println!("\n{}\n{}\n{}", report.table(), report.parts(), goals::table(&report));
    println!("written to {}", dir.display());
    Ok(())
}

async fn play(
    run: &Run,
    round: usize,
    scenario: &Scenario,
    half: f64,
    site: &Site,
    halls: &Halls,
) -> Result<Shown> {
    let &Scenario { contestant, kind, doing, on, .. } = scenario;
    if let Doing::Cleaning = doing {
        return cleaning::measure();
    }
    let desks = halls.of(contestant, on)?;
    let load = Load { kind, tickets: run.hundreds * 100, accounts: on.accounts() };
    let lasting =
        Lasting { warm: Duration::from_secs(run.warm), time: Duration::from_secs(run.seconds) };
    if let Doing::ColdStart = doing {
        let update = load.publish_one(&desks.publisher, &desks.board).await?;
        let (running, shown) =
            tokio::join!(halls.start(contestant, kind, on), turn::first_update(desks, update));
        running?.stop().await?;
        return shown;
    }
    let running: Running = halls.start(contestant, kind, on).await?;
    let mut parts = site.processes()?;
    parts.extend(running.processes());
    parts.insert("desks", vec![i32::try_from(std::process::id())?]);
    let shown = match doing {
        Doing::Full => {
            turn::play(load, Pace::Full { window: contestant.window() }, desks, &parts, lasting)
                .await
        }
        Doing::Steady(rate) => {
            turn::play(load, Pace::Steady { rate }, desks, &parts, lasting).await
        }
        Doing::Half => turn::play(load, Pace::Steady { rate: half }, desks, &parts, lasting).await,
        Doing::Deactivation | Doing::ColdStart | Doing::Cleaning => {
            turn::deactivation(load, 100.0, desks, round, lasting).await
        }
    };
    running.stop().await?;
    shown
}

fn line(shown: &Shown) -> String {
    if let Some((name, value)) = shown.times.first_key_value() {
        let others =
            shown.times.iter().skip(1).map(|(name, value)| format!(", {name} {value:.0} ms"));
        return std::iter::once(format!("{name} {value:.0} ms")).chain(others).collect();
    }
    format!(
        "{:.0}/s, {:.0} µs an update, p50 {:.1} ms, p99 {:.1} ms, foreign {:.2}",
        shown.rate,
        shown.system(),
        shown.p50,
        shown.p99,
        shown.foreign
    )
}
