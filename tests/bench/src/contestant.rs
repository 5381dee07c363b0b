//! Who is measured, and how it is started.

use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use contracts::topology::Service;
use local::{Fleet, Instance};
use tokio::process::{Child, Command};
use tokio::task::spawn_blocking;

use crate::cpu::Parts;
use crate::forwarder::Place;
use crate::peers::{Peer, Peers};
use crate::work::Kind;

/// How long a process may take to be ready.
const READY: Duration = Duration::from_mins(1);

/// Who.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contestant {
    /// Deskmesh with its defaults, so many replicas of each service.
    Deskmesh {
        /// Of each service.
        replicas: u32,
    },
    /// The same rules, statements and guarantees with one transaction and one awaited confirm a
    /// message, and so many handlers.
    Naive {
        /// At work at the same time, in each service.
        handlers: u32,
    },
    /// Workers in Python, with so many handlers.
    Python {
        /// On which library.
        peer: Peer,
        /// At work at the same time, in each worker.
        handlers: u32,
    },
    /// Deskmesh with one slot that takes few messages at a time, so that a service is the limit and
    /// not the broker.
    Narrow {
        /// Of each service.
        replicas: u32,
    },
    /// The raw ceiling.
    Raw,
}

impl Contestant {
    /// In words.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::Deskmesh { replicas: 1 } => "Deskmesh".to_owned(),
            Self::Deskmesh { replicas } => format!("Deskmesh, {replicas} replicas of each service"),
            Self::Narrow { replicas } => {
                format!("Deskmesh with one narrow slot, {replicas} of each service")
            }
            Self::Naive { handlers } => format!("one message a transaction, {handlers} handlers"),
            Self::Python { peer, handlers } => {
                format!("Python with {}, {handlers} handlers", peer.name())
            }
            Self::Raw => "raw forwarder".to_owned(),
        }
    }

    /// Updates under way at full speed: enough that nobody waits for the desks.
    #[must_use]
    pub fn window(self) -> usize {
        match self {
            Self::Deskmesh { .. } | Self::Narrow { .. } | Self::Raw => 3_000,
            Self::Naive { handlers } | Self::Python { handlers, .. } => {
                usize::try_from(handlers).unwrap_or(32) * 8
            }
        }
    }
}

/// What runs. It ends when it is dropped.
#[derive(Debug)]
pub struct Running {
    instances: Vec<Instance>,
    /// Forwarders or workers.
    others: Vec<(Place, Child)>,
    /// From the start of the processes until all were ready.
    pub ready_in: Duration,
}

/// What a contestant is started with.
#[derive(Debug)]
pub struct Ground<'a> {
    /// The services' processes on their installation.
    pub fleet: &'a Fleet,
    /// Where the benchmark's user logs in, for forwarders.
    pub raw_url: &'a str,
    /// The workers in Python, where they were prepared.
    pub peers: Option<&'a Peers>,
}

impl Running {
    /// Starts a contestant for updates of this kind and waits until it is ready.
    ///
    /// # Errors
    /// When a process does not start.
    pub async fn start(contestant: Contestant, kind: Kind, ground: &Ground<'_>) -> Result<Self> {
        let started = Instant::now();
        let with = |slots: u32, batch: u32| {
            let fleet =
                ground.fleet.clone().with_variable("DESKMESH__BROKER__SLOTS", &slots.to_string());
            fleet.with_variable("DESKMESH__BROKER__BATCH_SIZE", &batch.to_string())
        };
        let (fleet, replicas) = match contestant {
            Contestant::Raw => return Ok(Self::of(forwarders(ground.raw_url, kind)?, started)),
            Contestant::Python { peer, handlers } => {
                let peers = ground.peers.context("no peer in Python was prepared")?;
                return Ok(Self::of(peers.start(peer, handlers).await?, started));
            }
            Contestant::Deskmesh { replicas } => (ground.fleet.clone(), replicas),
            Contestant::Narrow { replicas } => (with(1, 4), replicas),
            Contestant::Naive { handlers } => (with(handlers, 1), 1),
        };
        let start = spawn_blocking(move || {
            let mut instances = Vec::new();
            for replica in 1..=replicas {
                for service in Service::ALL {
                    instances.push(fleet.start(service, replica)?);
                }
            }
            for instance in &mut instances {
                instance.wait_ready(READY)?;
            }
            Ok::<_, local::Error>(instances)
        });
        let instances = start.await.context("starting the services")??;
        Ok(Self { instances, others: Vec::new(), ready_in: started.elapsed() })
    }

    fn of(others: Vec<(Place, Child)>, started: Instant) -> Self {
        Self { instances: Vec::new(), others, ready_in: started.elapsed() }
    }

    /// The processes by service.
    #[must_use]
    pub fn processes(&self) -> Parts {
        let mut parts = Parts::new();
        for instance in &self.instances {
            parts
                .entry(instance.service().name())
                .or_default()
                .extend(instance.process().map(|process| process.pid));
        }
        for (place, child) in &self.others {
            let pid = child.id().and_then(|pid| i32::try_from(pid).ok());
            parts.entry(place.service().name()).or_default().extend(pid);
        }
        parts
    }

    /// Ends it.
    ///
    /// # Errors
    /// When a process does not end.
    pub async fn stop(mut self) -> Result<()> {
        let mut instances = std::mem::take(&mut self.instances);
        for (_, other) in &mut self.others {
            other.kill().await?;
        }
        let end = spawn_blocking(move || {
            instances.iter().for_each(Instance::signal_end);
            instances.iter_mut().try_for_each(|instance| instance.wait_exit(READY).map(drop))
        });
        Ok(end.await.context("ending the services")??)
    }
}

fn forwarders(url: &str, kind: Kind) -> Result<Vec<(Place, Child)>> {
    let program = std::env::current_exe().context("finding the current executable")?;
    let path = Place::path(kind);
    let start = |(index, place): (usize, &Place)| {
        let next = path.get(index + 1).map(|next| next.service().name());
        let child = Command::new(&program)
            .args(["forward", url, place.service().name()])
            .args(next)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .context("starting a forwarder")?;
        Ok((*place, child))
    };
    path.iter().enumerate().map(start).collect()
}

/// Migrates the services' schemas.
///
/// # Errors
/// When one fails.
pub async fn migrate(fleet: &Fleet) -> Result<()> {
    let fleet = fleet.clone();
    Ok(spawn_blocking(move || fleet.migrate_all()).await.context("migrating")??)
}
