//! What is old enough goes: rows in short statements until none is due, outputs a whole day at a
//! time. Beside the messages and never before them, by the database's clock, and so that nobody
//! waits for it.

mod clocks;
mod outputs;
mod rows;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use contracts::limits;
use sqlx::error::DatabaseError;
use sqlx::{AssertSqlSafe, Executor, PgConnection, PgPool};
use tokio_util::sync::CancellationToken;

use crate::cause::cause;
use crate::run::runtime::Shared;
use crate::service::{Aged, Service};
use crate::timeout;
pub(crate) use outputs::ensure_today;
use rows::{Chunk, Position};

/// How retention works.
#[derive(Clone, Copy, Debug)]
pub struct Retention {
    /// How often it is looked for what is due.
    pub interval: Duration,
    /// For how long the broker must have been reached without a break before old outputs go: so
    /// long redelivered messages have to ask for theirs.
    pub outputs_wait: Duration,
}

impl Default for Retention {
    fn default() -> Self {
        Self { interval: Duration::from_mins(1), outputs_wait: Duration::from_hours(1) }
    }
}

/// How long a lock may be waited for: of whoever reads for longer, nothing is taken away now.
const LOCK_LIMIT: &str = "1s";

/// The runtime's own tables.
fn own(journal_days: u32) -> [Aged; 5] {
    let contract = u32::try_from(limits::MESSAGE_ID_DAYS).unwrap_or(u32::MAX);
    let aged = |table, since, condition, days| Aged { table, since, condition, days };
    [
        aged("journal", "decided_at", "true", journal_days.max(contract)),
        // For whoever asks what became of them.
        aged("parked", "closed_at", "state <> 'parked'", 30),
        aged("parked_audit", "at", "true", 365),
        aged("suspect", "begun_at", "true", 1),
        aged("watched", "until", "true", 1),
    ]
}

/// Looks for what is due, again and again, until it is told to stop.
pub(crate) async fn run<S: Service>(shared: &Shared<S>, stop: &CancellationToken) {
    let tables = own(shared.settings.journal_days).into_iter().chain(S::AGED.iter().copied());
    let mut kept: Vec<(Aged, Position)> = tables.map(|aged| (aged, Position::default())).collect();
    let mut overdue = Overdue::default();
    loop {
        let round = Box::pin(round(shared, &mut kept, &mut overdue));
        if stop.run_until_cancelled(round).await.is_none() {
            return;
        }
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = tokio::time::sleep(shared.settings.retention.interval) => {}
        }
    }
}

/// One look at everything. What fails is tried again in the next, and keeps nothing else back.
async fn round<S: Service>(
    shared: &Shared<S>,
    kept: &mut [(Aged, Position)],
    overdue: &mut Overdue,
) {
    let (pool, limit) = (&shared.pool, shared.settings.answer_timeout);
    match timeout::database(limit, outputs::make_ahead(pool)).await {
        Ok(()) => {}
        Err(error) => report("journal_output", "the coming days cannot be made", &error),
    }
    match timeout::database(limit, clocks::ahead_of_host(pool)).await {
        Ok(seconds) if clocks::may_age(seconds) => {}
        Ok(seconds) => {
            tracing::error!(
                seconds,
                "the database's clock is ahead of this host's; nothing is deleted until they agree"
            );
            return;
        }
        Err(error) => return report("journal", "the clocks cannot be compared", &error),
    }
    let settled = shared.health.broker_settled(shared.settings.retention.outputs_wait);
    match timeout::database(limit, outputs::drop_old(pool, settled)).await {
        Ok(seconds) => overdue.is("journal_output", seconds),
        Err(error) => {
            report("journal_output", "old days cannot be dropped", &error);
            overdue.is_unknown("journal_output");
        }
    }
    match timeout::database(limit, outputs::days_ahead(pool)).await {
        Ok(days) => metrics::gauge!("deskmesh_output_days_ahead").set(f64::from(days)),
        Err(error) => report("journal_output", "its days cannot be counted", &error),
    }
    for (aged, position) in kept {
        delete_all(pool, limit, aged, position, overdue).await;
    }
}

/// Deletes what is due in a table, a chunk at a time. Leaves most of the time to others.
async fn delete_all(
    pool: &PgPool,
    limit: Duration,
    aged: &Aged,
    position: &mut Position,
    overdue: &mut Overdue,
) {
    loop {
        let begun = Instant::now();
        match timeout::database(limit, rows::delete_chunk(pool, aged, position)).await {
            Ok(Chunk::More { overdue_seconds }) => overdue.is(aged.table, overdue_seconds),
            // Whoever is at it tells how far it is.
            Ok(Chunk::Last | Chunk::Others) => return overdue.is(aged.table, 0.0),
            Err(error) => {
                report(aged.table, "old rows cannot be deleted", &error);
                return overdue.is_unknown(aged.table);
            }
        }
        tokio::time::sleep(begun.elapsed() * PAUSE).await;
    }
}

/// After each chunk retention rests this many times as long as the chunk took.
const PAUSE: u32 = 3;

/// Until its end, for a transaction (`set local`), or for the connection (`set`).
async fn limit_locks(connection: &mut PgConnection, set: &str) -> sqlx::Result<()> {
    let sql = format!("{set} lock_timeout = '{LOCK_LIMIT}'");
    connection.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await?;
    Ok(())
}

fn report(table: &str, what: &str, error: &sqlx::Error) {
    let locked = error.as_database_error().and_then(DatabaseError::code);
    if locked.as_deref() == Some("55P03") {
        // A long reader: usual, and the gauge tells when it takes too long.
        tracing::debug!(table, "{what} while others hold a lock; it is tried again");
    } else {
        tracing::warn!(table, cause = cause(error), "{what}; it is tried again");
    }
}

/// For how long the oldest of each table should have been gone.
#[derive(Debug)]
struct Overdue {
    begun: Instant,
    /// Seconds, and when that was seen.
    seen: BTreeMap<&'static str, (f64, Instant)>,
}

impl Default for Overdue {
    fn default() -> Self {
        Self { begun: Instant::now(), seen: BTreeMap::new() }
    }
}

impl Overdue {
    fn is(&mut self, table: &'static str, seconds: f64) {
        self.seen.insert(table, (seconds, Instant::now()));
        tell(table, seconds);
    }

    /// It could not be seen: it is taken for as old as it was, and older by the time that passed.
    fn is_unknown(&self, table: &'static str) {
        let (seconds, at) = self.seen.get(table).copied().unwrap_or((0.0, self.begun));
        tell(table, seconds + at.elapsed().as_secs_f64());
    }
}

fn tell(table: &'static str, seconds: f64) {
    metrics::gauge!("deskmesh_retention_overdue_seconds", "table" => table).set(seconds);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_journal_is_never_kept_for_less_than_the_contract_says() {
        assert_eq!(own(1)[0].days, 30);
        assert_eq!(own(400)[0].days, 400);
    }
}
