//! What a new copy is created with: all that the near copy holds, as far as it crosses.

use std::collections::{BTreeMap, BTreeSet};

use contracts::sync::Hop;
use contracts::{Decision, Item};
use line::CopyFields;

use super::propagate::{add, outcome};
use super::records::Records;
use super::schema::Schemas;
use super::state::{Field, FieldState};
use super::take_over::take_over;

/// What the share's own items came to before the new copy was looked at.
#[derive(Debug, Default)]
pub struct SharedItems {
    /// Fields that were carried over the new hop as changes; their decisions are made.
    pub carried: BTreeSet<Field>,
    /// Fields of which the share says what is held anyway.
    pub confirmed: BTreeMap<Field, Confirmed>,
}

/// An item that says what is held anyway.
#[derive(Debug)]
pub struct Confirmed {
    /// As the publisher calls it.
    pub item: Item,
    /// What is held, where it is more than what was said.
    pub told: Option<serde_json::Value>,
}

/// Unites the new copy with what the near copy holds, and returns all that it then holds, with
/// decisions about what crossed on the share's word and what could not cross. Every field that the
/// created ticket names has the chain's revision from now on.
pub fn create(
    hop: &Hop,
    revision: u64,
    items: &SharedItems,
    records: &mut Records,
    schemas: &Schemas,
) -> (CopyFields, Vec<Decision>) {
    let mut decisions = Vec::new();
    for taken in take_over(hop, revision, records, schemas) {
        if items.carried.contains(&taken.field) {
            continue;
        }
        let confirmed = items.confirmed.get(&taken.field);
        match (taken.result, confirmed) {
            (Err(withheld), Some(said)) => {
                decisions.push(withheld.decision(said.item.clone()).holding(said.told.clone()))
            }
            (Err(withheld), None) => decisions.push(withheld.decision(taken.field.item())),
            (Ok(crossed), Some(said)) => {
                decisions.push(outcome(&crossed, &said.item).holding(said.told.clone()))
            }
            (Ok(_), None) => {}
        }
    }
    let far = hop.far();
    let mut created = CopyFields::default();
    for (field, state) in
        records.of(&far).into_iter().filter(|(_, state)| state.value.is_something())
    {
        add(&mut created, &field, &state.value);
        if state.revision != revision {
            records.put(&far, field, FieldState { revision, ..state });
        }
    }
    (created, decisions.into_iter().map(|decision| decision.over(&hop.share_id)).collect())
}

#[cfg(test)]
mod tests {
    use contracts::fields::{FieldType, Status};
    use contracts::sync::AccountFact;
    use contracts::terms::CommentTerms;
    use contracts::{ItemOutcome, Reason};
    use serde_json::json;

    use super::super::scene::{
        Stage, account, field, original, plain, said, share, tag, three, two, update, with_status,
    };
    use super::*;

    #[test]
    fn a_first_share_creates_the_copy_with_what_the_ticket_holds() {
        let hops = two();
        let order = |name| account(name, vec![field("order", "Order", FieldType::Text)]);
        let mut stage = Stage::new(
            [order("acme"), AccountFact { default_form: Some(vec![]), ..order("globex") }],
            &[],
        );
        let mut sent = with_status(share(&hops[0], 1, "m1", &hops), Status::Hold);
        sent.fields.tags = vec![tag("vip", true)];
        sent.fields.custom_fields.insert("order".into(), json!("7"));
        let decided = stage.decide(&sent);
        assert_eq!(decided.fields.created.status, Some(plain(Status::Open)));
        assert_eq!(decided.fields.created.tags_added, ["vip"]);
        assert!(decided.fields.created.custom_fields.is_empty());
        assert_eq!(
            said(&decided, "status"),
            [(Some(1), ItemOutcome::Mapped, Some(Reason::OnHoldMapsToOpen), None)]
        );
        assert_eq!(said(&decided, "tag:vip"), [(Some(1), ItemOutcome::Transferred, None, None)]);
        assert_eq!(
            said(&decided, "custom_field:order"),
            [(Some(1), ItemOutcome::Withheld, Some(Reason::NotOnDefaultForm), None)]
        );
        assert_eq!(decided.fields.revision, Some(1));
    }

