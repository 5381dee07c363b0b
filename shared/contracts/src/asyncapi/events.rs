//! What auditors are told: an AsyncAPI document of its own, because an auditor is no desk.

use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use serde_json::{Value, json};

use crate::event::CommandDecided;
use crate::topology::{Exchange, VHOST};
use crate::{AccountName, Decision, Item, Message, Reason, Receipt, ReceiptOutcome, Timestamp};

/// The document, complete in itself: an auditor is the application, so it *receives* events.
///
/// # Panics
/// Never: the example is valid.
#[must_use]
pub fn events_document() -> Value {
    let mut generator = SchemaSettings::draft07()
        .with(|settings| {
            settings.definitions_path = "/components/schemas".into();
            settings.transforms.push(Box::new(RecursiveTransform(super::schemas::in_one_line)));
        })
        .into_generator();
    let payload = generator.subschema_for::<CommandDecided>().to_value();
    let exchange = Exchange::Events.name();
    json!({
        "asyncapi": "3.0.0",
        "id": "urn:deskmesh:auditor",
        "defaultContentType": "application/json",
        "info": {
            "title": "Deskmesh: what auditors are told, contract v1",
            "version": env!("CARGO_PKG_VERSION"),
            "description": DESCRIPTION,
            "license": {
                "name": "Apache-2.0",
                "url": "https://www.apache.org/licenses/LICENSE-2.0",
            },
        },
        "servers": { "deskmesh": {
            "host": "rabbitmq.example:5671",
            "pathname": format!("/{VHOST}"),
            "protocol": "amqps",
            "protocolVersion": "0-9-1",
            "description": "The host is a placeholder: whoever operates the deployment tells it.",
        } },
        "channels": { "events": {
            "address": "{account}.{entity}.{outcome}",
            "parameters": {
                "account": { "description": "Whose command it was." },
                "entity": { "enum": ["account", "agreement", "share", "ticket", "other"] },
                "outcome": { "enum": ["applied", "partial", "rejected", "ignored"] },
            },
            "messages": { "commandDecided": { "$ref": "#/components/messages/commandDecided" } },
            "bindings": { "amqp": { "is": "routingKey", "exchange": {
                "name": exchange,
                "type": "topic",
                "durable": true,
                "autoDelete": false,
                "vhost": format!("/{VHOST}"),
            }, "bindingVersion": "0.3.0" } },
        } },
        "operations": {
            "audit": { "action": "receive", "channel": { "$ref": "#/channels/events" } },
        },
        "components": {
            "messages": { "commandDecided": {
                "name": CommandDecided::NAME,
                "title": "A command was decided",
                "payload": payload,
                "examples": [{ "payload": example() }],
            } },
            "schemas": super::schemas::named(generator.take_definitions(true)),
        },
    })
}

const DESCRIPTION: &str = "\
One event for each command that was decided, with the AMQP `type` `command.decided.v1`. The \
operator makes a queue, binds it to the exchange \
`events` with the keys that the auditor may know (`#` for all, `acme.#`, `*.ticket.rejected`), and \
turns `events.publish` on in the services.

An event comes at least once: drop one whose `message_id` you know. It holds no address, no \
comment's text and no field's value. Events are not kept for a queue that is not there.";

fn example() -> CommandDecided {
    let mut receipt = Receipt::new("acme-4711-7", "ticket.update.v1", ReceiptOutcome::Partial);
    receipt.decisions =
        vec![Decision::withheld(Item::Tag("vip".to_owned()), Reason::TagsNotSynced)];
    let account = AccountName::new("acme").expect("a valid name");
    let at = Timestamp::parse("2026-03-01T10:00:00Z").expect("a valid time");
    CommandDecided::of(&account, receipt, at, "field-sync")
}
