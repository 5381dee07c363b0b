//! A delivery as the runtime reads it: what the broker vouches for, kept apart from what a
//! publisher merely says.

use contracts::topology::{Exchange, Service, key_of_work};
use contracts::{AccountName, Timestamp};
use lapin::BasicProperties;
use lapin::message::Delivery;
use lapin::types::{AMQPValue, FieldTable};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::message::origin::{self, Origin};
use crate::message::trace_context::TraceContext;

/// Headers of our own. Trusted only on `sync` and `desk`, where no account can write.
pub(crate) mod header {
    pub const ACCOUNT_KEY: &str = "deskmesh-routing-key";
    pub const PUBLISHER: &str = "deskmesh-publisher";
    pub const ATTEMPT: &str = "deskmesh-attempt";
    pub const FIRST_ARRIVAL: &str = "deskmesh-first-arrival";
    /// A replay: the row of the parking table, so that what is parked again finds it.
    pub const PARKED: &str = "deskmesh-parked";
    /// A discard: why, in the operator's words.
    pub const DISCARDED: &str = "deskmesh-discarded";
    pub const SHARE_ID: &str = "share-id";
    pub const TRACEPARENT: &str = "traceparent";
    pub const TRACESTATE: &str = "tracestate";
}

/// Where a message comes from, which decides what of it is believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Via {
    /// A desk, through `share`: nothing in the headers is believed.
    Share,
    /// The delay ladder, or the work queue on the way to the bulk queue: a desk's command with our
    /// own headers round it.
    Ladder,
    /// Another service.
    Service,
}

/// One delivery.
#[derive(Clone, Debug)]
pub(crate) struct Envelope {
    pub via: Via,
    pub exchange: String,
    /// The publisher's own key, also when it comes back from the ladder. Of a message between
    /// services the one to the work queue, whichever it lay in.
    pub routing_key: String,
    /// The broker user, as checked by the broker.
    pub publisher: Option<String>,
    pub message_id: Option<String>,
    pub message_type: Option<String>,
    pub content_type: Option<String>,
    pub correlation_id: Option<String>,
    pub share_id: Option<String>,
    /// Properties that the contract forbids, because the broker itself acts on them.
    pub forbidden: Option<&'static str>,
    /// For `share` the partner's context, to be linked; else our own, to be continued.
    pub trace: TraceContext,
    /// How often it waited on the ladder.
    pub attempt: usize,
    /// How often the broker delivered it before.
    pub deliveries: u64,
    pub first_arrival: Timestamp,
    /// Replayed from this row of the parking table.
    pub parked: Option<Uuid>,
    /// A person ends it, for this reason.
    pub discarded: Option<String>,
    pub body: Vec<u8>,
    /// As they came: the parking table keeps their headers.
    pub properties: BasicProperties,
}

impl Envelope {
    /// Reads a delivery that arrives `now` at `service`.
    pub fn read(service: Service, delivery: Delivery, now: Timestamp) -> Self {
        let (exchange, routing_key) = (delivery.exchange.as_str(), delivery.routing_key.as_str());
        let via = if exchange == Exchange::Desk.name() {
            // An edge: to `desk`, too, no account can write.
            Via::Service
        } else if exchange != Exchange::Sync.name() {
            Via::Share
        } else if origin::brings_commands(service, routing_key) {
            Via::Ladder
        } else {
            Via::Service
        };
        let routing_key =
            if via == Via::Share { routing_key.to_owned() } else { key_of_work(routing_key) };
        let origin = Origin { via, exchange: exchange.to_owned(), routing_key };
        Self::coming_from(origin, delivery, now)
    }

    /// Reads what the broker put into the dead-letter queue `queue` of `service`: as it was before.
    pub fn read_dead_letter(
        service: Service,
        queue: &str,
        delivery: Delivery,
        now: Timestamp,
    ) -> Self {
        let none = FieldTable::default();
        let headers = delivery.properties.headers().as_ref().unwrap_or(&none);
        let user_id = delivery.properties.user_id().as_ref().map(lapin::types::ShortString::as_str);
        let origin = origin::of_dead_letter(service, queue, user_id, headers);
        let mut envelope = Self::coming_from(origin, delivery, now);
        if envelope.via == Via::Share {
            // A partner's own context is a link at most, and never goes on.
            envelope.trace = TraceContext::default();
        }
        envelope
    }

