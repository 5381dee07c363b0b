//! AMQP properties and headers, as schemas. The AMQP bindings of AsyncAPI have no place for most of
//! them, hence `x-amqp-properties`.

use serde_json::{Value, json};

use crate::topology::Service;

/// What every command has beside its body (contract part 2).
pub(super) fn of_commands() -> Value {
    json!({
        "contentType": "application/json",
        "headers": {
            "type": "object",
            "properties": {
                "traceparent": { "type": "string", "description": "W3C trace context; becomes a \
                    link of Deskmesh's own trace, never its parent." },
                "CC": never("The broker would route the message elsewhere too."),
                "BCC": never("The broker would route the message elsewhere too."),
            },
        },
        "x-amqp-properties": {
            "type": "object",
            "required": ["type", "message_id", "user_id", "content_type", "delivery_mode"],
            "properties": {
                "type": { "type": "string", "description": "The message's name. Agrees with the \
                    routing key." },
                "message_id": {
                    "type": "string",
                    "pattern": "^[ -~]{1,128}$",
                    "description": "1 to 128 printable ASCII characters, unique per account and \
                        entity.",
                },
                "user_id": { "type": "string", "description": "The publishing broker user: the \
                    account, or who operates it. The broker checks it. Without it, the account in \
                    the routing key is answered with malformed." },
                "content_type": { "const": "application/json" },
                "delivery_mode": { "const": 2, "description": "Persistent." },
                "expiration": never("The broker would drop the message."),
                "priority": never("The broker would reorder messages."),
            },
        },
    })
}

/// What every delivery has beside its body (contract part 4).
pub(super) fn of_deliveries() -> Value {
    let services = Service::ALL.map(Service::name);
    json!({
        "contentType": "application/json",
        "headers": {
            "type": "object",
            "properties": {
                "share-id": { "type": "string", "description": "The share it is about." },
                "traceparent": { "type": "string", "description": "W3C trace context of what \
                    caused it." },
                "tracestate": { "type": "string", "description": "The same." },
            },
        },
        "x-amqp-properties": {
            "type": "object",
            "required": [
                "type", "message_id", "timestamp", "content_type", "delivery_mode", "app_id",
                "correlation_id",
            ],
            "properties": {
                "type": { "type": "string", "description": "The message's name." },
                "message_id": { "type": "string", "description": "The same when it is delivered \
                    again. Remember it, and drop what you have seen." },
                "timestamp": { "type": "integer", "description": "When it was published, in \
                    seconds since 1970." },
                "content_type": { "const": "application/json" },
                "delivery_mode": { "const": 2, "description": "Persistent." },
                "app_id": { "type": "string", "examples": services, "description": "The service \
                    that sent it." },
                "correlation_id": { "type": "string", "description": "For a receipt the command's \
                    `message_id`; else the share or agreement." },
            },
        },
    })
}

fn never(why: &str) -> Value {
    json!({ "not": {}, "description": format!("Must not be set. {why}") })
}
