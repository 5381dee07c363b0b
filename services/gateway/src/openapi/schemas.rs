//! Schemas: the contract's, and what the gateway puts round them.

use contracts::asyncapi;
use contracts::topology::{End, FLOWS};
use serde_json::{Map, Value, json};

use super::reference;
use crate::rules::problem::Why;
use crate::rules::route::CommandRoute;

/// What the gateway fills in where a request leaves it out, by command.
const FILLED: &[(&str, &[&str])] = &[
    ("ticket.share.v1", &["actor", "occurred_at", "share_id"]),
    ("ticket.update.v1", &["actor", "occurred_at"]),
    ("agreement.invite.v1", &["actor", "agreement_id"]),
];

/// The types of all commands.
pub(super) fn commands() -> impl Iterator<Item = &'static str> {
    FLOWS.iter().filter(|flow| flow.from == End::Desk).map(|flow| flow.message)
}

/// All schemas by name.
pub(super) fn components() -> Map<String, Value> {
    let mut all = contract();
    all.extend(own());
    all.extend(super::files::schemas());
    all.extend(super::webhooks::schemas());
    all
}

/// The contract's own.
fn contract() -> Map<String, Value> {
    let document = asyncapi::document(&[]);
    let schemas = document.pointer("/components/schemas").and_then(Value::as_object).cloned();
    let mut schemas = schemas.unwrap_or_default();
    for schema in schemas.values_mut() {
        if let Some(members) = schema.as_object_mut() {
            // In JSON Schema 2020-12 it would be the base of all references.
            members.remove("$id");
        }
    }
    schemas
}

/// The schema of a command's content.
fn of_command(command: &str) -> Value {
    let document = asyncapi::document(&[]);
    let payload = document.pointer(&format!("/components/messages/{command}/payload/schema"));
    let payload =
        payload.or_else(|| document.pointer(&format!("/components/messages/{command}/payload")));
    let mut schema = resolved(payload.cloned().unwrap_or_default());
    if let Some(members) = schema.as_object_mut() {
        members.remove("$id");
    }
    schema
}

fn resolved(schema: Value) -> Value {
    let name = schema["$ref"].as_str().and_then(|it| it.rsplit('/').next()).map(str::to_owned);
    name.and_then(|name| contract().get(&name).cloned()).unwrap_or(schema)
}

/// The members that a route's body must have.
pub(super) fn body_required(route: &CommandRoute) -> Vec<String> {
    let schema = body(route);
    let required = schema["required"].as_array().into_iter().flatten();
    required.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// The schema of a route's body: the command's, without what the path says and what the gateway
/// fills in.
pub(super) fn body(route: &CommandRoute) -> Value {
    if !route.body.is_empty() {
        let mut comment = contract().get("Comment").cloned().unwrap_or_default();
        without_requirement(&mut comment, "id");
        return comment;
    }
    let mut schema = of_command(route.command);
    let filled = FILLED.iter().find(|(command, _)| *command == route.command);
    for member in filled.map_or(&["actor"][..], |(_, members)| members) {
        without_requirement(&mut schema, member);
    }
    for (_, pointer) in route.parameters {
        match pointer.trim_start_matches('/').split_once('/') {
            None => without_member(&mut schema, pointer.trim_start_matches('/')),
            Some((outer, inner)) => {
                let mut within = resolved(bare(&schema["properties"][outer]));
                without_member(&mut within, inner);
                without_requirement(&mut within, "requester");
                with_unnamed_comments(&mut within);
                schema["properties"][outer] = within;
            }
        }
    }
    with_unnamed_comments(&mut schema);
    schema
}

/// Comments may come without an id.
fn with_unnamed_comments(schema: &mut Value) {
    if let Some(comments) = schema.pointer_mut("/properties/comments") {
        let mut comment = contract().get("Comment").cloned().unwrap_or_default();
        without_requirement(&mut comment, "id");
        comments["items"] = comment;
    }
}

/// A reference that stands in an `allOf` beside a description.
fn bare(schema: &Value) -> Value {
    schema.pointer("/allOf/0").unwrap_or(schema).clone()
}

fn without_member(schema: &mut Value, member: &str) {
    without_requirement(schema, member);
    if let Some(members) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        members.remove(member);
    }
}

fn without_requirement(schema: &mut Value, member: &str) {
    if let Some(required) = schema.get_mut("required").and_then(Value::as_array_mut) {
        required.retain(|name| name != member);
    }
    if schema["required"].as_array().is_some_and(Vec::is_empty)
        && let Some(members) = schema.as_object_mut()
    {
        members.remove("required");
    }
}

