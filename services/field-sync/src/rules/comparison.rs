//! How the custom fields of two accounts fit, title by title: what `agreement.compare` is answered.

use std::collections::BTreeSet;
use std::ops::Bound;

use contracts::Reason;
use contracts::delivery::{
    AgreementComparison, FieldCompared, FieldOfSide, FieldWay, Mend, MendBy, OptionDiffers,
};
use contracts::sync::Compare;

use super::eligibility::may_exchange_custom_fields;
use super::matching::Pair;
use super::schema::{Schema, SchemaField};
use super::{Schemas, Withheld};

/// Titles of a page.
const PAGE: usize = 100;
/// Options that differ are told up to here.
const OPTIONS: usize = 20;

/// What is told, and the cursor of the next page.
#[must_use]
pub fn compare(asked: &Compare, schemas: &Schemas) -> (AgreementComparison, Option<String>) {
    let (own, partner) = (schemas.get(&asked.own), schemas.get(&asked.partner));
    let mut titles: BTreeSet<&str> = own.into_iter().flat_map(Schema::titles).collect();
    if asked.shows_all {
        titles.extend(partner.into_iter().flat_map(Schema::titles));
    }
    let after = asked.after.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
    let mut further = titles.range::<str, _>((after, Bound::Unbounded)).copied();
    let page: Vec<&str> = further.by_ref().take(PAGE).collect();
    let next = further.next().and(page.last()).map(|last| (*last).to_owned());
    let fields = page.into_iter().map(|title| titled(title, own, partner)).collect();
    let comparison = AgreementComparison {
        agreement_id: asked.agreement_id.clone(),
        side: asked.side,
        partner: asked.partner.clone(),
        fields,
    };
    (comparison, next)
}

fn titled(folded: &str, own: Option<&Schema>, partner: Option<&Schema>) -> FieldCompared {
    let first = |schema: Option<&'_ Schema>| -> Option<SideField> {
        let field = schema?.titled(folded).next()?;
        Some(SideField::of(field))
    };
    let (here, there) = (first(own), first(partner));
    let title = here.as_ref().or(there.as_ref()).map_or(folded, |field| &field.title).to_owned();
    let to_partner = way(own, here.as_ref(), partner, there.as_ref(), &title);
    let from_partner = way(partner, there.as_ref(), own, here.as_ref(), &title);
    let mend = mends(&to_partner, &from_partner, here.is_some(), there.is_some());
    FieldCompared {
        options: options(folded, own, partner),
        own: here.map(SideField::with_key),
        partner: there.map(SideField::without_key),
        to_partner: told(to_partner),
        from_partner: told(from_partner),
        title,
        mend,
    }
}

/// One side's field, as it is told.
struct SideField {
    key: String,
    title: String,
    told: FieldOfSide,
}

impl SideField {
    fn of(field: &SchemaField) -> Self {
        let told = FieldOfSide {
            key: None,
            field_type: field.field_type,
            on_default_form: field.on_default_form,
        };
        Self { key: field.key.to_string(), title: field.title.to_string(), told }
    }

    fn with_key(self) -> FieldOfSide {
        FieldOfSide { key: Some(self.key), ..self.told }
    }

    fn without_key(self) -> FieldOfSide {
        self.told
    }
}

/// Whether values of a title cross from one account to the other, by the rules that decide of each
/// value.
fn way(
    from: Option<&Schema>,
    field: Option<&SideField>,
    to: Option<&Schema>,
    counterpart: Option<&SideField>,
    title: &str,
) -> Result<(), Withheld> {
    if let (Some(from), Some(to)) = (from, to)
        && !may_exchange_custom_fields(from, to)
    {
        return Err(Withheld::because(Reason::SameKindOnly));
    }
    // An account that takes any title has titles for keys.
    let open = from.is_some_and(|schema| schema.open_fields);
    let key = match field {
        Some(field) if !open => field.key.as_str(),
        None if !open && counterpart.is_some() => {
            let whose = from.map_or("the account", |schema| schema.account.as_str());
            let detail = format!("{whose} has no field with the title {title:?}");
            return Err(Withheld::with_detail(Reason::NoSuchField, detail));
        }
        _ => title,
    };
    Pair::find(from, key, to)?.is_shown()
}

fn told(way: Result<(), Withheld>) -> FieldWay {
    match way {
        Ok(()) => FieldWay { crosses: true, reason: None, detail: None },
        Err(withheld) => {
            FieldWay { crosses: false, reason: Some(withheld.reason), detail: withheld.detail }
        }
    }
}

