//! Replaying and discarding: first the plan, which changes nothing, then the work, which can be
//! stopped at any time.

use std::collections::{BTreeMap, BTreeSet};

use contracts::topology::{Exchange, Service};
use sqlx::{PgConnection, PgPool};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::course::{Course, Row, Stub, course, letter};
use super::filter::{ParkedFilter, matching};
use super::{Done, NewAuditLine, ParkedAction, record};
use crate::clock::now;
use crate::failure::Fault;
use crate::message::outgoing::OutgoingMessage;
use crate::operate::sending::{Pace, Sending};
use crate::publish::publisher::Publisher;

/// What an action would do.
#[derive(Debug)]
pub struct ActionPlan {
    /// What would happen to how many.
    pub lines: Vec<PlanLine>,
    /// Rows that were asked for by id, and are not parked or not there.
    pub missing: Vec<Uuid>,
    service: Service,
    action: ParkedAction,
    messages: Vec<Stub>,
}

/// What would happen to the parked messages of one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanLine {
    /// Why they were parked.
    pub reason: String,
    /// What would happen, for people.
    pub what: String,
    /// How many there are.
    pub count: usize,
}

/// How far the work came.
#[derive(Debug, Default)]
pub struct ActionOutcome {
    /// Replayed or discarded.
    pub done: usize,
    /// Those of them that the service had parked again before they were closed here.
    pub back: usize,
    /// Left as they are: somebody else closed them, or they cannot be dealt with like this.
    pub left: usize,
    /// Not taken by the broker: the queue is missing or full. They stay parked.
    pub refused: usize,
    /// Whether it was stopped before the end.
    pub stopped: bool,
    /// What interrupted it.
    pub fault: Option<Fault>,
}

impl ActionPlan {
    /// How many messages match.
    #[must_use]
    pub fn total(&self) -> usize {
        self.messages.len()
    }
}

/// Finds out what `action` would do at `service`. Changes nothing.
///
/// # Errors
/// What the database says.
pub async fn plan(
    pool: &PgPool,
    service: Service,
    action: ParkedAction,
    filter: &ParkedFilter,
) -> sqlx::Result<ActionPlan> {
    let values = filter.values(now());
    let messages: Vec<Stub> = sqlx::query_as(matching!(
        "select id, times, reason, exchange, routing_key, publisher, coalesce(message_id, '') as \
         message_id,
           coalesce(message_type, '') as message_type, output is not null as is_output from parked",
        "order by first_arrived_at, id limit $7"
    ))
    .bind(&values.ids)
    .bind(values.reason)
    .bind(&values.account)
    .bind(values.not_after)
    .bind(values.not_before)
    .bind(&values.message_type)
    .bind(values.limit)
    .fetch_all(pool)
    .await?;
    let found: BTreeSet<Uuid> = messages.iter().map(|message| message.id).collect();
    let mut counts: BTreeMap<(&str, Course), usize> = BTreeMap::new();
    for message in &messages {
        *counts.entry((&message.reason, course(service, &action, message))).or_default() += 1;
    }
    let line = |((reason, course), count): ((&str, Course), usize)| PlanLine {
        reason: reason.to_owned(),
        what: course.sentence(),
        count,
    };
    let lines = counts.into_iter().map(line).collect();
    let missing = filter.ids.iter().copied().filter(|id| !found.contains(id)).collect();
    Ok(ActionPlan { lines, missing, service, action, messages })
}

/// Does what was planned, first arrived first, until it is done or told to `stop`; then the
/// messages at hand are finished. Calls `progress` with how many are behind it.
///
/// # Errors
/// When it cannot begin: the broker does not let it in. What happens later is in the outcome.
pub async fn carry_out(
    pool: &PgPool,
    plan: &ActionPlan,
    sending: &Sending,
    stop: &CancellationToken,
    mut progress: impl FnMut(usize),
) -> Result<ActionOutcome, Fault> {
    let post = sending.open(plan.service).await?;
    let work = Work { pool, plan, by: &sending.by, publisher: &post.publisher };
    let mut pace = Pace::of(sending.rate);
    let mut outcome = ActionOutcome::default();
    let mut behind = 0;
    for chunk in plan.messages.chunks(pace.chunk()) {
        if !pace.turn(stop).await {
            outcome.stopped = true;
            break;
        }
        if let Err(fault) = work.step(chunk, &mut outcome).await {
            outcome.fault = Some(fault);
            break;
        }
        behind += chunk.len();
        progress(behind);
    }
    post.close().await;
    Ok(outcome)
}

struct Work<'a> {
    pool: &'a PgPool,
    plan: &'a ActionPlan,
    by: &'a str,
    publisher: &'a Publisher,
}

