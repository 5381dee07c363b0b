//! Messages that came again and again. One of them may be what kills the process: then no error is
//! ever seen. So each process writes down that it begins to decide one, and takes it out again when
//! it has; what ten processes began and none ended is parked.
//!
//! How often the broker delivered a message does not tell: it counts what was fetched and never
//! looked at as well, and a network that comes and goes makes that ten in seconds.

use std::sync::LazyLock;

use contracts::Timestamp;
use sqlx::PgPool;
use uuid::Uuid;

use crate::decide::parking::printable;
use crate::message::envelope::Envelope;

/// A message delivered this often is decided alone, so that it takes no other with it, and written
/// down.
pub(crate) const SUSPICIOUS_DELIVERIES: u64 = 3;
/// What so many processes began and none ended is parked.
pub(crate) const TOO_MANY_PROCESSES: i64 = 10;

/// This process, among all that ever ran.
#[expect(clippy::disallowed_methods, reason = "a process is caused by no message")]
static PROCESS: LazyLock<Uuid> = LazyLock::new(Uuid::new_v4);

/// Writes down that this process begins to decide a message; returns how many others began it and
/// did not end.
pub(crate) async fn begin(
    pool: &PgPool,
    queue: &str,
    envelope: &Envelope,
    now: Timestamp,
) -> sqlx::Result<i64> {
    let (routing_key, message_id) = key(envelope);
    sqlx::query(
        "insert into suspect (queue, routing_key, message_id, process, begun_at) values ($1, $2, \
         $3, $4, $5) on conflict do nothing",
    )
    .bind(queue)
    .bind(&routing_key)
    .bind(&message_id)
    .bind(*PROCESS)
    .bind(now.utc())
    .execute(pool)
    .await?;
    sqlx::query_scalar(
        "select count(*) from suspect where queue = $1 and routing_key = $2 and \
        message_id = $3 and process <> $4",
    )
    .bind(queue)
    .bind(&routing_key)
    .bind(&message_id)
    .bind(*PROCESS)
    .fetch_one(pool)
    .await
}

/// The message has come to an end, and the process lives.
pub(crate) async fn end(pool: &PgPool, queue: &str, envelope: &Envelope) -> sqlx::Result<()> {
    let (routing_key, message_id) = key(envelope);
    sqlx::query("delete from suspect where queue = $1 and routing_key = $2 and message_id = $3")
        .bind(queue)
        .bind(routing_key)
        .bind(message_id)
        .execute(pool)
        .await?;
    Ok(())
}

fn key(envelope: &Envelope) -> (String, String) {
    (
        printable(&envelope.routing_key),
        printable(envelope.message_id.as_deref().unwrap_or_default()),
    )
}
