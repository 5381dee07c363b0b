//! Outputs that a desk's queue did not take: kept, and tried again account by account, so that one
//! account never delays another.

use std::collections::BTreeMap;
use std::time::Duration;

use contracts::{Timestamp, topology};
use sqlx::types::{Json, Uuid};
use sqlx::{PgConnection, PgPool};

use crate::clock::now;
use crate::decide::parking::{Parking, park};
use crate::failure::Fault;
use crate::message::outgoing::OutgoingMessage;
use crate::message::output::StoredOutput;
use crate::park_reason::ParkReason;
use crate::publish::publisher::{Publisher, Refused};

/// Tried at once, at most, for one account: so many deliveries,
const CHUNK: i64 = 200;
/// and so many bytes of them, unless the first has more.
const CHUNK_BYTES: i64 = 4 * 1024 * 1024;
/// Why a delivery is parked.
const EXPIRED: &str = "its desk's queue was missing or full for too long";

/// Keeps what was returned or refused. A row that is there already stays as it is.
pub(crate) async fn keep(
    pool: &PgPool,
    outputs: &[&StoredOutput],
    refused: &Refused,
    now: Timestamp,
) -> sqlx::Result<()> {
    if outputs.is_empty() {
        return Ok(());
    }
    let accounts: Vec<String> = outputs.iter().map(|stored| account(stored)).collect();
    sqlx::query(
        "insert into undelivered (id, account, output, reason, first_failed_at, next_attempt_at, \
         attempts)
         select id, account, output, 'queue_missing_or_full', $4, $4 + interval '1 second', 0
         from unnest($1::uuid[], $2::text[], $3::jsonb[]) as kept (id, account, output)
         order by id
         on conflict (id) do nothing",
    )
    .bind(outputs.iter().map(|stored| stored.id).collect::<Vec<Uuid>>())
    .bind(accounts)
    .bind(outputs.iter().map(Json).collect::<Vec<_>>())
    .bind(now.utc())
    .execute(pool)
    .await?;
    metrics::counter!("deskmesh_undelivered_total").increment(outputs.len() as u64);
    tell(outputs, refused);
    Ok(())
}

/// One line for each account, with the first delivery.
fn tell(outputs: &[&StoredOutput], refused: &Refused) {
    let mut by_desk: BTreeMap<_, Vec<&StoredOutput>> = BTreeMap::new();
    for stored in outputs {
        let cause = refused.cause(&stored.id.to_string());
        by_desk.entry((stored.output.desk(), cause)).or_default().push(stored);
    }
    for ((desk, cause), waiting) in by_desk {
        let first = waiting[0];
        let about = first.output.share_id().or(first.output.correlation_id());
        tracing::warn!(
            account = desk.map(ToString::to_string),
            queue = desk.map(topology::desk_queue),
            cause,
            count = waiting.len(),
            message_id = %first.id,
            message_type = first.output.message_type(),
            about,
            trace_id = first.trace.trace_id(),
            "deliveries wait for a desk's queue"
        );
    }
}

fn account(stored: &StoredOutput) -> String {
    stored.output.desk().map(ToString::to_string).unwrap_or_default()
}

/// Accounts of which something is due.
pub(crate) async fn due_accounts(pool: &PgPool, now: Timestamp) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar("select distinct account from undelivered where next_attempt_at <= $1")
        .bind(now.utc())
        .fetch_all(pool)
        .await
}

/// Tries one chunk of one account again. Another replica at the same account is left alone.
pub(crate) async fn retry(
    pool: &PgPool,
    publisher: &Publisher,
    account: &str,
    max_age: Duration,
) -> Result<(), Fault> {
    let mut transaction = pool.begin().await?;
    let rows: Vec<(Uuid, Json<StoredOutput>, chrono::DateTime<chrono::Utc>, i32)> = sqlx::query_as(
        "with due as (
           select id, output, first_failed_at, attempts from undelivered
           where account = $1 and next_attempt_at <= $2
           order by first_failed_at, id limit $3 for update skip locked
         ), sized as (
           select *, row_number() over oldest_first as place,
             sum(octet_length(output::text)) over oldest_first as bytes
           from due window oldest_first as (order by first_failed_at, id)
         )
         select id, output, first_failed_at, attempts from sized where place = 1 or bytes <= $4
         order by first_failed_at, id",
    )
    .bind(account)
    .bind(now().utc())
    .bind(CHUNK)
    .bind(CHUNK_BYTES)
    .fetch_all(&mut *transaction)
    .await?;
    let letters: Vec<OutgoingMessage> =
        rows.iter().map(|(_, stored, _, attempts)| again(stored, *attempts)).collect();
    let tried_at = now();
    let refused = publisher.publish(&letters, tried_at).await?;
    let outcome: BTreeMap<bool, Vec<_>> = rows.into_iter().fold(BTreeMap::new(), |mut by, row| {
        by.entry(refused.contains(&row.0.to_string())).or_insert_with(Vec::new).push(row);
        by
    });
    let delivered = outcome.get(&false).map(Vec::as_slice).unwrap_or_default();
    remove(&mut transaction, &delivered.iter().map(|row| row.0).collect::<Vec<_>>()).await?;
    let (expired, waiting): (Vec<_>, Vec<_>) = outcome
        .get(&true)
        .map(Vec::as_slice)
        .unwrap_or_default()
        .iter()
        .partition(|row| (tried_at.utc() - row.2).to_std().is_ok_and(|age| age > max_age));
    for (id, stored, first_failed_at, _) in expired {
        let message_id = id.to_string();
        let parking = Parking::of_output(stored, &message_id, Timestamp::from(*first_failed_at));
        park(&mut transaction, &parking, ParkReason::Undeliverable, EXPIRED, tried_at).await?;
        remove(&mut transaction, &[*id]).await?;
    }
    // Twice the wait each time, up to five minutes.
    sqlx::query(
        "update undelivered set attempts = attempts + 1,
           next_attempt_at = $2 + least(interval '5 minutes',
           interval '1 second' * power(2, least(attempts + 1, 12)))
         where id = any($1)",
    )
    .bind(waiting.iter().map(|row| row.0).collect::<Vec<_>>())
    .bind(tried_at.utc())
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(())
}

/// The delivery once more, after its first and so many further attempts.
fn again(stored: &StoredOutput, attempts: i32) -> OutgoingMessage<'_> {
    OutgoingMessage {
        attempt: usize::try_from(attempts).unwrap_or_default() + 2,
        ..OutgoingMessage::of(stored)
    }
}

async fn remove(connection: &mut PgConnection, ids: &[Uuid]) -> sqlx::Result<()> {
    sqlx::query("delete from undelivered where id = any($1)").bind(ids).execute(connection).await?;
    Ok(())
}
