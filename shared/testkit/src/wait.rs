//! Waiting for a condition.

use std::time::{Duration, Instant};

/// Waits until `check` gives a value. `check` says what it sees while it does not.
///
/// # Panics
/// After `limit`, with what was last seen.
pub async fn until<T>(
    what: &str,
    limit: Duration,
    mut check: impl AsyncFnMut() -> Result<T, String>,
) -> T {
    let started = Instant::now();
    loop {
        match check().await {
            Ok(value) => return value,
            Err(seen) => {
                assert!(
                    started.elapsed() < limit,
                    "waited {limit:?} for {what}; last seen: {seen}"
                );
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
}
