//! What a publisher sent, read against its own settings: changes of its ticket, and what is none.

use std::collections::BTreeMap;

use contracts::comparable::comparable;
use contracts::fields::FieldValue;
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

/// A field that a command names more than once, spelled so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repeated {
    /// As the publisher spells it here.
    pub item: Item,
    /// The field, of which another spelling in the command counts.
    pub field: Field,
}

/// What a command says about a copy's fields.
#[derive(Debug, Default)]
pub struct PublisherChanges {
    /// Changes by field.
    pub changes: BTreeMap<Field, Sent>,
    /// Decisions about what is not accepted.
    pub decisions: Vec<Decision>,
    /// What was said of a field beside what counts.
    pub repeated: Vec<Repeated>,
}

/// Reads what was sent. Each item is read for itself; of several that are one field, one counts.
#[must_use]
pub fn read(
    sent: &FieldChanges,
    publisher: Option<&Schema>,
    copy: &CopyId,
    records: &Records,
) -> PublisherChanges {
    let refused = |withheld: Withheld, field: &Field, item: Item| {
        let held = records.get(copy, field).map(|held| held.value.json());
        withheld.decision(item).holding(held)
    };
    let mut said = tags(sent, copy, records);
    if let Some(change) = &sent.status {
        match status::own(change, publisher) {
            Ok(value) => {
                let differs = change.status != Some(value.value)
                    || change.custom_status != value.custom_status;
                said.changes.insert(
                    Field::Status,
                    Sent { item: Item::Status, value: Value::Status(value), differs },
                );
            }
            Err(withheld) => said.decisions.push(refused(withheld, &Field::Status, Item::Status)),
        }
    }
    let takes_any_title = publisher.is_some_and(|schema| schema.open_fields);
    let mut spellings: BTreeMap<String, String> = BTreeMap::new();
    for (key, json) in &sent.custom_fields {
        let item = Item::CustomField(key.clone());
        let value = matching::own(publisher, key, json);
        let field = Field::Custom(if takes_any_title {
            let held = records.key_titled(copy, key);
            spellings.entry(comparable(&held)).or_insert(held).clone()
        } else {
            key.clone()
        });
        match value {
            Ok(value) => {
                let differs = FieldValue::from_json(json).as_ref() != Some(&value);
                said.offer(field, Sent { item, value: Value::Custom(value), differs });
            }
            Err(withheld) => said.decisions.push(refused(withheld, &field, item)),
        }
    }
    said
}

/// What people did with tags, each under the name that the copy holds it by.
fn tags(sent: &FieldChanges, copy: &CopyId, records: &Records) -> PublisherChanges {
    let tags::OwnTags { by_people, repeated, decisions } = tags::own(&sent.tags);
    let held = |name: &str| Field::Tag(records.tag_named(copy, name));
    let mut said = PublisherChanges { decisions, ..PublisherChanges::default() };
    for (name, last) in repeated {
        said.repeated.push(Repeated { item: Item::Tag(name), field: held(&last) });
    }
    for (name, present) in by_people {
        let (field, item) = (held(&name), Item::Tag(name));
        said.changes.insert(field, Sent { item, value: Value::Tag(present), differs: false });
    }
    said
}

impl PublisherChanges {
    /// Takes what is said of a field. Of two spellings the field's own counts, else the first.
    fn offer(&mut self, field: Field, sent: Sent) {
        let Some(before) = self.changes.remove(&field) else {
            self.changes.insert(field, sent);
            return;
        };
        let (counts, repeated) =
            if sent.item == field.item() { (sent, before) } else { (before, sent) };
        self.repeated.push(Repeated { item: repeated.item, field: field.clone() });
        self.changes.insert(field, counts);
    }
}

#[cfg(test)]
mod tests {
    use contracts::Reason;
    use contracts::fields::{FieldType, Status};
    use contracts::sync::{AccountFact, StatusChange};
    use serde_json::json;

    use super::super::scene::{account, field, original, status, tag, with_statuses};
    use super::super::state::ChainFields;
    use super::*;

    fn read_by(publisher: AccountFact, sent: &FieldChanges) -> PublisherChanges {
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
        let PublisherChanges { changes, decisions, .. } = read_by(publisher, &sent);
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
            let PublisherChanges { changes, .. } = read_by(
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
        let PublisherChanges { changes, .. } = read_by(publisher, &sent);
        let change = &changes[&Field::Custom("Order".into())];
        assert_eq!(change.value, Value::Custom(FieldValue::Text("7".into())));
        assert_eq!(change.item, Item::CustomField(" Order ".into()));
    }

    #[test]
    fn one_spelling_of_a_title_counts_and_the_others_are_superseded() {
        let publisher = || AccountFact { open_fields: true, ..account("acme", vec![]) };
        let sent = |keys: &[&str]| FieldChanges {
            custom_fields: keys
                .iter()
                .enumerate()
                .map(|(number, key)| ((*key).to_owned(), json!(number.to_string())))
                .collect(),
            ..FieldChanges::default()
        };
        for (keys, counts, lost) in [
            (&["Order", "order", " ORDER "][..], " ORDER ", &["Order", "order"][..]),
            (&["Größe", "Gro\u{308}ße"], "Gro\u{308}ße", &["Größe"]),
            (
                &["Order No", "Order\u{a0}No", "order  no"],
                "Order No",
                &["Order\u{a0}No", "order  no"],
            ),
            (&["Order", "Orders"], "Order", &[]),
        ] {
            let said = read_by(publisher(), &sent(keys));
            assert_eq!(said.changes.len(), if lost.is_empty() { 2 } else { 1 }, "{keys:?}");
            let first = said.changes.values().next().unwrap();
            assert_eq!(first.item, Item::CustomField(counts.into()), "{keys:?}");
            let repeated: Vec<_> = said.repeated.iter().map(|it| it.item.clone()).collect();
            let expected: Vec<_> =
                lost.iter().map(|key| Item::CustomField((*key).into())).collect();
            assert_eq!(repeated, expected, "{keys:?}");
        }
        let held = |key: &str| {
            let state = super::super::state::FieldState {
                value: Value::Custom(FieldValue::Text("x".into())),
                account: super::super::scene::name("acme"),
                revision: 1,
                occurred_at: super::super::scene::time(0),
                own: None,
            };
            let fields = BTreeMap::from([(Field::Custom(key.into()), state)]);
            ChainFields { revision: 1, copies: BTreeMap::from([(original(), fields)]) }
        };
        let known = held("order");
        let said = read(
            &sent(&["Order", "order"]),
            Some(&Schema::new(publisher())),
            &original(),
            &Records::over(&known),
        );
        let counts = &said.changes[&Field::Custom("order".into())];
        assert_eq!(counts.item, Item::CustomField("order".into()), "the field's own spelling");
    }
}
