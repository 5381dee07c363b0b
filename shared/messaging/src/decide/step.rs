//! One batch from admission to commit: journal, load, decide, apply, save, journal, commit. What
//! goes out and the ack come after (`slot`).

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use contracts::Timestamp;
use sqlx::{PgConnection, PgPool};

use crate::decide::journal;
use crate::decide::parking::{self, Parking};
use crate::decide::plan::{Disposition, Item, Plan};
use crate::decide::suspects::{self, SUSPICIOUS_DELIVERIES, TOO_MANY_PROCESSES};
use crate::failure::{DecideError, Next, next_after};
use crate::message::key::Key;
use crate::park_reason::ParkReason;
use crate::service::{HandlerResult, ReceivedMessage, Service};
use crate::timeout;

/// A batch that loses this often against others has a cause of its own.
const RERUNS: usize = 5;
/// A database that is there answers what costs nothing within this time.
const ANSWER_LIMIT: Duration = Duration::from_secs(5);
/// Bytes that a service may load, by [`Service::weight`], to decide one batch, unless its one
/// message needs more.
const LOADED_BYTES: usize = 2 * 1024 * 1024;
/// Bytes that a batch may send, unless its one message sends more.
const SENT_BYTES: usize = 8 * 1024 * 1024;

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
    /// The database is there, and did not come to the end of so many messages in time.
    TooSlow(usize),
}

