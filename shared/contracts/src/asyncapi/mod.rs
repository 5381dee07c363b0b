//! What third parties are told: an AsyncAPI 3 document of a desk's side of the contract, and a JSON
//! Schema of each message.

mod commands;
mod deliveries;
mod events;
mod guide;
mod messages;
mod properties;
mod schemas;

pub use events::events_document;
pub use messages::{Published, messages};
pub use schemas::schema;

use serde_json::{Map, Value, json};

use crate::topology::{Exchange, VHOST};
use crate::{Message, Receipt};

/// Version of AsyncAPI's AMQP bindings.
const BINDING: &str = "0.3.0";

/// An example of a message: a golden.
#[derive(Clone, Debug, PartialEq)]
pub struct Example {
    /// The message's type.
    pub message: String,
    /// What is special about it; nothing for the plain one.
    pub variant: Option<String>,
    /// The body.
    pub body: Value,
}

/// The AsyncAPI document, complete in itself: a desk is the application, so it *sends* commands and
/// *receives* deliveries.
#[must_use]
pub fn document(examples: &[Example]) -> Value {
    let schemas = schemas::components();
    json!({
        "asyncapi": "3.0.0",
        "id": "urn:deskmesh:desk",
        "defaultContentType": "application/json",
        "info": {
            "title": "Deskmesh: sharing tickets between help desks, contract v1",
            "version": env!("CARGO_PKG_VERSION"),
            "description": guide::markdown(&schemas),
            "license": {
                "name": "Apache-2.0",
                "url": "https://www.apache.org/licenses/LICENSE-2.0",
            },
        },
        "servers": { "deskmesh": server() },
        "channels": channels(),
        "operations": operations(),
        "x-deskmesh": guide::facts(&schemas),
        "components": {
            "securitySchemes": {
                "account": { "type": "userPassword", "description": "The account's own broker \
                    user; its name is the account's." },
            },
            "messageTraits": {
                "command": properties::of_commands(),
                "delivery": properties::of_deliveries(),
            },
            "messages": messages()
                .map(|it| (it.name.to_owned(), message(it, examples)))
                .collect::<Map<_, _>>(),
            "schemas": schemas,
        },
    })
}

fn server() -> Value {
    json!({
        "host": "rabbitmq.example:5671",
        "pathname": format!("/{VHOST}"),
        "protocol": "amqps",
        "protocolVersion": "0-9-1",
        "title": "RabbitMQ of the deployment",
        "description": "The host is a placeholder: whoever operates the deployment tells it.",
        "security": [reference("/components/securitySchemes/account")],
    })
}

fn commands() -> impl Iterator<Item = &'static Published> {
    messages().filter(|message| message.exchange == Exchange::Share)
}

fn deliveries() -> impl Iterator<Item = &'static Published> {
    messages().filter(|message| message.exchange == Exchange::Desk)
}

/// One channel per command, and the desk's queue.
fn channels() -> Map<String, Value> {
    let mut channels: Map<String, Value> =
        commands().map(|it| (it.entity_and_verb().to_owned(), command_channel(it))).collect();
    channels.insert("desk".to_owned(), desk_channel());
    channels
}

fn command_channel(command: &Published) -> Value {
    json!({
        "address": format!("{{account}}.{}", command.entity_and_verb()),
        "title": command.title,
        "parameters": { "account": { "description": "Whose command it is: the account, also where \
            another one publishes for it." } },
        "messages": { command.name: reference(&format!("/components/messages/{}", command.name)) },
        "bindings": { "amqp": {
            "is": "routingKey",
            "exchange": {
                "name": Exchange::Share.name(),
                "type": "topic",
                "durable": true,
                "autoDelete": false,
                "vhost": VHOST,
            },
            "bindingVersion": BINDING,
        } },
    })
}

fn desk_channel() -> Value {
    let all: Map<String, Value> = deliveries()
        .map(|it| (it.name.to_owned(), reference(&format!("/components/messages/{}", it.name))))
        .collect();
    json!({
        "address": "desk.{account}",
        "title": "The desk's queue",
        "description": "A quorum queue with everything that this desk is told. Declare nothing: it \
            is there when the account is.",
        "parameters": { "account": { "description": "The account, or the one that operates it." } },
        "messages": all,
        "bindings": { "amqp": {
            "is": "queue",
            "queue": {
                "name": "desk.{account}",
                "durable": true,
                "exclusive": false,
                "autoDelete": false,
                "vhost": VHOST,
            },
            "bindingVersion": BINDING,
        } },
    })
}

fn operations() -> Map<String, Value> {
    let receive = json!({
        "action": "receive",
        "title": "Receive deliveries",
        "summary": "One consumer with manual acks: acknowledge what has been stored.",
        "channel": reference("/channels/desk"),
        "messages": deliveries().map(on_desk).collect::<Vec<_>>(),
        "bindings": { "amqp": { "ack": true, "bindingVersion": BINDING } },
    });
    let mut operations: Map<String, Value> =
        commands().map(|it| (it.entity_and_verb().to_owned(), send(it))).collect();
    operations.insert("desk".to_owned(), receive);
    operations
}

fn send(command: &Published) -> Value {
    let channel = format!("/channels/{}", command.entity_and_verb());
    json!({
        "action": "send",
        "title": command.title,
        "summary": command.summary(),
        "channel": reference(&channel),
        "messages": [reference(&format!("{channel}/messages/{}", command.name))],
        "reply": {
            "channel": reference("/channels/desk"),
            "messages": deliveries()
                .filter(|it| it.name == Receipt::NAME)
                .map(on_desk)
                .collect::<Vec<_>>(),
        },
        "bindings": { "amqp": { "deliveryMode": 2, "bindingVersion": BINDING } },
    })
}

fn on_desk(delivery: &Published) -> Value {
    reference(&format!("/channels/desk/messages/{}", delivery.name))
}

fn message(message: &Published, examples: &[Example]) -> Value {
    let kind = if message.exchange == Exchange::Share { "command" } else { "delivery" };
    let mut described = json!({
        "name": message.name,
        "title": message.title,
        "summary": message.summary(),
        "description": message.description,
        "traits": [reference(&format!("/components/messageTraits/{kind}"))],
        "payload": schemas::payload(message),
        "bindings": { "amqp": { "messageType": message.name, "bindingVersion": BINDING } },
        "examples": examples
            .iter()
            .filter(|it| it.message == message.name)
            .map(example)
            .collect::<Vec<_>>(),
    });
    if message.name == Receipt::NAME {
        described["correlationId"] = json!({
            "description": "The command's `message_id`.",
            "location": "$message.payload#/command_id",
        });
    }
    described
}

fn example(example: &Example) -> Value {
    let name = example.variant.as_deref().unwrap_or("plain");
    json!({ "name": name, "payload": example.body })
}

fn reference(pointer: &str) -> Value {
    json!({ "$ref": format!("#{pointer}") })
}
