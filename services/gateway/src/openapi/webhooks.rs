//! The routes that keep webhooks, and what endpoints are sent.

use serde_json::{Map, Value, json};

use super::{add, operation_id, path_parameters, reference, refusals};
use crate::rules::problem::Why;

/// A route.
struct Route {
    method: &'static str,
    path: &'static str,
    summary: &'static str,
    /// The schema of its body; empty: there is none.
    body: &'static str,
    needs_body: bool,
    status: &'static str,
    /// The schema of its answer; empty: there is none.
    answer: &'static str,
}

const fn route(
    (method, path): (&'static str, &'static str),
    (body, needs_body): (&'static str, bool),
    (status, answer): (&'static str, &'static str),
    summary: &'static str,
) -> Route {
    Route { method, path, summary, body, needs_body, status, answer }
}

const NONE: (&str, bool) = ("", false);

#[rustfmt::skip]
const ROUTES: &[Route] = &[
    route(("GET", "/v1/webhooks"), NONE, ("200", "Webhooks"), "All webhooks"),
    route(("POST", "/v1/webhooks"), ("NewWebhook", true), ("201", "NewSecret"),
        "Be told at an endpoint; tells its secret, this once"),
    route(("GET", "/v1/webhooks/{webhook_id}"), NONE, ("200", "Webhook"),
        "One webhook, and how its queue stands"),
    route(("PATCH", "/v1/webhooks/{webhook_id}"), ("WebhookChange", true), ("200", "Webhook"),
        "Change it, switch it on or off, or put its queue at another place"),
    route(("DELETE", "/v1/webhooks/{webhook_id}"), NONE, ("204", ""), "Be told there no more"),
    route(("POST", "/v1/webhooks/{webhook_id}/rotate"), ("Rotation", false), ("200", "NewSecret"),
        "Take another secret; the one before signs too for a day"),
    route(("POST", "/v1/webhooks/{webhook_id}/test"), NONE, ("200", "Attempt"),
        "Send it a `webhook.test` now, and see what it answers"),
    route(("POST", "/v1/webhooks/{webhook_id}/resend"), ("Resend", true), ("202", "Queued"),
        "Send again: one delivery, all since a time, or all that were given up"),
    route(("GET", "/v1/webhooks/{webhook_id}/attempts"), NONE, ("200", "Attempts"),
        "What was tried in the last 30 days, the newest first"),
];

/// Adds the routes.
pub(super) fn add_to(paths: &mut Map<String, Value>) {
    for route in ROUTES {
        add(paths, route.path, route.method, operation(route));
    }
}

fn operation(route: &Route) -> Value {
    let mut refused = vec![Why::WrongScope, Why::NotStored];
    let mut parameters = path_parameters(route.path);
    if !parameters.is_empty() {
        refused.push(Why::NotFound);
    }
    if route.path.ends_with("/attempts") {
        refused.push(Why::Malformed);
        parameters.extend([
            json!({ "name": "after", "in": "query", "schema": { "type": "string" },
                "description": "`next` of the page before" }),
            json!({ "name": "limit", "in": "query", "description": "How many at most",
                "schema": { "type": "integer", "minimum": 1,
                    "maximum": crate::http::query::MOST } }),
        ]);
    }
    if ["POST", "PATCH"].contains(&route.method) {
        refused.extend([Why::Malformed, Why::TooLarge]);
    }
    if ["NewWebhook", "WebhookChange"].contains(&route.body) {
        refused.push(Why::CursorGone);
    }
    let mut answers = refusals(&refused);
    answers[route.status] = json!({ "description": "Done." });
    if !route.answer.is_empty() {
        answers[route.status]["content"] = content(route.answer);
    }
    let mut operation = json!({
        "operationId": operation_id(route.method, route.path),
        "summary": route.summary,
        "description": "Scope: `webhooks`.",
        "tags": ["webhooks"],
        "parameters": parameters,
        "responses": answers,
    });
    if !route.body.is_empty() {
        operation["requestBody"] =
            json!({ "required": route.needs_body, "content": content(route.body) });
    }
    operation
}

fn content(schema: &str) -> Value {
    json!({ "application/json": { "schema": reference(schema) } })
}

/// What endpoints are sent, for the document's `webhooks`.
pub(super) fn sent() -> Value {
    let header = |name: &str, description: &str| {
        json!({ "name": name, "in": "header", "required": true, "schema": { "type": "string" },
            "description": description })
    };
    json!({ "delivery": { "post": {
        "operationId": "webhook_delivery",
        "summary": "A delivery, as an endpoint is sent it",
        "description": "Standard Webhooks. 2xx takes it, 410 switches the webhook off, all else is \
            tried again; `Retry-After` counts with 429 and 503. The same delivery has the same \
            `webhook-id`.",
        "tags": ["webhooks"],
        "security": [],
        "parameters": [
            header("webhook-id", "The delivery's `message_id`"),
            header("webhook-timestamp", "When it was sent, in seconds since 1970"),
            header("webhook-signature", "`v1,` and the HMAC-SHA256 of `id.timestamp.body` with the \
                secret, `v1a,` and its Ed25519 signature with the key pair, both in Base64, \
                separated by a blank; two of each while a secret changes"),
        ],
        "requestBody": { "required": true, "content": content("WebhookDelivery") },
        "responses": { "2XX": { "description": "Taken." } },
    } } })
}

/// Schemas of all these.
pub(super) fn schemas() -> Map<String, Value> {
    let text = || json!({ "type": "string" });
    let maybe = || json!({ "type": ["string", "null"] });
    let whole = || json!({ "type": "integer" });
    let maybe_whole = || json!({ "type": ["integer", "null"] });
    let truth = || json!({ "type": "boolean" });
    let list = |of: &str| json!({ "type": "array", "items": reference(of) });
    let url = json!({ "type": "string", "minLength": 1, "maxLength": 8192,
        "description": "https, on a port that the operator allows, nothing inside its network" });
    let description = json!({ "type": "string", "maxLength": 200, "pattern": "^[^\\u0000]*$" });
    let payload = json!({ "type": "boolean", "description": "With what the deliveries say, below \
        20 kB; needs the scope `read` too" });
    let after = json!({ "type": "string", "description": "A cursor; `latest`: only what comes from \
        now on; empty: from the oldest that is kept" });
    let webhook = json!({ "webhook_id": text(), "url": text(), "description": text(),
        "payload": truth(), "state": { "enum": ["active", "disabled"] },
        "reason": { "enum": ["by_account", "gone", "failing", null] },
        "cursor": text(), "waiting": whole(), "failures": whole(), "failing_since": maybe(),
        "next_attempt_at": maybe(), "old_secret_until": maybe(), "created_at": text(),
        "public_keys": { "type": "array", "items": text(), "description": "With these `v1a` \
            signatures are checked, `whpk_` and Base64; the newest first, two while a secret \
            changes" } });
    let mut with_secret = webhook.clone();
    with_secret["secret"] = text();
    let object = |properties: &Value, required: &[&str]| {
        json!({
            "type": "object",
            "properties": properties,
            "required": required,
        })
    };
    let closed = |properties: &Value, required: &[&str]| {
        json!({ "type": "object", "properties": properties, "required": required,
            "additionalProperties": false })
    };
    let one = |name: &str, value: Value| {
        json!({ "type": "object", "properties": { name: value }, "required": [name],
            "additionalProperties": false })
    };
    let all = json!({
        "Webhook": object(&webhook, &["webhook_id", "url", "payload", "state", "cursor"]),
        "NewSecret": object(&with_secret, &["webhook_id", "url", "secret"]),
        "Webhooks": object(&json!({ "webhooks": list("Webhook") }), &["webhooks"]),
        "NewWebhook": closed(&json!({ "url": url, "description": description, "payload": payload,
            "after": after }), &["url"]),
        "WebhookChange": closed(&json!({ "url": url, "description": description,
            "payload": payload, "state": { "enum": ["active", "disabled"] },
            "after": after }), &[]),
        "Rotation": closed(&json!({ "overlap_seconds": { "type": "integer", "minimum": 0,
            "maximum": 604_800, "default": 86_400 } }), &[]),
        "Resend": { "oneOf": [one("message_id", text()),
            one("since", json!({ "type": "string", "format": "date-time" })),
            one("failed", json!({ "const": true }))] },
        "Queued": object(&json!({ "queued": whole() }), &["queued"]),
        "Attempt": object(&json!({ "id": whole(), "message_id": text(), "type": text(),
            "at": text(), "duration_ms": whole(),
            "outcome": { "enum": ["taken", "failed", "given_up", "switched_off"] },
            "status": maybe_whole(), "error": maybe(), "detail": maybe(), "answer": maybe() }),
            &["id", "message_id", "type", "at", "duration_ms", "outcome"]),
        "Attempts": object(&json!({ "attempts": list("Attempt"), "next": maybe() }), &["attempts"]),
        "WebhookDelivery": object(&json!({ "type": text(), "message_id": text(), "cursor": text(),
            "share_id": text(), "told_at": text(), "payload": {} }),
            &["type", "message_id", "told_at"]),
    });
    match all {
        Value::Object(all) => all,
        _ => Map::new(),
    }
}
