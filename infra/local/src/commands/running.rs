//! `up.json`: what `up` left running.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use contracts::topology::Service;
use local::edges::EdgeAccess;
use local::process::Process;
use local::{Instance, Servers, services};
use nix::sys::signal::Signal;
use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize, Deserialize)]
pub struct Running {
    pub servers: Servers,
    pub services: Vec<RunningService>,
    pub mail_sink: Option<RunningSink>,
    #[serde(default)]
    pub gateway: Option<EdgeAccess>,
    #[serde(default)]
    pub helpdesk: Option<EdgeAccess>,
    #[serde(default)]
    pub nhd_bridge: Option<EdgeAccess>,
    #[serde(default)]
    pub console: Option<RunningConsole>,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct RunningService {
    pub name: String,
    pub process: Process,
    pub http: SocketAddr,
    pub log: PathBuf,
}

/// The operator's console.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RunningConsole {
    pub process: Process,
    pub url: String,
    pub secret_file: PathBuf,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RunningSink {
    pub process: Process,
    pub address: SocketAddr,
    pub dir: PathBuf,
}

impl Running {
    /// Where an edge is reached, if it runs.
    pub fn edge(&self, edge: Service) -> Option<&EdgeAccess> {
        match edge {
            Service::Gateway => self.gateway.as_ref(),
            Service::Helpdesk => self.helpdesk.as_ref(),
            Service::NhdBridge => self.nhd_bridge.as_ref(),
            _ => None,
        }
    }

    pub fn read(dir: &Path) -> Result<Option<Self>> {
        let file = dir.join("up.json");
        match fs::read(&file) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map(Some)
                .with_context(|| format!("reading {}", file.display())),
            Err(missing) if missing.kind() == ErrorKind::NotFound => Ok(None),
            Err(refused) => Err(refused).with_context(|| format!("reading {}", file.display())),
        }
    }

    pub fn write(&self, dir: &Path) -> Result<()> {
        Ok(local::state::write(&dir.join("up.json"), self)?)
    }

    /// Stops the services, and the console that looks at them.
    pub fn stop_services(&mut self) {
        if let Some(console) = self.console.take() {
            console.process.stop_group(Signal::SIGTERM, Duration::from_secs(5));
        }
        thread::scope(|scope| {
            for service in self.services.drain(..) {
                scope.spawn(move || {
                    service.process.stop_group(Signal::SIGTERM, Duration::from_secs(30));
                });
            }
        });
    }
}

impl RunningService {
    pub fn of(instance: &Instance) -> Option<Self> {
        Some(Self {
            name: instance.service().name().to_owned(),
            process: instance.process()?,
            http: instance.http(),
            log: instance.log().to_owned(),
        })
    }

    /// What it says about itself, in a few words.
    pub fn state(&self) -> String {
        if !self.process.is_alive() {
            return format!("ended, see {}", self.log.display());
        }
        match services::get(self.http, "/readyz") {
            Ok((200, _)) => format!("ready      http://{}", self.http),
            Ok((_, waiting)) => format!("not ready  http://{}  {waiting}", self.http),
            Err(failed) => format!("no answer  http://{}  {failed}", self.http),
        }
    }
}

/// The folder of `up`, with a lock that is held as long as the file lives.
pub fn locked_dir() -> Result<(PathBuf, File)> {
    let dir = local_dir()?;
    fs::create_dir_all(&dir).with_context(|| format!("making the folder {}", dir.display()))?;
    let lock = File::create(dir.join("up.lock")).context("making the lock file of `up`")?;
    lock.lock().context("waiting for another `up` or `down`")?;
    Ok((dir, lock))
}

pub fn local_dir() -> Result<PathBuf> {
    Ok(services::target_dir()?.join("local"))
}

/// A path as a person in the clone would type it.
pub fn shown(path: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(here).unwrap_or(path).display().to_string()
}