fn options(folded: &str, own: Option<&Schema>, partner: Option<&Schema>) -> Vec<OptionDiffers> {
    let (Some(own), Some(partner)) = (own, partner) else { return Vec::new() };
    let (Some(here), Some(there)) = (own.titled(folded).next(), partner.titled(folded).next())
    else {
        return Vec::new();
    };
    let differs = here.options_that_differ(there).into_iter().take(OPTIONS);
    differs.map(|(name, own, partner)| OptionDiffers { name, own, partner }).collect()
}

/// What would let values of the title cross both ways.
fn mends(
    to_partner: &Result<(), Withheld>,
    from_partner: &Result<(), Withheld>,
    here: bool,
    there: bool,
) -> Vec<Mend> {
    let mut mends = Vec::new();
    let mut mend = |by: MendBy, how: &str| {
        let mend = Mend { by, how: how.to_owned() };
        if !mends.contains(&mend) {
            mends.push(mend);
        }
    };
    let ways =
        [(to_partner, MendBy::Own, MendBy::Partner), (from_partner, MendBy::Partner, MendBy::Own)];
    for (way, from, to) in ways {
        let Err(withheld) = way else { continue };
        match withheld.reason {
            Reason::NoSuchField if here && !there => {
                mend(MendBy::Own, "give the field the title that the partner's has");
                mend(MendBy::Partner, "add a field with this title and a type that fits");
            }
            Reason::NoSuchField => {
                mend(MendBy::Own, "add a field with this title and a type that fits");
                mend(MendBy::Partner, "give the field the title that the other one has");
            }
            Reason::TypeMismatch => {
                mend(MendBy::Own, "give the field the type of the partner's");
                mend(MendBy::Partner, "give the field the type of the other one");
            }
            Reason::OptionTagsDiffer => {
                mend(MendBy::Own, "give options of one name the tags that the partner's have");
                mend(MendBy::Partner, "give options of one name the tags that the other's have");
            }
            Reason::NotOnDefaultForm => mend(to, "put the field on the default form"),
            Reason::TitleNotUnique => {
                mend(from, "let one field alone have this title");
                mend(to, "let one field alone have this title");
            }
            Reason::SameKindOnly => {
                mend(MendBy::Own, "a third-party system has to take any title (`open_fields`)");
                mend(MendBy::Partner, "a third-party system has to take any title (`open_fields`)");
            }
            // What nobody can mend: a system field.
            _ => {}
        }
    }
    mends
}

#[cfg(test)]
mod tests {
    use contracts::AgreementId;
    use contracts::delivery::Side;
    use contracts::fields::{FieldType, TicketField};
    use contracts::sync::AccountFact;

    use super::super::scene::{account, field, name, options};
    use super::*;

    fn asked(shows_all: bool, after: Option<&str>) -> Compare {
        Compare {
            agreement_id: AgreementId::new("0b9f0a52-7c1e-4d9a-9a36-3c9f9f9d8f10").unwrap(),
            side: Side::Sender,
            own: name("acme"),
            partner: name("globex"),
            shows_all,
            after: after.map(str::to_owned),
        }
    }

    fn schemas(facts: impl IntoIterator<Item = AccountFact>) -> Schemas {
        facts.into_iter().map(|fact| (fact.account.clone(), Schema::new(fact))).collect()
    }

    fn told(own: Vec<TicketField>, partner: Vec<TicketField>, all: bool) -> Vec<FieldCompared> {
        let schemas = schemas([account("acme", own), account("globex", partner)]);
        compare(&asked(all, None), &schemas).0.fields
    }

    fn reasons(field: &FieldCompared) -> (Option<Reason>, Option<Reason>) {
        (field.to_partner.reason, field.from_partner.reason)
    }

    #[test]
    fn r_90_titles_that_match_cross_both_ways() {
        let order = || vec![field("order", "Order", FieldType::Text)];
        let found = told(order(), vec![field("f-7", "ORDER", FieldType::Textarea)], false);
        let [order] = &found[..] else { panic!("{found:?}") };
        assert!(order.to_partner.crosses && order.from_partner.crosses, "{order:?}");
        assert_eq!(order.title, "Order");
        assert_eq!(order.own.as_ref().unwrap().key.as_deref(), Some("order"));
        assert_eq!(order.partner.as_ref().unwrap().key, None, "a foreign key is nobody's matter");
        assert!(order.mend.is_empty());
    }

