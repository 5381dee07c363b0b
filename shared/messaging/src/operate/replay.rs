//! `replay --since`: after a broker was lost, what the journal still has is sent again; same ids,
//! same bytes. Receivers drop what they had.

use chrono::{DateTime, Utc};
use contracts::Timestamp;
use contracts::topology::{Exchange, Service};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::clock::now;
use crate::decide::journal;
use crate::failure::Fault;
use crate::message::outgoing::OutgoingMessage;
use crate::message::output::StoredOutput;
use crate::operate::parked::{Done, NewAuditLine, record};
use crate::operate::sending::{Pace, Sending};
use crate::publish::publisher::Publisher;
use crate::publish::undelivered;

/// Which decisions are meant: those from `since` on, and before `until`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The first moment.
    pub since: Timestamp,
    /// The moment after the last.
    pub until: Timestamp,
}

/// What a replay of the journal would send.
#[derive(Debug)]
pub struct ReplayPlan {
    /// Message types with the number of outputs, by name.
    pub types: Vec<(String, i64)>,
    span: Span,
    /// When something was decided, and how many messages, in order.
    moments: Vec<(DateTime<Utc>, i64)>,
}

/// How far a replay came.
#[derive(Debug)]
pub struct ReplayOutcome {
    /// Outputs sent again.
    pub sent: usize,
    /// Those of them that no desk's queue took: they wait in `undelivered`.
    pub undelivered: usize,
    /// From where it has to go on, when it did not come to the end.
    pub go_on_since: Option<Timestamp>,
    /// What interrupted it.
    pub fault: Option<Fault>,
}

impl ReplayPlan {
    /// How many decided messages have their outputs sent again.
    #[must_use]
    pub fn messages(&self) -> i64 {
        self.moments.iter().map(|(_, count)| count).sum()
    }

    /// How many outputs that are.
    #[must_use]
    pub fn outputs(&self) -> i64 {
        self.types.iter().map(|(_, count)| count).sum()
    }

    /// Neighbouring moments joined to ranges of about `size` messages, both ends included.
    fn ranges(&self, size: usize) -> Vec<(DateTime<Utc>, DateTime<Utc>)> {
        let mut ranges: Vec<(DateTime<Utc>, DateTime<Utc>)> = Vec::new();
        let (mut room, full) = (0, i64::try_from(size).unwrap_or(i64::MAX));
        for (moment, count) in &self.moments {
            match ranges.last_mut() {
                Some(range) if room >= *count => range.1 = *moment,
                _ => {
                    ranges.push((*moment, *moment));
                    room = full;
                }
            }
            room -= count;
        }
        ranges
    }
}

/// Finds out what would be sent. Changes nothing.
///
/// # Errors
/// What the database says.
pub async fn plan(pool: &PgPool, span: Span) -> sqlx::Result<ReplayPlan> {
    let types = sqlx::query_as(
        "select output -> 'output' ->> 'message_type' as message_type, count(*) as count
         from journal_output, json_array_elements(outputs::json) as output
         where decided_at >= $1 and decided_at < $2 group by message_type order by message_type",
    )
    .bind(span.since.utc())
    .bind(span.until.utc())
    .fetch_all(pool)
    .await?;
    // Only the moments are held: a reader that stayed in the table for all of the replay would keep
    // a day from being dropped, and with it everybody behind.
    let moments = sqlx::query_as(
        "select decided_at, count(*) as count from journal_output where decided_at >= $1 and \
         decided_at < $2
         group by decided_at order by decided_at",
    )
    .bind(span.since.utc())
    .bind(span.until.utc())
    .fetch_all(pool)
    .await?;
    Ok(ReplayPlan { types, span, moments })
}

