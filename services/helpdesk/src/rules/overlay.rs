//! What a shared ticket's page shows: what the line holds, with what was set here and has no
//! receipt yet on top.

use std::collections::{BTreeMap, BTreeSet};

use contracts::delivery::TicketUpdated;
use desk::model;
use serde_json::Value;

use super::custom_status::TicketStatus;
use super::publish;
use super::ticket::{Ticket, status_of};

/// Takes what is held of a shared ticket, then what waits for a receipt, in the order in which it
/// was sent, into the ticket: the fields of these names, or all. What neither knows stays as it is.
pub fn take(
    ticket: &mut Ticket,
    held: &model::Ticket,
    waiting: &[model::SentCommand],
    names: Option<&BTreeSet<String>>,
) {
    let held = held.fields.iter().map(|(field, (value, _))| (field, value));
    let sent = waiting.iter().flat_map(|sent| &sent.fields);
    let fields: BTreeMap<&String, &Value> = held.chain(sent).collect();
    for (field, value) in fields {
        if names.is_none_or(|names| names.contains(field)) {
            set(ticket, field, value);
        }
    }
}

/// The fields that an update names, as they are held.
#[must_use]
pub fn names_of(told: &TicketUpdated) -> BTreeSet<String> {
    let tags = told.tags.iter().flat_map(|tags| tags.add.iter().chain(&tags.remove));
    let status = told.status.map(|_| "status".to_owned());
    let fields = told.custom_fields.keys().map(|key| format!("custom_field:{key}"));
    status.into_iter().chain(tags.map(|tag| format!("tag:{tag}"))).chain(fields).collect()
}

/// The fields that a command of the account's own set, and that are since what it set: others were
/// set here after it, and stay.
#[must_use]
pub fn names_of_sent(sent: &model::SentCommand, now: &Ticket) -> BTreeSet<String> {
    let mut then = now.clone();
    take(&mut then, &model::Ticket::default(), std::slice::from_ref(sent), None);
    let since = publish::change(&then, now, &[]).map(Value::Object).unwrap_or_default();
    let since = model::SentCommand::of("ticket.update.v1", &since).unwrap_or_default();
    sent.fields.keys().filter(|field| !since.fields.contains_key(*field)).cloned().collect()
}

fn set(ticket: &mut Ticket, field: &str, value: &Value) {
    match field.split_once(':') {
        None if field == "status" => {
            if let Some(status) = value["value"].as_str().and_then(status_of) {
                let custom = value["custom_status"].as_str().map(str::to_owned);
                ticket.stand(TicketStatus { category: status, custom });
            }
        }
        Some(("tag", name)) => {
            // A tag that a rule of this account added is its own matter.
            if *value == Value::Bool(true) {
                ticket.tags.insert(name.to_owned());
                ticket.rule_tags.remove(name);
            } else if !ticket.rule_tags.contains(name) {
                ticket.tags.remove(name);
            }
        }
        Some(("custom_field", key)) => {
            ticket.fields.insert(key.to_owned(), value.clone());
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use contracts::fields::Status;
    use proptest::prelude::*;
    use serde_json::json;

    use super::super::ticket::tags_of;
    use super::*;

    fn held(fields: &[(&str, Value)]) -> model::Ticket {
        let fields =
            fields.iter().map(|(field, value)| ((*field).to_owned(), (value.clone(), 1))).collect();
        model::Ticket { fields, ..model::Ticket::default() }
    }

    fn sent(fields: &[(&str, Value)]) -> model::SentCommand {
        let fields =
            fields.iter().map(|(field, value)| ((*field).to_owned(), value.clone())).collect();
        model::SentCommand { fields, ..model::SentCommand::default() }
    }

    #[test]
    fn what_waits_is_shown_above_what_is_held() {
        let mut ticket = Ticket::new(1, "Pump", "p");
        ticket.tags = tags_of("gone own");
        let held = held(&[
            ("status", json!({ "value": "open" })),
            ("tag:gone", json!(false)),
            ("tag:new", json!(true)),
            ("custom_field:model", json!("lx_40")),
        ]);
        let first = sent(&[("status", json!({ "value": "hold" }))]);
        let second = sent(&[("status", json!({ "value": "solved" }))]);
        take(&mut ticket, &held, &[first, second], None);
        assert_eq!(ticket.status, Status::Solved);
        assert_eq!(ticket.tags, tags_of("new own"));
        assert_eq!(ticket.fields["model"], "lx_40");
    }

    #[test]
    fn r_30_a_partner_takes_no_tag_of_this_accounts_rules_away() {
        let mut ticket = Ticket::new(1, "Pump", "p");
        ticket.tags = tags_of("field-team");
        ticket.rule_tags = tags_of("field-team");
        take(&mut ticket, &held(&[("tag:field-team", json!(false))]), &[], None);
        assert_eq!(ticket.tags, tags_of("field-team"));
    }

    #[test]
    fn only_what_was_named_is_taken() {
        let mut ticket = Ticket::new(1, "Pump", "p");
        ticket.status = Status::Solved;
        let held =
            held(&[("status", json!({ "value": "open" })), ("custom_field:model", json!("lx_40"))]);
        let names = BTreeSet::from(["custom_field:model".to_owned()]);
        take(&mut ticket, &held, &[], Some(&names));
        assert_eq!((ticket.status, &ticket.fields["model"]), (Status::Solved, &json!("lx_40")));
    }

    #[test]
    fn what_was_set_here_since_a_command_is_not_taken_back_by_its_receipt() {
        let sent = sent(&[
            ("status", json!({ "value": "open" })),
            ("tag:meter", json!(true)),
            ("custom_field:model", json!("lx_40")),
        ]);
        let mut now = Ticket::new(1, "Pump", "p");
        now.status = Status::Solved;
        now.fields.insert("model".into(), json!("lx_40"));
        let names: Vec<String> = names_of_sent(&sent, &now).into_iter().collect();
        assert_eq!(names, ["custom_field:model"]);
    }

    proptest! {
        #[test]
        fn taken_twice_it_is_the_same(
            tags in prop::collection::vec(("[a-c]", any::<bool>()), 0..6),
        ) {
            let fields: Vec<(String, Value)> =
                tags.into_iter().map(|(tag, there)| (format!("tag:{tag}"), json!(there))).collect();
            let fields: Vec<(&str, Value)> =
                fields.iter().map(|(field, value)| (field.as_str(), value.clone())).collect();
            let mut once = Ticket::new(1, "Pump", "p");
            once.tags = tags_of("a");
            once.rule_tags = tags_of("a");
            take(&mut once, &held(&fields), &[], None);
            let mut twice = once.clone();
            take(&mut twice, &held(&fields), &[], None);
            prop_assert_eq!(once, twice);
        }
    }
}
