//! What a ticket's history tells of a change: what people and rules of this account set, and of
//! what a partner set all but values of custom fields.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::condition::text_of;
use super::field::same;
use super::ticket::{Channel, Ticket};

/// One line of a ticket's history.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// What happened.
    pub kind: &'static str,
    /// The particulars.
    pub detail: Value,
}

fn entry(kind: &'static str, detail: Value) -> Entry {
    Entry { kind, detail }
}

/// What a change from `before` to `after` leaves in the history, by the way it came.
#[must_use]
pub fn entries(before: &Ticket, after: &Ticket, by: Channel) -> Vec<Entry> {
    let mut entries = Vec::new();
    if before.subject != after.subject {
        entries.push(entry("subject", json!({ "from": before.subject, "to": after.subject })));
    }
    if before.standing() != after.standing() {
        let (from, to) = (before.standing().word(), after.standing().word());
        entries.push(entry("status", json!({ "from": from, "to": to })));
    }
    if before.group != after.group {
        entries.push(entry("group", json!({ "to": after.group })));
    }
    if before.assignee != after.assignee {
        entries.push(entry("assignee", json!({ "to": after.assignee })));
    }
    if before.requester != after.requester {
        entries.push(entry("requester", json!({ "to": after.requester })));
    }
    if before.tags != after.tags {
        let list = |tags: BTreeSet<&String>| tags.into_iter().cloned().collect::<Vec<_>>();
        let added = list(after.tags.difference(&before.tags).collect());
        let removed = list(before.tags.difference(&after.tags).collect());
        entries.push(entry("tags", json!({ "added": added, "removed": removed })));
    }
    if by == Channel::Sharing {
        return entries;
    }
    let keys: BTreeSet<&String> = before.fields.keys().chain(after.fields.keys()).collect();
    for key in keys {
        let (from, to) = (before.fields.get(key), after.fields.get(key));
        if !same(from, to) {
            let text = |value: Option<&Value>| value.map(text_of).unwrap_or_default();
            let detail = json!({ "key": key, "from": text(from), "to": text(to) });
            entries.push(entry("field", detail));
        }
    }
    entries
}

/// The same of what a partner's person did, where the partner says who it was.
#[must_use]
pub fn of_partner(before: &Ticket, after: &Ticket, person: Option<&str>) -> Vec<Entry> {
    let mut entries = entries(before, after, Channel::Sharing);
    for entry in &mut entries {
        entry.detail["person"] = json!(person);
    }
    entries
}

#[cfg(test)]
mod tests {
    use contracts::fields::Status;

    use super::super::ticket::tags_of;
    use super::*;

    fn changed() -> (Ticket, Ticket) {
        let mut before = Ticket::new(1, "Pump", "p");
        before.tags = tags_of("old stays");
        let mut after = before.clone();
        after.status = Status::Open;
        after.tags = tags_of("new stays");
        after.fields.insert("model".into(), json!("lx_40"));
        (before, after)
    }

    #[test]
    fn what_this_account_set_is_told_with_what_it_was() {
        let (before, after) = changed();
        for by in [Channel::Agent, Channel::Rule] {
            let told = entries(&before, &after, by);
            let kinds: Vec<&str> = told.iter().map(|entry| entry.kind).collect();
            assert_eq!(kinds, ["status", "tags", "field"]);
            assert_eq!(told[1].detail, json!({ "added": ["new"], "removed": ["old"] }));
            assert_eq!(told[2].detail, json!({ "key": "model", "from": "", "to": "lx_40" }));
        }
    }

    #[test]
    fn r_96_and_r_97_of_what_a_partner_set_fields_leave_no_trace() {
        let (before, after) = changed();
        let told = of_partner(&before, &after, Some("Jo Park"));
        let kinds: Vec<&str> = told.iter().map(|entry| entry.kind).collect();
        assert_eq!(kinds, ["status", "tags"]);
        assert_eq!(told[0].detail["person"], "Jo Park");
        let mut only_field = before.clone();
        only_field.fields.insert("model".into(), json!("lx_40"));
        assert_eq!(of_partner(&before, &only_field, None), []);
    }

    #[test]
    fn what_stays_is_not_told() {
        let (before, _) = changed();
        assert_eq!(entries(&before, &before, Channel::Agent), []);
    }
}
