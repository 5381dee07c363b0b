//! The routes that read.

use serde_json::{Value, json};

use super::{operation_id, path_parameters, reference, refusals, tag};
use crate::http::{deliveries, query};
use crate::rules::problem::Why;

/// A route that reads.
pub(super) struct Read {
    pub path: &'static str,
    summary: &'static str,
    /// Its queries: name, schema and meaning.
    queries: &'static [Query],
    /// The schema of its answer.
    answer: &'static str,
}

#[derive(Clone, Copy)]
enum Query {
    After,
    Cursor,
    Wait,
    Limit(u64),
}

use Query::{After, Cursor, Limit, Wait};

/// Of a page of a list.
const LIST: Query = Limit(query::MOST);

const fn read(
    path: &'static str,
    answer: &'static str,
    queries: &'static [Query],
    summary: &'static str,
) -> Read {
    Read { path, summary, queries, answer }
}

pub(super) const READS: &[Read] = &[
    read(
        "/v1/deliveries",
        "Deliveries",
        &[Cursor, Wait, Limit(deliveries::MOST)],
        "What this account is told after a cursor; waits for it, if it is asked to",
    ),
    read(
        "/v1/deliveries/stream",
        "",
        &[Cursor],
        "The same as server-sent events; goes on after `Last-Event-ID`",
    ),
    read("/v1/receipts/{entity}/{key}", "AcceptedCommand", &[Wait], "A command and its receipt"),
    read("/v1/account", "Account", &[], "Who this is"),
    read("/v1/agreements", "Agreements", &[After, LIST], "All agreements, as they were last told"),
    read("/v1/agreements/{agreement_id}", "AgreementState", &[], "One agreement"),
    read("/v1/shares", "Shares", &[After, LIST], "All shares, live and ended"),
    read("/v1/shares/{share_id}", "Share", &[], "One share"),
    read("/v1/shares/{share_id}/ticket", "Ticket", &[], "A copy, also before it has a number here"),
    read("/v1/tickets", "Tickets", &[After, LIST], "Tickets that are or were shared, newest first"),
    read("/v1/tickets/{number}", "Ticket", &[], "All that is held of a ticket"),
    read(
        "/v1/tickets/{number}/timeline",
        "Timeline",
        &[],
        "What became of it: why something stayed",
    ),
    read(
        "/v1/export",
        "",
        &[],
        "All agreements, shares and tickets, as lines of JSON; the last says how many they were",
    ),
    read("/v1/openapi.json", "", &[], "This document"),
];

pub(super) fn operation(read: &Read) -> Value {
    let mut parameters = path_parameters(read.path);
    parameters.extend(read.queries.iter().map(|query| parameter(*query)));
    let mut refused = vec![Why::WrongScope, Why::NotStored];
    if read.path.contains('{') || ["/v1/account", "/v1/export"].contains(&read.path) {
        refused.push(Why::NotFound);
    }
    if !read.queries.is_empty() {
        refused.push(Why::Malformed);
    }
    if read.queries.iter().any(|query| matches!(query, Cursor)) {
        refused.push(Why::CursorGone);
    }
    let mut answers = refusals(&refused);
    let content = match (read.path, read.answer) {
        ("/v1/deliveries/stream", _) => json!({ "text/event-stream": { "schema": {
            "type": "string", "description": "`event`: the delivery's type; `id`: its cursor; \
                `data`: a Delivery." } } }),
        ("/v1/export", _) => json!({ "application/x-ndjson": { "schema": {
            "type": "string", "description": "A line each, by `kind`: `account`, with the cursor \
                that none of it is older than; `agreement`, `share` and `ticket`, as their own \
                routes show them; `end`, with how many they were." } } }),
        (_, "") => json!({ "application/json": { "schema": { "type": "object" } } }),
        (_, name) => json!({ "application/json": { "schema": reference(name) } }),
    };
    answers["200"] = json!({ "description": "What was asked for.", "content": content });
    json!({
        "operationId": operation_id("get", read.path).replace(".json", ""),
        "summary": read.summary,
        "description": "Scope: `read`.",
        "tags": [tag(read.path)],
        "parameters": parameters,
        "responses": answers,
    })
}

fn parameter(query: Query) -> Value {
    let (name, schema, description) = match query {
        After => ("after", json!({ "type": "string" }), "`next` of the page before"),
        Cursor => (
            "after",
            json!({ "type": "string" }),
            "`next` of the answer before; `latest`: only what comes from now on; without it: from \
             the oldest that is kept",
        ),
        Wait => (
            "wait",
            json!({ "type": "integer", "minimum": 0, "maximum": query::LONGEST_WAIT }),
            "Seconds to wait at most",
        ),
        Limit(most) => (
            "limit",
            json!({ "type": "integer", "minimum": 1, "maximum": most }),
            "How many at most",
        ),
    };
    json!({ "name": name, "in": "query", "schema": schema, "description": description })
}
