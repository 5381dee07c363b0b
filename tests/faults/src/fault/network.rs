//! Faults of the network between services and servers.

use std::time::Duration;

use super::{Host, Trouble};
use crate::site::Site;

/// Each way.
const DELAY: Duration = Duration::from_millis(60);
/// How long the network is slow or closed.
const HOLD: Duration = Duration::from_secs(5);
/// Cuts in a row, and the time between them.
const CUTS: usize = 3;
const BETWEEN_CUTS: Duration = Duration::from_millis(700);

pub(super) async fn trouble(site: &Site, host: Host, trouble: Trouble) {
    let wire = match host {
        Host::Broker => &site.wires.broker,
        Host::Database => &site.wires.database,
    };
    match trouble {
        Trouble::Slow => {
            wire.slow(DELAY);
            tokio::time::sleep(HOLD).await;
            wire.clear();
        }
        Trouble::Cut => {
            for _ in 0..CUTS {
                wire.cut();
                tokio::time::sleep(BETWEEN_CUTS).await;
            }
        }
        Trouble::Closed => {
            wire.close();
            tokio::time::sleep(HOLD).await;
            wire.clear();
        }
        // It is not undone: who hangs has to notice.
        Trouble::HalfOpen => {
            wire.half_open();
            tokio::time::sleep(HOLD).await;
        }
    }
}
