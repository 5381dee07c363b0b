//! A request becomes a command's content.

use contracts::Timestamp;
use contracts::ids::derive_id;
use serde_json::{Map, Value, json};

use super::problem::{Problem, Why};
use super::route::CommandRoute;

/// What a request brings beside its path.
#[derive(Clone, Debug)]
pub struct CommandRequest<'a> {
    /// Whose it is.
    pub account: &'a str,
    /// Its key.
    pub key: &'a str,
    /// Who acts where the request does not say: the account itself, as it calls itself.
    pub actor: &'a str,
    /// When it came.
    pub now: Timestamp,
    /// Its body.
    pub body: Value,
}

/// What a request asks for: its body, with what the path says. By this a repeat is known.
///
/// # Errors
/// A body that is no object, or says other than the path.
pub fn asked(
    route: &CommandRoute,
    parameters: &[(&str, &str)],
    body: Value,
) -> Result<Value, Problem> {
    let body = match body {
        Value::Null => Value::Object(Map::new()),
        Value::Object(_) => body,
        _ => return Err(Problem::new(Why::Malformed, "the body must be a JSON object").at("")),
    };
    let mut content = if route.body.is_empty() {
        body
    } else {
        let mut content = json!({});
        put(&mut content, route.body, body);
        content
    };
    for (name, value) in parameters {
        let Some((_, pointer)) = route.parameters.iter().find(|(known, _)| known == name) else {
            continue;
        };
        match content.pointer(pointer) {
            None | Some(Value::Null) => put(&mut content, pointer, json!(value)),
            Some(said) if said == *value => {}
            Some(_) => {
                let detail = format!("the path says {value:?}; leave it out here, or say the same");
                return Err(Problem::new(Why::Malformed, detail).at(*pointer));
            }
        }
    }
    Ok(content)
}

/// The command's content: what was asked for, with who, when and the ids that were left out. The
/// ids follow from the key, so that a repeat has the same.
#[must_use]
pub fn content(command_type: &str, asked: &CommandRequest<'_>) -> Value {
    let mut content = asked.body.clone();
    if lacks(&content, "/actor") && needs_actor(command_type) {
        let actor = json!({ "id": "account", "name": asked.actor, "role": "admin" });
        put(&mut content, "/actor", actor);
    }
    let derived = |what: &str| derive_id(what, &[asked.account, asked.key]).to_string();
    match command_type {
        "ticket.share.v1" => {
            fill(&mut content, "/occurred_at", || json!(asked.now));
            fill(&mut content, "/share_id", || json!(derived("gateway share")));
            let requester = content["actor"].clone();
            fill(&mut content, "/ticket/requester", || requester);
            complete_comments(&mut content, "/ticket/comments", &derived("gateway comment"));
        }
        "ticket.update.v1" => {
            fill(&mut content, "/occurred_at", || json!(asked.now));
            complete_comments(&mut content, "/comments", &derived("gateway comment"));
        }
        "agreement.invite.v1" => {
            fill(&mut content, "/agreement_id", || json!(derived("gateway agreement")));
        }
        _ => {}
    }
    content
}

/// Comments without an id get one: several of one request are told apart by their place. A file is
/// named as its upload was answered, without the hash, which the contract does not know.
fn complete_comments(content: &mut Value, place: &str, base: &str) {
    let comments = content.pointer_mut(place).and_then(Value::as_array_mut);
    for (index, comment) in comments.into_iter().flatten().enumerate() {
        if lacks(comment, "/id") && comment.is_object() {
            let id = derive_id("gateway comment", &[base, &index.to_string()]);
            put(comment, "/id", json!(id.to_string()));
        }
        let files = comment.get_mut("attachments").and_then(Value::as_array_mut);
        for file in files.into_iter().flatten().filter_map(Value::as_object_mut) {
            file.remove("sha256");
        }
    }
}

fn needs_actor(command_type: &str) -> bool {
    let without = [
        "account.register.v1",
        "account.show.v1",
        "account.lower.v1",
        "account.recover.v1",
        "agreement.list.v1",
        "agreement.compare.v1",
        "share.list.v1",
        "share.recover.v1",
        "ticket.bind.v1",
        "ticket.resync.v1",
    ];
    !without.contains(&command_type)
}

fn lacks(content: &Value, pointer: &str) -> bool {
    content.pointer(pointer).is_none_or(Value::is_null)
}

