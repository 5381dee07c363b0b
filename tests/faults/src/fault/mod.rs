//! What is done to the system, and undone again.

mod desks;
mod network;
mod processes;
mod queues;
mod servers;

use std::fmt;
use std::time::Duration;

use anyhow::Result;
use contracts::topology::Service;
use local::Ending;
use serde::Serialize;

use crate::site::Site;
use crate::traffic::Traffic;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// One replica is killed and comes back.
    Kill(Service, u32),
    /// One replica is asked to stop, and another takes its place.
    Stop(Service, u32),
    /// All replicas are replaced, one after the other.
    RollingRestart,
    /// A server ends and is started again, after this many seconds.
    Away(Host, Ending, u64),
    /// The database ends all its connections.
    ConnectionsCut,
    /// The network between the services and a server.
    Network(Host, Trouble),
    /// The broker blocks its publishers.
    MemoryAlarm,
    /// A service's work queue is deleted, with what is in it, and declared again.
    QueueDeleted(Service),
    /// The broker is destroyed with everything in it, and another made; operators replay what was
    /// sent since.
    BrokerWiped,
    /// Messages that nobody can read, and commands that nobody may send.
    Poison,
    /// A desk's queue is full, and the desk does not read.
    DeskFull,
    /// A desk does not read for this many seconds.
    DeskAsleep(u64),
    /// Every command is published two or three times, in another order.
    Repeats,
    /// The clock of one desk is an hour off.
    ClockOff(i64),
}

/// A server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host {
    /// `RabbitMQ`.
    Broker,
    /// `PostgreSQL`.
    Database,
}

/// What happens on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// 60 ms each way.
    Slow,
    /// All connections are cut, again and again.
    Cut,
    /// Nobody gets through for five seconds.
    Closed,
    /// Connections stay open, and nothing comes through them any more.
    HalfOpen,
}

/// What a fault takes: two of the same are not done at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// Processes.
    Process,
    /// The broker, or the way to it.
    Broker,
    /// The database, or the way to it.
    Database,
    /// A desk's queue.
    Desk,
    /// What desks publish.
    Publishing,
}

impl Fault {
    /// What it takes.
    #[must_use]
    pub fn subject(self) -> Subject {
        match self {
            Self::Kill(..) | Self::Stop(..) | Self::RollingRestart => Subject::Process,
            Self::Away(Host::Broker, ..)
            | Self::Network(Host::Broker, _)
            | Self::MemoryAlarm
            | Self::QueueDeleted(_)
            | Self::BrokerWiped => Subject::Broker,
            Self::Away(Host::Database, ..)
            | Self::Network(Host::Database, _)
            | Self::ConnectionsCut => Subject::Database,
            Self::DeskFull | Self::DeskAsleep(_) => Subject::Desk,
            Self::Poison | Self::Repeats | Self::ClockOff(_) => Subject::Publishing,
        }
    }

    /// Whether it destroys what the broker held, so that desks have to publish again what has no
    /// receipt.
    #[must_use]
    pub fn loses_messages(self) -> bool {
        matches!(self, Self::QueueDeleted(_) | Self::BrokerWiped)
    }

    /// Does it and undoes it.
    ///
    /// # Errors
    /// When it cannot be done, or what was broken does not come back.
    pub async fn strike(self, site: &Site, traffic: &Traffic) -> Result<()> {
        match self {
            Self::Kill(service, replica) => site.replicas.kill(service, replica).await,
            Self::Stop(service, replica) => site.replicas.replace(service, replica).await,
            Self::RollingRestart => processes::rolling_restart(site).await,
            Self::Away(host, ending, seconds) => {
                servers::away(site, host, ending, Duration::from_secs(seconds)).await
            }
            Self::ConnectionsCut => servers::connections_cut(site).await,
            Self::Network(host, trouble) => {
                network::trouble(site, host, trouble).await;
                Ok(())
            }
            Self::MemoryAlarm => servers::memory_alarm(site).await,
            Self::QueueDeleted(service) => queues::deleted(site, service).await,
            Self::BrokerWiped => servers::broker_wiped(site).await,
            Self::Poison => queues::poison(site, traffic).await,
            Self::DeskFull => desks::full(site, traffic).await,
            Self::DeskAsleep(seconds) => {
                desks::asleep(traffic, Duration::from_secs(seconds)).await;
                Ok(())
            }
            Self::Repeats => {
                desks::repeats(traffic).await;
                Ok(())
            }
            Self::ClockOff(seconds) => {
                desks::clock_off(traffic, seconds).await;
                Ok(())
            }
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kill(service, replica) => write!(f, "kill -9 {} {replica}", service.name()),
            Self::Stop(service, replica) => write!(f, "SIGTERM {} {replica}", service.name()),
            Self::RollingRestart => f.write_str("rolling restart of everything"),
            Self::Away(host, Ending::Orderly, 0) => write!(f, "{host} restarts"),
            Self::Away(host, Ending::AtOnce, 0) => write!(f, "{host} crashes and restarts"),
            Self::Away(host, _, seconds) => write!(f, "{host} away for {seconds} s"),
            Self::ConnectionsCut => f.write_str("all database connections ended"),
            Self::Network(host, Trouble::Slow) => write!(f, "network to {host} slow"),
            Self::Network(host, Trouble::Cut) => write!(f, "network to {host} cut"),
            Self::Network(host, Trouble::Closed) => write!(f, "network to {host} closed"),
            Self::Network(host, Trouble::HalfOpen) => write!(f, "network to {host} half-open"),
            Self::MemoryAlarm => f.write_str("memory alarm"),
            Self::QueueDeleted(service) => write!(f, "queue {} deleted", service.name()),
            Self::BrokerWiped => f.write_str("broker wiped, outputs replayed"),
            Self::Poison => f.write_str("poison messages"),
            Self::DeskFull => f.write_str("a desk's queue full"),
            Self::DeskAsleep(seconds) => write!(f, "a desk does not read for {seconds} s"),
            Self::Repeats => f.write_str("repeats in another order"),
            Self::ClockOff(seconds) => write!(f, "a desk's clock {seconds:+} s off"),
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Broker => "broker",
            Self::Database => "database",
        })
    }
}
