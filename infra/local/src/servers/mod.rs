//! A private `RabbitMQ` and a private `PostgreSQL` in one folder: started, found again, stopped.

mod given;
mod postgres;
mod rabbitmq;
mod record;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde::{Deserialize, Serialize};

use crate::error::{During, Error, Result};
use crate::packages;
use given::Given;
use record::Ledger;

/// Where the servers answer, with the administrator's user in each address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Servers {
    /// The broker, without a virtual host: `amqp://guest:guest@127.0.0.1:<port>`.
    pub amqp_url: String,
    /// The broker's management API: `http://guest:guest@127.0.0.1:<port>`.
    pub management_url: String,
    /// The database as its superuser.
    pub database_url: String,
}

impl Servers {
    /// Starts what is not running yet in `dir` and waits until it answers.
    ///
    /// Uses `AMQP_URL` with `MANAGEMENT_URL`, and `DATABASE_URL`, where they are set, and starts
    /// nothing in their place. Leaves nothing of its own behind when it fails. Takes some ten
    /// seconds for a new broker and blocks the thread meanwhile.
    ///
    /// # Errors
    /// When a package is missing, or a server did not start, with the end of its log.
    pub fn start(dir: &Path) -> Result<Self> {
        Self::start_unless(dir, &AtomicBool::new(false))
    }

    /// Does the same as [`Servers::start`], and gives up soon after `interrupted` becomes true.
    ///
    /// # Errors
    /// As [`Servers::start`], or [`Error::Interrupted`].
    pub fn start_unless(dir: &Path, interrupted: &AtomicBool) -> Result<Self> {
        Self::start_beside(&Given::from_environment()?, dir, interrupted)
    }

    /// Starts what is not running yet in `dir`, whatever servers the environment names: for who
    /// means to take servers away.
    ///
    /// # Errors
    /// As [`Servers::start`].
    pub fn start_private(dir: &Path) -> Result<Self> {
        Self::start_beside(&Given::default(), dir, &AtomicBool::new(false))
    }

    /// Takes one of the private servers of `dir` away and keeps its data: in an orderly way, or as
    /// if the power failed. [`Servers::start_private`] brings it back, at another address.
    ///
    /// # Errors
    /// When the state file cannot be read.
    pub fn take_away(dir: &Path, server: Server, ending: Ending) -> Result<()> {
        let dir = made(dir)?;
        let _only_one = locked(&dir)?;
        let record = Ledger::open(&dir)?.read();
        match server {
            Server::Broker => {
                record.rabbitmq.iter().for_each(|broker| rabbitmq::stop(broker, ending));
            }
            Server::Database => {
                record.postgres.iter().for_each(|database| postgres::end(database.server, ending));
            }
        }
        Ok(())
    }

    /// Takes the private broker of `dir` away together with its data: queues, users, everything.
    ///
    /// # Errors
    /// When the state file cannot be read, or the data cannot be removed.
    pub fn wipe_broker(dir: &Path) -> Result<()> {
        Self::take_away(dir, Server::Broker, Ending::AtOnce)?;
        rabbitmq::remove_data(dir)
    }

    /// Runs `rabbitmqctl` on the private broker of `dir`.
    ///
    /// # Errors
    /// When no broker runs there, or the command fails, with what it said.
    pub fn broker_control(dir: &Path, arguments: &[&str]) -> Result<()> {
        let dir = made(dir)?;
        let record = Ledger::open(&dir)?.read();
        let Some(broker) = record.rabbitmq else {
            return Err(Error::Start {
                what: "rabbitmqctl".to_owned(),
                detail: format!("no broker runs in {}", dir.display()),
            });
        };
        rabbitmq::control(&dir, &broker, arguments)
    }

    /// Scripts that run the broker's own tools on the private broker of `dir`, by the tool's name;
    /// none where no broker runs there.
    ///
    /// # Errors
    /// When the state file cannot be read, or the tools are not installed.
    pub fn broker_tools(dir: &Path) -> Result<Vec<(&'static str, String)>> {
        let dir = made(dir)?;
        let record = Ledger::open(&dir)?.read();
        record.rabbitmq.map_or(Ok(Vec::new()), |broker| rabbitmq::tools(&dir, &broker))
    }