fn fill(content: &mut Value, pointer: &str, value: impl FnOnce() -> Value) {
    if lacks(content, pointer) {
        put(content, pointer, value());
    }
}

/// Puts a value where a pointer leads; objects on the way are made, and `/0` is the first of a
/// list.
fn put(content: &mut Value, pointer: &str, value: Value) {
    let mut here = content;
    for word in pointer.split('/').skip(1) {
        if word == "0" {
            if !here.is_array() {
                *here = json!([null]);
            }
            here = &mut here[0];
        } else {
            if !here.is_object() {
                *here = json!({});
            }
            here = &mut here[word];
        }
    }
    *here = value;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::route::COMMAND_ROUTES;

    fn route(method: &str, path: &str) -> CommandRoute {
        *COMMAND_ROUTES.iter().find(|it| it.method == method && it.path == path).unwrap()
    }

    fn built(route: &CommandRoute, parameters: &[(&str, &str)], body: Value) -> Value {
        let now = Timestamp::parse("2026-11-29T12:00:00Z").unwrap();
        let body = asked(route, parameters, body).unwrap();
        content(
            route.command,
            &CommandRequest { account: "gateway-acme", key: "k", actor: "shop", now, body },
        )
    }

    #[test]
    fn the_path_stands_in_the_command() {
        let share = route("POST", "/v1/tickets/{number}/shares");
        let ticket = json!({ "subject": "Pump", "status": "open", "comments": [{ "body": "Hi" }] });
        let content =
            built(&share, &[("number", "4711")], json!({ "agreement_id": "a", "ticket": ticket }));
        assert_eq!(content["ticket"]["id"], "4711");
        assert_eq!(content["actor"]["name"], "shop");
        assert_eq!(content["ticket"]["requester"]["name"], "shop");
        assert_eq!(content["occurred_at"], "2026-11-29T12:00:00.000Z");
        assert!(
            content["share_id"].is_string() && content["ticket"]["comments"][0]["id"].is_string()
        );
    }

    #[test]
    fn one_comment_is_an_update_with_one_comment() {
        let comment = route("POST", "/v1/tickets/{number}/comments");
        let content = built(&comment, &[("number", "1")], json!({ "body": "Hi", "public": false }));
        assert_eq!(content["ticket_id"], "1");
        assert_eq!(content["comments"][0]["public"], false);
        let named = built(&comment, &[("number", "1")], json!({ "body": "Hi", "id": "acme/1" }));
        assert_eq!(named["comments"][0]["id"], "acme/1");
    }

    #[test]
    fn a_file_is_named_as_its_upload_was_answered() {
        let comment = route("POST", "/v1/tickets/{number}/comments");
        let uploaded = json!({ "id": "f", "filename": "pump.png", "content_type": "image/png",
            "size": 3, "sha256": "ab12", "url": "https://files.example/f/x/pump.png" });
        let body = json!({ "body": "This one.", "attachments": [uploaded, "no object"] });
        let content = built(&comment, &[("number", "1")], body);
        let file = &content["comments"][0]["attachments"][0];
        assert_eq!((file["id"].as_str(), file.get("sha256")), (Some("f"), None));
    }

    #[test]
    fn a_repeat_has_the_same_ids_and_another_key_has_others() {
        let invite = route("POST", "/v1/agreements");
        let body = json!({ "receiver": { "address": "globex" } });
        assert_eq!(built(&invite, &[], body.clone()), built(&invite, &[], body.clone()));
        let now = Timestamp::parse("2026-11-29T12:00:00Z").unwrap();
        let other = CommandRequest { account: "gateway-acme", key: "k2", actor: "shop", now, body };
        assert_ne!(
            content("agreement.invite.v1", &other)["agreement_id"],
            built(&invite, &[], other.body.clone())["agreement_id"]
        );
    }

    #[test]
    fn what_contradicts_the_path_is_refused_and_named() {
        let update = route("PATCH", "/v1/tickets/{number}");
        let same = asked(&update, &[("number", "1")], json!({ "ticket_id": "1" }));
        assert!(same.is_ok());
        let other = asked(&update, &[("number", "1")], json!({ "ticket_id": "2" })).unwrap_err();
        assert_eq!((other.why, other.pointer.as_deref()), (Why::Malformed, Some("/ticket_id")));
        for body in [json!([]), json!("x"), json!(1)] {
            assert_eq!(asked(&update, &[], body).unwrap_err().why, Why::Malformed);
        }
    }
}