    #[test]
    fn r_54_a_private_share_says_that_status_stays() {
        let mut hops = two();
        hops[0].terms.comments = CommentTerms::PrivateOnly;
        let mut stage = Stage::new([account("acme", vec![]), account("globex", vec![])], &[]);
        let decided = stage.decide(&with_status(share(&hops[0], 1, "m1", &hops), Status::Open));
        assert_eq!(decided.fields.created.status, None);
        assert_eq!(
            said(&decided, "status"),
            [(Some(1), ItemOutcome::Withheld, Some(Reason::StatusNotSynced), None)]
        );
    }

    #[test]
    fn r_14_a_share_of_a_received_copy_passes_on_what_is_held() {
        let hops = three();
        let mut stage =
            Stage::new(["acme", "globex", "initech"].map(|name| account(name, vec![])), &hops[..1]);
        stage.decide(&with_status(
            update("acme", &original(), 1, "m1", &hops[..1]),
            Status::Pending,
        ));
        let mut sent = with_status(share(&hops[1], 2, "m2", &hops), Status::Open);
        sent.fields.tags.push(tag("mine", true));
        let decided = stage.decide(&sent);
        let stands = Some(json!({ "value": "pending" }));
        assert_eq!(
            said(&decided, "status"),
            [(None, ItemOutcome::Superseded, Some(Reason::NewerChangeExists), stands)]
        );
        assert_eq!(decided.fields.created.status, Some(plain(Status::Pending)));
        assert_eq!(decided.fields.created.tags_added, ["mine"]);
        assert_eq!(
            decided.fields.changes[&original()].tags_added,
            ["mine"],
            "what nobody held yet is a change like any other"
        );
        assert_eq!(
            stage.fields.get(&hops[1].far(), &Field::Status).unwrap().revision,
            decided.revision
        );
    }

    #[test]
    fn a_share_that_repeats_what_is_held_changes_nothing() {
        let hops = three();
        let mut stage =
            Stage::new(["acme", "globex", "initech"].map(|name| account(name, vec![])), &hops[..1]);
        stage.decide(&with_status(
            update("acme", &original(), 1, "m1", &hops[..1]),
            Status::Pending,
        ));
        let decided = stage.decide(&with_status(share(&hops[1], 2, "m2", &hops), Status::Pending));
        assert_eq!(said(&decided, "status"), [(Some(2), ItemOutcome::Transferred, None, None)]);
        assert_eq!((decided.revision, decided.fields.changes.len()), (1, 0));
    }

    #[test]
    fn an_update_that_overtakes_its_share_loses_nothing() {
        let hops = two();
        let far = hops[0].far();
        let mut stage = Stage::new([account("acme", vec![]), account("globex", vec![])], &[]);
        let overtaking =
            stage.decide(&with_status(update("acme", &original(), 5, "u", &hops), Status::Pending));
        assert_eq!(overtaking.fields.changes[&far].status, Some(plain(Status::Pending)));
        let mut sent = with_status(share(&hops[0], 1, "s", &hops), Status::New);
        sent.fields.tags.push(tag("vip", true));
        let decided = stage.decide(&sent);
        assert_eq!(decided.fields.created.status, Some(plain(Status::Pending)));
        assert_eq!(decided.fields.created.tags_added, ["vip"]);
        assert_eq!(said(&decided, "status")[0].3, Some(json!({ "value": "pending" })));
        for field in [Field::Status, Field::Tag("vip".into())] {
            assert_eq!(stage.fields.get(&far, &field).unwrap().revision, 2);
        }
    }

    #[test]
    fn a_hop_that_an_update_was_first_to_name_takes_over_silently() {
        let hops = three();
        let mut stage =
            Stage::new(["acme", "globex", "initech"].map(|name| account(name, vec![])), &hops[..1]);
        let mut first =
            with_status(update("acme", &original(), 1, "m1", &hops[..1]), Status::Pending);
        first.fields.tags.push(tag("vip", true));
        stage.decide(&first);
        let overtaking =
            stage.decide(&with_status(update("acme", &original(), 2, "m2", &hops), Status::Solved));
        let told = &overtaking.fields.changes[&hops[1].far()];
        assert_eq!((told.status.clone(), told.tags_added.len()), (Some(plain(Status::Solved)), 0));
        let created = stage
            .decide(&with_status(share(&hops[1], 3, "m3", &hops), Status::Solved))
            .fields
            .created;
        assert_eq!(
            (created.status, created.tags_added),
            (Some(plain(Status::Solved)), vec!["vip".to_owned()])
        );
    }
}