/// Sends what was planned, in the order in which it was decided, until it is done or told to
/// `stop`; then the outputs at hand are finished. Calls `progress` with how many outputs are sent.
/// Leaves one line in the audit.
///
/// # Errors
/// When it cannot begin: the broker does not let it in. What happens later is in the outcome.
pub async fn carry_out(
    pool: &PgPool,
    service: Service,
    plan: &ReplayPlan,
    sending: &Sending,
    stop: &CancellationToken,
    progress: impl FnMut(usize),
) -> Result<ReplayOutcome, Fault> {
    let post = sending.open(service).await?;
    let started_at = now();
    let outcome =
        send_all(pool, plan, &post.publisher, Pace::of(sending.rate), stop, progress).await;
    post.close().await;
    let because = format!(
        "from {} to {}: {} outputs of {}",
        plan.span.since,
        plan.span.until,
        outcome.sent,
        plan.outputs()
    );
    let entry = NewAuditLine {
        at: started_at,
        by: &sending.by,
        done: Done::JournalReplayed,
        because: Some(&because),
    };
    record(&mut *pool.acquire().await?, &entry, &[]).await?;
    Ok(outcome)
}

async fn send_all(
    pool: &PgPool,
    plan: &ReplayPlan,
    publisher: &Publisher,
    mut pace: Pace,
    stop: &CancellationToken,
    mut progress: impl FnMut(usize),
) -> ReplayOutcome {
    let mut outcome = ReplayOutcome { sent: 0, undelivered: 0, go_on_since: None, fault: None };
    for (first, last) in plan.ranges(pace.chunk()) {
        let outputs = match load(pool, first, last).await {
            Ok(outputs) => outputs,
            Err(error) => {
                (outcome.go_on_since, outcome.fault) = (Some(first.into()), Some(error.into()));
                break;
            }
        };
        for chunk in outputs.chunks(pace.chunk()) {
            if !pace.turn(stop).await {
                outcome.go_on_since = Some(first.into());
                return outcome;
            }
            match send(pool, publisher, chunk).await {
                Ok(undelivered) => outcome.undelivered += undelivered,
                Err(fault) => {
                    (outcome.go_on_since, outcome.fault) = (Some(first.into()), Some(fault));
                    return outcome;
                }
            }
            outcome.sent += chunk.len();
            progress(outcome.sent);
        }
    }
    outcome
}

async fn load(
    pool: &PgPool,
    first: DateTime<Utc>,
    last: DateTime<Utc>,
) -> sqlx::Result<Vec<StoredOutput>> {
    let rows: Vec<String> = sqlx::query_scalar(
        "select outputs from journal_output where decided_at between $1 and $2 \
            order by decided_at, id",
    )
    .bind(first)
    .bind(last)
    .fetch_all(pool)
    .await?;
    let mut outputs = Vec::new();
    for row in rows {
        outputs.extend(journal::read(&row)?);
    }
    Ok(outputs)
}

/// Sends outputs; returns how many wait for a desk's queue now.
async fn send(
    pool: &PgPool,
    publisher: &Publisher,
    outputs: &[StoredOutput],
) -> Result<usize, Fault> {
    let letters: Vec<OutgoingMessage> = outputs.iter().map(OutgoingMessage::of).collect();
    let refused = publisher.publish(&letters, now()).await?;
    let came_back = |stored: &&StoredOutput| refused.contains(&stored.id.to_string());
    let (desks, others): (Vec<_>, Vec<_>) = outputs
        .iter()
        .filter(came_back)
        .partition(|stored| stored.output.exchange() == Exchange::Desk.name());
    undelivered::keep_refused(pool, &desks, &refused, now()).await?;
    if others.is_empty() {
        Ok(desks.len())
    } else {
        Err(Fault::SyncRefused { count: others.len() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_joined_to_ranges_and_none_is_cut() {
        let at = |second: i64| DateTime::from_timestamp(second, 0).unwrap();
        let now = Timestamp::from(at(0));
        let moments = [(1, 3), (2, 3), (3, 5), (4, 20), (5, 1), (6, 1)]
            .map(|(second, count)| (at(second), count))
            .to_vec();
        let plan = ReplayPlan { types: Vec::new(), span: Span { since: now, until: now }, moments };
        let seconds: Vec<_> = plan
            .ranges(10)
            .into_iter()
            .map(|(from, to)| (from.timestamp(), to.timestamp()))
            .collect();
        assert_eq!(seconds, [(1, 2), (3, 3), (4, 4), (5, 6)]);
        assert_eq!(plan.messages(), 33);
    }
}