    fn start_beside(given: &Given, dir: &Path, interrupted: &AtomicBool) -> Result<Self> {
        given.check_answers()?;
        packages::ensure_servers(given.broker.is_none(), given.database_url.is_none())?;
        let dir = made(dir)?;
        let _only_one = locked(&dir)?;
        let ledger = Ledger::open(&dir)?;
        let started = thread::scope(|scope| {
            let broker = scope.spawn(|| match &given.broker {
                Some(broker) => Ok(broker.clone()),
                None => rabbitmq::ensure(&dir, &ledger, interrupted),
            });
            let database_url = match &given.database_url {
                Some(url) => Ok(url.clone()),
                None => postgres::ensure(&dir, &ledger, interrupted),
            };
            let broker = broker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            Ok(Self::new(broker?, database_url?))
        });
        if started.is_err() {
            stop_recorded(&ledger, Ending::AtOnce)?;
        }
        started
    }

    /// Finds the servers that run in `dir`, starting none.
    ///
    /// # Errors
    /// When the state file cannot be read; what does not run is `Ok(None)`.
    pub fn running(dir: &Path) -> Result<Option<Self>> {
        let given = Given::from_environment()?;
        let record = Ledger::open(dir)?.read();
        let broker = given.broker.or_else(|| {
            record.rabbitmq.filter(|broker| broker.node.is_alive()).map(|broker| broker.address())
        });
        let database_url = given.database_url.or_else(|| {
            record
                .postgres
                .filter(|database| database.server.is_alive())
                .map(|database| database.url())
        });
        Ok(broker.zip(database_url).map(|(broker, database_url)| Self::new(broker, database_url)))
    }

    /// Stops the servers of `dir` in an orderly way and keeps their data. Servers that were given
    /// by the environment are left alone.
    ///
    /// # Errors
    /// When the state file cannot be read or written.
    pub fn stop(dir: &Path) -> Result<()> {
        stop_in(dir, Ending::Orderly)
    }

    /// Ends the servers of `dir` at once and removes their data; their logs stay.
    ///
    /// # Errors
    /// When the state file cannot be read or written, or a folder cannot be removed.
    pub fn discard(dir: &Path) -> Result<()> {
        stop_in(dir, Ending::AtOnce)?;
        rabbitmq::remove_data(dir)?;
        postgres::remove_data(dir)
    }

    fn new(broker: BrokerAddress, database_url: String) -> Self {
        Self { amqp_url: broker.amqp_url, management_url: broker.management_url, database_url }
    }
}

/// Both ends of a broker.
#[derive(Clone, Debug)]
struct BrokerAddress {
    amqp_url: String,
    management_url: String,
}

/// One of the two servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Server {
    /// `RabbitMQ`.
    Broker,
    /// `PostgreSQL`.
    Database,
}

/// How servers are ended: the orderly way takes `RabbitMQ` six seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// What is under way is finished and written.
    Orderly,
    /// As if the power failed.
    AtOnce,
}

fn stop_in(dir: &Path, ending: Ending) -> Result<()> {
    if !dir.exists() {
        return Ok(());
    }
    let dir = made(dir)?;
    let _only_one = locked(&dir)?;
    let database_removed = stop_recorded(&Ledger::open(&dir)?, ending)?;
    // What the broker still holds would speak of rows that are gone.
    if database_removed { rabbitmq::remove_data(&dir) } else { Ok(()) }
}

fn stop_recorded(ledger: &Ledger, ending: Ending) -> Result<bool> {
    let record = ledger.read();
    let database_removed = thread::scope(|scope| {
        if let Some(broker) = &record.rabbitmq {
            scope.spawn(move || rabbitmq::stop(broker, ending));
        }
        record.postgres.as_ref().map_or(Ok(false), |database| postgres::stop(database, ending))
    })?;
    ledger.change(|record| *record = record::Record::default())?;
    Ok(database_removed)
}

fn made(dir: &Path) -> Result<PathBuf> {
    fs::create_dir_all(dir).during(format!("making the folder {}", dir.display()))?;
    dir.canonicalize().during(format!("finding the folder {}", dir.display()))
}

/// Two processes that start or stop servers in one folder take turns.
fn locked(dir: &Path) -> Result<File> {
    let path = dir.join("lock");
    let file = File::create(&path).during(format!("making {}", path.display()))?;
    file.lock().during(format!("locking {}", path.display()))?;
    Ok(file)
}

fn stop_if(interrupted: &AtomicBool) -> Result<()> {
    if interrupted.load(Ordering::Relaxed) { Err(Error::Interrupted) } else { Ok(()) }
}
