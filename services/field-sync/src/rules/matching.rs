//! Which custom field of one account belongs to which of another, and what a value becomes on the
//! way.

use contracts::Reason;
use contracts::comparable::comparable;
use contracts::compatibility::{Passing, passing};
use contracts::fields::FieldValue;

use super::Withheld;
use super::schema::{Schema, SchemaField, is_system};
use super::state::MAX_NAME;
use super::types::{implied, pass};
use super::value::{check, spelled};

/// One side of a pair of fields.
#[derive(Clone, Copy, Debug)]
enum Side<'a> {
    /// A field that the account has defined.
    Defined(&'a Schema, &'a SchemaField),
    /// A field of an account that takes any title: of whatever type the other one is.
    Open,
}

/// A field of one account and the one of another that belongs to it.
#[derive(Clone, Copy, Debug)]
pub struct Pair<'a> {
    from: Side<'a>,
    to: Side<'a>,
    title: &'a str,
}

impl<'a> Pair<'a> {
    /// Finds what belongs to the field `key` of `from` in `to`. An account that nothing is known of
    /// has no field.
    ///
    /// # Errors
    /// Why nothing belongs to it: no such field, or not one only, a system field, types or options
    /// that do not fit.
    pub fn find(
        from: Option<&'a Schema>,
        key: &'a str,
        to: Option<&'a Schema>,
    ) -> Result<Self, Withheld> {
        let unknown = |whose: &str| {
            Withheld::with_detail(
                Reason::NoSuchField,
                format!("{whose} has not told its fields yet"),
            )
        };
        let from = from.ok_or_else(|| unknown("the account that it comes from"))?;
        let to = to.ok_or_else(|| unknown("the partner"))?;
        let (side, title) = source(from, key)?;
        let pair = Self { from: side, to: target(to, title)?, title };
        pair.fits()?;
        Ok(pair)
    }

    /// The receiving account's key; nothing where that takes any title, which is its key then.
    #[must_use]
    pub fn key(&self) -> Option<&'a str> {
        match self.to {
            Side::Defined(_, field) => Some(&field.key),
            Side::Open => None,
        }
    }

    /// The title as the account it comes from writes it.
    #[must_use]
    pub fn title(&self) -> &'a str {
        self.title
    }

    /// Whether the receiving account shows the field.
    ///
    /// # Errors
    /// It is not on the default form.
    pub fn is_shown(&self) -> Result<(), Withheld> {
        match self.to {
            Side::Defined(schema, field) if !field.on_default_form => Err(Withheld::with_detail(
                Reason::NotOnDefaultForm,
                format!("{} is not on it", named(schema, field)),
            )),
            _ => Ok(()),
        }
    }

    /// The pair seen from the other side.
    #[must_use]
    pub fn reversed(&self) -> Self {
        Self { from: self.to, to: self.from, title: self.title }
    }

    /// What a value becomes.
    ///
    /// # Errors
    /// It has no counterpart that the receiving field takes.
    pub fn image(&self, value: &FieldValue) -> Result<FieldValue, Withheld> {
        let Side::Defined(schema, field) = self.to else { return Ok(value.clone()) };
        let how = match self.from {
            Side::Defined(_, from) => passing(from.field_type, field.field_type),
            Side::Open if check(value, field).is_ok() => Some(Passing::AsIs),
            Side::Open => {
                implied(value).map_or(Some(Passing::AsIs), |from| passing(from, field.field_type))
            }
        };
        let bad = |problem: &str| {
            Withheld::with_detail(Reason::BadValue, format!("{} {problem}", named(schema, field)))
        };
        let image = how
            .and_then(|how| pass(value, how))
            .ok_or_else(|| bad("cannot hold this value exactly"))?;
        check(&image, field).map_err(|problem| bad(&problem))?;
        Ok(spelled(image, field))
    }

    fn fits(&self) -> Result<(), Withheld> {
        let (Side::Defined(_, from), Side::Defined(schema, to)) = (self.from, self.to) else {
            return Ok(());
        };
        if passing(from.field_type, to.field_type).is_none() {
            return Err(Withheld::with_detail(
                Reason::TypeMismatch,
                format!("{} is of another type", named(schema, to)),
            ));
        }
        if !from.options_agree_with(to) {
            let detail =
                format!("{} has other tags for options of the same name", named(schema, to));
            return Err(Withheld::with_detail(Reason::OptionTagsDiffer, detail));
        }
        Ok(())
    }
}

