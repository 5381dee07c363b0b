//! `make bench`: the whole system and its peers, side by side in one run.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use bench::board::Board;
use bench::contestant::{Contestant, Ground, Running, clear_logs, migrate};
use bench::forwarder::{self, Place};
use bench::load::{Load, Publisher};
use bench::peers::{Peer, Peers};
use bench::reader::Reader;
use bench::report::Report;
use bench::site::Site;
use bench::turn::{Pace, play};
use bench::work::Kind;
use bench::{FULL, population};
use clap::{Args, Parser, Subcommand};
use local::{Fleet, services};

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
    Forward { url: String, place: Place },
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
    /// Only turns with these words in what is done or by whom.
    #[arg(long, value_name = "WORDS")]
    only: Option<String>,
}

/// Updates that one run may publish to one virtual host.
const ROWS: usize = 8_000_000;

#[tokio::main]
async fn main() -> ExitCode {
    let Arguments { command, run } = Arguments::parse();
    let done = match command {
        Some(Command::Forward { url, place }) => forwarder::run(&url, place).await,
        None => measure(&run).await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// One virtual host with the reader of its desks.
struct Hall {
    board: Arc<Board>,
    publisher: Publisher,
    url: String,
    _reader: Reader,
}

impl Hall {
    async fn open(site: &Site, name: &str, tickets: usize) -> Result<(Self, local::Installation)> {
        let installation = site.virtual_host(name).await?;
        population::make_desks(&installation).await?;
        let (url, board) = (site.url(&installation)?, Arc::new(Board::new(ROWS)));
        let reader = Reader::open(&url, Arc::clone(&board), tickets).await?;
        Ok((Self { board, publisher: Publisher::open(&url).await?, url, _reader: reader }, installation))
    }
}

/// One thing to measure.
#[derive(Clone, Copy)]
struct Turn {
    scenario: &'static str,
    contestant: Contestant,
    kind: Kind,
    pace: Option<Pace>,
}

fn turns() -> Vec<Turn> {
    let deskmesh = Contestant::Deskmesh { replicas: 1 };
    let full = |contestant: Contestant| Turn { scenario: FULL, contestant, kind: Kind::Comment, pace: None };
    let of = |kind: Kind| Turn { scenario: kind.name(), contestant: deskmesh, kind, pace: None };
    let slow = |contestant: Contestant| Turn {
        scenario: "100 updates/s",
        contestant,
        kind: Kind::Comment,
        pace: Some(Pace::Steady { rate: 100.0 }),
    };
    let naive = |handlers: u32| Contestant::Naive { handlers };
    vec![
        full(Contestant::Raw),
        full(deskmesh),
        full(Contestant::Deskmesh { replicas: 2 }),
        full(naive(8)),
        full(naive(32)),
        full(Contestant::Python { peer: Peer::AioPika, handlers: 32 }),
        full(Contestant::Python { peer: Peer::FastStream, handlers: 32 }),
        of(Kind::Field),
        of(Kind::Both),
        of(Kind::Share),
        slow(deskmesh),
        slow(naive(8)),
    ]
}

async fn measure(run: &Run) -> Result<()> {
    let tickets = run.hundreds * 100;
    let dir = services::target_dir().context("finding the target folder")?.join("bench");
    clear_logs(&dir);
    println!("starting private servers in {}", dir.display());
    let site = Site::open(&dir).await?;
    let (rules, installation) = Hall::open(&site, "bench", tickets).await?;
    let (raw, _) = Hall::open(&site, "raw", tickets).await?;
    let database = site.database("bench").await?;
    let fleet = Fleet::new(&dir, &installation, &database, "smtp://127.0.0.1:9")?;
    migrate(&fleet).await?;
    let (python, _) = Hall::open(&site, "python", tickets).await?;
    let peers = Peers::prepare(&dir, &python.url, &site.database("python").await?.url()?, tickets).await?;
    let ground = Ground { fleet: &fleet, raw_url: &raw.url, peers: &peers };
    let running = Running::start(Contestant::Deskmesh { replicas: 1 }, &ground).await?;
    println!("services ready in {:.1} s; {tickets} tickets are shared", running.ready_in.as_secs_f64());
    population::settle(&rules.publisher, &rules.board, tickets).await?;
    running.stop().await?;
    let mut report = Report::default();
    report.facts.insert("fdatasync of 8 KiB".to_owned(), format!("{} µs at the median", site.disk()?.as_micros()));
    report.facts.insert("turns".to_owned(), format!("{} rounds, {} s each after {} s", run.rounds, run.seconds, run.warm));
    let wanted = |turn: &Turn| {
        let name = format!("{} {}", turn.scenario, turn.contestant.name());
        run.only.as_ref().is_none_or(|words| name.contains(words))
    };
    for round in 1..=run.rounds {
        for turn in turns().into_iter().filter(wanted) {
            let hall = match turn.contestant {
                Contestant::Deskmesh { .. } | Contestant::Naive { .. } => &rules,
                Contestant::Python { .. } => &python,
                Contestant::Raw => &raw,
            };
            let running = Running::start(turn.contestant, &ground).await?;
            let mut parts = site.processes()?;
            parts.extend(running.processes());
            parts.insert("desks", vec![i32::try_from(std::process::id())?]);
            let pace = turn.pace.unwrap_or(Pace::Full { window: turn.contestant.window() });
            let load = Load { kind: turn.kind, tickets };
            let times = [Duration::from_secs(run.warm), Duration::from_secs(run.seconds)];
            let shown = play(load, pace, &hall.publisher, &hall.board, &parts, times).await?;
            running.stop().await?;
            println!(
                "round {round}  {}, {}: {:.0}/s, {:.0} µs an update, p50 {:.1} ms, p99 {:.1} ms, foreign {:.2}",
                turn.scenario,
                turn.contestant.name(),
                shown.rate,
                shown.system(),
                shown.p50,
                shown.p99,
                shown.foreign
            );
            report.add(turn.contestant.name(), turn.scenario, shown);
        }
        report.write(&dir)?;
    }
    println!("\n{}\n{}", report.table(), report.parts());
    Ok(())
}
