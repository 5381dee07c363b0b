//! A share that is tried out before its agreement is accepted: what the sender's side decides is
//! told, and nothing that would tell of the receiver's fields and statuses.

use contracts::sync::Hop;
use contracts::{Item, Reason};

use super::schema::Schemas;
use super::transfer::Decision;

/// The accounts' settings without the receiver's.
#[must_use]
pub fn without_receiver(schemas: &Schemas, hop: &Hop) -> Schemas {
    let mut schemas = schemas.clone();
    schemas.remove(&hop.receiver);
    schemas
}

/// What was decided without what only the receiver's fields decide: whether it has a field.
#[must_use]
pub fn of_senders_side(hop: &Hop, mut decision: Decision) -> Decision {
    decision.fields.decisions.retain(|told| {
        let asks_receiver = matches!(told.item, Item::CustomField(_))
            && told.reason == Some(Reason::NoSuchField)
            && told.share_id.as_ref() == Some(&hop.share_id);
        !asks_receiver
    });
    decision
}

#[cfg(test)]
mod tests {
    use contracts::fields::{FieldType, Status};
    use contracts::sync::DryRun;
    use contracts::{ItemOutcome, Terms};
    use serde_json::json;

    use super::super::scene::{
        ALL_TERMS, Stage, account, field, said, share, tag, two, with_status, with_statuses,
    };
    use super::*;

    fn tried(terms: Terms, receiver_has_field: bool) -> Decision {
        let mut hops = two();
        hops[0].terms = terms;
        let order = || vec![field("order", "Order", FieldType::Text)];
        let globex = account("globex", if receiver_has_field { order() } else { Vec::new() });
        let globex = if receiver_has_field { with_statuses(globex) } else { globex };
        let stage = Stage::new([account("acme", order()), globex], &[]);
        let mut sent = with_status(share(&hops[0], 1, "m1", &hops), Status::Hold);
        sent.fields.tags = vec![tag("vip", true)];
        sent.fields.custom_fields.insert("order".into(), json!("7"));
        sent.fields.custom_fields.insert("status".into(), json!("7"));
        sent.command.remarks.dry_run = Some(DryRun { draft: true });
        stage.try_out(&sent)
    }

    #[test]
    fn a_draft_tells_nothing_of_the_receivers_settings() {
        for terms in [ALL_TERMS, Terms { tags: false, custom_fields: false, ..ALL_TERMS }] {
            assert_eq!(tried(terms, true), tried(terms, false), "{terms:?}");
        }
    }

    #[test]
    fn a_draft_tells_what_the_senders_side_decides() {
        let decided = tried(ALL_TERMS, false);
        assert_eq!(said(&decided, "custom_field:order"), []);
        assert_eq!(said(&decided, "tag:vip")[0].1, ItemOutcome::Transferred);
        assert_eq!(said(&decided, "status")[0].2, Some(Reason::OnHoldMapsToOpen));
        assert_eq!(said(&decided, "custom_field:status")[0].2, Some(Reason::SystemField));
        let narrow = Terms { custom_fields: false, ..ALL_TERMS };
        let stays = said(&tried(narrow, true), "custom_field:order");
        assert_eq!(stays[0].2, Some(Reason::CustomFieldsNotSynced));
    }
}
