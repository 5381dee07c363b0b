//! Whether a value fits a field.

use contracts::fields::{FieldType, FieldValue};
use contracts::pattern::Match;
use contracts::time::is_day;

use super::schema::SchemaField;

/// Digits of a card number that may be kept (domain 4.7).
const CARD_DIGITS: usize = 4;

/// Checks a value against its field: type, options, pattern, syntax. Every field may be cleared.
///
/// # Errors
/// What is wrong, as the end of a sentence that begins with whose field it is.
pub fn check(value: &FieldValue, field: &SchemaField) -> Result<(), String> {
    use FieldType as T;
    use FieldValue as V;
    match (field.field_type, value) {
        (T::Text | T::Textarea | T::Lookup, V::Text(_))
        | (T::Checkbox, V::Flag(_))
        | (T::Integer, V::Integer(_))
        | (_, V::Cleared) => Ok(()),
        (T::Regexp, V::Text(text)) => match field.matches_pattern(text) {
            Match::Yes => Ok(()),
            Match::No => Err("takes text that matches its pattern".to_owned()),
            Match::TooLong => Err("takes no text that is too long to be checked".to_owned()),
        },
        (T::PartialCreditCard, V::Text(text)) if is_card_end(text) => Ok(()),
        (T::Decimal, V::Text(text)) if is_decimal(text) => Ok(()),
        (T::Date, V::Text(text)) if is_day(text) => Ok(()),
        (T::Tagger, V::Text(tag)) => has_option(field, tag),
        (T::Multiselect, V::Options(tags)) => {
            tags.iter().try_for_each(|tag| has_option(field, tag))
        }
        (expected, _) => Err(format!("takes {}", form(expected))),
    }
}

fn has_option(field: &SchemaField, tag: &str) -> Result<(), String> {
    field.option(tag).map(drop).ok_or_else(|| format!("has no option with the tag {tag:?}"))
}

/// A value that the field takes, its options' tags as the field's account spells them.
#[must_use]
pub fn spelled(value: FieldValue, field: &SchemaField) -> FieldValue {
    let own = |tag: &String| field.option(tag).unwrap_or(tag).to_owned();
    match (field.field_type, value) {
        (FieldType::Tagger, FieldValue::Text(tag)) => FieldValue::Text(own(&tag)),
        (FieldType::Multiselect, FieldValue::Options(tags)) => {
            FieldValue::Options(tags.iter().map(own).collect())
        }
        (_, value) => value,
    }
}

/// What a type's values look like.
fn form(field_type: FieldType) -> &'static str {
    match field_type {
        FieldType::Text | FieldType::Textarea | FieldType::Regexp | FieldType::Lookup => "text",
        FieldType::PartialCreditCard => "up to four last digits of a card number, as text",
        FieldType::Decimal => "a decimal number, as text",
        FieldType::Tagger => "one option's tag, as text",
        FieldType::Multiselect => "a list of options' tags",
        FieldType::Checkbox => "true or false",
        FieldType::Date => "a date, as YYYY-MM-DD",
        FieldType::Integer => "a whole number",
    }
}

