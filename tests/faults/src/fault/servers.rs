//! Faults of broker and database.

use std::time::Duration;

use anyhow::Result;
use local::{Ending, Server};
use sqlx::Connection;
use testkit::desk::clock;

use super::Host;
use crate::site::Site;
use crate::traffic::ACCOUNTS;

/// Seconds before a broker was lost from which on outputs are replayed: longer than any message is
/// under way.
const SINCE: i64 = 30;
/// How long the memory alarm is on.
const ALARM: Duration = Duration::from_secs(4);

pub(super) async fn away(site: &Site, host: Host, ending: Ending, time: Duration) -> Result<()> {
    let server = match host {
        Host::Broker => Server::Broker,
        Host::Database => Server::Database,
    };
    site.take_away(server, ending).await?;
    tokio::time::sleep(time).await;
    site.bring_back().await
}

pub(super) async fn connections_cut(site: &Site) -> Result<()> {
    let mut connection = site.superuser().await?;
    sqlx::query(
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() \
         and pid <> pg_backend_pid()",
    )
    .execute(&mut connection)
    .await?;
    Ok(connection.close().await?)
}

/// What the broker held is gone. Commands without a receipt are published again by their desks;
/// what services had sent since a moment before is sent again from their journals.
pub(super) async fn broker_wiped(site: &Site) -> Result<()> {
    let since = clock().plus_seconds(-SINCE).to_string();
    site.wipe_broker(&ACCOUNTS).await?;
    let replay = ["replay", "--since", &since, "--rate", "1000", "--yes"];
    site.replicas.run(replay.map(str::to_owned).to_vec()).await
}

pub(super) async fn memory_alarm(site: &Site) -> Result<()> {
    site.broker_control(&["set_vm_memory_high_watermark", "absolute", "1MB"]).await?;
    tokio::time::sleep(ALARM).await;
    site.broker_control(&["set_vm_memory_high_watermark", "0.4"]).await
}
