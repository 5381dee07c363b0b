#![doc = include_str!("../README.md")]

mod amqp;
mod away;
mod bridge;
mod file;
mod ground;
mod helpdesk;
mod partner;
mod posts;
mod report;
mod site;
mod streams;

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use clap::{Parser, ValueEnum};
use local::services;

use report::Report;
use site::Site;

/// What the gateway costs against AMQP and what it holds, what goes through the bridge, and how
/// long agents of a large help desk wait.
#[derive(Parser)]
#[command(name = "load", version)]
struct Arguments {
    /// The same, smaller: a minute.
    #[arg(long)]
    short: bool,
    /// Only this; several times for several.
    #[arg(long)]
    only: Vec<What>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum What {
    Posts,
    Streams,
    File,
    Away,
    Bridge,
    Helpdesk,
}

impl What {
    fn of_gateway() -> [Self; 4] {
        [Self::Posts, Self::Streams, Self::File, Self::Away]
    }
}

impl Arguments {
    fn wants(&self, what: What) -> bool {
        self.only.is_empty() || self.only.contains(&what)
    }

    fn of<T>(&self, long: T, short: T) -> T {
        if self.short { short } else { long }
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // What was started ends with what is dropped.
    let done = tokio::select! {
        done = measure(&arguments) => done,
        _ = tokio::signal::ctrl_c() => Err(anyhow!("interrupted; all that was started is stopped")),
    };
    match done {
        Ok(wrong) if wrong.is_empty() => ExitCode::SUCCESS,
        Ok(wrong) => {
            eprintln!("load: {}", wrong.join("\n"));
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("load: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn measure(arguments: &Arguments) -> Result<Vec<String>> {
    let dir = services::target_dir().context("finding the target folder")?.join("load");
    let mut report = Report::default();
    let seconds = Duration::from_secs;
    if What::of_gateway().into_iter().any(|what| arguments.wants(what)) {
        println!("starting private servers and a gateway in {}", dir.display());
        of_gateway(arguments, &dir, &mut report).await?;
    }
    if arguments.wants(What::Bridge) {
        println!("starting private servers and a bridge in {}", dir.display());
        let (lasting, rate) = (seconds(arguments.of(30, 5)), arguments.of(500, 200));
        bridge::measure(&dir, lasting, rate, &mut report).await?;
    }
    if arguments.wants(What::Helpdesk) {
        println!("starting private servers and a help desk in {}", dir.display());
        let size = helpdesk::Size {
            tickets: arguments.of(100_000, 5_000),
            agents: arguments.of(200, 20),
            storm: arguments.of(1_000, 50),
            lasting: seconds(arguments.of(60, 5)),
        };
        helpdesk::measure(&dir, size, &mut report).await?;
    }
    std::fs::write(dir.join("report.md"), report.table()).context("writing the report")?;
    println!("\n{}\nwritten to {}", report.table(), dir.join("report.md").display());
    Ok(report.wrong)
}

async fn of_gateway(arguments: &Arguments, dir: &Path, report: &mut Report) -> Result<()> {
    let site = Site::open(dir).await?;
    let seconds = Duration::from_secs;
    if arguments.wants(What::Posts) {
        let (rounds, lasting) = (arguments.of(5, 2), seconds(arguments.of(10, 2)));
        posts::measure(&site, rounds, lasting, report).await?;
    }
    if arguments.wants(What::Streams) {
        let (count, lasting) = (arguments.of(1000, 100), seconds(arguments.of(60, 5)));
        streams::measure(&site, count, lasting, report).await?;
    }
    if arguments.wants(What::File) {
        file::measure(&site, arguments.of(1024, 128), report).await?;
    }
    if arguments.wants(What::Away) {
        let (lasting, rate) = (seconds(arguments.of(600, 10)), arguments.of(500, 200));
        away::measure(&site, lasting, rate, report).await?;
    }
    Ok(())
}
