//! `make demo`: the story on private servers, as a timeline, with its proof.

use std::fs::{self, File};
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result, anyhow, bail};
use clap::Parser;
use contracts::ids::derive_id;
use contracts::topology::Service;
use futures_util::FutureExt;
use local::{Database, Installation, Passwords, Servers, services};
use system_tests::stage::Stage;
use system_tests::story::{self, Load, Outcome};
use system_tests::timeline::{Timeline, milliseconds};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::spawn_blocking;

const INTERRUPTED: u8 = 130;

/// Plays the main story on real servers and proves that nothing was lost.
#[derive(Parser)]
#[command(name = "demo", version)]
struct Arguments {
    /// Kill this service with signal 9 during the updates, and start it again; may be given several
    /// times.
    #[arg(long, value_name = "SERVICE")]
    kill: Vec<Service>,
    /// How many updates each of the two desks makes.
    #[arg(long, default_value_t = Load::default().updates)]
    updates: usize,
    /// How many commands of one desk wait for their receipts at a time.
    #[arg(long, default_value_t = Load::default().in_flight,
        value_parser = clap::value_parser!(usize))]
    in_flight: usize,
}

/// What the run uses, to be taken down whatever happened.
struct Place {
    dir: PathBuf,
    installation: Installation,
    database: Database,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let load = Load {
        updates: arguments.updates,
        in_flight: arguments.in_flight.max(1),
        kills: arguments.kill,
    };
    // One sentence is what a person wants to read; the place in the code is for whoever looks into
    // it.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let said = panic.payload_as_str().unwrap_or("no message");
        eprintln!("\n{said}\n({place})");
    }));
    match demo(load).await {
        Ok(code) => code,
        Err(failed) => {
            eprintln!("demo: {failed:#}");
            ExitCode::FAILURE
        }
    }
}

async fn demo(load: Load) -> Result<ExitCode> {
    let dir = services::target_dir()?.join("demo");
    let _only_one = locked(&dir)?;
    for old in ["services", "desks", "mails"] {
        fs::remove_dir_all(dir.join(old)).ok();
    }
    // Left by a run that was killed.
    Servers::discard(&dir)?;
    let _ours = Ours(dir.clone());
    run(&dir, load).await
}

/// The servers of this run: they end with it, whatever ends it.
struct Ours(PathBuf);

impl Drop for Ours {
    fn drop(&mut self) {
        if let Err(failed) = Servers::discard(&self.0) {
            eprintln!("demo: the servers in {} may still run: {failed}", self.0.display());
        }
    }
}

/// Everything between the first server's start and the last one's end.
async fn run(dir: &Path, load: Load) -> Result<ExitCode> {
    let out = Timeline::new();
    out.legend();
    out.headline("The stage");
    out.stage("RabbitMQ and PostgreSQL start");
    let interrupted = Arc::new(AtomicBool::new(false));
    let (starting_in, told) = (dir.to_owned(), interrupted.clone());
    let mut start = spawn_blocking(move || Servers::start_unless(&starting_in, &told));
    let servers = tokio::select! {
        servers = &mut start => servers.context("starting the servers")??,
        caught = end_signal() => {
            caught?;
            interrupted.store(true, Ordering::Relaxed);
            // It stops what it started before it returns.
            start.await.context("starting the servers")?.ok();
            return Ok(ExitCode::from(INTERRUPTED));
        }
    };
    let place = prepare(dir, &servers, &out).await?;
    // A scene that fails panics; what the story holds is taken down with it, as it is when the
    // story is dropped.
    let story = AssertUnwindSafe(played(&place, &load, &out)).catch_unwind();
    let ended = tokio::select! {
        ended = story => Some(ended.unwrap_or_else(|_| Err(anyhow!("the story went wrong, see \
            above; logs in {}", shown(dir))))),
        caught = end_signal() => caught.map(|()| None)?,
    };
    take_down(place).await;
    match ended {
        Some(outcome) => Ok(conclusion(&out, &outcome?, dir)),
        None => Ok(ExitCode::from(INTERRUPTED)),
    }
}

async fn played(place: &Place, load: &Load, out: &Timeline) -> Result<Outcome> {
    let stage = Stage::set(&place.dir, place.installation.clone(), place.database.clone()).await?;
    out.stage("five services run, each a process with its own broker user and database role");
    let (stage, outcome) = story::play(stage, out.clone(), load).await?;
    stage.clear().await?;
    Ok(outcome)
}

/// A virtual host and a database of this run's own.
async fn prepare(dir: &Path, servers: &Servers, out: &Timeline) -> Result<Place> {
    let name = format!(
        "demo_{}",
        &derive_id("demo", &[&testkit::desk::clock().to_string()]).simple().to_string()[..8]
    );
    let passwords = Passwords::open(&dir.join("passwords"))?;
    let installation = Installation::new(servers, &name, passwords.clone());
    let vhost = installation.clone();
    spawn_blocking(move || vhost.install_topology()).await.context("making the virtual host")??;
    let database = Database::create(&servers.database_url, &name, passwords).await?;
    out.stage(&format!("virtual host and database {name}, a mail server that keeps all it gets"));
    Ok(Place { dir: dir.to_owned(), installation, database })
}

/// Servers of our own go as a whole; on others only what this run made is removed.
async fn take_down(place: Place) {
    let given = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    if given("AMQP_URL") {
        let installation = place.installation.clone();
        drop(spawn_blocking(move || installation.remove()).await);
    }
    if given("DATABASE_URL") {
        drop(place.database.remove().await);
    }
}

fn conclusion(out: &Timeline, outcome: &Outcome, dir: &Path) -> ExitCode {
    let Outcome { proof, speed } = outcome;
    let holds = proof.holds();
    out.headline("The proof, from what the desks hold");
    for wrong in proof.wrong.iter().take(20) {
        out.line(&format!("  wrong: {wrong}"));
    }
    out.line(&format!(
        "{:.0} updates/s over {:.1} s   publish → partner's desk: p50 {} ms  p99 {} ms   repeated \
         deliveries {}",
        speed.rate(),
        speed.took.as_secs_f64(),
        milliseconds(speed.percentile(50)),
        milliseconds(speed.percentile(99)),
        proof.repeated,
    ));
    out.verdict(holds, &proof.to_string());
    let dir = shown(dir);
    out.line(&format!(
        "logs {dir}/services, mails {dir}/mails   {:.0} s in all",
        out.elapsed().as_secs_f64()
    ));
    out.line("to do it yourself, in a browser: make up");
    if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// A path as a person in the clone would type it.
fn shown(path: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(here).unwrap_or(path).display().to_string()
}

async fn end_signal() -> Result<()> {
    let mut interrupt = signal(SignalKind::interrupt()).context("listening for SIGINT")?;
    let mut terminate = signal(SignalKind::terminate()).context("listening for SIGTERM")?;
    // The terminal was closed.
    let mut hangup = signal(SignalKind::hangup()).context("listening for SIGHUP")?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = hangup.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}

fn locked(dir: &Path) -> Result<File> {
    fs::create_dir_all(dir).with_context(|| format!("making the folder {}", dir.display()))?;
    let lock = File::create(dir.join("demo.lock")).context("making the demo's lock file")?;
    if lock.try_lock().is_err() {
        bail!("another demo runs in this clone: wait for it");
    }
    Ok(lock)
}