/// The field `key` of the account a value comes from, and its title.
fn source<'a>(schema: &'a Schema, key: &'a str) -> Result<(Side<'a>, &'a str), Withheld> {
    if schema.open_fields {
        return if is_system(key) {
            Err(system(schema, key))
        } else {
            Ok((Side::Open, key.trim()))
        };
    }
    let field = schema.field(key).ok_or_else(|| no_such(schema, "key", key))?;
    if is_system(key) || is_system(&field.title) {
        return Err(system(schema, key));
    }
    only_one(schema, field.folded_title(), &field.title)?;
    Ok((Side::Defined(schema, field), &field.title))
}

/// The field of the receiving account with a title.
fn target<'a>(schema: &'a Schema, title: &str) -> Result<Side<'a>, Withheld> {
    if schema.open_fields {
        return Ok(Side::Open);
    }
    let folded = comparable(title);
    let field = schema.titled(&folded).next().ok_or_else(|| no_such(schema, "title", title))?;
    only_one(schema, &folded, title)?;
    if is_system(&field.key) {
        Err(system(schema, &field.key))
    } else {
        Ok(Side::Defined(schema, field))
    }
}

/// Checks a publisher's own value against its own schema; the tags of its options come out as it
/// registered them.
///
/// # Errors
/// No such field, a system field, or a value that does not fit. Nothing of it is kept then.
pub fn own(
    publisher: Option<&Schema>,
    key: &str,
    sent: &serde_json::Value,
) -> Result<FieldValue, Withheld> {
    let publisher = publisher.ok_or_else(|| {
        Withheld::with_detail(
            Reason::NoSuchField,
            "the publisher's account has not told its fields yet",
        )
    })?;
    if is_system(key) {
        return Err(system(publisher, key));
    }
    let value = FieldValue::from_json(sent);
    if publisher.open_fields {
        let bad = |problem: &str| {
            Withheld::with_detail(Reason::BadValue, format!("{}: {problem}", publisher.account))
        };
        if key.chars().count() > MAX_NAME {
            return Err(bad(&format!("a title has at most {MAX_NAME} characters")));
        }
        return value.ok_or_else(|| bad(&format!("no field can hold the value of {key:?}")));
    }
    let field = publisher.field(key).ok_or_else(|| no_such(publisher, "key", key))?;
    if is_system(&field.title) {
        return Err(system(publisher, key));
    }
    let bad = |problem: &str| {
        Withheld::with_detail(Reason::BadValue, format!("{} {problem}", named(publisher, field)))
    };
    let value = value.ok_or_else(|| bad("cannot hold such a value"))?;
    check(&value, field).map_err(|problem| bad(&problem))?;
    Ok(spelled(value, field))
}

fn only_one(schema: &Schema, folded: &str, title: &str) -> Result<(), Withheld> {
    if schema.titled(folded).count() == 1 {
        return Ok(());
    }
    Err(Withheld::with_detail(
        Reason::TitleNotUnique,
        format!("{} has several fields with the title {title:?}", schema.account),
    ))
}

fn no_such(schema: &Schema, what: &str, name: &str) -> Withheld {
    Withheld::with_detail(
        Reason::NoSuchField,
        format!("{} has no field with the {what} {name:?}", schema.account),
    )
}