fn own() -> Map<String, Value> {
    let text = || json!({ "type": "string" });
    let maybe = || json!({ "type": ["string", "null"] });
    let list = |of: &str| json!({ "type": "array", "items": reference(of) });
    let object = |properties: Value, required: &[&str]| {
        json!({
            "type": "object",
            "properties": properties,
            "required": required,
        })
    };
    let paged = |name: &str, of: &str| {
        object(json!({ name: list(of), "next": maybe(), "cursor": maybe() }), &[name])
    };
    let revised = json!({ "type": ["object", "null"],
        "properties": { "value": {}, "revision": { "type": "integer" } } });
    let by_name = json!({ "type": "object", "additionalProperties": revised });
    let mended = json!({ "type": "array", "items": reference("Decision"), "description":
        "What was mended in this request's body before it was stored: half of a surrogate pair, \
         which is no character, became U+FFFD." });
    let codes: Vec<&str> = Why::ALL.iter().map(|why| why.code()).collect();
    let all = json!({
        "Problem": object(json!({ "type": text(), "title": text(), "detail": text(),
            "status": { "type": "integer" }, "pointer": text(), "reason": { "enum": codes },
            "retry_after": { "type": "integer" } }),
            &["type", "title", "status", "detail", "reason"]),
        "AcceptedCommand": object(json!({ "message_id": text(), "type": text(),
            "state": { "enum": ["waits", "sent", "answered"] }, "accepted_at": text(),
            "receipt": { "anyOf": [reference("Receipt"), { "type": "null" }] },
            "mended": mended,
            "files": { "type": "array", "items": reference("ForeignFile"),
                "description": "Files of its comments that lie elsewhere. They are copied before \
                    the command is sent, and the link to the copy is what crosses." } }),
            &["message_id", "type", "state", "accepted_at", "receipt"]),
        "ForeignFile": object(json!({ "comment_id": text(), "attachment_id": text(),
            "state": { "enum": ["waits", "copied", "failed"] },
            "reason": { "type": "string", "description": "Why it is not copied: after `failed` the \
                command goes without it, and its receipt says `bad_link`." },
            "detail": text() }), &["comment_id", "attachment_id", "state"]),
        "Delivery": object(json!({ "cursor": text(), "message_id": text(), "type": text(),
            "told_at": text(), "share_id": text(), "correlation_id": text(), "payload": {} }),
            &["cursor", "message_id", "type", "told_at", "payload"]),
        "Deliveries": object(json!({ "deliveries": list("Delivery"), "next": text(),
            "more": { "type": "boolean" } }), &["deliveries", "next", "more"]),
        "Account": object(json!({ "account": text(), "address": text(), "display_name": text(),
            "token": text(), "cursor": maybe() }), &["account", "address"]),
        "Share": object(json!({ "share_id": text(), "agreement_id": maybe(), "side": maybe(),
            "partner": maybe(), "ticket_id": maybe(), "partner_ticket_id": maybe(),
            "state": { "enum": ["live", "unshared", "agreement_inactive"] },
            "started_at": text() }), &["share_id", "state"]),
        "TicketComment": object(json!({ "id": text(), "body": text(),
            "public": { "type": "boolean" }, "author": {}, "html_body": maybe(),
            "authored_at": maybe(), "attachments": { "type": "array" },
            "redacted": { "type": "boolean" } }), &["id", "body", "public", "redacted"]),
        "Ticket": object(json!({ "ticket_id": maybe(), "subject": maybe(), "requester": {},
            "requested_at": maybe(), "received_from": maybe(), "original_ticket_id": maybe(),
            "status": revised, "tags": by_name, "custom_fields": by_name,
            "comments": list("TicketComment"), "shares": list("Share"), "cursor": maybe() }),
            &["ticket_id", "status", "tags", "custom_fields", "comments", "shares"]),
        "TicketSummary": object(json!({ "ticket_id": maybe(), "subject": maybe(), "status": {},
            "shares": { "type": "array", "items": text() }, "changed_at": text() }),
            &["ticket_id", "changed_at"]),
        "Agreements": paged("agreements", "AgreementState"),
        "Shares": paged("shares", "Share"),
        "Tickets": paged("tickets", "TicketSummary"),
        "Timeline": object(json!({ "ticket_id": text(),
            "timeline": { "type": "array", "items": { "type": "object" } } }),
            &["ticket_id", "timeline"]),
    });
    match all {
        Value::Object(all) => all,
        _ => Map::new(),
    }
}