/// Why one attempt came to nothing.
enum Failed {
    Rerun,
    Hold(sqlx::Error),
    /// One of the messages is the cause, and nobody knows which.
    Poison(String),
    /// So many of the first messages can be decided together.
    Only(usize),
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

impl From<DecideError> for Failed {
    fn from(error: DecideError) -> Self {
        match error {
            DecideError::Database(error) => error.into(),
            DecideError::Stored { .. } => Self::Poison(chain(&error)),
            DecideError::TooMuch { first } => Self::Only(first),
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

/// Decides the first messages of a batch that came from `queue`: as many as fit into one
/// transaction, one at least, and one disposition for each, in order. A message that cannot be
/// decided is parked; one that may be what kills the process is decided alone.
pub(crate) async fn decide_first<S: Service>(
    service: &S,
    database: Database<'_>,
    queue: &str,
    items: &[Item<S::Inbound>],
    now: Timestamp,
) -> Result<Vec<Disposition>, StepError> {
    let is_suspect = |item: &Item<_>| item.envelope.deliveries >= SUSPICIOUS_DELIVERIES;
    match items.iter().position(is_suspect) {
        Some(0) => decide_suspect(service, database, queue, &items[0], now).await,
        Some(suspect) => decide_together(service, database, queue, &items[..suspect], now).await,
        None => decide_together(service, database, queue, items, now).await,
    }
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

/// Decides messages in one transaction, all of them or as many of the first as can be.
async fn decide_together<S: Service>(
    service: &S,
    database: Database<'_>,
    queue: &str,
    items: &[Item<S::Inbound>],
    now: Timestamp,
) -> Result<Vec<Disposition>, StepError> {
    let mut items = &items[..light_enough::<S>(items)];
    let mut reruns = 0;
    loop {
        let attempted = attempt(service, database.pool, queue, items, now);
        let cause = match timeout::database(database.limit, attempted).await {
            Ok(dispositions) => return Ok(dispositions),
            Err(Failed::Hold(error)) if is_late(&error) && answers(database).await => {
                return Err(StepError::TooSlow(items.len()));
            }
            Err(Failed::Hold(error)) => return Err(StepError::Hold(error)),
            Err(Failed::Only(first)) => {
                items = &items[..first];
                continue;
            }
            Err(Failed::Rerun) if reruns < RERUNS => {
                reruns += 1;
                continue;
            }
            Err(Failed::Rerun) => "it always loses against another transaction".to_owned(),
            Err(Failed::Poison(cause)) => cause,
        };
        if let [item] = items {
            let parked = park(database.pool, queue, item, ParkReason::Poison, &cause, now);
            timeout::database(database.limit, parked).await.map_err(StepError::Hold)?;
            return Ok(vec![Disposition::Parked]);
        }
        items = &items[..items.len() / 2];
    }
}

/// Whether an attempt was given up because it took too long: here, or by the server itself.
fn is_late(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(error) => error.kind() == ErrorKind::TimedOut,
        // query_canceled: the server's statement_timeout
        sqlx::Error::Database(error) => error.code().as_deref() == Some("57014"),
        _ => false,
    }
}

/// Whether the database answers what costs nothing. One that is cut off does not.
async fn answers(database: Database<'_>) -> bool {
    let asked = sqlx::query("select 1").execute(database.pool);
    timeout::database(database.limit.min(ANSWER_LIMIT), asked).await.is_ok()
}

/// Sets the message aside that the database does not decide in time.
pub(crate) async fn set_aside<M>(
    database: Database<'_>,
    queue: &str,
    item: &Item<M>,
    now: Timestamp,
) -> Result<Vec<Disposition>, StepError> {
    let limit = database.limit;
    let cause = format!(
        "the database did not decide it within {} s, alone and several times, while it decided \
         others",
        limit.as_secs()
    );
    let Database { pool, .. } = database;
    let parked = park(pool, queue, item, ParkReason::TooSlow, &cause, now);
    timeout::database(limit, parked).await.map_err(StepError::Hold)?;
    timeout::database(limit, suspects::end(pool, queue, &item.envelope))
        .await
        .map_err(StepError::Hold)?;
    Ok(vec![Disposition::Parked])
}

/// How many of the first messages load no more together than one batch may.
fn light_enough<S: Service>(items: &[Item<S::Inbound>]) -> usize {
    let weights =
        items.iter().map(|item| item.accepted().map_or(0, |received| S::weight(&received.message)));
    loadable(weights)
}

/// How many of the first messages of a batch, one at least, load no more together than one batch
/// may. For a service that learns only while it loads what a message needs; what it knows before is
/// its [`Service::weight`].
pub fn loadable(weights: impl Iterator<Item = usize>) -> usize {
    within(LOADED_BYTES, weights)
}

/// How many of the first sizes add up to `limit` at most; one at least.
fn within(limit: usize, sizes: impl Iterator<Item = usize>) -> usize {
    let mut sum = 0;
    let fit = sizes.take_while(|size| {
        sum += size;
        sum <= limit
    });
    fit.count().max(1)
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
    let journal::Remembered { output_bytes: sizes, epoch } =
        journal::known(&mut transaction, &keys).await?;
    let of_item = |item: &Item<_>| item.key().and_then(|key| sizes.get(key)).copied();
    let first = within(SENT_BYTES, items.iter().map(|item| of_item(item).unwrap_or_default()));
    if first < items.len() {
        return Err(Failed::Only(first));
    }
    let known = if sizes.is_empty() {
        BTreeMap::new()
    } else {
        journal::lookup(&mut transaction, &keys).await?
    };
    let mut plan = Plan::of((S::SERVICE, epoch), items, &known);
    let fresh: Vec<usize> = plan.fresh().to_vec();
    let batch: Vec<&ReceivedMessage<S::Inbound>> =
        fresh.iter().filter_map(|index| items[*index].accepted()).collect();
    if !batch.is_empty() {
        let verdicts = decide_fresh(service, &mut transaction, &batch).await;
        let verdicts = verdicts.map_err(|failed| failed.in_terms_of(&fresh))?;
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
    let dispositions = plan.into_dispositions().map_err(Failed::Poison)?;
    transaction.commit().await?;
    Ok(dispositions)
}

impl Failed {
    /// The same, when what failed were the messages at `places` of a larger batch.
    fn in_terms_of(self, places: &[usize]) -> Self {
        match self {
            Self::Only(first) => Self::Only(places[first]),
            other => other,
        }
    }
}

/// Has the service decide what is new: load, then decide and apply each in order, then save. A
/// panic is the fault of the message that is being decided, not of the process nor of the messages
/// before it.
async fn decide_fresh<S: Service>(
    service: &S,
    connection: &mut PgConnection,
    batch: &[&ReceivedMessage<S::Inbound>],
) -> Result<Vec<HandlerResult>, Failed> {
    let mut state = service.load(&mut *connection, batch).await?;
    let mut verdicts = Vec::with_capacity(batch.len());
    let mut sent = 0;
    for (place, received) in batch.iter().enumerate() {
        let decided =
            catch_unwind(AssertUnwindSafe(|| decide_and_apply(service, &mut state, received)));
        let verdict = match decided {
            Ok(verdict) => verdict,
            Err(panic) if place == 0 => return Err(Failed::Poison(of_panic(&*panic))),
            Err(_) => return Err(Failed::Only(place)),
        };
        sent += verdict.bytes();
        if sent > SENT_BYTES && place > 0 {
            return Err(Failed::Only(place));
        }
        verdicts.push(verdict);
    }
    service.save(connection, state).await?;
    Ok(verdicts)
}

/// Decides one message and carries the decision out in `state`: what the runtime does with each
/// message of a batch, between load and save.
pub fn decide_and_apply<S: Service>(
    service: &S,
    state: &mut S::State,
    received: &ReceivedMessage<S::Inbound>,
) -> HandlerResult {
    let decision = service.decide(state, received);
    service.apply(state, received, decision)
}

fn of_panic(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied());
    format!("a rule panicked: {}", text.unwrap_or("without a word"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_large_for_a_batch_goes_alone() {
        assert_eq!(within(10, [4, 6, 1].into_iter()), 2);
        assert_eq!(within(10, [11, 1].into_iter()), 1);
        assert_eq!(within(10, [0; 5].into_iter()), 5);
        assert_eq!(within(10, std::iter::empty()), 1);
    }

    #[test]
    fn what_would_load_too_much_is_decided_in_parts_of_the_whole_batch() {
        let too_much = Failed::from(DecideError::TooMuch { first: 2 });
        // The batch that is loaded is what of the whole one was not decided before.
        let Failed::Only(first) = too_much.in_terms_of(&[0, 3, 4, 7]) else {
            panic!("so many of the first can be decided");
        };
        assert_eq!(first, 4);
    }
}