    fn coming_from(origin: Origin, delivery: Delivery, now: Timestamp) -> Self {
        let Origin { via, exchange, routing_key } = origin;
        let Delivery { properties, redelivered, data: body, .. } = delivery;
        let none = FieldTable::default();
        let headers = properties.headers().as_ref().unwrap_or(&none);
        let own = |name: &str| if via == Via::Share { None } else { text(headers, name) };
        let given = |value: &Option<lapin::types::ShortString>| {
            value.as_ref().map(|value| kept(value.as_str()))
        };
        let broker_deliveries =
            if redelivered { number(headers, "x-delivery-count").unwrap_or(1).max(1) } else { 0 };
        Self {
            via,
            exchange,
            routing_key: own(header::ACCOUNT_KEY).unwrap_or_else(|| kept(&routing_key)),
            publisher: if via == Via::Share {
                given(properties.user_id())
            } else {
                own(header::PUBLISHER)
            },
            message_id: given(properties.message_id()),
            message_type: given(properties.kind()),
            content_type: given(properties.content_type()),
            correlation_id: given(properties.correlation_id()).filter(|_| via != Via::Share),
            share_id: own(header::SHARE_ID),
            forbidden: if via == Via::Share { forbidden(&properties, headers) } else { None },
            trace: TraceContext {
                traceparent: text(headers, header::TRACEPARENT),
                tracestate: text(headers, header::TRACESTATE),
            },
            attempt: own(header::ATTEMPT).and_then(|attempt| attempt.parse().ok()).unwrap_or(0),
            deliveries: broker_deliveries,
            first_arrival: own(header::FIRST_ARRIVAL)
                .and_then(|at| Timestamp::parse(&at).ok())
                .unwrap_or(now),
            parked: own(header::PARKED).and_then(|id| id.parse().ok()),
            discarded: own(header::DISCARDED).filter(|_| via == Via::Ladder),
            body,
            properties,
        }
    }

    /// When its publisher sent it, as the publisher says, to the second. A desk need not say it.
    pub fn published_at(&self) -> Option<Timestamp> {
        let seconds =
            (*self.properties.timestamp()).and_then(|seconds| i64::try_from(seconds).ok())?;
        chrono::DateTime::from_timestamp(seconds, 0).map(Timestamp::from)
    }

    /// Its headers as text, for the parking table.
    pub fn readable_headers(&self) -> Value {
        self.properties.headers().as_ref().map_or_else(|| Value::Object(Map::new()), readable)
    }

    /// The account in the routing key, when there is a valid one.
    pub fn account(&self) -> Option<AccountName> {
        self.routing_key.split('.').next().and_then(|account| AccountName::new(account).ok())
    }
}

/// Text of a message's head as the database can keep it and a receipt can repeat it: without NUL.
/// The substitute for it is in no valid id, name or type either, and as short, so nothing becomes
/// valid by it and nothing too long.
fn kept(text: &str) -> String {
    text.replace('\0', "\u{1a}")
}

fn forbidden(properties: &BasicProperties, headers: &FieldTable) -> Option<&'static str> {
    if properties.expiration().is_some() {
        return Some("expiration");
    }
    if properties.priority().is_some_and(|priority| priority != 0) {
        return Some("priority");
    }
    ["CC", "BCC"].into_iter().find(|name| headers.inner().contains_key(*name))
}

fn text(headers: &FieldTable, name: &str) -> Option<String> {
    match headers.inner().get(name)? {
        AMQPValue::LongString(text) => std::str::from_utf8(text.as_bytes()).ok().map(str::to_owned),
        AMQPValue::ShortString(text) => Some(text.as_str().to_owned()),
        _ => None,
    }
}

fn number(headers: &FieldTable, name: &str) -> Option<u64> {
    match headers.inner().get(name)? {
        AMQPValue::LongLongInt(number) => u64::try_from(*number).ok(),
        AMQPValue::LongInt(number) => u64::try_from(*number).ok(),
        AMQPValue::LongUInt(number) => Some(u64::from(*number)),
        AMQPValue::ShortInt(number) => u64::try_from(*number).ok(),
        _ => None,
    }
}

/// Headers for a person to read; long or nested ones are only named. No NUL, which the database
/// does not take.
fn readable(headers: &FieldTable) -> Value {
    let mut map = Map::new();
    for (name, value) in headers.inner().iter().take(50) {
        let shown = match value {
            AMQPValue::LongString(text) => {
                String::from_utf8_lossy(text.as_bytes()).chars().take(200).collect()
            }
            other => format!("{other:?}").chars().take(200).collect::<String>(),
        };
        map.insert(name.as_str().replace('\0', " "), Value::String(shown.replace('\0', " ")));
    }
    Value::Object(map)
}
