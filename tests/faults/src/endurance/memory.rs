//! Resident memory of the services, sampled while they work.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use contracts::topology::Service;
use tokio_util::sync::CancellationToken;

use crate::site::Site;

/// Between two samples.
const EVERY: Duration = Duration::from_secs(2);
/// Memory is flat when its end is within this part of its beginning.
const ALLOWED: f64 = 0.10;

/// Samples by service and process, in KiB, each with the time since the first.
#[derive(Debug, Default)]
pub struct Memory {
    samples: BTreeMap<(Service, i32), Vec<(Duration, u64)>>,
}

impl Memory {
    /// Samples until it is over.
    ///
    /// # Errors
    /// When a process is gone.
    pub async fn watch(site: &Site, over: &CancellationToken) -> Result<Self> {
        let (started, mut memory) = (Instant::now(), Self::default());
        while !over.is_cancelled() {
            for (service, process) in site.replicas.processes().await {
                let resident = process
                    .resident()
                    .with_context(|| format!("a process of {} is gone", service.name()))?;
                memory
                    .samples
                    .entry((service, process.pid))
                    .or_default()
                    .push((started.elapsed(), resident));
            }
            tokio::select! {
                () = over.cancelled() => {}
                () = tokio::time::sleep(EVERY) => {}
            }
        }
        Ok(memory)
    }

    /// Whether every process ended as it was after `warm`.
    #[must_use]
    pub fn is_flat(&self, warm: Duration) -> bool {
        self.samples.values().all(|samples| {
            let (early, late) = ends(samples, warm);
            (late - early).abs() <= early * ALLOWED
        })
    }

    /// A table: what each process had after `warm`, at the end, and at most.
    #[must_use]
    pub fn table(&self, warm: Duration) -> String {
        let mut text = String::from(
            "| service | MiB once warm | MiB at the end | change | MiB at most |\n\
             |---|--:|--:|--:|--:|\n",
        );
        for ((service, _), samples) in &self.samples {
            let (early, late) = ends(samples, warm);
            let most = samples.iter().map(|(_, resident)| *resident).max().unwrap_or_default();
            let change = (late / early - 1.0) * 100.0;
            #[expect(clippy::cast_precision_loss, reason = "a number for people")]
            let most = most as f64 / 1024.0;
            writeln!(
                text,
                "| {} | {:.1} | {:.1} | {change:+.1} % | {most:.1} |",
                service.name(),
                early / 1024.0,
                late / 1024.0
            )
            .expect("a string takes every byte");
        }
        text
    }
}

/// Medians of the first tenth after `warm`, and of the last tenth.
fn ends(samples: &[(Duration, u64)], warm: Duration) -> (f64, f64) {
    let warm = samples.iter().position(|(at, _)| *at >= warm).unwrap_or(0);
    let steady = &samples[warm..];
    let tenth = (steady.len() / 10).max(1);
    (median(&steady[..tenth]), median(&steady[steady.len() - tenth..]))
}

#[expect(clippy::cast_precision_loss, reason = "some hundred thousand KiB")]
fn median(samples: &[(Duration, u64)]) -> f64 {
    let mut resident: Vec<u64> = samples.iter().map(|(_, resident)| *resident).collect();
    resident.sort_unstable();
    resident[resident.len() / 2] as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory(resident: impl Fn(u64) -> u64) -> Memory {
        let samples =
            (0..100).map(|second| (Duration::from_secs(second), resident(second))).collect();
        Memory { samples: [((Service::FieldSync, 1), samples)].into() }
    }

    #[test]
    fn growth_after_warming_up_is_not_flat() {
        let warm = Duration::from_secs(20);
        assert!(memory(|_| 50_000).is_flat(warm));
        assert!(
            memory(|second| if second < 20 { 20_000 } else { 50_000 + second }).is_flat(warm),
            "it grows while it warms up"
        );
        assert!(!memory(|second| 50_000 + second * 100).is_flat(warm));
        assert!(!memory(|second| 50_000 - second * 100).is_flat(warm));
    }
}
