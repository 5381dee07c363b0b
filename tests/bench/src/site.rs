//! The machine's part: one private broker and database for everybody who is measured.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use local::{Broker, Database, Installation, Passwords, Servers};
use tokio::task::spawn_blocking;

use crate::cpu::Parts;

/// A broker user of the benchmark's own, which publishes in the name of every account and reads
/// every desk's queue.
const USER: &str = "bench";

/// The servers. They end with it, and their data go.
#[derive(Debug)]
pub struct Site {
    dir: PathBuf,
    servers: Servers,
    passwords: Passwords,
}

impl Drop for Site {
    fn drop(&mut self) {
        // Nothing can be done about a refusal here; the next run tries again.
        Servers::discard(&self.dir.join("servers")).ok();
    }
}

impl Site {
    /// Starts both in `dir`.
    ///
    /// # Errors
    /// When a server does not start.
    pub async fn open(dir: &Path) -> Result<Self> {
        let servers_dir = dir.join("servers");
        std::fs::create_dir_all(dir).context("making the folder")?;
        let start = spawn_blocking(move || {
            Servers::discard(&servers_dir)?;
            Servers::start_private(&servers_dir)
        });
        let servers = start.await.context("starting the servers")??;
        Ok(Self {
            dir: dir.to_owned(),
            servers,
            passwords: Passwords::open(&dir.join("passwords"))?,
        })
    }

    /// The folder for logs and results.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// A virtual host with everything that the definitions say, and the benchmark's user in it.
    ///
    /// # Errors
    /// When the broker refuses.
    pub async fn virtual_host(&self, name: &str) -> Result<Installation> {
        let installation = Installation::new(&self.servers, name, self.passwords.clone());
        let (host, vhost, password) =
            (installation.clone(), name.to_owned(), self.passwords.of(USER));
        let make = spawn_blocking(move || {
            host.install_topology()?;
            host.broker().put_user(USER, &password, "impersonator")?;
            Ok::<_, local::Error>(host.broker().put_permissions(&vhost, USER, "^$", ".*", ".*")?)
        });
        make.await.context("making a virtual host")??;
        Ok(installation)
    }

    /// Where the benchmark's user logs in.
    ///
    /// # Errors
    /// When the address is unusable.
    pub fn url(&self, installation: &Installation) -> Result<String> {
        Ok(installation.user_url(USER)?)
    }

    /// A database with the services' roles and schemas.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn database(&self, name: &str) -> Result<Database> {
        Ok(Database::create(&self.servers.database_url, name, self.passwords.clone()).await?)
    }

    /// Where the database's owner logs in.
    #[must_use]
    pub fn database_url(&self) -> &str {
        &self.servers.database_url
    }

    /// The broker's version, as it says itself.
    ///
    /// # Errors
    /// When it does not say.
    pub fn broker_version(&self) -> Result<String> {
        Ok(Broker::new(&self.servers.management_url).version()?)
    }

    /// The servers' processes.
    ///
    /// # Errors
    /// When one cannot be told.
    pub fn processes(&self) -> Result<Parts> {
        let servers = self.dir.join("servers");
        let broker = pid_in(&servers.join("rabbitmq/node.pid"))?;
        let database = pid_in(&servers.join("postgres/data/postmaster.pid"))?;
        Ok([("broker", vec![broker]), ("database", vec![database])].into())
    }

    /// How long the disk takes to keep 8 KiB for good, at the median of two hundred times.
    ///
    /// # Errors
    /// When the folder cannot be written to.
    pub fn disk(&self) -> Result<Duration> {
        use std::io::{Seek, SeekFrom, Write};
        let path = self.dir.join("fdatasync");
        let mut file = std::fs::File::create(&path).context("making a file")?;
        let mut times = Vec::new();
        for _ in 0..200 {
            file.seek(SeekFrom::Start(0))?;
            file.write_all(&[7; 8192])?;
            let started = Instant::now();
            file.sync_data()?;
            times.push(started.elapsed());
        }
        std::fs::remove_file(&path)?;
        times.sort_unstable();
        Ok(times[times.len() / 2])
    }
}

fn pid_in(file: &Path) -> Result<i32> {
    let text =
        std::fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
    text.lines()
        .next()
        .unwrap_or_default()
        .trim()
        .parse()
        .with_context(|| format!("{} holds no process id", file.display()))
}
