//! One field over one hop: what it becomes on the other side, or why it stays.

use contracts::fields::FieldValue;
use contracts::{ItemOutcome, Reason};
use line::HopTraversal;

use super::records::Records;
use super::schema::Schemas;
use super::state::{Field, Value};
use super::{Withheld, eligibility, matching, status};

/// What a field is on the other side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crossed {
    /// The other copy's field.
    pub field: Field,
    /// Its value there.
    pub value: Value,
    /// Whether it crossed as it is.
    pub outcome: ItemOutcome,
    /// Why not, if there is more to say.
    pub reason: Option<Reason>,
    /// Whether the two copies agree already: what is held here is the image of what is held there,
    /// or the reverse.
    pub agree: bool,
}

/// Takes a field over a hop, in the direction of `crossing`.
///
/// # Errors
/// Why it stays.
pub fn cross(
    crossing: &HopTraversal,
    field: &Field,
    value: &Value,
    records: &Records,
    schemas: &Schemas,
) -> Result<Crossed, Withheld> {
    let held = |field: &Field| records.get(&crossing.to, field).map(|held| &held.value);
    match (field, value) {
        (Field::Custom(key), Value::Custom(sent)) => custom(crossing, key, sent, records, schemas),
        (Field::Status, Value::Status(here)) => {
            if !crossing.hop.terms.syncs_status() {
                return Err(Withheld::because(Reason::StatusNotSynced));
            }
            let image = status::image(here, schemas.get(crossing.to_account()));
            let reason = status::why_mapped(here, &image);
            let agree =
                matches!(held(field), Some(Value::Status(there)) if status::agree(here, there));
            let outcome =
                if reason.is_some() { ItemOutcome::Mapped } else { ItemOutcome::Transferred };
            Ok(Crossed {
                field: Field::Status,
                value: Value::Status(image),
                outcome,
                reason,
                agree,
            })
        }
        _ => {
            if !crossing.hop.terms.tags {
                return Err(Withheld::because(Reason::TagsNotSynced));
            }
            let field = match field {
                Field::Tag(name) => Field::Tag(records.tag_named(&crossing.to, name)),
                other => other.clone(),
            };
            let agree = held(&field) == Some(value);
            Ok(Crossed {
                field,
                value: value.clone(),
                outcome: ItemOutcome::Transferred,
                reason: None,
                agree,
            })
        }
    }
}

