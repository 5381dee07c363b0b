//! What a desk says it holds of a ticket, in the shape of `ticket.state.v1` or of the gateway's
//! `GET /v1/tickets/{number}`, and the same of Deskmesh.

use std::collections::{BTreeMap, BTreeSet};

use contracts::delivery::TicketState;
use serde_json::{Value, json};

/// A copy of a ticket: what its agents see, without revisions.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Held {
    pub status: Option<String>,
    pub custom_status: Option<String>,
    /// Tags that are on it.
    pub tags: BTreeSet<String>,
    /// Custom fields that have a value.
    pub fields: BTreeMap<String, Value>,
    /// Comments in the order in which they are told, each with its id.
    pub comments: Vec<(String, Said)>,
}

/// One comment.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Said {
    pub body: String,
    pub public: bool,
    pub files: BTreeSet<String>,
}

impl Held {
    /// Reads a report.
    ///
    /// # Errors
    /// What is missing of the shape.
    pub fn read(report: &Value) -> Result<Self, String> {
        let members = report.as_object().ok_or("it is no JSON object")?;
        let status = members.get("status").ok_or("it has no `status`")?;
        // The gateway says value and custom status together.
        let status = if status["value"].is_object() { &status["value"] } else { status };
        let text = |value: &Value| value.as_str().map(str::to_owned);
        Ok(Self {
            status: text(&status["value"]),
            custom_status: text(&status["custom_status"]),
            tags: tags(members.get("tags").ok_or("it has no `tags`")?)?,
            fields: fields(members.get("custom_fields").ok_or("it has no `custom_fields`")?)?,
            comments: comments(members.get("comments").ok_or("it has no `comments`")?)?,
        })
    }

    /// What Deskmesh says the desk should hold.
    pub fn expected(state: &TicketState) -> Self {
        // Its own type is of the shape.
        Self::read(&json!(state)).unwrap_or_default()
    }
}

fn tags(tags: &Value) -> Result<BTreeSet<String>, String> {
    let mut present = BTreeSet::new();
    match tags {
        Value::Array(tags) => {
            for tag in tags {
                let name = tag.as_str().or(tag["name"].as_str());
                let name = name.ok_or("a tag has no `name`")?;
                if tag["present"] != json!(false) {
                    present.insert(name.to_owned());
                }
            }
        }
        Value::Object(tags) => {
            let set = tags.iter().filter(|(_, tag)| tag["value"] == json!(true));
            present.extend(set.map(|(name, _)| name.clone()));
        }
        _ => return Err("`tags` is no list".to_owned()),
    }
    Ok(present)
}

fn fields(fields: &Value) -> Result<BTreeMap<String, Value>, String> {
    let fields = fields.as_object().ok_or("`custom_fields` is no object")?;
    let mut values = BTreeMap::new();
    for (key, held) in fields {
        let held = held.as_object().ok_or_else(|| {
            format!("`custom_fields.{key}` is no object with `value`, as in ticket.state.v1")
        })?;
        let value = held.get("value").cloned().unwrap_or_default();
        if !is_clear(&value) {
            values.insert(key.clone(), value);
        }
    }
    Ok(values)
}

/// Cleared is said in several ways, which mean the same.
fn is_clear(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(options) => options.is_empty(),
        Value::Object(members) => members.get("clear") == Some(&json!(true)),
        _ => false,
    }
}

fn comments(comments: &Value) -> Result<Vec<(String, Said)>, String> {
    let comments = comments.as_array().ok_or("`comments` is no list")?;
    let mut said = Vec::new();
    for comment in comments {
        let id = comment["id"].as_str().ok_or("a comment has no `id`")?;
        let files = comment["attachments"].as_array().into_iter().flatten();
        said.push((
            id.to_owned(),
            Said {
                body: comment["body"].as_str().unwrap_or_default().to_owned(),
                public: comment["public"].as_bool().unwrap_or(true),
                files: files.filter_map(|file| file["id"].as_str()).map(str::to_owned).collect(),
            },
        ));
    }
    Ok(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_shapes_say_the_same() {
        let comment = json!({ "id": "acme/1", "body": "Hi", "public": false,
            "attachments": [{ "id": "f" }] });
        let state = json!({
            "status": { "value": "open", "custom_status": "vip", "revision": 3 },
            "tags": [{ "name": "a", "present": true, "revision": 1 },
                { "name": "b", "present": false, "revision": 2 }],
            "custom_fields": { "order": { "value": "7", "revision": 1 },
                "gone": { "value": { "clear": true }, "revision": 2 } },
            "comments": [comment],
        });
        let gateway = json!({
            "status": { "value": { "value": "open", "custom_status": "vip" }, "revision": 3 },
            "tags": { "a": { "value": true, "revision": 1 }, "b": { "value": false } },
            "custom_fields": { "order": { "value": "7" }, "gone": { "value": "" } },
            "comments": [comment],
        });
        let read = Held::read(&state).unwrap();
        assert_eq!(read, Held::read(&gateway).unwrap());
        assert_eq!(read.tags, BTreeSet::from(["a".to_owned()]));
        assert_eq!(read.fields, BTreeMap::from([("order".to_owned(), json!("7"))]));
        assert!(!read.comments[0].1.public);
    }

    #[test]
    fn what_is_missing_of_the_shape_is_named() {
        for (report, error) in [
            (json!(null), "it is no JSON object"),
            (json!({ "status": {} }), "it has no `tags`"),
            (
                json!({ "status": {}, "tags": [], "custom_fields": { "a": "7" }, "comments": [] }),
                "`custom_fields.a` is no object with `value`, as in ticket.state.v1",
            ),
        ] {
            assert_eq!(Held::read(&report).unwrap_err(), error);
        }
    }
}