fn system(schema: &Schema, name: &str) -> Withheld {
    Withheld::with_detail(
        Reason::SystemField,
        format!("{name:?} of {} is a system field", schema.account),
    )
}

fn named(schema: &Schema, field: &SchemaField) -> String {
    format!("{}'s field {:?}", schema.account, field.title)
}

#[cfg(test)]
mod tests {
    use contracts::fields::{FieldType, TicketField};
    use contracts::sync::AccountFact;
    use serde_json::json;

    use super::super::scene::{account, field, options};
    use super::*;

    fn text(text: &str) -> FieldValue {
        FieldValue::Text(text.to_owned())
    }

    /// What a value of acme's field `f` becomes in globex: key and value.
    fn across(
        from: AccountFact,
        to: AccountFact,
        value: &FieldValue,
    ) -> Result<(String, FieldValue), Reason> {
        let (from, to) = (Schema::new(from), Schema::new(to));
        let pair = Pair::find(Some(&from), "f", Some(&to)).map_err(|withheld| withheld.reason)?;
        pair.is_shown().map_err(|withheld| withheld.reason)?;
        let image = pair.image(value).map_err(|withheld| withheld.reason)?;
        Ok((pair.key().unwrap_or(pair.title()).to_owned(), image))
    }

    fn acme(fields: Vec<TicketField>) -> AccountFact {
        account("acme", fields)
    }

    fn globex(fields: Vec<TicketField>) -> AccountFact {
        account("globex", fields)
    }

    fn open(fact: AccountFact) -> AccountFact {
        AccountFact { open_fields: true, ..fact }
    }

    #[test]
    fn r_90_fields_belong_together_by_title_and_go_by_the_receivers_key() {
        let (from, to) = (
            acme(vec![field("f", "Order", FieldType::Text)]),
            globex(vec![field("g", "Order", FieldType::Text)]),
        );
        assert_eq!(across(from.clone(), to, &text("7")), Ok(("g".into(), text("7"))));
        assert_eq!(
            across(from, globex(vec![field("f", "Other", FieldType::Text)]), &text("7")),
            Err(Reason::NoSuchField)
        );
    }

    #[test]
    fn r_91_the_title_is_compared_without_regard_to_case() {
        let to = globex(vec![field("g", " STRASSE ", FieldType::Text)]);
        assert_eq!(
            across(acme(vec![field("f", "Straße", FieldType::Text)]), to, &text("7")),
            Ok(("g".into(), text("7")))
        );
    }

    #[test]
    fn r_22_an_account_that_has_told_no_fields_has_none() {
        let from = Schema::new(acme(vec![field("f", "Order", FieldType::Text)]));
        assert_eq!(Pair::find(Some(&from), "f", None).unwrap_err().reason, Reason::NoSuchField);
        assert_eq!(Pair::find(None, "f", Some(&from)).unwrap_err().reason, Reason::NoSuchField);
    }

    #[test]
    fn r_90_two_fields_of_one_title_are_no_counterpart() {
        let one = || vec![field("f", "Order", FieldType::Text)];
        let two =
            || vec![field("f", "Order", FieldType::Text), field("g", "ORDER", FieldType::Text)];
        assert_eq!(across(acme(one()), globex(two()), &text("7")), Err(Reason::TitleNotUnique));
        assert_eq!(across(acme(two()), globex(one()), &text("7")), Err(Reason::TitleNotUnique));
    }

    #[test]
    fn r_92_a_drop_down_and_a_text_field_both_carry_a_string() {
        let drop_down = TicketField {
            options: options(&[("Red", "red")]),
            ..field("f", "Colour", FieldType::Tagger)
        };
        let plain = field("f", "Colour", FieldType::Text);
        assert_eq!(
            across(acme(vec![drop_down.clone()]), globex(vec![plain.clone()]), &text("red")),
            Ok(("f".into(), text("red")))
        );
        assert_eq!(
            across(acme(vec![plain.clone()]), globex(vec![drop_down.clone()]), &text("red")),
            Ok(("f".into(), text("red")))
        );
        assert_eq!(
            across(acme(vec![plain]), globex(vec![drop_down]), &text("blue")),
            Err(Reason::BadValue)
        );
    }

