//! What a partner is told of a ticket.

use std::collections::BTreeMap;

use contracts::comment::SharedComment;
use contracts::delivery::{TicketCreated, TicketUpdated};
use contracts::fields::Status;
use contracts::{AccountName, Person};
use serde_json::{Map, Value, json};

use super::id;
use super::time;

/// Who is told, and how it speaks.
#[derive(Clone, Copy, Debug)]
pub struct Addressee<'a> {
    /// The partner's account.
    pub account: &'a AccountName,
    /// The ticket as the protocol names it.
    pub uuid: &'a str,
    /// Whether it knows `open`, `pending` and `solved` alone, as those do that read `text/x-json`.
    pub three_statuses: bool,
}

/// A body, and the comments in it: by the uuids that they have there, what they are here.
#[derive(Clone, Debug, PartialEq)]
pub struct Outgoing {
    /// The body.
    pub body: Value,
    /// Comments in it.
    pub comments: BTreeMap<String, String>,
}

/// A ticket that was shared, with what is held of it now.
#[must_use]
pub fn created(
    to: Addressee<'_>,
    created: &TicketCreated,
    held: &BTreeMap<String, Value>,
) -> Outgoing {
    let (spoken, comments) = said(to, &created.comments);
    let mut body = json!({
        "uuid": to.uuid,
        "subject": created.subject,
        "status": status(to, held_status(held).unwrap_or(created.status)),
        "requester": actor(&created.requester, to.account),
        "comments": spoken,
        "original_id": created.original_ticket_id,
        "tags": tags(held),
    });
    if let Some(at) = created.requested_at {
        body["requested_at"] = json!(time::write(at));
    }
    let fields: Map<String, Value> = named(held, "custom_field:")
        .filter(|(_, value)| !is_cleared(value))
        .map(|(key, value)| (key.to_owned(), value.clone()))
        .collect();
    if !fields.is_empty() {
        body["custom_fields"] = Value::Object(fields);
    }
    Outgoing { body, comments }
}

/// What of a ticket changed: the values that are held now of the fields that did, so that calls
/// that overtake each other end alike. Nothing where the protocol has no word for it.
#[must_use]
pub fn updated(
    to: Addressee<'_>,
    updated: &TicketUpdated,
    held: &BTreeMap<String, Value>,
) -> Option<Outgoing> {
    let (spoken, comments) = said(to, &updated.comments);
    let mut body = json!({ "uuid": to.uuid });
    if let Some(told) = updated.status {
        body["status"] = json!(status(to, held_status(held).unwrap_or(told)));
    }
    if updated.tags.is_some() {
        body["tags"] = json!(tags(held));
    }
    let mut fields = Map::new();
    for (key, told) in &updated.custom_fields {
        let told = json!(told);
        let value = held.get(&format!("custom_field:{key}")).unwrap_or(&told);
        // The protocol's null means "not given": what is empty is an empty text.
        let value = if is_cleared(value) { json!("") } else { value.clone() };
        fields.insert(key.clone(), value);
    }
    if !fields.is_empty() {
        body["custom_fields"] = Value::Object(fields);
    }
    if !spoken.is_empty() {
        body["comments"] = json!(spoken);
    }
    if body.as_object().is_none_or(|members| members.len() == 1) {
        return None;
    }
    if let Some(person) = &updated.actor {
        body["current_actor"] = actor(person, to.account);
    }
    Some(Outgoing { body, comments })
}

fn status(to: Addressee<'_>, status: Status) -> Status {
    match status {
        Status::New | Status::Hold if to.three_statuses => Status::Open,
        Status::Closed if to.three_statuses => Status::Solved,
        other => other,
    }
}

fn held_status(held: &BTreeMap<String, Value>) -> Option<Status> {
    serde_json::from_value(held.get("status")?["value"].clone()).ok()
}

/// The whole list: the protocol knows no change of it.
fn tags(held: &BTreeMap<String, Value>) -> Vec<&str> {
    let present = named(held, "tag:").filter(|(_, value)| **value == json!(true));
    present.map(|(tag, _)| tag).collect()
}

fn named<'a>(
    held: &'a BTreeMap<String, Value>,
    prefix: &'static str,
) -> impl Iterator<Item = (&'a str, &'a Value)> {
    held.iter().filter_map(move |(name, value)| Some((name.strip_prefix(prefix)?, value)))
}

fn is_cleared(value: &Value) -> bool {
    *value == json!({ "clear": true })
}

/// Comments as they are told. One that was redacted before it was told is left out.
fn said(to: Addressee<'_>, comments: &[SharedComment]) -> (Vec<Value>, BTreeMap<String, String>) {
    let is_blank = |comment: &SharedComment| {
        comment.body.is_empty() && comment.html_body.is_none() && comment.attachments.is_empty()
    };
    let mut spoken = Vec::new();
    let mut names = BTreeMap::new();
    for comment in comments.iter().filter(|comment| !is_blank(comment)) {
        let uuid = id::told("comments", comment.id.as_str(), to.account);
        let mut body = json!({ "uuid": uuid, "author": actor(&comment.author, to.account),
            "body": comment.body, "public": comment.public });
        if let Some(html) = &comment.html_body {
            body["html_body"] = json!(html);
        }
        if let Some(at) = comment.authored_at {
            body["authored_at"] = json!(time::write(at));
        }
        let files: Vec<Value> = comment
            .attachments
            .iter()
            .map(|file| {
                let mut told = json!({ "url": file.url, "filename": file.filename,
                    "display_filename": file.filename });
                if let Some(kind) = &file.content_type {
                    told["content_type"] = json!(kind);
                }
                told
            })
            .collect();
        if !files.is_empty() {
            body["attachments"] = json!(files);
        }
        spoken.push(body);
        names.insert(uuid, comment.id.to_string());
    }
    (spoken, names)
}

