//! One batch from admission to commit: journal, decide, save, journal, commit. What goes out and
//! the ack come after (`slot`).

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use contracts::Timestamp;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use sqlx::{PgConnection, PgPool};

use crate::failure::{DecideError, Next, next_after};
use crate::journal::{self, Key};
use crate::parking::{self, ParkReason, Parking};
use crate::plan::{Disposition, Item, Plan};
use crate::service::{HandlerResult, Received, Service};
use crate::suspects::{self, SUSPICIOUS_DELIVERIES, TOO_MANY_PROCESSES};
use crate::timeout;

/// A batch that loses this often against others has a cause of its own.
const RERUNS: usize = 5;

/// The service's database.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Database<'a> {
    pub pool: &'a PgPool,
    /// How long it may take over one attempt at a batch.
    pub limit: Duration,
}

/// Why a batch has no dispositions.
#[derive(Debug)]
pub(crate) enum StepError {
    /// The database is away: hold the batch.
    Hold(sqlx::Error),
}

enum Failed {
    Rerun,
    Hold(sqlx::Error),
    Poison(String),
}

impl From<sqlx::Error> for Failed {
    fn from(error: sqlx::Error) -> Self {
        match next_after(&error) {
            Next::Rerun => Self::Rerun,
            Next::Hold => Self::Hold(error),
            Next::Bisect => Self::Poison(chain(&error)),
        }
    }
}

/// An error with its causes, for the parking table.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

/// Decides a batch that came from `queue`: one disposition per item, in order. A message that cannot be
/// decided is found by halving the batch, and parked; the others go on.
pub(crate) fn decide_all<'a, S: Service>(
    service: &'a S,
    database: Database<'a>,
    queue: &'a str,
    items: &'a [Item<S::Inbound>],
    now: Timestamp,
) -> BoxFuture<'a, Result<Vec<Disposition>, StepError>> {
    async move {
        let suspect =
            items.iter().position(|item| item.envelope.deliveries >= SUSPICIOUS_DELIVERIES);
        match (suspect, items) {
            (Some(_), [item]) => decide_suspect(service, database, queue, item, now).await,
            (Some(index), _) => {
                let parts = [&items[..index], &items[index..=index], &items[index + 1..]];
                in_parts(service, database, queue, now, &parts).await
            }
            (None, _) => decide_together(service, database, queue, items, now).await,
        }
    }
    .boxed()
}

async fn decide_suspect<S: Service>(
    service: &S,
    database: Database<'_>,
    queue: &str,
    item: &Item<S::Inbound>,
    now: Timestamp,
) -> Result<Vec<Disposition>, StepError> {
    let Database { pool, limit } = database;
    let began = timeout::database(limit, suspects::begin(pool, queue, &item.envelope, now))
        .await
        .map_err(StepError::Hold)?;
    let dispositions = if began >= TOO_MANY_PROCESSES {
        let cause = format!("{began} processes began to decide it and did not end");
        let parked = park(pool, queue, item, ParkReason::RedeliveredTooOften, &cause, now);
        timeout::database(limit, parked).await.map_err(StepError::Hold)?;
        vec![Disposition::Parked]
    } else {
        decide_together(service, database, queue, std::slice::from_ref(item), now).await?
    };
    timeout::database(limit, suspects::end(pool, queue, &item.envelope))
        .await
        .map_err(StepError::Hold)?;
    Ok(dispositions)
}

/// Decides a batch in one transaction, or halves it.
async fn decide_together<S: Service>(
    service: &S,
    database: Database<'_>,
    queue: &str,
    items: &[Item<S::Inbound>],
    now: Timestamp,
) -> Result<Vec<Disposition>, StepError> {
    let mut reruns = 0;
    let cause = loop {
        match timeout::database(database.limit, attempt(service, database.pool, queue, items, now))
            .await
        {
            Ok(dispositions) => return Ok(dispositions),
            Err(Failed::Hold(error)) => return Err(StepError::Hold(error)),
            Err(Failed::Rerun) if reruns < RERUNS => reruns += 1,
            Err(Failed::Rerun) => break "it always loses against another transaction".to_owned(),
            Err(Failed::Poison(cause)) => break cause,
        }
    };
    if let [item] = items {
        let parked = park(database.pool, queue, item, ParkReason::Poison, &cause, now);
        return timeout::database(database.limit, parked)
            .await
            .map(|()| vec![Disposition::Parked])
            .map_err(StepError::Hold);
    }
    let (left, right) = items.split_at(items.len() / 2);
    in_parts(service, database, queue, now, &[left, right]).await
}

