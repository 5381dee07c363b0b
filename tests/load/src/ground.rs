//! Private servers, an edge that is let in with its accounts, and a broker user that publishes as
//! anybody: what one edge is measured on, without the stages of the line.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use contracts::topology::Service;
use local::{Database, Installation, Passwords, Servers};
use tokio::task::spawn_blocking;

/// A broker user that publishes as the edge and as the line.
const USER: &str = "load";
const NAME: &str = "load";

/// It ends with this, and its data go.
pub struct Ground {
    dir: PathBuf,
    pub servers: Servers,
    pub passwords: Passwords,
    pub installation: Installation,
    pub database: Database,
    /// Where our own user logs in.
    pub amqp_url: String,
}

impl Drop for Ground {
    fn drop(&mut self) {
        // Nothing can be done about a refusal here; the next run tries again.
        Servers::discard(&self.dir).ok();
    }
}

impl Ground {
    /// Starts the servers in `dir`, and lets an edge in with these accounts.
    ///
    /// # Errors
    /// When something does not start.
    pub async fn open(dir: &Path, edge: Service, accounts: Vec<String>) -> Result<Self> {
        std::fs::create_dir_all(dir).context("making the folder")?;
        let folder = dir.join("servers");
        let servers = spawn_blocking(move || {
            Servers::discard(&folder)?;
            Servers::start_private(&folder)
        });
        let servers = servers.await.context("starting the servers")??;
        let passwords = Passwords::open(&dir.join("passwords"))?;
        let installation = Installation::new(&servers, NAME, passwords.clone());
        let (made, password) = (installation.clone(), passwords.of(USER));
        let installing = spawn_blocking(move || {
            made.install_topology()?;
            made.edge(edge)?;
            for account in accounts {
                made.account(&account, Some(edge.name()))?;
            }
            made.broker().put_user(USER, &password, "impersonator")?;
            Ok::<_, local::Error>(made.broker().put_permissions(NAME, USER, "^$", ".*", ".*")?)
        });
        installing.await.context("making a virtual host")??;
        let amqp_url = installation.user_url(USER)?;
        let database = Database::create(&servers.database_url, NAME, passwords.clone()).await?;
        let dir = dir.join("servers");
        Ok(Self { dir, servers, passwords, installation, database, amqp_url })
    }

    /// The database server's process.
    ///
    /// # Errors
    /// When it does not run any more.
    pub fn database_process(&self) -> Result<i32> {
        let lock = std::fs::read_to_string(self.dir.join("postgres/data/postmaster.pid"));
        let lock = lock.context("reading the database server's process id")?;
        let first = lock.lines().next().unwrap_or_default();
        first.trim().parse().context("reading the database server's process id")
    }

    /// The database as it is reached by another address.
    pub fn database_behind(&self, url: &str) -> Database {
        Database::created(url, NAME, self.passwords.clone())
    }
}
