//! What a desk was told: its queue read to the end of the connection, each delivery taken once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use contracts::Receipt;
use contracts::delivery::DeliveryBody;
use lapin::BasicProperties;
use lapin::types::{AMQPValue, ShortString};

use crate::Model;
use crate::queue::read_queue;

/// One delivery as the desk got it.
#[derive(Clone, Debug)]
pub struct Delivered {
    /// Its `message_id`.
    pub id: String,
    /// Whose: an operator's queue holds deliveries of several accounts.
    pub account: String,
    /// What it says.
    pub told: DeliveryBody,
    /// When it came.
    pub at: Instant,
    /// The trace it belongs to.
    pub trace_id: Option<String>,
}

/// What the desk knows.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    /// Letter by letter, also of what came again or could not be read.
    pub bodies: Vec<String>,
    seen: BTreeSet<String>,
    pub repeated: usize,
    pub unreadable: Vec<String>,
    pub deliveries: Vec<Delivered>,
    pub receipts: BTreeMap<String, (Receipt, Instant)>,
    pub sent: BTreeMap<String, Instant>,
    pub model: Model,
}

/// Reads the desk's queue until the connection ends.
pub(crate) async fn read(url: &str, queue: &str, inbox: &Mutex<Inbox>) -> lapin::Result<()> {
    read_queue(url, queue, |delivery| {
        take(&mut inbox.lock().unwrap_or_else(PoisonError::into_inner), delivery);
    })
    .await
}

fn take(inbox: &mut Inbox, delivery: &lapin::message::Delivery) {
    let properties = &delivery.properties;
    let text = |value: &Option<ShortString>| {
        value.as_ref().map(|value| value.as_str().to_owned()).unwrap_or_default()
    };
    let account = delivery.routing_key.as_str().split('.').next().unwrap_or_default().to_owned();
    inbox.hear(Heard {
        id: text(properties.message_id()),
        message_type: &text(properties.kind()),
        account,
        body: &delivery.data,
        trace_id: trace_id(properties),
    });
}

/// A delivery, whichever way it came.
#[derive(Debug)]
pub(crate) struct Heard<'a> {
    pub id: String,
    pub message_type: &'a str,
    pub account: String,
    pub body: &'a [u8],
    pub trace_id: Option<String>,
}

impl Inbox {
    /// Takes a delivery once.
    pub fn hear(&mut self, heard: Heard<'_>) {
        let Heard { id, message_type, account, body, trace_id } = heard;
        self.bodies.push(String::from_utf8_lossy(body).into_owned());
        if !self.seen.insert(id.clone()) {
            self.repeated += 1;
            return;
        }
        let told = match DeliveryBody::read(message_type, body) {
            Ok(told) => told,
            Err(error) => {
                self.unreadable.push(format!("{message_type} {id}: {error}"));
                return;
            }
        };
        let at = Instant::now();
        if let DeliveryBody::Receipt(receipt) = &told {
            self.receipts
                .entry(receipt.command_id.clone())
                .or_insert_with(|| ((**receipt).clone(), at));
        }
        self.model.take(&told);
        self.deliveries.push(Delivered { id, account, told, at, trace_id });
    }
}

fn trace_id(properties: &BasicProperties) -> Option<String> {
    match properties.headers().as_ref()?.inner().get("traceparent")? {
        AMQPValue::LongString(text) => {
            Some(String::from_utf8_lossy(text.as_bytes()).split('-').nth(1)?.to_owned())
        }
        _ => None,
    }
}
