//! What a command of the desk's own sets, and what its receipt says of it.

use std::collections::BTreeMap;

use contracts::fields::FieldValue;
use contracts::{Decision, Item, ItemOutcome};
use serde_json::{Value, json};

/// A command that waits for its receipt.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SentCommand {
    /// The ticket that it names by its number.
    pub ticket: Option<String>,
    /// The share that it names.
    pub share: Option<String>,
    /// The fields that it sets, by the names that receipts have for them.
    pub fields: BTreeMap<String, Value>,
}

impl SentCommand {
    /// What a command sets; nothing where it is about no ticket's content, or is only tried out.
    #[must_use]
    pub fn of(command_type: &str, command: &Value) -> Option<Self> {
        if command["dry_run"] == Value::Bool(true) {
            return None;
        }
        let text = |place: &str| command.pointer(place).and_then(Value::as_str).map(str::to_owned);
        let (ticket, content) = match command_type {
            "ticket.share.v1" => (text("/ticket/id"), &command["ticket"]),
            "ticket.update.v1" => (text("/ticket_id"), command),
            _ => return None,
        };
        Some(Self { ticket, share: text("/share_id"), fields: fields_of(content) })
    }
}

/// What the publisher's own ticket holds of a field after a receipt.
pub(super) enum Home {
    /// What was sent stands.
    Sent,
    /// Something else stands.
    Holds(Value),
    /// Nothing changed, and nothing is known to be held.
    Nothing,
}

/// Reads a field's decisions (the guide's *After a receipt*).
pub(super) fn outcome_at_home(decisions: &[Decision], field: &str) -> Home {
    let about: Vec<&Decision> =
        decisions.iter().filter(|decision| decision.item.to_string() == field).collect();
    if let Some(value) = about.iter().find_map(|decision| decision.value.clone()) {
        return Home::Holds(value);
    }
    // Without a share the decision is about the publisher's own ticket: it was not taken.
    let refused = about
        .iter()
        .any(|decision| decision.share_id.is_none() && decision.outcome == ItemOutcome::Withheld);
    if refused { Home::Nothing } else { Home::Sent }
}

fn fields_of(content: &Value) -> BTreeMap<String, Value> {
    let mut fields = BTreeMap::new();
    if content.get("status").is_some_and(Value::is_string)
        || content.get("custom_status").is_some_and(Value::is_string)
    {
        let status =
            json!({ "value": content["status"], "custom_status": content["custom_status"] });
        fields.insert(Item::Status.to_string(), without_null(status));
    }
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let name = |tag: &Value| format!("tag:{}", tag["name"].as_str().unwrap_or_default());
    let tags = &content["tags"];
    // A share lists its tags; an update says which were added and which removed.
    for tag in list(tags).iter().chain(&list(&tags["add"])).filter(|tag| tag["added_by"] != "rule")
    {
        fields.insert(name(tag), json!(true));
    }
    for tag in list(&tags["remove"]).iter().filter(|tag| tag["removed_by"] != "rule") {
        fields.insert(name(tag), json!(false));
    }
    // `null` means not given; options have no order: a value stands as the line tells it.
    let given = content["custom_fields"].as_object().cloned().unwrap_or_default();
    for (key, value) in given.into_iter().filter(|(_, value)| !value.is_null()) {
        let value = FieldValue::from_json(&value).map_or(value, |value| json!(value));
        fields.insert(format!("custom_field:{key}"), value);
    }
    fields
}

pub(super) fn without_null(mut value: Value) -> Value {
    if let Value::Object(members) = &mut value {
        members.retain(|_, member| !member.is_null());
    }
    value
}
