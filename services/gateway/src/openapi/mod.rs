//! The document of the API by `OpenAPI` 3.1: its routes from the tables that the server is built
//! from, its schemas from the contract's own types.

mod files;
mod reads;
mod schemas;
mod webhooks;

use serde_json::{Map, Value, json};

use crate::rules::problem::Why;
use crate::rules::route::{COMMAND_ROUTES, CommandRoute};

/// The document, complete in itself.
#[must_use]
pub fn document() -> Value {
    let mut paths = Map::new();
    for route in COMMAND_ROUTES {
        add(&mut paths, route.path, route.method, of_command(route));
    }
    add(&mut paths, "/v1/commands", "POST", any_command());
    for read in reads::READS {
        add(&mut paths, read.path, "GET", reads::operation(read));
    }
    for (path, method, operation) in files::operations() {
        add(&mut paths, path, method, operation);
    }
    webhooks::add_to(&mut paths);
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Deskmesh gateway",
            "version": env!("CARGO_PKG_VERSION"),
            "description": INTRODUCTION,
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "security": [{ "token": [] }],
        "paths": paths,
        "webhooks": webhooks::sent(),
        "components": {
            "securitySchemes": { "token": { "type": "http", "scheme": "bearer",
                "description": "A token of the account, dm_…; it sees this account alone." } },
            "schemas": schemas::components(),
            "responses": responses(),
        },
    })
}

const INTRODUCTION: &str = "A desk joins Deskmesh with HTTP. What it asks for is a command, \
    accepted with 202 as soon as it is stored; what became of it is in its receipt. What it is \
    told it reads at /v1/deliveries. A command that Deskmesh refuses is no HTTP error: its receipt \
    says so. Every refusal of the gateway itself is a problem document (RFC 9457) whose `type` \
    names the reason.";

fn add(paths: &mut Map<String, Value>, path: &str, method: &str, operation: Value) {
    let item = paths.entry(path).or_insert_with(|| json!({}));
    item[method.to_lowercase()] = operation;
}

/// One route that sends a command.
fn of_command(route: &CommandRoute) -> Value {
    let mut parameters: Vec<Value> = path_parameters(route.path);
    parameters.extend([key(), prefer()]);
    let needs_body = !schemas::body_required(route).is_empty();
    let mut operation = json!({
        "operationId": operation_id(route.method, route.path),
        "summary": route.summary,
        "description": format!("Sends `{}`. Scope: `{}`.", route.command,
            crate::rules::scope::of_command(route.command)),
        "tags": [tag(route.path)],
        "parameters": parameters,
        "responses": accepted(),
    });
    if route.method != "DELETE" {
        operation["requestBody"] = json!({
            "required": needs_body,
            "content": { "application/json": { "schema": schemas::body(route) } },
        });
    }
    operation
}

fn any_command() -> Value {
    let types: Vec<&str> = schemas::commands().collect();
    json!({
        "operationId": "send_command",
        "summary": "Send any command",
        "description": "The contract's envelope as it is. Scope: the command's, as \
            `ticket.update`.",
        "tags": ["commands"],
        "parameters": [key(), prefer()],
        "requestBody": { "required": true, "content": { "application/json": { "schema": {
            "type": "object",
            "required": ["type"],
            "properties": {
                "type": { "enum": types, "description": "The command's type." },
                "message_id": { "type": "string", "minLength": 1, "maxLength": 128,
                    "pattern": "^[ -~]+$",
                    "description": "The same as `Idempotency-Key`; either may be left out." },
                "payload": { "type": "object",
                    "description": "The command's content, as the contract has it." },
            },
        } } } },
        "responses": accepted(),
    })
}

fn accepted() -> Value {
    let command = json!({ "application/json": { "schema": reference("AcceptedCommand") } });
    let location = json!({ "Location": { "schema": { "type": "string" },
        "description": "Where its receipt is." } });
    let mut answers =
        refusals(&[Why::Malformed, Why::TooLarge, Why::NotFound, Why::WrongScope, Why::NotStored]);
    answers["202"] = json!({ "description": "Stored; it is sent until its receipt comes.",
        "headers": location, "content": command });
    answers["200"] = json!({ "description": "The receipt came within the wait that was asked for.",
        "headers": location, "content": command });
    answers
}

