//! What a publisher sent, read against its own settings: changes of its ticket, and what is none.

use std::collections::BTreeMap;

use contracts::sync::FieldChanges;
use contracts::{CopyId, Decision, Item};

use super::records::Records;
use super::schema::Schema;
use super::state::{Field, Value};
use super::{Withheld, matching, status, tags};

/// A change that the publisher's schema allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// As the publisher calls it.
    pub item: Item,
    /// The value.
    pub value: Value,
    /// Whether something else is kept than was sent, so that the publisher has to be told.
    pub differs: bool,
}

/// Reads what was sent: changes by field, and decisions about what is not accepted. Each item is
/// read for itself.
#[must_use]
pub fn read(
    sent: &FieldChanges,
    publisher: Option<&Schema>,
    copy: &CopyId,
    records: &Records,
) -> (BTreeMap<Field, Sent>, Vec<Decision>) {
    let mut changes = BTreeMap::new();
    let (by_people, mut decisions) = tags::own(&sent.tags);
    for (name, present) in by_people {
        let field = Field::Tag(name);
        changes.insert(
            field.clone(),
            Sent { item: field.item(), value: Value::Tag(present), differs: false },
        );
    }
    let refused = |withheld: Withheld, field: &Field, item: Item| {
        let held = records.get(copy, field).map(|held| held.value.json());
        withheld.decision(item).holding(held)
    };
    if let Some(change) = &sent.status {
        match status::own(change, publisher) {
            Ok(value) => {
                let differs = change.status != Some(value.value)
                    || change.custom_status != value.custom_status;
                changes.insert(
                    Field::Status,
                    Sent { item: Item::Status, value: Value::Status(value), differs },
                );
            }
            Err(withheld) => decisions.push(refused(withheld, &Field::Status, Item::Status)),
        }
    }
    let takes_any_title = publisher.is_some_and(|schema| schema.open_fields);
    for (key, json) in &sent.custom_fields {
        let item = Item::CustomField(key.clone());
        let field = Field::Custom(if takes_any_title {
            records.key_titled(copy, key)
        } else {
            key.clone()
        });
        match matching::own(publisher, key, json) {
            Ok(value) => {
                changes.insert(field, Sent { item, value: Value::Custom(value), differs: false });
            }
            Err(withheld) => decisions.push(refused(withheld, &field, item)),
        }
    }
    (changes, decisions)
}

#[cfg(test)]
mod tests {
    use contracts::Reason;
    use contracts::fields::{FieldType, FieldValue, Status};
    use contracts::sync::{AccountFact, StatusChange};
    use serde_json::json;

    use super::super::scene::{account, field, original, status, tag, with_statuses};
    use super::super::state::ChainFields;
    use super::*;

    fn read_by(
        publisher: AccountFact,
        sent: &FieldChanges,
    ) -> (BTreeMap<Field, Sent>, Vec<Decision>) {
        read(
            sent,
            Some(&Schema::new(publisher)),
            &original(),
            &Records::over(&ChainFields::default()),
        )
    }

    #[test]
    fn one_bad_value_holds_back_nothing_else() {
        let publisher = account(
            "acme",
            vec![
                field("count", "Count", FieldType::Integer),
                field("note", "Note", FieldType::Text),
            ],
        );
        let sent = FieldChanges {
            status: Some(status(Status::Open)),
            tags: vec![tag("vip", true)],
            custom_fields: [
                ("count".to_owned(), json!("x")),
                ("note".to_owned(), json!("y")),
                ("other".to_owned(), json!(1)),
            ]
            .into(),
        };
        let (changes, decisions) = read_by(publisher, &sent);
        assert_eq!(
            changes.keys().map(|field| field.item().to_string()).collect::<Vec<_>>(),
            ["status", "tag:vip", "custom_field:note"]
        );
        let reasons: Vec<_> =
            decisions.iter().map(|decision| (decision.item.to_string(), decision.reason)).collect();
        let expected =
            [("custom_field:count", Reason::BadValue), ("custom_field:other", Reason::NoSuchField)];
        assert_eq!(reasons, expected.map(|(item, reason)| (item.to_owned(), Some(reason))));
    }

    #[test]
    fn what_is_kept_otherwise_than_sent_is_told() {
        let read_status = |publisher, status, custom_status: Option<&str>| {
            let change = StatusChange { status, custom_status: custom_status.map(Into::into) };
            let (changes, _) = read_by(
                publisher,
                &FieldChanges { status: Some(change), ..FieldChanges::default() },
            );
            changes[&Field::Status].differs
        };
        let (without, with) =
            (|| account("acme", vec![]), || with_statuses(account("acme", vec![])));
        assert!(
            read_status(without(), Some(Status::Open), Some("mine")),
            "the custom status is left out"
        );
        assert!(read_status(with(), None, Some("open-a")), "the category is added");
        assert!(!read_status(with(), Some(Status::Open), Some("open-a")));
        assert!(!read_status(without(), Some(Status::Open), None));
    }

    #[test]
    fn spellings_of_one_title_are_one_field_of_an_open_account() {
        let sent = FieldChanges {
            custom_fields: [(" Order ".to_owned(), json!("7"))].into(),
            ..FieldChanges::default()
        };
        let publisher = AccountFact { open_fields: true, ..account("acme", vec![]) };
        let (changes, _) = read_by(publisher, &sent);
        let change = &changes[&Field::Custom("Order".into())];
        assert_eq!(change.value, Value::Custom(FieldValue::Text("7".into())));
        assert_eq!(change.item, Item::CustomField(" Order ".into()));
    }
}