fn custom(
    crossing: &HopTraversal,
    key: &str,
    sent: &FieldValue,
    records: &Records,
    schemas: &Schemas,
) -> Result<Crossed, Withheld> {
    if !crossing.hop.terms.custom_fields {
        return Err(Withheld::because(Reason::CustomFieldsNotSynced));
    }
    let (from, to) = (schemas.get(crossing.from_account()), schemas.get(crossing.to_account()));
    if let (Some(from), Some(to)) = (from, to)
        && !eligibility::may_exchange_custom_fields(from, to)
    {
        return Err(Withheld::because(Reason::SameKindOnly));
    }
    let pair = matching::Pair::find(from, key, to)?;
    pair.is_shown()?;
    let image = pair.image(sent)?;
    let key =
        pair.key().map_or_else(|| records.key_titled(&crossing.to, pair.title()), str::to_owned);
    let field = Field::Custom(key);
    let agree = match records.get(&crossing.to, &field).map(|held| &held.value) {
        Some(Value::Custom(there)) => {
            *there == image || pair.reversed().image(there).as_ref() == Ok(sent)
        }
        _ => false,
    };
    let outcome = if image == *sent { ItemOutcome::Transferred } else { ItemOutcome::Mapped };
    Ok(Crossed { field, value: Value::Custom(image), outcome, reason: None, agree })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use contracts::Terms;
    use contracts::command::AccountKind;
    use contracts::fields::{FieldType, Status, StatusValue};
    use contracts::sync::AccountFact;
    use contracts::terms::CommentTerms;

    use super::super::scene::{ALL_TERMS, account, field, hop, name, original, time};
    use super::super::schema::Schema;
    use super::super::state::{ChainFields, FieldState};
    use super::*;

    fn schemas(receiver: impl Fn(AccountFact) -> AccountFact) -> Schemas {
        let order = || vec![field("order", "Order", FieldType::Text)];
        let facts = [account("acme", order()), receiver(account("globex", order()))];
        facts.into_iter().map(|fact| (fact.account.clone(), Schema::new(fact))).collect()
    }

    fn crossed(
        terms: Terms,
        outbound: bool,
        field: &Field,
        value: &Value,
        schemas: &Schemas,
    ) -> Result<Crossed, Reason> {
        let hop = contracts::sync::Hop { terms, ..hop(1, "acme", "globex", &original()) };
        let crossing =
            if outbound { HopTraversal::outbound(&hop) } else { HopTraversal::inbound(&hop) };
        cross(&crossing, field, value, &Records::over(&ChainFields::default()), schemas)
            .map_err(|withheld| withheld.reason)
    }

    #[test]
    fn r_60_tags_cross_both_ways_or_not_at_all() {
        let known = schemas(|fact| fact);
        for outbound in [true, false] {
            for present in [true, false] {
                let (vip, value) = (Field::Tag("vip".into()), Value::Tag(present));
                assert_eq!(
                    crossed(ALL_TERMS, outbound, &vip, &value, &known).unwrap().value,
                    value
                );
                let without = Terms { tags: false, ..ALL_TERMS };
                assert_eq!(
                    crossed(without, outbound, &vip, &value, &known),
                    Err(Reason::TagsNotSynced)
                );
            }
        }
    }

    #[test]
    fn r_54_status_stays_in_both_directions_under_private_only() {
        let solved = Value::Status(StatusValue { value: Status::Solved, custom_status: None });
        let private = Terms { comments: CommentTerms::PrivateOnly, ..ALL_TERMS };
        for outbound in [true, false] {
            assert_eq!(
                crossed(private, outbound, &Field::Status, &solved, &schemas(|fact| fact)),
                Err(Reason::StatusNotSynced)
            );
            assert_eq!(
                crossed(ALL_TERMS, outbound, &Field::Status, &solved, &schemas(|fact| fact))
                    .unwrap()
                    .value,
                solved
            );
        }
    }

    #[test]
    fn r_89_custom_fields_cross_only_if_the_terms_say_so() {
        let (order, value) =
            (Field::Custom("order".into()), Value::Custom(FieldValue::Text("7".into())));
        let known = schemas(|fact| fact);
        assert_eq!(crossed(ALL_TERMS, true, &order, &value, &known).unwrap().value, value);
        let without = Terms { custom_fields: false, ..ALL_TERMS };
        assert_eq!(
            crossed(without, true, &order, &value, &known),
            Err(Reason::CustomFieldsNotSynced)
        );
    }

    #[test]
    fn r_62_custom_fields_do_not_cross_to_a_third_party() {
        let (order, value) =
            (Field::Custom("order".into()), Value::Custom(FieldValue::Text("7".into())));
        let third = |open_fields| {
            schemas(move |fact| AccountFact { kind: AccountKind::ThirdParty, open_fields, ..fact })
        };
        for outbound in [true, false] {
            assert_eq!(
                crossed(ALL_TERMS, outbound, &order, &value, &third(false)),
                Err(Reason::SameKindOnly)
            );
        }
        assert_eq!(
            crossed(ALL_TERMS, true, &order, &value, &third(true)).unwrap().field,
            Field::Custom("Order".into())
        );
    }

    #[test]
    fn without_settings_no_custom_field_crosses_and_all_else_does() {
        let none = Schemas::new();
        let value = Value::Custom(FieldValue::Text("7".into()));
        assert_eq!(
            crossed(ALL_TERMS, true, &Field::Custom("order".into()), &value, &none),
            Err(Reason::NoSuchField)
        );
        assert!(
            crossed(ALL_TERMS, true, &Field::Tag("vip".into()), &Value::Tag(true), &none).is_ok()
        );
    }

    #[test]
    fn a_field_of_an_open_account_keeps_the_spelling_it_first_had() {
        let open = schemas(|fact| AccountFact { open_fields: true, ..fact });
        let hop = hop(1, "acme", "globex", &original());
        let held = FieldState {
            value: Value::Custom(FieldValue::Text("7".into())),
            account: name("globex"),
            revision: 1,
            occurred_at: time(0),
            own: None,
        };
        let fields = BTreeMap::from([(Field::Custom("ORDER".into()), held.clone())]);
        let known = ChainFields { revision: 1, copies: BTreeMap::from([(hop.far(), fields)]) };
        let crossed = cross(
            &HopTraversal::outbound(&hop),
            &Field::Custom("order".into()),
            &held.value,
            &Records::over(&known),
            &open,
        );
        let crossed = crossed.unwrap();
        assert_eq!((crossed.field, crossed.agree), (Field::Custom("ORDER".into()), true));
    }
}
