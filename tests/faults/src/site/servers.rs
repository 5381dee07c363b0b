//! The private servers of a site. Whatever becomes of it, they end with it.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result};
use local::{Ending, Server, Servers};
use tokio::task::spawn_blocking;

/// A broker and a database that may be taken away. Dropping it ends both and removes their data;
/// logs stay.
#[derive(Debug)]
pub(super) struct PrivateServers {
    dir: PathBuf,
    /// Where they are now.
    now: Mutex<Servers>,
}

impl Drop for PrivateServers {
    fn drop(&mut self) {
        // Nothing can be done about a refusal here; the next run tries again.
        Servers::discard(&self.dir).ok();
    }
}

impl PrivateServers {
    /// Starts both in `dir`, whose earlier content goes.
    pub async fn start(dir: &Path) -> Result<Self> {
        let dir = dir.join("servers");
        let in_it = dir.clone();
        let started = spawn_blocking(move || {
            // Left by a run that was killed.
            Servers::discard(&in_it)?;
            Servers::start_private(&in_it)
        });
        Ok(Self { now: started.await.context("starting the servers")??.into(), dir })
    }

    /// Where they are now.
    pub fn now(&self) -> Servers {
        self.now.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes one away; its data stay.
    pub async fn take_away(&self, server: Server, ending: Ending) -> Result<()> {
        let dir = self.dir.clone();
        Ok(spawn_blocking(move || Servers::take_away(&dir, server, ending))
            .await
            .context("stopping a server")??)
    }

    /// Takes the broker away together with its data.
    pub async fn wipe_broker(&self) -> Result<()> {
        let dir = self.dir.clone();
        Ok(spawn_blocking(move || Servers::wipe_broker(&dir))
            .await
            .context("wiping the broker")??)
    }

    /// Brings back what was taken away, at another address.
    pub async fn bring_back(&self) -> Result<Servers> {
        let dir = self.dir.clone();
        let servers = spawn_blocking(move || Servers::start_private(&dir))
            .await
            .context("starting a server")??;
        self.now.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&servers);
        Ok(servers)
    }

    /// Runs `rabbitmqctl`.
    pub async fn broker_control(&self, arguments: &'static [&'static str]) -> Result<()> {
        let dir = self.dir.clone();
        Ok(spawn_blocking(move || Servers::broker_control(&dir, arguments))
            .await
            .context("running rabbitmqctl")??)
    }
}