async fn in_parts<S: Service>(
    service: &S,
    database: Database<'_>,
    queue: &str,
    now: Timestamp,
    parts: &[&[Item<S::Inbound>]],
) -> Result<Vec<Disposition>, StepError> {
    let mut dispositions = Vec::new();
    for part in parts.iter().filter(|part| !part.is_empty()) {
        dispositions.extend(decide_all(service, database, queue, part, now).await?);
    }
    Ok(dispositions)
}

/// Sets the one aside that cannot be decided.
async fn park<M>(
    pool: &PgPool,
    queue: &str,
    item: &Item<M>,
    reason: ParkReason,
    cause: &str,
    now: Timestamp,
) -> sqlx::Result<()> {
    let mut connection = pool.acquire().await?;
    parking::park(
        &mut connection,
        &Parking::of_envelope(queue, &item.envelope, &item.trace, item.about()),
        reason,
        cause,
        now,
    )
    .await
}

/// One transaction over the batch.
async fn attempt<S: Service>(
    service: &S,
    pool: &PgPool,
    queue: &str,
    items: &[Item<S::Inbound>],
    now: Timestamp,
) -> Result<Vec<Disposition>, Failed> {
    let mut transaction = pool.begin().await?;
    let keys: Vec<&Key> = items.iter().filter_map(Item::key).collect();
    let known = journal::lookup(&mut transaction, &keys).await?;
    let mut plan = Plan::of(S::SERVICE, items, &known);
    let fresh: Vec<usize> = plan.fresh().to_vec();
    let batch: Vec<&Received<S::Inbound>> =
        fresh.iter().filter_map(|index| items[*index].accepted()).collect();
    if !batch.is_empty() {
        let verdicts = decide_fresh(service, &mut transaction, &batch).await?;
        for (index, verdict) in fresh.into_iter().zip(verdicts) {
            plan.take(index, verdict).map_err(Failed::Poison)?;
        }
    }
    if !journal::insert(&mut transaction, &plan.journal_rows()).await? {
        return Err(Failed::Rerun);
    }
    for (index, reason, detail) in plan.parked() {
        let item = &items[*index];
        let parking = Parking::of_envelope(queue, &item.envelope, &item.trace, item.about());
        parking::park(&mut transaction, &parking, *reason, detail, now).await?;
    }
    transaction.commit().await?;
    Ok(plan.into_dispositions())
}

/// Calls the service for what is new. A panic in a rule is the fault of one of the messages, not of
/// the process.
async fn decide_fresh<S: Service>(
    service: &S,
    connection: &mut PgConnection,
    batch: &[&Received<S::Inbound>],
) -> Result<Vec<HandlerResult>, Failed> {
    let verdicts = match AssertUnwindSafe(service.decide(connection, batch)).catch_unwind().await {
        Ok(Ok(verdicts)) => verdicts,
        Ok(Err(DecideError::Database(error))) => return Err(error.into()),
        Ok(Err(error @ DecideError::Stored { .. })) => return Err(Failed::Poison(chain(&error))),
        Err(panic) => {
            let text = panic
                .downcast_ref::<String>()
                .map(String::as_str)
                .or_else(|| panic.downcast_ref::<&str>().copied());
            return Err(Failed::Poison(format!(
                "a rule panicked: {}",
                text.unwrap_or("without a word")
            )));
        }
    };
    if verdicts.len() == batch.len() {
        Ok(verdicts)
    } else {
        Err(Failed::Poison(format!("{} verdicts for {} messages", verdicts.len(), batch.len())))
    }
}
