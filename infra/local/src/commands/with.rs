//! `with`: a command with servers of its own.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{IsTerminal, stdin};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, ExitStatus};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use local::process::Process;
use local::{Servers, services};
use nix::sys::signal::Signal;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::spawn_blocking;

/// How long the command may take to end when it is told to.
const END_LIMIT: Duration = Duration::from_secs(10);
const INTERRUPTED: u8 = 130;

/// Starts servers, runs the command with their addresses, and removes them whatever happened.
pub async fn with(dir: Option<PathBuf>, command: Vec<OsString>) -> Result<ExitCode> {
    let dir = match dir {
        Some(dir) => dir,
        None => services::target_dir()?.join("test-servers"),
    };
    let _only_user = locked(&dir)?;
    // Left by a run that was killed.
    Servers::discard(&dir)?;
    let outcome = start_and_run(&dir, command).await;
    Servers::discard(&dir)?;
    outcome
}

async fn start_and_run(dir: &Path, command: Vec<OsString>) -> Result<ExitCode> {
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
    run(&servers, command).await
}

async fn run(servers: &Servers, command: Vec<OsString>) -> Result<ExitCode> {
    let mut words = command.into_iter();
    let program = words.next().context("no command was given")?;
    let mut command = Command::new(&program);
    command
        .args(words)
        .env("AMQP_URL", &servers.amqp_url)
        .env("MANAGEMENT_URL", &servers.management_url)
        .env("DATABASE_URL", &servers.database_url);
    // In a terminal Ctrl-C reaches the command and all it started by itself, and it may ask
    // questions; elsewhere a group of its own lets a signal to us reach all of them.
    let apart = !stdin().is_terminal();
    if apart {
        command.process_group(0);
    }
    let mut child = command.spawn().with_context(|| format!("starting {}", program.display()))?;
    let process = i32::try_from(child.id()).ok().and_then(Process::find);
    let mut ended = spawn_blocking(move || child.wait());
    tokio::select! {
        status = &mut ended => return Ok(exit_code(status.context("waiting for the command")??)),
        caught = end_signal() => caught?,
    }
    if let Some(process) = process {
        spawn_blocking(move || {
            let send =
                |signal| if apart { process.signal_group(signal) } else { process.signal(signal) };
            send(Signal::SIGTERM);
            if process.wait_gone(END_LIMIT).is_err() {
                send(Signal::SIGKILL);
            }
        })
        .await
        .context("ending the command")?;
    }
    ended.await.context("waiting for the command")??;
    Ok(ExitCode::from(INTERRUPTED))
}

/// Waits for SIGINT or SIGTERM; from the first call on they do not end this process any more.
pub async fn end_signal() -> Result<()> {
    let mut interrupt = signal(SignalKind::interrupt()).context("listening for SIGINT")?;
    let mut terminate = signal(SignalKind::terminate()).context("listening for SIGTERM")?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}

/// The shell's convention: a command that a signal ended has 128 plus its number.
fn exit_code(status: ExitStatus) -> ExitCode {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from)
}

fn locked(dir: &Path) -> Result<File> {
    fs::create_dir_all(dir).with_context(|| format!("making the folder {}", dir.display()))?;
    let lock = File::create(dir.join("with.lock")).context("making the lock file of `with`")?;
    if lock.try_lock().is_err() {
        bail!(
            "another run uses the servers in {}: wait for it, or name another folder with --dir",
            dir.display()
        );
    }
    Ok(lock)
}
