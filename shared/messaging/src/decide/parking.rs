//! Messages set aside for a person, with their reason.

use contracts::ids::derive_id;
use contracts::topology::Exchange;
use contracts::{ChainId, Timestamp};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::message::about::Correlation;
use crate::message::envelope::{Envelope, Via};
use crate::message::output::StoredOutput;
use crate::message::trace_context::TraceContext;
use crate::park_reason::ParkReason;

/// In the audit: the service itself parked it. No person's name.
const BY_THE_SERVICE: &str = "(service)";
/// The place of deliveries that no desk's queue took, where other rows name the broker's queue.
pub(crate) const UNDELIVERED: &str = "undelivered";

/// Open rows of messages that nobody stands for: what comes beyond is counted and logged, and not
/// kept.
const MOST_WITHOUT_PUBLISHER: i64 = 10_000;

static NO_TRACE: TraceContext = TraceContext { traceparent: None, tracestate: None };

/// A message on its way into the table, with all that a replay needs.
#[derive(Debug)]
pub(crate) struct Parking<'a> {
    id: Uuid,
    account: Option<String>,
    message_id: &'a str,
    message_type: Option<&'a str>,
    queue: &'a str,
    exchange: &'a str,
    routing_key: &'a str,
    publisher: Option<&'a str>,
    about: Correlation,
    content_type: Option<&'a str>,
    correlation_id: Option<&'a str>,
    share_id: Option<&'a str>,
    trace: &'a TraceContext,
    headers: Value,
    body: &'a [u8],
    /// Size and SHA-256 of a body that is not kept.
    left_out: Option<(usize, Vec<u8>)>,
    output: Option<String>,
    first_arrived_at: Timestamp,
}

impl<'a> Parking<'a> {
    /// A message that came from `queue`. `trace` is what a replay goes on with; what it is `about`
    /// is known when it was admitted.
    pub fn of_envelope(
        queue: &'a str,
        envelope: &'a Envelope,
        trace: &'a TraceContext,
        about: Option<&Correlation>,
    ) -> Self {
        let message_id = envelope.message_id.as_deref().unwrap_or_default();
        let hash = crate::message::content::hash(
            envelope.message_type.as_deref().unwrap_or_default(),
            Err(&envelope.body),
        );
        let derived = || {
            derive_id(
                "parked",
                &[queue, &envelope.routing_key, message_id, &crate::message::content::hex(&hash)],
            )
        };
        // Nobody stands for a body without an account: it must not fill the table.
        let is_kept = envelope.via == Via::Service || envelope.account().is_some();
        Self {
            id: envelope.parked.unwrap_or_else(derived),
            account: envelope.account().map(|account| account.to_string()),
            message_id,
            message_type: envelope.message_type.as_deref(),
            queue,
            exchange: match envelope.via {
                Via::Share | Via::Ladder => Exchange::Share.name(),
                Via::Service => &envelope.exchange,
            },
            routing_key: &envelope.routing_key,
            publisher: envelope.publisher.as_deref(),
            about: about.cloned().unwrap_or_else(|| of_body(envelope)),
            content_type: envelope.content_type.as_deref(),
            correlation_id: envelope.correlation_id.as_deref(),
            share_id: envelope.share_id.as_deref(),
            trace,
            headers: envelope.readable_headers(),
            body: if is_kept { &envelope.body } else { &[] },
            left_out: (!is_kept).then(|| (envelope.body.len(), sha256(&envelope.body))),
            output: None,
            first_arrived_at: envelope.first_arrival,
        }
    }

    /// A delivery that no desk's queue took: what a person replays is then the delivery itself.
    pub fn of_output(
        stored: &'a StoredOutput,
        message_id: &'a str,
        first_failed_at: Timestamp,
    ) -> Self {
        let output = &stored.output;
        Self {
            id: derive_id("parked", &[UNDELIVERED, message_id]),
            account: output.desk().map(ToString::to_string),
            message_id,
            message_type: Some(output.message_type()),
            queue: UNDELIVERED,
            exchange: output.exchange(),
            routing_key: output.routing_key(),
            publisher: None,
            about: Correlation {
                subject: output.share_id().or(output.correlation_id()).map(str::to_owned),
                command: None,
            },
            content_type: Some(crate::message::outgoing::JSON),
            correlation_id: output.correlation_id(),
            share_id: output.share_id(),
            trace: &stored.trace,
            headers: Value::Object(Map::new()),
            body: output.body().as_bytes(),
            left_out: None,
            output: Some(serde_json::to_string(stored).expect("outputs are writable as JSON")),
            first_arrived_at: first_failed_at,
        }
    }

