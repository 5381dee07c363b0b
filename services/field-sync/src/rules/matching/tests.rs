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
    let two = || vec![field("f", "Order", FieldType::Text), field("g", "ORDER", FieldType::Text)];
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
    assert_eq!(own(Some(&known), "status", &json!("7")).unwrap_err().reason, Reason::SystemField);
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
    let tags = |tags: &[&str]| FieldValue::Options(tags.iter().map(ToString::to_string).collect());
    let from = acme(vec![of("Ma\u{308}ngel\u{a0}Art", &["Gro\u{308}\u{df}e", "other"])]);
    let to = globex(vec![of("MÄNGEL  ART", &["GRÖSSE", "Other"])]);
    let crossed = across(from.clone(), to, &tags(&["Gro\u{308}\u{df}e", "other"]));
    assert_eq!(crossed, Ok(("f".into(), tags(&["GRÖSSE", "Other"]))), "as the partner spells them");
    let known = Schema::new(from);
    let own = own(Some(&known), "f", &json!(["größe", "OTHER"]));
    assert_eq!(own, Ok(tags(&["Gro\u{308}\u{df}e", "other"])), "as the account registered them");
}

#[test]
fn r_95_options_of_one_name_need_one_tag() {
    let colour = |options: &[(&str, &str)]| TicketField {
        options: super::super::scene::options(options),
        ..field("f", "Colour", FieldType::Tagger)
    };
    let from = || acme(vec![colour(&[("Red", "red"), ("Blue", "blue")])]);
    assert_eq!(
        across(from(), globex(vec![colour(&[("RED", "rot"), ("Blue", "blue")])]), &text("blue")),
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
    assert_eq!(crossed(FieldType::Decimal, FieldType::Integer, text("5.5")), Err(Reason::BadValue));
    assert_eq!(crossed(FieldType::Text, FieldType::Date, text("tomorrow")), Err(Reason::BadValue));
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