    #[test]
    fn r_93_system_fields_do_not_cross() {
        let (plain, system) =
            (field("f", "Order", FieldType::Text), field("f", "Priority", FieldType::Text));
        assert_eq!(
            across(acme(vec![system.clone()]), globex(vec![system]), &text("7")),
            Err(Reason::SystemField)
        );
        assert_eq!(
            across(
                acme(vec![plain]),
                globex(vec![field("group", "Order", FieldType::Text)]),
                &text("7")
            ),
            Err(Reason::SystemField)
        );
        let known = Schema::new(acme(vec![field("status", "Order", FieldType::Text)]));
        assert_eq!(
            own(Some(&known), "status", &json!("7")).unwrap_err().reason,
            Reason::SystemField
        );
    }

    #[test]
    fn r_94_types_that_do_not_fit_transfer_nothing() {
        let (from, to) = (
            acme(vec![field("f", "Order", FieldType::Checkbox)]),
            globex(vec![field("g", "Order", FieldType::Text)]),
        );
        assert_eq!(across(from, to, &FieldValue::Flag(true)), Err(Reason::TypeMismatch));
    }

    #[test]
    fn r_90_r_95_titles_and_tags_that_look_alike_are_alike() {
        let of = |title: &str, tags: &[&str]| TicketField {
            options: tags.iter().flat_map(|tag| options(&[(tag, tag)])).collect(),
            ..field("f", title, FieldType::Multiselect)
        };
        let tags =
            |tags: &[&str]| FieldValue::Options(tags.iter().map(ToString::to_string).collect());
        let from = acme(vec![of("Ma\u{308}ngel\u{a0}Art", &["Gro\u{308}\u{df}e", "other"])]);
        let to = globex(vec![of("MÄNGEL  ART", &["GRÖSSE", "Other"])]);
        let crossed = across(from.clone(), to, &tags(&["Gro\u{308}\u{df}e", "other"]));
        assert_eq!(
            crossed,
            Ok(("f".into(), tags(&["GRÖSSE", "Other"]))),
            "as the partner spells them"
        );
        let known = Schema::new(from);
        let own = own(Some(&known), "f", &json!(["größe", "OTHER"]));
        assert_eq!(
            own,
            Ok(tags(&["Gro\u{308}\u{df}e", "other"])),
            "as the account registered them"
        );
    }

    #[test]
    fn r_95_options_of_one_name_need_one_tag() {
        let colour = |options: &[(&str, &str)]| TicketField {
            options: super::super::scene::options(options),
            ..field("f", "Colour", FieldType::Tagger)
        };
        let from = || acme(vec![colour(&[("Red", "red"), ("Blue", "blue")])]);
        assert_eq!(
            across(
                from(),
                globex(vec![colour(&[("RED", "rot"), ("Blue", "blue")])]),
                &text("blue")
            ),
            Err(Reason::OptionTagsDiffer)
        );
        assert_eq!(
            across(
                from(),
                globex(vec![colour(&[("Blue", "blue"), ("Green", "green")])]),
                &text("blue")
            ),
            Ok(("f".into(), text("blue")))
        );
        assert_eq!(
            across(from(), globex(vec![colour(&[("Blue", "blue")])]), &text("red")),
            Err(Reason::BadValue)
        );
    }

