//! What the account has the line told: a change, a whole ticket, and nothing of what stays at home:
//! groups, assignees, users' own fields, tags of rules.

use contracts::Timestamp;
use serde_json::{Map, Value, json};

use super::field::{cleared, same};
use super::ticket::{Ticket, status_word};

/// Comments that one command carries, at most.
pub const COMMENTS: usize = 200;

/// The particulars of a change from `before` to `after`, with comments; nothing where nothing of it
/// is a partner's matter. Who and when are added by the caller.
#[must_use]
pub fn change(before: &Ticket, after: &Ticket, comments: &[Value]) -> Option<Map<String, Value>> {
    let mut content = Map::new();
    if before.standing() != after.standing() {
        content.insert("status".into(), json!(status_word(after.status)));
        if let Some(key) = &after.custom_status {
            content.insert("custom_status".into(), json!(key));
        }
    }
    let tags = |ticket: &Ticket| ticket.own_tags().cloned().collect::<Vec<_>>();
    let (had, has) = (tags(before), tags(after));
    let added: Vec<Value> = has
        .iter()
        .filter(|tag| !had.contains(tag))
        .map(|tag| json!({ "name": tag, "added_by": "user" }))
        .collect();
    // One that a rule added since is still there.
    let removed: Vec<Value> = had
        .iter()
        .filter(|tag| !has.contains(tag) && !after.tags.contains(*tag))
        .map(|tag| json!({ "name": tag, "removed_by": "user" }))
        .collect();
    if !added.is_empty() || !removed.is_empty() {
        content.insert("tags".into(), json!({ "add": added, "remove": removed }));
    }
    let fields: Map<String, Value> = after
        .fields
        .iter()
        .filter(|(key, value)| !same(before.fields.get(*key), Some(value)))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    if !fields.is_empty() {
        content.insert("custom_fields".into(), Value::Object(fields));
    }
    if !comments.is_empty() {
        content.insert("comments".into(), json!(comments));
    }
    (!content.is_empty()).then_some(content)
}

/// Who asks, as a share tells it: the line makes a placeholder of it.
#[derive(Clone, Debug)]
pub struct Asker<'a> {
    /// The account's own id.
    pub id: &'a str,
    /// Name.
    pub name: &'a str,
}

/// A ticket as it is shared. `copy_of` is the share by which it came, of one that came by sharing.
#[must_use]
pub fn whole(
    ticket: &Ticket,
    asker: &Asker<'_>,
    asked_at: Timestamp,
    copy_of: Option<&str>,
    comments: &[Value],
) -> Value {
    let tags: Vec<Value> =
        ticket.own_tags().map(|tag| json!({ "name": tag, "added_by": "user" })).collect();
    let fields: Map<String, Value> = ticket
        .fields
        .iter()
        .filter(|(_, value)| **value != cleared())
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    let mut content = json!({
        "id": ticket.number.to_string(),
        "subject": ticket.subject,
        "status": status_word(ticket.status),
        "requested_at": asked_at,
        "requester": { "id": asker.id, "name": asker.name, "role": "end_user" },
        "tags": tags,
        "custom_fields": fields,
        "comments": comments,
    });
    if let Some(key) = &ticket.custom_status {
        content["custom_status"] = json!(key);
    }
    if let Some(share) = copy_of {
        content["copy_of"] = json!(share);
    }
    content
}

#[cfg(test)]
mod tests {
    use contracts::fields::Status;
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::super::action::RuleAction;
    use super::super::ticket::tags_of;
    use super::*;

    #[test]
    fn r_61_tags_of_rules_never_leave() {
        let before = Ticket::new(1, "Pump", "p");
        let mut after = before.clone();
        RuleAction::AddTags("field-team".into()).apply(&mut after);
        assert_eq!(change(&before, &after, &[]), None);
        after.set_own_tags(&tags_of("meter"));
        let content = change(&before, &after, &[]).unwrap();
        assert_eq!(content["tags"]["add"], json!([{ "name": "meter", "added_by": "user" }]));
        let shared = whole(&after, &Asker { id: "7", name: "Rita" }, at(), None, &[]);
        assert_eq!(shared["tags"], json!([{ "name": "meter", "added_by": "user" }]));
    }

    fn at() -> Timestamp {
        Timestamp::parse("2026-11-29T12:00:00Z").unwrap()
    }

    #[test]
    fn r_29_and_r_41_what_stays_at_home_is_in_no_command() {
        let before = Ticket::new(1, "Pump", "p");
        let mut after = before.clone();
        after.group = Some(Uuid::from_u128(1));
        after.assignee = Some(Uuid::from_u128(2));
        assert_eq!(change(&before, &after, &[]), None);
        let shared = whole(&after, &Asker { id: "7", name: "Rita" }, at(), None, &[]).to_string();
        for word in ["group", "assignee", "email", "phone", "organization"] {
            assert!(!shared.contains(word), "{word}");
        }
    }

    #[test]
    fn r_24_every_comment_of_a_shared_ticket_is_told_private_ones_too() {
        let ticket = Ticket::new(1, "Pump", "p");
        let note = json!({ "id": "n", "public": false });
        let content = change(&ticket, &ticket, std::slice::from_ref(&note)).unwrap();
        assert_eq!(content["comments"], json!([note]));
    }

    #[test]
    fn a_change_names_what_changed_and_nothing_else() {
        let mut before = Ticket::new(1, "Pump", "p");
        before.fields.insert("model".into(), json!("lx_40"));
        before.tags = tags_of("old");
        let mut after = before.clone();
        after.status = Status::Solved;
        after.fields.insert("model".into(), cleared());
        after.tags = tags_of("");
        let content = Value::Object(change(&before, &after, &[]).unwrap());
        let expected = json!({ "status": "solved", "custom_fields": { "model": { "clear": true } },
            "tags": { "add": [], "remove": [{ "name": "old", "removed_by": "user" }] } });
        assert_eq!(content, expected);
    }

    proptest! {
        #[test]
        fn rules_tags_are_in_no_command_whatever_people_do(
            had in "[a-d ]{0,7}", rules in "[a-d ]{0,7}", wanted in "[a-d ]{0,7}",
        ) {
            let mut before = Ticket::new(1, "Pump", "p");
            before.tags = tags_of(&had);
            let mut after = before.clone();
            RuleAction::AddTags(rules).apply(&mut after);
            after.set_own_tags(&tags_of(&wanted));
            let told = change(&before, &after, &[]).map(Value::Object).unwrap_or_default();
            for tag in &after.rule_tags {
                let added = json!({ "name": tag, "added_by": "user" });
                let told = told["tags"]["add"].as_array().cloned().unwrap_or_default();
                prop_assert!(!told.contains(&added), "{}", tag);
            }
        }
    }
}
