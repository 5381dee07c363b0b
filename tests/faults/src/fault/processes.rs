//! Faults of the services' processes.

use anyhow::Result;

use crate::site::{REPLICAS, Site};

/// Replaces every replica, one after the other, as a deployment does.
pub(super) async fn rolling_restart(site: &Site) -> Result<()> {
    for replica in 1..=REPLICAS {
        for service in site.replicas.services() {
            site.replicas.replace(service, replica).await?;
        }
    }
    Ok(())
}
