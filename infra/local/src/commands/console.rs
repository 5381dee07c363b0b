//! The operator's console, for people who look at what `up` started.

use std::fs::File;
use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use local::process::Process;
use local::services::{binaries_dir, get};
use local::{Instance, Passwords, ports, wait};
use operator::secret::Prepared;

use super::running::{RunningConsole, shown};
use super::shell;

const READY_LIMIT: Duration = Duration::from_secs(20);

/// What it asks and acts by.
pub struct Doors<'a> {
    pub management_url: &'a str,
    pub operator_url: &'a str,
    pub instances: &'a [Instance],
}

/// What it shows the services to act on parked messages.
pub fn operator_secret(passwords: &Passwords) -> String {
    passwords.of("parked messages")
}

/// Starts it on loopback, with a secret of its own.
pub fn start(dir: &Path, passwords: &Passwords, doors: &Doors<'_>) -> Result<RunningConsole> {
    let [port] = ports::free()?;
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let secret_file = secret_file(dir);
    Prepared::beside(&secret_file, &passwords.of("the console"))?.take_effect()?;
    let shown_file = operator_secret_file(dir);
    Prepared::beside(&shown_file, &operator_secret(passwords))?.take_effect()?;
    let log = File::create(dir.join("console.log")).context("making the console's log")?;
    let errors = log.try_clone().context("making the console's log")?;
    let programs = binaries_dir()?;
    let own = format!("{} service {{service}}", shown(&programs.join("deskmesh-local")));
    let mut command = Command::new(programs.join("deskmesh-operator"));
    command
        .args(["serve", "--listen", &address.to_string(), "--service-command", &own])
        .arg("--console-secret-file")
        .arg(&secret_file)
        .env("DESKMESH_SERVICES", shell::services(doors.instances))
        .env("DESKMESH_OPERATOR_SECRET_FILE", &shown_file)
        .env("DESKMESH_MANAGEMENT_URL", doors.management_url)
        .env_remove("DESKMESH_MANAGEMENT_URL_FILE")
        .env("DESKMESH_BROKER_URL", doors.operator_url)
        .env_remove("DESKMESH_BROKER_URL_FILE")
        .env_remove("DESKMESH_CONSOLE_URL");
    let process = Process::spawn_apart(command.stdin(Stdio::null()).stdout(log).stderr(errors))?;
    wait::until("the operator's console", READY_LIMIT, || {
        Ok(match get(address, "/livez") {
            Ok(_) => ControlFlow::Break(()),
            Err(refused) => ControlFlow::Continue(refused),
        })
    })?;
    Ok(RunningConsole { process, url: format!("http://localhost:{port}"), secret_file })
}

/// Where that stands which it shows the services.
pub fn operator_secret_file(dir: &Path) -> PathBuf {
    dir.join("operator-secret")
}

/// Where its secret stands.
pub fn secret_file(dir: &Path) -> PathBuf {
    dir.join("console-secret")
}