    #[test]
    fn one_option_that_the_partner_lacks_withholds_the_whole_list() {
        let colours = |options: &[(&str, &str)]| TicketField {
            options: super::super::scene::options(options),
            ..field("f", "Colours", FieldType::Multiselect)
        };
        let both = FieldValue::Options(["red".to_owned(), "blue".to_owned()].into());
        let (from, to) = (
            acme(vec![colours(&[("Red", "red"), ("Blue", "blue")])]),
            globex(vec![colours(&[("Red", "red")])]),
        );
        assert_eq!(across(from.clone(), to.clone(), &both), Err(Reason::BadValue));
        let red = FieldValue::Options(["red".to_owned()].into());
        assert_eq!(across(from, to, &red), Ok(("f".into(), red)));
    }

    #[test]
    fn r_98_the_field_has_to_be_on_the_receivers_default_form() {
        let fields = || vec![field("f", "Order", FieldType::Text)];
        let with_form = |fact: AccountFact, form: &[&str]| AccountFact {
            default_form: Some(form.iter().map(ToString::to_string).collect()),
            ..fact
        };
        let crossed = |to| across(with_form(acme(fields()), &[]), to, &text("7"));
        assert_eq!(crossed(with_form(globex(fields()), &["g"])), Err(Reason::NotOnDefaultForm));
        assert!(crossed(with_form(globex(fields()), &["f"])).is_ok());
        assert!(
            crossed(globex(fields())).is_ok(),
            "an account that named no form shows all its fields"
        );
    }

    #[test]
    fn an_open_account_takes_any_title_and_the_partners_type() {
        let number = || vec![field("f", "Order No", FieldType::Integer)];
        assert_eq!(
            across(acme(number()), open(globex(vec![])), &FieldValue::Integer(7)),
            Ok(("Order No".into(), FieldValue::Integer(7)))
        );
        let (from, to) = (Schema::new(open(acme(vec![]))), Schema::new(globex(number())));
        let pair = Pair::find(Some(&from), "order no", Some(&to)).unwrap();
        assert_eq!(pair.key(), Some("f"));
        for value in [FieldValue::Integer(7), text("7")] {
            assert_eq!(pair.image(&value).unwrap(), FieldValue::Integer(7));
        }
        assert_eq!(pair.image(&text("seven")).unwrap_err().reason, Reason::BadValue);
        assert_eq!(pair.image(&FieldValue::Flag(true)).unwrap_err().reason, Reason::BadValue);
        assert_eq!(pair.image(&FieldValue::Cleared), Ok(FieldValue::Cleared));
        assert_eq!(
            Pair::find(Some(&from), "Subject", Some(&to)).unwrap_err().reason,
            Reason::SystemField
        );
    }

    #[test]
    fn numbers_cross_between_types_where_nothing_is_lost() {
        let of = |field_type| vec![field("f", "Count", field_type)];
        let crossed = |from, to, value: FieldValue| {
            across(acme(of(from)), globex(of(to)), &value).map(|(_, value)| value)
        };
        assert_eq!(
            crossed(FieldType::Integer, FieldType::Decimal, FieldValue::Integer(5)),
            Ok(text("5"))
        );
        assert_eq!(
            crossed(FieldType::Decimal, FieldType::Integer, text("5.0")),
            Ok(FieldValue::Integer(5))
        );
        assert_eq!(
            crossed(FieldType::Decimal, FieldType::Integer, text("5.5")),
            Err(Reason::BadValue)
        );
        assert_eq!(
            crossed(FieldType::Text, FieldType::Date, text("tomorrow")),
            Err(Reason::BadValue)
        );
    }

    #[test]
    fn a_bad_value_says_whose_schema_was_missed() {
        let known = Schema::new(acme(vec![field("f", "Count", FieldType::Integer)]));
        let refused = own(Some(&known), "f", &json!("x")).unwrap_err();
        assert_eq!(refused.reason, Reason::BadValue);
        assert!(refused.detail.unwrap().starts_with("acme's field \"Count\""));
        assert_eq!(own(Some(&known), "g", &json!("x")).unwrap_err().reason, Reason::NoSuchField);
        assert_eq!(own(Some(&known), "f", &json!({ "clear": true })), Ok(FieldValue::Cleared));
    }
}
