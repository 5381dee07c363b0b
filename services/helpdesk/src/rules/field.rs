//! Values of custom fields as people type them.

use contracts::fields::{FieldType, TicketField};
use serde_json::{Value, json};

use super::condition::text_of;

/// Types that can be made on the page.
pub const TYPES: [FieldType; 8] = [
    FieldType::Text,
    FieldType::Textarea,
    FieldType::Tagger,
    FieldType::Multiselect,
    FieldType::Checkbox,
    FieldType::Date,
    FieldType::Integer,
    FieldType::Decimal,
];

/// Reads what was typed; `{ "clear": true }` for nothing.
///
/// # Errors
/// The key of the text that says what the field takes.
pub fn read(field: &TicketField, typed: &[String]) -> Result<Value, &'static str> {
    let first = typed.first().map(|text| text.trim()).unwrap_or_default();
    if field.field_type == FieldType::Checkbox {
        return Ok(Value::Bool(!first.is_empty()));
    }
    if typed.iter().all(|text| text.trim().is_empty()) {
        return Ok(cleared());
    }
    let is_option = |tag: &str| field.options.iter().any(|option| option.tag == tag);
    match field.field_type {
        FieldType::Integer => {
            first.parse::<i64>().map(Value::from).map_err(|_| "field.error.integer")
        }
        FieldType::Decimal => {
            let number = first.replace(',', ".");
            let is_number = number.parse::<f64>().is_ok_and(f64::is_finite);
            if is_number { Ok(Value::from(number)) } else { Err("field.error.decimal") }
        }
        FieldType::Date => {
            let day = chrono::NaiveDate::parse_from_str(first, "%Y-%m-%d");
            day.map(|day| Value::from(day.to_string())).map_err(|_| "field.error.date")
        }
        FieldType::Tagger if is_option(first) => Ok(Value::from(first)),
        FieldType::Multiselect => {
            let tags: Vec<&str> =
                typed.iter().map(|tag| tag.trim()).filter(|tag| !tag.is_empty()).collect();
            if tags.iter().all(|tag| is_option(tag)) {
                Ok(json!(tags))
            } else {
                Err("field.error.option")
            }
        }
        FieldType::Tagger => Err("field.error.option"),
        _ => Ok(Value::from(first)),
    }
}

/// No value.
#[must_use]
pub fn cleared() -> Value {
    json!({ "clear": true })
}

/// Whether two values are the same to whoever reads them.
#[must_use]
pub fn same(one: Option<&Value>, other: Option<&Value>) -> bool {
    let text = |value: Option<&Value>| value.map(text_of).unwrap_or_default();
    let off = |text: String| if text == "false" { String::new() } else { text };
    off(text(one)) == off(text(other))
}

/// What a reader sees: options by their names.
#[must_use]
pub fn shown(field: &TicketField, value: &Value) -> String {
    let name = |tag: &str| {
        let option = field.options.iter().find(|option| option.tag == tag);
        option.map_or_else(|| tag.to_owned(), |option| option.name.clone())
    };
    match value {
        Value::String(tag) if field.field_type == FieldType::Tagger => name(tag),
        Value::Array(tags) => {
            tags.iter().filter_map(Value::as_str).map(name).collect::<Vec<_>>().join(", ")
        }
        other => text_of(other),
    }
}

/// A key for a field of this title, that no other has.
#[must_use]
pub fn key_of(title: &str, taken: &[String]) -> String {
    let mut key = String::new();
    for letter in title.chars().flat_map(char::to_lowercase) {
        if letter.is_ascii_alphanumeric() {
            key.push(letter);
        } else if !key.is_empty() && !key.ends_with('_') {
            key.push('_');
        }
    }
    let key = key.trim_end_matches('_');
    let key = if key.is_empty() { "field" } else { key };
    let numbered = (2..).map(|number| format!("{key}_{number}"));
    std::iter::once(key.to_owned())
        .chain(numbered)
        .find(|key| !taken.contains(key))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use contracts::fields::FieldOption;
    use proptest::prelude::*;

    use super::*;

    fn field(field_type: FieldType) -> TicketField {
        let option = |name: &str, tag: &str| FieldOption { name: name.into(), tag: tag.into() };
        TicketField {
            key: "model".into(),
            title: "Model".into(),
            field_type,
            options: vec![option("LX-40", "lx_40"), option("LX-60", "lx_60")],
            pattern: None,
            pattern_checked: true,
        }
    }

    #[test]
    fn what_is_typed_becomes_a_value_of_the_fields_type() {
        for (of, typed, value) in [
            (FieldType::Text, "B3 ", json!("B3")),
            (FieldType::Text, " ", cleared()),
            (FieldType::Integer, "38211", json!(38211)),
            (FieldType::Decimal, "2,5", json!("2.5")),
            (FieldType::Date, "2026-12-01", json!("2026-12-01")),
            (FieldType::Tagger, "lx_40", json!("lx_40")),
            (FieldType::Multiselect, "lx_60", json!(["lx_60"])),
            (FieldType::Checkbox, "on", json!(true)),
            (FieldType::Checkbox, "", json!(false)),
        ] {
            assert_eq!(read(&field(of), &[typed.to_owned()]), Ok(value), "{of:?} {typed:?}");
        }
    }

    #[test]
    fn what_no_field_of_the_type_holds_is_named() {
        for (of, typed, error) in [
            (FieldType::Integer, "12a", "field.error.integer"),
            (FieldType::Decimal, "inf", "field.error.decimal"),
            (FieldType::Date, "1.12.2026", "field.error.date"),
            (FieldType::Tagger, "lx_99", "field.error.option"),
            (FieldType::Multiselect, "lx_99", "field.error.option"),
        ] {
            assert_eq!(read(&field(of), &[typed.to_owned()]), Err(error), "{of:?}");
        }
    }

    #[test]
    fn options_are_shown_by_their_names() {
        assert_eq!(shown(&field(FieldType::Tagger), &json!("lx_40")), "LX-40");
        assert_eq!(shown(&field(FieldType::Multiselect), &json!(["lx_60", "x"])), "LX-60, x");
        assert_eq!(shown(&field(FieldType::Text), &cleared()), "");
    }

    #[test]
    fn a_key_follows_from_the_title_and_is_the_fields_own() {
        assert_eq!(key_of("Meter model (new)", &[]), "meter_model_new");
        assert_eq!(key_of("Meter", &["meter".into(), "meter_2".into()]), "meter_3");
        assert_eq!(key_of("ß?", &[]), "field");
    }

    proptest! {
        #[test]
        fn a_value_that_was_read_is_read_again(typed in "[a-z0-9., -]{0,12}") {
            for of in TYPES {
                let field = field(of);
                if let Ok(value) = read(&field, std::slice::from_ref(&typed)) {
                    let again = match &value {
                        Value::Bool(on) => if *on { "on".to_owned() } else { String::new() },
                        other => text_of(other),
                    };
                    let read = read(&field, &[again]);
                    prop_assert!(same(read.as_ref().ok(), Some(&value)), "{:?} {}", read, value);
                }
            }
        }
    }
}
