//! Between which kinds of account custom fields cross.

use contracts::command::AccountKind;

use super::schema::Schema;

/// Custom fields cross between accounts that have a desk here; a third-party system takes part only
/// if it takes fields of any title.
#[must_use]
pub fn may_exchange_custom_fields(one: &Schema, other: &Schema) -> bool {
    let takes_part = |schema: &Schema| match schema.kind {
        AccountKind::Connected | AccountKind::Hosted => true,
        AccountKind::ThirdParty => schema.open_fields,
    };
    takes_part(one) && takes_part(other)
}

#[cfg(test)]
mod tests {
    use super::super::scene::account;
    use super::*;

    #[test]
    fn r_62_third_parties_take_part_only_with_open_fields() {
        use AccountKind::{Connected, Hosted, ThirdParty};
        let schema = |kind, open_fields| {
            let mut fact = account("acme", vec![]);
            (fact.kind, fact.open_fields) = (kind, open_fields);
            Schema::new(fact)
        };
        let may = |one, other| {
            may_exchange_custom_fields(&one, &other) && may_exchange_custom_fields(&other, &one)
        };
        assert!(may(schema(Connected, false), schema(Hosted, false)));
        assert!(may(schema(Connected, false), schema(ThirdParty, true)));
        assert!(!may(schema(Connected, false), schema(ThirdParty, false)));
        assert!(!may(schema(ThirdParty, true), schema(ThirdParty, false)));
    }
}
