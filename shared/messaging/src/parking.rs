//! Messages set aside for a person, with their reason.

use contracts::Timestamp;
use contracts::ids::derive_id;
use sqlx::PgConnection;

use crate::envelope::Envelope;

/// Why a message was parked. Codes are stable; they are labels of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ParkReason {
    /// The publisher is not known, so there is nobody to answer.
    NoPublisher,
    /// The account is still not registered.
    UnknownAccount,
    /// A message between services cannot be read.
    Undecodable,
    /// A rule panicked, or its result cannot be stored.
    Poison,
    /// Ten processes began to decide it and none ended: it may be what kills them.
    RedeliveredTooOften,
    /// It was decided before, but its outputs are no longer kept.
    OutputsGone,
    /// Known by its id, with other content.
    IdReused,
    /// A desk's queue did not take it within the limit.
    Undeliverable,
    /// The broker dead-lettered it.
    DeadLettered,
}

impl ParkReason {
    /// The code as it stands in the table and in metrics.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::NoPublisher => "no_publisher",
            Self::UnknownAccount => "unknown_account",
            Self::Undecodable => "undecodable",
            Self::Poison => "poison",
            Self::RedeliveredTooOften => "redelivered_too_often",
            Self::OutputsGone => "outputs_gone",
            Self::IdReused => "id_reused",
            Self::Undeliverable => "undeliverable",
            Self::DeadLettered => "dead_lettered",
        }
    }
}

/// Parks a message that came from `queue`. The same message parked again counts up and keeps its first arrival.
pub(crate) async fn park(
    connection: &mut PgConnection,
    queue: &str,
    envelope: &Envelope,
    reason: ParkReason,
    detail: &str,
    now: Timestamp,
) -> sqlx::Result<()> {
    let account = envelope.account().map(|account| account.to_string());
    let message_id = envelope.message_id.clone().unwrap_or_default();
    let hash = crate::content::hash(envelope.message_type.as_deref().unwrap_or_default(), Err(&envelope.body));
    let id = derive_id("parked", &[queue, &envelope.routing_key, &message_id, &crate::content::hex(&hash)]);
    sqlx::query(
        "insert into parked (id, reason, detail, account, message_id, message_type, queue, exchange, routing_key, headers, body, first_arrived_at, parked_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
         on conflict (id) do update set reason = excluded.reason, detail = excluded.detail, parked_at = excluded.parked_at, times = parked.times + 1",
    )
    .bind(id)
    .bind(reason.code())
    .bind(printable(detail))
    .bind(account)
    .bind(printable(&message_id))
    .bind(envelope.message_type.as_deref().map(printable))
    .bind(queue)
    .bind(&envelope.exchange)
    .bind(printable(&envelope.routing_key))
    .bind(&envelope.headers)
    .bind(&envelope.body)
    .bind(envelope.first_arrival.utc())
    .bind(now.utc())
    .execute(connection)
    .await?;
    metrics::counter!("deskmesh_parked_total", "reason" => reason.code()).increment(1);
    tracing::warn!(
        reason = reason.code(),
        detail,
        queue,
        routing_key = envelope.routing_key,
        message_id = envelope.message_id,
        "message parked"
    );
    Ok(())
}

/// PostgreSQL's text has no NUL.
pub(crate) fn printable(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}
