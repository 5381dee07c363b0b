//! Faults of desks and of what they publish.

use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::Result;
use serde_json::json;

use crate::site::Site;
use crate::traffic::{ACCOUNTS, Traffic};

/// The desk that has the trouble.
const VICTIM: &str = ACCOUNTS[1];
/// Deliveries that fit into the queue that is full.
const ROOM: u32 = 5;
/// How long a queue is full, and how long desks repeat themselves.
const HOLD: Duration = Duration::from_secs(5);
/// The policy that makes a queue small.
const POLICY: &str = "small";

pub(super) async fn full(site: &Site, traffic: &Traffic) -> Result<()> {
    traffic.desk(VICTIM).sleep();
    site.ask_broker(|installation| {
        let definition = json!({
            "max-length": ROOM, "overflow": "reject-publish", "dead-letter-exchange": "sync",
            "dead-letter-routing-key": "parked.desk", "dead-letter-strategy": "at-least-once",
        });
        installation.broker().put_policy(
            installation.vhost(),
            POLICY,
            &format!("^desk\\.{VICTIM}$"),
            10,
            &definition,
        )
    })
    .await?;
    tokio::time::sleep(HOLD).await;
    site.ask_broker(|installation| {
        installation.broker().delete_policy(installation.vhost(), POLICY)
    })
    .await?;
    traffic.desk(VICTIM).wake();
    Ok(())
}

pub(super) async fn asleep(traffic: &Traffic, time: Duration) {
    traffic.desk(VICTIM).sleep();
    tokio::time::sleep(time).await;
    traffic.desk(VICTIM).wake();
}

pub(super) async fn repeats(traffic: &Traffic) {
    traffic.manners.repeats.store(true, Ordering::Relaxed);
    tokio::time::sleep(HOLD).await;
    traffic.manners.repeats.store(false, Ordering::Relaxed);
}

pub(super) async fn clock_off(traffic: &Traffic, seconds: i64) {
    traffic.manners.clock_off.store(seconds, Ordering::Relaxed);
    tokio::time::sleep(HOLD).await;
    traffic.manners.clock_off.store(0, Ordering::Relaxed);
}