impl Work<'_> {
    /// Published and confirmed first, then closed: whoever dies in between leaves a row that is
    /// replayed once more.
    async fn step(&self, chunk: &[Stub], outcome: &mut ActionOutcome) -> Result<(), Fault> {
        let ActionPlan { service, action, .. } = self.plan;
        let planned: BTreeMap<Uuid, i32> =
            chunk.iter().map(|message| (message.id, message.times)).collect();
        let rows: Vec<Row> = self.load(&planned).await?;
        outcome.left += chunk.len() - rows.len();
        let started_at = now();
        let (mut letters, mut to_close) = (Vec::new(), Vec::new());
        let (mut undelivered, mut retaken) = (Vec::new(), Vec::new());
        for row in &rows {
            match course(*service, action, &row.stub) {
                Course::Stay(_) => outcome.left += 1,
                Course::Close => to_close.push(row.stub.id),
                Course::Undelivered => undelivered.push(row.stub.id),
                Course::Retaken => retaken.push(row.stub.id),
                Course::Command | Course::Refusal | Course::Internal | Course::Desk => {
                    letters
                        .extend(letter(*service, action, row).map(|letter| (row.stub.id, letter)));
                }
            }
        }
        to_close.extend(self.send(letters, outcome).await?);
        to_close.extend(undelivered.iter().chain(&retaken));
        let (done, because) = match action {
            ParkedAction::Replay => (Done::Replayed, None),
            ParkedAction::Discard { because } => (Done::Discarded, Some(because.as_str())),
        };
        let mut transaction = self.pool.begin().await?;
        give_back(&mut transaction, &undelivered, started_at.utc()).await?;
        take_in_again(&mut transaction, &retaken, started_at.utc()).await?;
        let closed = close(&mut transaction, &to_close, &planned, done, started_at.utc()).await?;
        if !to_close.is_empty() {
            record(
                &mut transaction,
                &NewAuditLine { at: started_at, by: self.by, done, because },
                &to_close,
            )
            .await?;
        }
        transaction.commit().await?;
        outcome.done += to_close.len();
        outcome.back += to_close.len() - closed;
        Ok(())
    }

    async fn load(&self, planned: &BTreeMap<Uuid, i32>) -> sqlx::Result<Vec<Row>> {
        sqlx::query_as(
            "select id, times, reason, exchange, routing_key, publisher, coalesce(message_id, '') \
             as message_id,
               coalesce(message_type, '') as message_type, output is not null as is_output,
               content_type, correlation_id, share_id,
               traceparent, tracestate, body, first_arrived_at
             from parked join unnest($1::uuid[], $2::integer[]) as planned (id, times) using (id,
             times)
             where state = 'parked' order by first_arrived_at, id",
        )
        .bind(planned.keys().copied().collect::<Vec<Uuid>>())
        .bind(planned.values().copied().collect::<Vec<i32>>())
        .fetch_all(self.pool)
        .await
    }

    /// Publishes the letters; returns the rows whose letter was taken. Two parked messages may have
    /// one id, and what comes back is told by id: each id goes out alone.
    async fn send(
        &self,
        mut letters: Vec<(Uuid, OutgoingMessage<'_>)>,
        outcome: &mut ActionOutcome,
    ) -> Result<Vec<Uuid>, Fault> {
        let mut taken = Vec::new();
        while !letters.is_empty() {
            let mut ids = BTreeSet::new();
            let (now_sent, later): (Vec<_>, Vec<_>) =
                letters.into_iter().partition(|(_, letter)| ids.insert(letter.message_id.clone()));
            let (rows, out): (Vec<Uuid>, Vec<_>) = now_sent.into_iter().unzip();
            let refused = self.publisher.publish(&out, now()).await?;
            for (row, letter) in rows.into_iter().zip(&out) {
                if !refused.contains(&letter.message_id) {
                    taken.push(row);
                } else if letter.exchange == Exchange::Sync.name() {
                    return Err(Fault::SyncRefused { count: refused.len() });
                } else {
                    outcome.refused += 1;
                }
            }
            letters = later;
        }
        Ok(taken)
    }
}

type Utc = chrono::DateTime<chrono::Utc>;

/// Puts deliveries back among those that wait for their desk's queue; the service sends them.
async fn give_back(connection: &mut PgConnection, rows: &[Uuid], now: Utc) -> sqlx::Result<()> {
    sqlx::query(
        "insert into undelivered (id, account, output, reason, first_failed_at, next_attempt_at, \
         attempts)
         select (output ->> 'id')::uuid, coalesce(account, ''), output::jsonb, 'replayed', $2, $2,
         0 from parked where id = any($1)
         order by 1
         on conflict (id) do nothing",
    )
    .bind(rows)
    .bind(now)
    .execute(connection)
    .await?;
    Ok(())
}

/// Makes deliveries due that an edge parked; the edge takes them in.
async fn take_in_again(connection: &mut PgConnection, rows: &[Uuid], now: Utc) -> sqlx::Result<()> {
    sqlx::query("update parked set retake_at = $2 where id = any($1)")
        .bind(rows)
        .bind(now)
        .execute(connection)
        .await
        .map(drop)
}

/// Closes rows, but for those that were parked again in the meantime; returns how many it closed.
async fn close(
    connection: &mut PgConnection,
    rows: &[Uuid],
    planned: &BTreeMap<Uuid, i32>,
    done: Done,
    now: Utc,
) -> sqlx::Result<usize> {
    let closed = sqlx::query(
        "update parked set state = $3, closed_at = $4 from unnest($1::uuid[], $2::integer[]) as \
         planned (id, times)
         where parked.id = planned.id and parked.times = planned.times and state = 'parked'",
    )
    .bind(rows)
    .bind(rows.iter().filter_map(|row| planned.get(row).copied()).collect::<Vec<i32>>())
    .bind(done.code())
    .bind(now)
    .execute(connection)
    .await?
    .rows_affected();
    Ok(usize::try_from(closed).unwrap_or_default())
}