/// Refusals by status; every route may be answered by these two, too.
fn refusals(which: &[Why]) -> Value {
    let mut answers = json!({});
    for why in which.iter().chain(&[Why::NoToken, Why::TooManyRequests]) {
        let (_, status, _) = why.told();
        answers[status.to_string()] =
            json!({ "$ref": format!("#/components/responses/Problem{status}") });
    }
    answers
}

/// One response for each status with which the gateway refuses.
fn responses() -> Map<String, Value> {
    let mut all = Map::new();
    for why in Why::ALL {
        let (code, status, title) = why.told();
        let response = all.entry(format!("Problem{status}")).or_insert_with(|| {
            json!({ "description": "", "content": { "application/problem+json": {
                "schema": reference("Problem") } } })
        });
        let said = response["description"].as_str().unwrap_or_default();
        let more = format!("`{code}`: {title}.");
        let said = if said.is_empty() { more } else { format!("{said} {more}") };
        response["description"] = json!(said);
    }
    all
}

fn key() -> Value {
    json!({ "name": "Idempotency-Key", "in": "header",
        "description": "The command's `message_id`: a repeat with the same key has no further \
            effect. Without it each request is a new command.",
        "schema": { "type": "string", "minLength": 1, "maxLength": 128,
            "pattern": "^[!-~]([ -~]*[!-~])?$" } })
}

fn prefer() -> Value {
    json!({ "name": "Prefer", "in": "header",
        "description": "`wait=5`: answer with the receipt, if it comes within so many seconds \
            (RFC 7240); 60 at most.",
        "schema": { "type": "string", "pattern": "^wait=[0-9]{1,2}$" } })
}

fn path_parameters(path: &str) -> Vec<Value> {
    let names = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    names
        .map(|name| {
            json!({ "name": name, "in": "path", "required": true,
                "schema": { "type": "string", "minLength": 1 } })
        })
        .collect()
}

/// `patch_tickets_number`: the method and the words of the path.
fn operation_id(method: &str, path: &str) -> String {
    let words =
        path.trim_start_matches("/v1/").split('/').map(|word| word.trim_matches(['{', '}']));
    let words: Vec<&str> = words.collect();
    format!("{}_{}", method.to_lowercase(), words.join("_"))
}

fn tag(path: &str) -> &str {
    path.trim_start_matches("/v1/").split('/').next().unwrap_or_default()
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");

    #[test]
    fn the_published_document_is_the_current_one() {
        let text = format!("{:#}\n", document());
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(FILE, &text).unwrap();
        }
        let published = std::fs::read_to_string(FILE).unwrap_or_default();
        assert!(published == text, "run `make generate`: {FILE} is not what the code says");
    }

    #[test]
    fn every_reference_leads_somewhere_and_every_operation_has_its_own_name() {
        let document = document();
        let (mut references, mut names) = (Vec::new(), Vec::new());
        collect(&document, &mut references, &mut names);
        for reference in references {
            let pointer = reference.trim_start_matches('#');
            assert!(document.pointer(pointer).is_some(), "{reference}");
        }
        let distinct: BTreeSet<&String> = names.iter().collect();
        assert_eq!(distinct.len(), names.len(), "{names:?}");
    }

    fn collect(value: &Value, references: &mut Vec<String>, names: &mut Vec<String>) {
        match value {
            Value::Object(members) => {
                references.extend(members.get("$ref").and_then(Value::as_str).map(str::to_owned));
                let name = members.get("operationId").and_then(Value::as_str);
                names.extend(name.map(str::to_owned));
                members.values().for_each(|member| collect(member, references, names));
            }
            Value::Array(items) => items.iter().for_each(|item| collect(item, references, names)),
            _ => {}
        }
    }
}
