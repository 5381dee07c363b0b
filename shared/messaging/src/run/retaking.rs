//! An edge takes in again what it had parked and a person replays. It may publish to no queue that
//! it reads, so the row itself is due.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use contracts::Timestamp;
use lapin::BasicProperties;
use sqlx::{FromRow, PgPool};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::cause::cause;
use crate::clock::now;
use crate::decide::plan::Item;
use crate::decide::step::{Database, StepError, decide_first};
use crate::failure::Fault;
use crate::intake::admission::admit;
use crate::message::envelope::{Envelope, Via};
use crate::message::trace_context::TraceContext;
use crate::run::runtime::{Shared, pause};
use crate::service::Service;
use crate::timeout;

/// Rows that are taken at once.
const AT_ONCE: i64 = 50;
/// For how long a row is left alone that a replica takes; if that one dies, another does then.
const LEASE_SECONDS: i64 = 60;

#[derive(FromRow)]
struct Due {
    id: Uuid,
    queue: String,
    exchange: String,
    routing_key: String,
    message_id: Option<String>,
    message_type: Option<String>,
    content_type: Option<String>,
    correlation_id: Option<String>,
    share_id: Option<String>,
    traceparent: Option<String>,
    tracestate: Option<String>,
    body: Vec<u8>,
    first_arrived_at: DateTime<Utc>,
    retake_at: DateTime<Utc>,
}

/// Takes what is due until it is told to stop.
pub(crate) async fn run<S: Service>(
    shared: Arc<Shared<S>>,
    stop: CancellationToken,
) -> Result<(), Fault> {
    loop {
        if let Err(error) = turn(&shared).await {
            tracing::warn!(
                cause = cause(&error),
                "the database does not answer; replayed deliveries wait"
            );
        }
        if !pause(Some(shared.settings.undelivered.interval), &stop, &shared.health).await {
            return Ok(());
        }
    }
}

async fn turn<S: Service>(shared: &Shared<S>) -> sqlx::Result<()> {
    let limit = shared.settings.answer_timeout;
    for due in timeout::database(limit, claim(&shared.pool, now())).await? {
        let (id, lease, queue) = (due.id, due.retake_at, due.queue.clone());
        let envelope = due.envelope();
        let trace = envelope.trace.clone();
        let admission = admit(&*shared.service, &queue, &envelope);
        let item = Item { envelope, admission, trace };
        let database = Database { pool: &shared.pool, limit };
        let decided = decide_first(&*shared.service, database, &queue, &[item], now()).await;
        match decided {
            // An edge sends nothing; what cannot be taken in is parked again, as the same row.
            Ok(_) => timeout::database(limit, done(&shared.pool, id, lease)).await?,
            Err(StepError::TooSlow(_)) => tracing::warn!(
                parked = %id,
                "the database did not take a replayed delivery in time; it is tried again"
            ),
            Err(StepError::Hold(error)) => return Err(error),
        }
    }
    Ok(())
}

async fn claim(pool: &PgPool, now: Timestamp) -> sqlx::Result<Vec<Due>> {
    sqlx::query_as(
        "update parked set retake_at = $1 + make_interval(secs => $2)
         where id in (select id from parked where retake_at <= $1
             order by retake_at, id limit $3 for update skip locked)
         returning id, queue, exchange, routing_key, message_id, message_type, content_type,
             correlation_id, share_id, traceparent, tracestate, body, first_arrived_at, retake_at",
    )
    .bind(now.utc())
    .bind(LEASE_SECONDS)
    .bind(AT_ONCE)
    .fetch_all(pool)
    .await
}

/// Unless it was replayed once more meanwhile.
async fn done(pool: &PgPool, id: Uuid, lease: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query("update parked set retake_at = null where id = $1 and retake_at = $2")
        .bind(id)
        .bind(lease)
        .execute(pool)
        .await
        .map(drop)
}

impl Due {
    /// As it came, but for what nobody believed.
    fn envelope(self) -> Envelope {
        Envelope {
            via: Via::Service,
            exchange: self.exchange,
            routing_key: self.routing_key,
            publisher: None,
            message_id: self.message_id,
            message_type: self.message_type,
            content_type: self.content_type,
            correlation_id: self.correlation_id,
            share_id: self.share_id,
            forbidden: None,
            trace: TraceContext { traceparent: self.traceparent, tracestate: self.tracestate },
            attempt: 0,
            deliveries: 0,
            first_arrival: self.first_arrived_at.into(),
            parked: Some(self.id),
            discarded: None,
            body: self.body,
            properties: BasicProperties::default(),
        }
    }
}
