//! The dearest messages that are legal: as large as the contract lets them be, and about as many
//! things.

use contracts::limits;
use serde_json::{Value, json};
use testkit::desk::clock;

/// Options of the one drop-down: as many as fit into a command beside the other fields.
const OPTIONS: usize = 9_000;
/// Characters of each comment, so that a command full of them is just below the limit.
const COMMENT: usize = limits::BODY_BYTES / limits::COMMENTS - 200;

/// An account's settings: a field with a pattern for all that it may have but one, which is a long
/// drop-down.
#[must_use]
pub fn settings(version: u64) -> Value {
    let options: Vec<Value> = (0..OPTIONS)
        .map(|index| json!({ "name": format!("O{index}"), "tag": format!("o{index}") }))
        .collect();
    let drop_down = json!({ "key": "menu", "title": "Menu", "type": "tagger", "options": options });
    let patterns = (1..limits::FIELDS).map(|index| {
        json!({
            "key": format!("p{index}"), "title": format!("Pattern {index}"), "type": "regexp",
            "pattern": r"[\w-]{1,12}",
        })
    });
    let fields: Vec<Value> = std::iter::once(drop_down).chain(patterns).collect();
    let form: Vec<&Value> = fields.iter().map(|field| &field["key"]).collect();
    json!({ "version": version, "actor": actor(), "default_form": form, "ticket_fields": fields })
}

/// The type and content of the message with this index, about one of the shares.
#[must_use]
pub fn message(index: usize, shares: &[String]) -> (&'static str, Value) {
    let share = &shares[index / 4 % shares.len()];
    match index % 4 {
        0 => ("ticket.update.v1", every_field(index, share)),
        1 => ("ticket.update.v1", full_of_comments(index, share)),
        2 => ("account.update.v1", settings(2 + index as u64)),
        _ => ("ticket.resync.v1", json!({ "share_id": share })),
    }
}

fn every_field(index: usize, share: &str) -> Value {
    let mut fields: serde_json::Map<String, Value> = (1..limits::FIELDS)
        .map(|field| (format!("p{field}"), json!(format!("value-{index}"))))
        .collect();
    fields.insert("menu".to_owned(), json!(format!("o{}", index % OPTIONS)));
    json!({
        "share_id": share, "actor": actor(), "occurred_at": clock(), "custom_fields": fields,
    })
}

fn full_of_comments(index: usize, share: &str) -> Value {
    let comments: Vec<Value> = (0..limits::COMMENTS)
        .map(|comment| {
            let id = format!("{}/worst-{index}-{comment}", super::victim::VICTIM);
            json!({ "id": id, "body": "x".repeat(COMMENT) })
        })
        .collect();
    json!({ "share_id": share, "actor": actor(), "occurred_at": clock(), "comments": comments })
}

fn actor() -> Value {
    json!({ "id": "1", "name": "Admin", "role": "admin" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_messages_are_just_legal() {
        let shares = ["7".repeat(40)];
        let lengths: Vec<usize> =
            (0..4).map(|index| message(index, &shares).1.to_string().len()).collect();
        assert!(lengths.iter().all(|length| *length <= limits::BODY_BYTES), "{lengths:?}");
        assert!(lengths[1..3].iter().all(|length| *length > limits::BODY_BYTES / 2), "{lengths:?}");
    }
}
