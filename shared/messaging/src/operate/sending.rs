//! How operators send: as the service's own user, at a rate that leaves the service its share of
//! the broker.

use std::num::NonZeroU32;
use std::time::Duration;

use contracts::topology::Service;
use lapin::Connection;
use tokio::time::{Interval, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use crate::failure::Fault;
use crate::publish::publisher::Publisher;
use crate::run::connection;

/// Turns per second, at most; at a higher rate more than one message goes out in a turn.
const TURNS: u32 = 50;
/// Messages in one turn, at most: so many are finished after a stop.
const LARGEST_TURN: u32 = 200;

/// How an operator sends, and under which name.
#[derive(Clone, Debug)]
pub struct Sending {
    /// Address of the broker, with the service's own user: `amqp://user:password@host:port/vhost`.
    pub broker_url: String,
    /// How long the confirms of a turn may take.
    pub confirm_timeout: Duration,
    /// Messages a second, at most.
    pub rate: NonZeroU32,
    /// Who does it, for the audit.
    pub by: String,
}

impl Sending {
    /// Logs in for publishing.
    pub(crate) async fn open(&self, service: Service) -> Result<Post, Fault> {
        let connection =
            connection::connect(&self.broker_url, &format!("{} operator", service.name())).await?;
        let publisher = Publisher::open(&connection, service, self.confirm_timeout).await?;
        Ok(Post { connection, publisher })
    }
}

/// A publisher with the connection that is its own.
pub(crate) struct Post {
    connection: Connection,
    pub publisher: Publisher,
}

impl Post {
    /// Logs out, as far as the broker still answers.
    pub async fn close(self) {
        connection::close(self.connection).await;
    }
}

/// Keeps to a rate.
pub(crate) struct Pace {
    chunk: u32,
    turns: Interval,
}

impl Pace {
    pub fn of(rate: NonZeroU32) -> Self {
        let (chunk, period) = turn(rate);
        let mut turns = tokio::time::interval(period);
        turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { chunk, turns }
    }

    /// Messages in one turn.
    pub fn chunk(&self) -> usize {
        self.chunk as usize
    }

    /// Waits for the next turn; false when it is told to stop.
    pub async fn turn(&mut self, stop: &CancellationToken) -> bool {
        tokio::select! {
            biased;
            () = stop.cancelled() => false,
            _ = self.turns.tick() => true,
        }
    }
}

/// Messages in a turn, and the time for it.
fn turn(rate: NonZeroU32) -> (u32, Duration) {
    let chunk = (rate.get() / TURNS).clamp(1, LARGEST_TURN);
    (chunk, Duration::from_secs_f64(f64::from(chunk) / f64::from(rate.get())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_rate_sends_one_by_one_and_a_fast_one_in_small_chunks() {
        let turn = |rate| turn(NonZeroU32::new(rate).unwrap());
        assert_eq!(turn(1), (1, Duration::from_secs(1)));
        assert_eq!(turn(50), (1, Duration::from_millis(20)));
        assert_eq!(turn(1_000), (20, Duration::from_millis(20)));
        assert_eq!(turn(100_000), (200, Duration::from_millis(2)));
    }
}