/// At most four digits, which may follow a mask in place of the others.
fn is_card_end(text: &str) -> bool {
    let digits = text.trim_start_matches(['X', 'x', '*', '•', '-', ' ']);
    (1..=CARD_DIGITS).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// Digits, with a sign and a fraction where there is one.
fn is_decimal(text: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    match unsigned.split_once('.') {
        Some((whole, fraction)) => digits(whole) && digits(fraction),
        None => digits(unsigned),
    }
}

#[cfg(test)]
mod tests {
    use super::super::scene::{field, options};
    use super::super::schema::Schema;
    use super::*;
    use contracts::fields::TicketField;
    use serde_json::{Value, json};

    fn fits(field: TicketField, value: &Value) -> bool {
        let key = field.key.clone();
        let schema = Schema::new(super::super::scene::account("acme", vec![field]));
        let value = FieldValue::from_json(value);
        value.is_some_and(|value| check(&value, schema.field(&key).unwrap()).is_ok())
    }

    #[test]
    fn each_type_takes_its_values_and_no_others() {
        use FieldType as T;
        let cases: [(T, &[Value], &[Value]); 9] = [
            (T::Text, &[json!("x")], &[json!(1), json!(true), json!(["x"])]),
            (T::Textarea, &[json!("x\ny")], &[json!(1)]),
            (T::Lookup, &[json!("42")], &[json!(42)]),
            (
                T::Decimal,
                &[json!("1.50"), json!("-3"), json!("0.1")],
                &[json!("1,5"), json!(".5"), json!("1."), json!("1e3"), json!("+1"), json!(1)],
            ),
            (
                T::Integer,
                &[json!(5), json!(-5), json!(i64::MIN)],
                &[json!("5"), json!(5.5), json!(u64::MAX)],
            ),
            (T::Checkbox, &[json!(true), json!(false)], &[json!("true"), json!(1)]),
            (
                T::Date,
                &[json!("2024-02-29"), json!("0001-01-01"), json!("9999-12-31")],
                &[
                    json!("2024-02- 9"),
                    json!(" 024-02-09"),
                    json!("+024-01-01"),
                    json!("-001-01-01"),
                    json!("2024-02-\t9"),
                    json!("2024-\u{a0}2-9"),
                    json!("2024-+2-09"),
                    json!("0000-00-00"),
                    json!("2024-00-09"),
                    json!("2024-02-09 "),
                    json!("2024/02/09"),
                    json!("2023-02-29"),
                    json!("2024-2-9"),
                    json!("29.02.2024"),
                    json!("2024-02-29T00:00:00Z"),
                ],
            ),
            (
                T::PartialCreditCard,
                &[json!("1234"), json!("XXXXXXXXXXXX1234")],
                &[json!("12345"), json!("4111111111111111"), json!("XXXX"), json!(1234)],
            ),
            (T::Regexp, &[json!("anything")], &[json!(1)]),
        ];
        for (field_type, good, bad) in cases {
            for value in good {
                assert!(fits(field("f", "F", field_type), value), "{field_type:?} {value}");
            }
            for value in bad {
                assert!(!fits(field("f", "F", field_type), value), "{field_type:?} {value}");
            }
            for cleared in [json!(""), json!([]), json!({ "clear": true })] {
                assert!(fits(field("f", "F", field_type), &cleared), "{field_type:?} {cleared}");
            }
        }
    }

    #[test]
    fn options_are_taken_by_their_tags() {
        let with_options = |field_type| TicketField {
            options: options(&[("Red", "red"), ("Blue", "blue")]),
            ..field("c", "C", field_type)
        };
        assert!(fits(with_options(FieldType::Tagger), &json!("red")));
        assert!(fits(with_options(FieldType::Tagger), &json!(" Red")));
        assert!(!fits(with_options(FieldType::Tagger), &json!("Reds")));
        assert!(fits(with_options(FieldType::Multiselect), &json!(["blue", "red"])));
        assert!(!fits(with_options(FieldType::Multiselect), &json!(["blue", "green"])));
        assert!(!fits(with_options(FieldType::Multiselect), &json!("blue")));
    }

    #[test]
    fn a_pattern_matches_as_a_whole() {
        let with_pattern = |pattern: &str| TicketField {
            pattern: Some(pattern.into()),
            ..field("p", "P", FieldType::Regexp)
        };
        assert!(fits(with_pattern("[A-Z]{2}[0-9]+|none"), &json!("AB12")));
        assert!(fits(with_pattern("^[0-9]+$"), &json!("12")));
        for bad in ["xAB12", "AB12x", "AB12\n", "nonetheless"] {
            assert!(!fits(with_pattern("[A-Z]{2}[0-9]+|none"), &json!(bad)), "{bad}");
        }
    }

    #[test]
    fn everyday_patterns_take_values() {
        let with_pattern = |pattern: &str| TicketField {
            pattern: Some(pattern.into()),
            ..field("p", "P", FieldType::Regexp)
        };
        for (pattern, good, bad) in [
            (r"\w{1,20}", "Müller", "Müller und Sohn"),
            (r"^.{0,500}$", "anything", "line\nbreak"),
            (r"\p{L}{1,40}", "Žižek", "R2"),
            (r"[\w-]{1,12}", "ab-1", "ab 1"),
        ] {
            assert!(fits(with_pattern(pattern), &json!(good)), "{pattern} {good}");
            assert!(!fits(with_pattern(pattern), &json!(bad)), "{pattern} {bad}");
        }
    }

    #[test]
    fn a_pattern_that_nobody_can_check_here_takes_any_text() {
        for pattern in ["(", "(?=a)b", r"a\Z", r"(a)\1", "((a{900}){900}){900}"] {
            let foreign =
                TicketField { pattern: Some(pattern.into()), ..field("p", "P", FieldType::Regexp) };
            let unchecked = TicketField { pattern_checked: false, ..foreign.clone() };
            for field in [foreign, unchecked] {
                assert!(fits(field.clone(), &json!("x")), "{pattern}");
                assert!(!fits(field, &json!(1)), "{pattern}: text all the same");
            }
        }
        let own = TicketField {
            pattern: Some("[0-9]".into()),
            pattern_checked: false,
            ..field("p", "P", FieldType::Regexp)
        };
        assert!(fits(own, &json!("x")), "the desk checks it");
    }
}
