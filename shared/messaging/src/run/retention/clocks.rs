//! Whether the database's clock, by which rows age, can be believed. One that jumps weeks ahead
//! would take everything away that protects against repeats, and no restart would bring it back.

use sqlx::PgPool;
use sqlx::types::chrono::{DateTime, Utc};

use crate::clock::now;

/// Seconds that the database's clock may be ahead of the host's. Hosts agree within one; an hour is
/// a time zone, or a clock that was set by hand.
const MOST_AHEAD: f64 = 600.0;

/// How many seconds the database's clock is ahead of this host's; negative when it is behind.
pub(super) async fn ahead_of_host(pool: &PgPool) -> sqlx::Result<f64> {
    let there: DateTime<Utc> = sqlx::query_scalar("select now()").fetch_one(pool).await?;
    let ahead = (there - now().utc()).as_seconds_f64();
    metrics::gauge!("deskmesh_database_clock_ahead_seconds").set(ahead);
    Ok(ahead)
}

/// Whether rows may be taken away by the database's clock. One that is behind takes too little
/// away, which can be made up for.
pub(super) fn may_age(seconds_ahead: f64) -> bool {
    seconds_ahead <= MOST_AHEAD
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_far_ahead_ages_nothing() {
        for (seconds, may) in
            [(0.0, true), (-432_000.0, true), (599.0, true), (601.0, false), (2_678_400.0, false)]
        {
            assert_eq!(may_age(seconds), may, "{seconds} s ahead");
        }
    }
}