    /// What waited for the queue of `account` and does not read as a delivery: there is nothing in
    /// it to replay by.
    pub fn of_unreadable_output(
        account: &'a str,
        stored: &'a str,
        message_id: &'a str,
        first_failed_at: Timestamp,
    ) -> Self {
        Self {
            id: derive_id("parked", &[UNDELIVERED, message_id]),
            account: Some(account.to_owned()),
            message_id,
            message_type: None,
            queue: UNDELIVERED,
            exchange: "",
            routing_key: account,
            publisher: None,
            about: Correlation { subject: Some(account.to_owned()), command: None },
            content_type: None,
            correlation_id: None,
            share_id: None,
            trace: &NO_TRACE,
            headers: Value::Object(Map::new()),
            body: stored.as_bytes(),
            left_out: None,
            output: None,
            first_arrived_at: first_failed_at,
        }
    }
}

/// What a message that was not admitted is about, as far as it can be read.
fn of_body(envelope: &Envelope) -> Correlation {
    // Between services the key begins with a service's name.
    let account = envelope.account().filter(|_| envelope.via != Via::Service);
    let content: Option<Value> = serde_json::from_slice(&envelope.body).ok();
    let names = |name: &str| content.as_ref()?.get(name)?.as_str().map(str::to_owned);
    match (account, &content) {
        (Some(account), Some(content)) => Correlation::of_content(&account, content),
        (Some(account), None) => Correlation { subject: Some(account.to_string()), command: None },
        // A message between services names its chain; any other text there may be a ticket's.
        (None, _) => {
            let chain = names("chain").and_then(|chain| ChainId::new(chain).ok());
            Correlation { subject: chain.map(|chain| chain.to_string()), command: None }
        }
    }
}

fn sha256(bytes: &[u8]) -> Vec<u8> {
    Sha256::digest(bytes).to_vec()
}

/// Parks a message. The same message parked again opens its row again, counts up and keeps its
/// first arrival.
pub(crate) async fn park(
    connection: &mut PgConnection,
    message: &Parking<'_>,
    reason: ParkReason,
    detail: &str,
    now: Timestamp,
) -> sqlx::Result<()> {
    let detail = printable(detail);
    sqlx::query(
        "with put as (
           insert into parked (id, reason, detail, account, message_id, message_type, queue,
           exchange, routing_key, publisher, content_type,
             correlation_id, share_id, traceparent, tracestate, headers, body, output,
             first_arrived_at, parked_at, about, command,
             body_bytes, body_sha256)
           select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17,
           $18::json, $19, $20, $22, $23, $24, $25
           where $2 <> 'no_publisher' or $26 >
             (select count(*)
             from (select from parked where state = 'parked' and reason = 'no_publisher'
             limit $26) as open)
           on conflict (id) do update set state = 'parked', closed_at = null,
           reason = excluded.reason, detail = excluded.detail,
             parked_at = excluded.parked_at, times = parked.times + 1
           returning id, message_id)
         insert into parked_audit (at, by, action, parked_id, message_id, because)
         select $20, $21, 'parked', id, message_id, $2 || ': ' || $3 from put",
    )
    .bind(message.id)
    .bind(reason.code())
    .bind(&detail)
    .bind(&message.account)
    .bind(printable(message.message_id))
    .bind(message.message_type.map(printable))
    .bind(message.queue)
    .bind(printable(message.exchange))
    .bind(printable(message.routing_key))
    .bind(message.publisher.map(printable))
    .bind(message.content_type.map(printable))
    .bind(message.correlation_id.map(printable))
    .bind(message.share_id.map(printable))
    .bind(message.trace.traceparent.as_deref().map(printable))
    .bind(message.trace.tracestate.as_deref().map(printable))
    .bind(&message.headers)
    .bind(message.body)
    .bind(&message.output)
    .bind(message.first_arrived_at.utc())
    .bind(now.utc())
    .bind(BY_THE_SERVICE)
    .bind(message.about.subject.as_deref().map(printable))
    .bind(message.about.command.as_deref().map(printable))
    .bind(message.left_out.as_ref().map(|(bytes, _)| i64::try_from(*bytes).unwrap_or(i64::MAX)))
    .bind(message.left_out.as_ref().map(|(_, sha256)| sha256))
    .bind(MOST_WITHOUT_PUBLISHER)
    .execute(connection)
    .await?;
    metrics::counter!("deskmesh_parked_total", "reason" => reason.code()).increment(1);
    tracing::warn!(
        reason = reason.code(),
        account = message.account.as_deref(),
        queue = message.queue,
        routing_key = message.routing_key,
        message_id = message.message_id,
        message_type = message.message_type,
        about = message.about.subject.as_deref(),
        command = message.about.command.as_deref(),
        trace_id = message.trace.trace_id(),
        parked_id = %message.id,
        "message parked"
    );
    Ok(())
}

/// PostgreSQL's text has no NUL.
pub(crate) fn printable(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}
