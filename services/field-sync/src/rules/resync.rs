//! All that is held of one copy, for a desk that lost it.

use std::collections::BTreeMap;

use contracts::delivery::{FieldHeld, StatusHeld, TagHeld};
use contracts::fields::{Status, StatusValue};
use contracts::{CopyId, Epoch};

use super::state::{ChainFields, Field, Value};

/// What a copy holds, field by field, each with the revision that set it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// Status.
    pub status: StatusHeld,
    /// Tags, those taken off included.
    pub tags: Vec<TagHeld>,
    /// Custom fields by the account's own key, cleared ones included.
    pub custom_fields: BTreeMap<String, FieldHeld>,
}

/// What `copy` holds. A copy whose status nobody told is `new`: as such a ticket is created.
#[must_use]
pub fn held(fields: &ChainFields, copy: &CopyId) -> Held {
    // Nobody set it: the lowest revision of the chain's epoch.
    let revision = Epoch::of(fields.revision).raise(0);
    let status =
        StatusHeld { status: StatusValue { value: Status::New, custom_status: None }, revision };
    let mut held = Held { status, tags: Vec::new(), custom_fields: BTreeMap::new() };
    for (field, state) in fields.copies.get(copy).into_iter().flatten() {
        let revision = state.revision;
        match (field, &state.value) {
            (_, Value::Status(status)) => {
                held.status = StatusHeld { status: status.clone(), revision }
            }
            (Field::Tag(name), Value::Tag(present)) => {
                held.tags.push(TagHeld { name: name.clone(), present: *present, revision });
            }
            (Field::Custom(key), Value::Custom(value)) => {
                held.custom_fields
                    .insert(key.clone(), FieldHeld { value: value.clone(), revision });
            }
            // A record's value is of its field's sort; the store refuses any other.
            _ => {}
        }
    }
    held
}

#[cfg(test)]
mod tests {
    use contracts::fields::{FieldType, FieldValue};
    use serde_json::json;

    use super::super::scene::{Stage, account, field, original, tag, two, update, with_status};
    use super::*;

    #[test]
    fn all_of_a_copy_is_told_what_is_gone_included() {
        let hops = two();
        let order = |name| account(name, vec![field("order", "Order", FieldType::Text)]);
        let mut stage = Stage::new([order("acme"), order("globex")], &hops);
        let mut first = with_status(update("acme", &original(), 1, "m1", &hops), Status::Hold);
        first.fields.tags.push(tag("vip", true));
        first.fields.custom_fields.insert("order".into(), json!("7"));
        stage.decide(&first);
        let mut second = update("globex", &hops[0].far(), 2, "m2", &hops);
        second.fields.tags.push(tag("vip", false));
        second.fields.custom_fields.insert("order".into(), json!(""));
        stage.decide(&second);
        for (copy, status) in [(original(), Status::Hold), (hops[0].far(), Status::Open)] {
            let held = held(&stage.fields, &copy);
            assert_eq!((held.status.status.value, held.status.revision), (status, 1));
            assert_eq!(held.tags, [TagHeld { name: "vip".into(), present: false, revision: 2 }]);
            assert_eq!(
                held.custom_fields["order"],
                FieldHeld { value: FieldValue::Cleared, revision: 2 }
            );
        }
    }

    #[test]
    fn r_54_a_copy_whose_status_stays_at_home_is_new() {
        let held = held(&ChainFields::default(), &original());
        assert_eq!((held.status.status.value, held.status.revision), (Status::New, 0));
    }
}
