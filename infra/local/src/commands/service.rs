//! `service`: one of a service's own commands, on what `up` started and with that service's logins.

use std::process::ExitCode;

use anyhow::{Context, Result};
use contracts::topology::{Service, VHOST};
use local::{Database, Fleet, Installation, Passwords};

use super::running::{Running, local_dir};
use super::up::DATABASE;

/// Runs it in the foreground; ends with its code.
pub fn service(service: Service, arguments: &[String]) -> Result<ExitCode> {
    let dir = local_dir()?;
    let running = Running::read(&dir)?.context("nothing runs here: `make up` first")?;
    let passwords = Passwords::open(&dir.join("passwords"))?;
    let installation = Installation::new(&running.servers, VHOST, passwords.clone());
    let database = Database::created(&running.servers.database_url, DATABASE, passwords);
    let mails = running
        .mail_sink
        .map_or_else(|| "127.0.0.1:25".to_owned(), |sink| sink.address.to_string());
    let fleet = Fleet::new(&dir, &installation, &database, &format!("smtp://{mails}"))?;
    let status = fleet
        .command(service)?
        .args(arguments)
        .status()
        .with_context(|| format!("running {}", service.name()))?;
    Ok(ExitCode::from(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1)))
}