    #[test]
    fn each_reason_says_who_can_mend_it() {
        let tagger = |key: &str, pairs: &[(&str, &str)]| TicketField {
            options: options(pairs),
            ..field(key, "Colour", FieldType::Tagger)
        };
        let one = |title: &str, kind| vec![field("x", title, kind)];
        let both = Some(Reason::TypeMismatch);
        for (own, partner, expected, by) in [
            (
                one("A", FieldType::Text),
                vec![],
                (Some(Reason::NoSuchField), Some(Reason::NoSuchField)),
                2,
            ),
            (one("A", FieldType::Date), one("a", FieldType::Checkbox), (both, both), 2),
            (
                vec![tagger("x", &[("Red", "red")])],
                vec![tagger("y", &[("Red", "rouge")])],
                (Some(Reason::OptionTagsDiffer), Some(Reason::OptionTagsDiffer)),
                2,
            ),
            (
                one("Status", FieldType::Text),
                one("status", FieldType::Text),
                (Some(Reason::SystemField), Some(Reason::SystemField)),
                0,
            ),
        ] {
            let found = told(own, partner, false);
            assert_eq!(reasons(&found[0]), expected, "{found:?}");
            assert_eq!(found[0].mend.len(), by, "{found:?}");
        }
    }

    #[test]
    fn r_95_options_that_differ_are_named() {
        let tagger = |pairs: &[(&str, &str)]| {
            vec![TicketField { options: options(pairs), ..field("c", "Colour", FieldType::Tagger) }]
        };
        let found = told(
            tagger(&[("Red", "red"), ("Blue", "blue"), ("Here", "here")]),
            tagger(&[("RED", "rouge"), ("blue", "blue"), ("There", "there")]),
            false,
        );
        let told: Vec<_> = found[0]
            .options
            .iter()
            .map(|it| (it.name.as_str(), it.own.as_str(), it.partner.as_str()))
            .collect();
        assert_eq!(told, [("red", "red", "rouge")]);
    }

    #[test]
    fn r_98_a_field_off_the_form_crosses_away_from_it_alone() {
        let order = || vec![field("order", "Order", FieldType::Text)];
        let partner = AccountFact { default_form: Some(vec![]), ..account("globex", order()) };
        let found = compare(&asked(false, None), &schemas([account("acme", order()), partner])).0;
        assert_eq!(reasons(&found.fields[0]), (Some(Reason::NotOnDefaultForm), None));
        assert_eq!(found.fields[0].mend[0].by, MendBy::Partner);
    }

    #[test]
    fn what_only_the_partner_has_is_told_where_it_shows_it() {
        let theirs = || vec![field("k", "Secret project", FieldType::Text)];
        assert!(told(vec![], theirs(), false).is_empty());
        let found = told(vec![], theirs(), true);
        assert_eq!(reasons(&found[0]).1, Some(Reason::NoSuchField));
        assert_eq!((found[0].title.as_str(), found[0].own.is_none()), ("Secret project", true));
    }

    #[test]
    fn who_takes_any_title_takes_each() {
        let open = AccountFact { open_fields: true, ..account("globex", vec![]) };
        let own = account("acme", vec![field("order", "Order", FieldType::Text)]);
        let found = compare(&asked(false, None), &schemas([own, open])).0;
        assert!(
            found.fields[0].to_partner.crosses && found.fields[0].from_partner.crosses,
            "{found:?}"
        );
    }

    #[test]
    fn pages_have_every_title_once_in_order() {
        let many: Vec<_> = (0..250)
            .map(|number| {
                field(&format!("k{number}"), &format!("Title {number:03}"), FieldType::Text)
            })
            .collect();
        let schemas = schemas([account("acme", many), account("globex", vec![])]);
        let (mut after, mut titles) = (None, Vec::new());
        loop {
            let (page, next) = compare(&asked(false, after.as_deref()), &schemas);
            assert!(page.fields.len() <= PAGE);
            titles.extend(page.fields.into_iter().map(|field| field.title));
            match next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        assert_eq!(titles, (0..250).map(|number| format!("Title {number:03}")).collect::<Vec<_>>());
    }

    #[test]
    fn of_accounts_that_nothing_is_known_of_there_is_nothing_to_tell() {
        assert!(compare(&asked(true, None), &Schemas::new()).0.fields.is_empty());
    }
}
