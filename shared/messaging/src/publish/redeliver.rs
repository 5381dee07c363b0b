//! Deliveries that waited for a desk's queue are tried again, desk by desk, so that one never
//! delays another.

use std::time::Duration;

use contracts::Timestamp;
use sqlx::types::Uuid;
use sqlx::types::chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};

use crate::clock::now;
use crate::decide::parking::{Parking, park};
use crate::failure::Fault;
use crate::message::outgoing::OutgoingMessage;
use crate::message::output::StoredOutput;
use crate::park_reason::ParkReason;
use crate::publish::desk_away::{self, Turn};
use crate::publish::publisher::Publisher;
use crate::publish::undelivered;

/// Tried at once, at most, for one desk: so many deliveries,
const CHUNK: i64 = 200;
/// and so many bytes of them, unless the first has more.
const CHUNK_BYTES: i64 = 4 * 1024 * 1024;
/// Why a delivery is parked.
const EXPIRED: &str = "its desk's queue was missing or full for too long";

/// A delivery that waits.
#[derive(Debug, sqlx::FromRow)]
struct Row {
    id: Uuid,
    output: String,
    first_failed_at: DateTime<Utc>,
    attempts: i32,
}

/// A delivery that waits, read.
struct Delivery {
    id: Uuid,
    stored: StoredOutput,
    first_failed_at: DateTime<Utc>,
    attempts: i32,
}

/// Tries the oldest of one desk again: one, as a probe, while the desk is away; a chunk otherwise.
/// Another replica at the same desk is left alone. What waited for longer than `max_age` is parked.
pub(crate) async fn redeliver(
    pool: &PgPool,
    publisher: &Publisher,
    account: &str,
    max_age: Duration,
) -> Result<(), Fault> {
    let mut transaction = pool.begin().await?;
    if !is_alone(&mut transaction, account).await? {
        return Ok(());
    }
    let chunk = match desk_away::turn(&mut transaction, account, now()).await? {
        Turn::Chunk => CHUNK,
        Turn::Probe => 1,
        Turn::NotYet => return Ok(()),
    };
    let rows = oldest(&mut transaction, account, chunk, None).await?;
    let deliveries = readable(&mut transaction, account, rows).await?;
    let tried_at = now();
    let letters: Vec<OutgoingMessage> = deliveries.iter().map(Delivery::again).collect();
    let causes = publisher.publish(&letters, tried_at).await?;
    drop(letters);
    let (refused, taken): (Vec<_>, Vec<_>) =
        deliveries.into_iter().partition(|one| causes.contains(&one.id.to_string()));
    remove(&mut transaction, &ids(&taken)).await?;
    if refused.is_empty() {
        if desk_away::came_back(&mut transaction, account).await? {
            tracing::info!(account, "the desk's queue takes deliveries again");
        }
    } else {
        let cause = causes.cause(&refused[0].id.to_string()).unwrap_or_default();
        if desk_away::took_nothing(&mut transaction, account, cause, tried_at).await? {
            let waiting: Vec<&StoredOutput> = refused.iter().map(|one| &one.stored).collect();
            undelivered::tell(&waiting, &causes);
        }
        failed_again(&mut transaction, &ids(&refused), tried_at).await?;
        park_expired(&mut transaction, account, tried_at, max_age).await?;
        desk_away::forget_idle(&mut transaction, account).await?;
    }
    transaction.commit().await?;
    Ok(())
}

async fn is_alone(connection: &mut PgConnection, account: &str) -> sqlx::Result<bool> {
    let lock =
        "select pg_try_advisory_xact_lock(hashtext(current_schema() || '.undelivered.' || $1))";
    sqlx::query_scalar(lock).bind(account).fetch_one(connection).await
}

/// The oldest of a desk, `count` at most; only those that failed before a time, where one is given.
async fn oldest(
    connection: &mut PgConnection,
    account: &str,
    count: i64,
    before: Option<DateTime<Utc>>,
) -> sqlx::Result<Vec<Row>> {
    sqlx::query_as(
        "with due as (
           select id, output, first_failed_at, attempts from undelivered
           where account = $1 and first_failed_at < coalesce($4, 'infinity'::timestamptz)
           order by first_failed_at, id limit $2 for update skip locked
         ), sized as (
           select *, row_number() over oldest_first as place,
             sum(octet_length(output::text)) over oldest_first as bytes
           from due window oldest_first as (order by first_failed_at, id)
         )
         select id, output::text as output, first_failed_at, attempts from sized
         where place = 1 or bytes <= $3
         order by first_failed_at, id",
    )
    .bind(account)
    .bind(count)
    .bind(CHUNK_BYTES)
    .bind(before)
    .fetch_all(connection)
    .await
}

/// Those that read as deliveries. One that does not is parked, so that it keeps nothing else back.
async fn readable(
    connection: &mut PgConnection,
    account: &str,
    rows: Vec<Row>,
) -> sqlx::Result<Vec<Delivery>> {
    let mut deliveries = Vec::with_capacity(rows.len());
    for Row { id, output, first_failed_at, attempts } in rows {
        match serde_json::from_str(&output) {
            Ok(stored) => deliveries.push(Delivery { id, stored, first_failed_at, attempts }),
            Err(error) => {
                let message_id = id.to_string();
                let failed_at = Timestamp::from(first_failed_at);
                let parking =
                    Parking::of_unreadable_output(account, &output, &message_id, failed_at);
                // What the parser says may quote the ticket.
                let place = (error.line(), error.column());
                let cause = format!("what waited does not read as a delivery, at {place:?}");
                park(connection, &parking, ParkReason::Undecodable, &cause, now()).await?;
                remove(connection, &[id]).await?;
            }
        }
    }
    Ok(deliveries)
}

async fn park_expired(
    connection: &mut PgConnection,
    account: &str,
    now: Timestamp,
    max_age: Duration,
) -> sqlx::Result<()> {
    let Ok(max_age) = chrono::Duration::from_std(max_age) else { return Ok(()) };
    let expired = oldest(connection, account, CHUNK, Some(now.utc() - max_age)).await?;
    let expired = readable(connection, account, expired).await?;
    for one in &expired {
        let message_id = one.id.to_string();
        let failed_at = Timestamp::from(one.first_failed_at);
        let parking = Parking::of_output(&one.stored, &message_id, failed_at);
        park(connection, &parking, ParkReason::Undeliverable, EXPIRED, now).await?;
    }
    remove(connection, &ids(&expired)).await
}

impl Delivery {
    /// Once more, after its first and so many further attempts.
    fn again(&self) -> OutgoingMessage<'_> {
        OutgoingMessage {
            attempt: usize::try_from(self.attempts).unwrap_or_default() + 2,
            ..OutgoingMessage::of(&self.stored)
        }
    }
}

fn ids(deliveries: &[Delivery]) -> Vec<Uuid> {
    deliveries.iter().map(|one| one.id).collect()
}

async fn remove(connection: &mut PgConnection, ids: &[Uuid]) -> sqlx::Result<()> {
    sqlx::query("delete from undelivered where id = any($1)").bind(ids).execute(connection).await?;
    Ok(())
}

async fn failed_again(
    connection: &mut PgConnection,
    ids: &[Uuid],
    now: Timestamp,
) -> sqlx::Result<()> {
    // A release before this one goes by the time of each row.
    sqlx::query(
        "update undelivered set attempts = attempts + 1,
           next_attempt_at = $2 + least(interval '5 minutes',
           interval '1 second' * power(2, least(attempts + 1, 12)))
         where id = any($1)",
    )
    .bind(ids)
    .bind(now.utc())
    .execute(connection)
    .await?;
    Ok(())
}