/// A placeholder: a name and an id, no address.
fn actor(person: &Person, to: &AccountName) -> Value {
    json!({ "uuid": id::told("authors", &person.id, to), "name": person.name })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account() -> AccountName {
        AccountName::new("nhd-bridge-1f").unwrap()
    }

    fn person(name: &str) -> Value {
        json!({ "id": "placeholder-0b9f0a52-7c1e-4d9a-9a36-3c9f9f9d8f10", "name": name,
            "role": "end_user", "placeholder": true })
    }

    fn update(mut members: Value) -> TicketUpdated {
        members["share_id"] = json!("0b9f0a52-7c1e-4d9a-9a36-3c9f9f9d8f10");
        members["received_from"] = json!("gateway-acme");
        members["via"] = json!("ticket_sharing");
        serde_json::from_value(members).unwrap()
    }

    fn held(fields: Value) -> BTreeMap<String, Value> {
        serde_json::from_value(fields).unwrap()
    }

    fn listener(account: &AccountName, three_statuses: bool) -> Addressee<'_> {
        Addressee { account, uuid: "ed46838bfb41461e4f3b16ba471162c8e2764260", three_statuses }
    }

    #[test]
    fn an_update_says_what_is_held_now_of_what_changed() {
        let account = account();
        let told = update(json!({ "status": "open", "tags": { "add": ["a"], "remove": [] },
            "custom_fields": { "Order": "7", "Colour": { "clear": true } },
            "actor": person("Ada"),
            "comments": [{ "id": "gateway-acme/1", "author": person("Ada"), "body": "Hi",
                "public": false, "authored_at": "2026-03-01T10:00:00Z", "attachments":
                [{ "id": "f", "filename": "f.pdf", "url": "https://files.example/f" }] }] }));
        let fields = held(json!({ "status": { "value": "pending" }, "tag:a": true, "tag:b": true,
            "tag:c": false, "custom_field:Order": "8", "custom_field:Else": "x" }));
        let out = updated(listener(&account, false), &told, &fields).unwrap();
        let body = &out.body;
        assert_eq!((&body["status"], &body["tags"]), (&json!("pending"), &json!(["a", "b"])));
        assert_eq!(body["custom_fields"], json!({ "Order": "8", "Colour": "" }));
        let comment = &body["comments"][0];
        assert_eq!((&comment["public"], &comment["body"]), (&json!(false), &json!("Hi")));
        assert_eq!(comment["authored_at"], "2026-03-01 10:00:00 +0000");
        assert_eq!(comment["attachments"][0]["url"], "https://files.example/f");
        let uuid = comment["uuid"].as_str().unwrap();
        assert_eq!(out.comments[uuid], "gateway-acme/1");
        assert_eq!(body["current_actor"]["name"], "Ada");
        assert!(!body.to_string().contains("null"), "{body}");
    }

    #[test]
    fn what_the_protocol_has_no_word_for_is_no_call() {
        let account = account();
        let redaction = update(json!({ "actor": person("Ada"),
            "redact": [{ "comment_id": "gateway-acme/1" }],
            "comments": [{ "id": "gateway-acme/1", "author": person("Ada"), "body": "",
                "public": true }] }));
        assert_eq!(updated(listener(&account, false), &redaction, &BTreeMap::new()), None);
    }

    #[test]
    fn a_partner_of_three_statuses_is_told_those() {
        let account = account();
        for (status, told) in [
            ("new", "open"),
            ("open", "open"),
            ("pending", "pending"),
            ("solved", "solved"),
            ("closed", "solved"),
        ] {
            let update = update(json!({ "status": status }));
            let strict = updated(listener(&account, true), &update, &BTreeMap::new()).unwrap();
            assert_eq!(strict.body["status"], told);
            let other = updated(listener(&account, false), &update, &BTreeMap::new()).unwrap();
            assert_eq!(other.body["status"], status);
        }
    }

    #[test]
    fn r_37_to_r_42_a_ticket_is_told_with_placeholders_only() {
        let account = account();
        let told: TicketCreated = serde_json::from_value(json!({
            "share_id": "0b9f0a52-7c1e-4d9a-9a36-3c9f9f9d8f10",
            "agreement_id": "0b9f0a52-7c1e-4d9a-9a36-3c9f9f9d8f11",
            "received_from": "gateway-acme", "via": "ticket_sharing", "original_ticket_id": "4711",
            "subject": "The pump leaks", "status": "new", "requester": person("Kim"),
            "form": "default", "tags": ["vip"], "custom_fields": {}, "revision": 1,
            "comments": [{ "id": "nhd-bridge-1f/t9", "author": person("Kim"), "body": "It drips.",
                "public": true }] }))
        .unwrap();
        let fields = held(json!({ "status": { "value": "new" }, "tag:vip": true,
            "custom_field:Order": "7", "custom_field:Gone": { "clear": true } }));
        let out = created(listener(&account, false), &told, &fields);
        let body = &out.body;
        assert_eq!(
            (&body["subject"], &body["original_id"]),
            (&json!("The pump leaks"), &json!("4711"))
        );
        assert_eq!(
            (&body["tags"], &body["custom_fields"]),
            (&json!(["vip"]), &json!({ "Order": "7" }))
        );
        assert_eq!(body["comments"][0]["uuid"], "t9");
        let requester = body["requester"].as_object().unwrap();
        assert_eq!(requester.keys().collect::<Vec<_>>(), ["name", "uuid"]);
    }
}
