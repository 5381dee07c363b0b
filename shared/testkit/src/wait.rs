//! Waiting for a condition.

use std::time::{Duration, Instant};

/// How long a check may take over the limit: it has waits of its own.
const ONE_CHECK: Duration = Duration::from_mins(1);

/// Waits until `check` gives a value. `check` says what it sees while it does not.
///
/// # Panics
/// After `limit`, with what was last seen; or when a check does not end.
pub async fn until<T>(
    what: &str,
    limit: Duration,
    mut check: impl AsyncFnMut() -> Result<T, String>,
) -> T {
    let started = Instant::now();
    let mut seen = "nothing".to_owned();
    loop {
        let left = limit.saturating_sub(started.elapsed());
        match tokio::time::timeout(left + ONE_CHECK, check()).await {
            Ok(Ok(value)) => return value,
            Ok(Err(now)) => seen = now,
            Err(elapsed) => panic!("a check for {what}: {elapsed}; last seen: {seen}"),
        }
        assert!(started.elapsed() < limit, "waited {limit:?} for {what}; last seen: {seen}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
