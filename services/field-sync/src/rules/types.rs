//! Which types of field fit each other, and how a value passes from one to the other.

use contracts::fields::FieldType::{self, Date, Decimal, Integer, Lookup, PartialCreditCard, Regexp, Tagger, Text, Textarea};
use contracts::fields::FieldValue;

/// How a value passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passing {
    /// As it is; the receiving field checks it.
    AsIs,
    /// A whole number as text.
    Written,
    /// Text as a whole number, where it is one exactly.
    Read,
}

/// Types whose values are plain text, each with its own idea of which.
const STRINGS: &[FieldType] = &[Text, Textarea, Regexp, Lookup, PartialCreditCard, Decimal, Tagger];

/// From any of these, to any of those, how. The same type always fits itself; what is not here does not fit.
#[rustfmt::skip]
const TABLE: &[(&[FieldType], &[FieldType], Passing)] = &[
    // from                       to                           how
    (STRINGS,                     STRINGS,                     Passing::AsIs),
    (&[Date],                     &[Text, Textarea],           Passing::AsIs),
    (&[Text, Textarea],           &[Date],                     Passing::AsIs),
    (&[Integer],                  &[Text, Textarea, Decimal],  Passing::Written),
    (&[Text, Textarea, Decimal],  &[Integer],                  Passing::Read),
];

/// How values pass from one type to another; nothing when the types do not fit.
#[must_use]
pub fn passing(from: FieldType, to: FieldType) -> Option<Passing> {
    if from == to {
        return Some(Passing::AsIs);
    }
    TABLE.iter().find(|(froms, tos, _)| froms.contains(&from) && tos.contains(&to)).map(|(_, _, how)| *how)
}

/// The type that a value of an account without types stands for.
#[must_use]
pub fn implied(value: &FieldValue) -> Option<FieldType> {
    match value {
        FieldValue::Cleared => None,
        FieldValue::Text(_) => Some(Text),
        FieldValue::Options(_) => Some(FieldType::Multiselect),
        FieldValue::Flag(_) => Some(FieldType::Checkbox),
        FieldValue::Integer(_) => Some(Integer),
    }
}

/// Passes a value; nothing when it has no exact counterpart.
#[must_use]
pub fn pass(value: &FieldValue, how: Passing) -> Option<FieldValue> {
    match (how, value) {
        (Passing::AsIs, _) | (_, FieldValue::Cleared) => Some(value.clone()),
        (Passing::Written, FieldValue::Integer(number)) => Some(FieldValue::Text(number.to_string())),
        (Passing::Read, FieldValue::Text(text)) => read_integer(text).map(FieldValue::Integer),
        _ => None,
    }
}

/// A whole number in its one spelling, with a fraction of zeros at most: what else a text may mean is not guessed.
fn read_integer(text: &str) -> Option<i64> {
    let whole = match text.split_once('.') {
        Some((whole, fraction)) if !fraction.is_empty() && fraction.bytes().all(|byte| byte == b'0') => whole,
        Some(_) => return None,
        None => text,
    };
    whole.parse().ok().filter(|number: &i64| number.to_string() == whole)
}

#[cfg(test)]
mod tests {
    use super::*;
    use contracts::fields::FieldType::{Checkbox, Multiselect};

    const ALL: [FieldType; 11] =
        [Text, Textarea, Regexp, PartialCreditCard, Lookup, Decimal, Tagger, Multiselect, Checkbox, Date, Integer];

    #[test]
    fn r_92_the_same_type_fits_and_fitting_goes_both_ways() {
        for one in ALL {
            assert_eq!(passing(one, one), Some(Passing::AsIs));
            for other in ALL {
                assert_eq!(passing(one, other).is_some(), passing(other, one).is_some(), "{one:?} {other:?}");
            }
        }
        assert_eq!(passing(Tagger, Text), Some(Passing::AsIs), "both carry a string");
    }

    #[test]
    fn r_94_yes_or_no_and_lists_fit_only_themselves() {
        for one in [Checkbox, Multiselect] {
            assert!(ALL.iter().all(|other| *other == one || passing(one, *other).is_none()), "{one:?}");
        }
        assert_eq!(passing(Date, Integer), None);
    }

    #[test]
    fn numbers_pass_only_where_nothing_is_lost() {
        let text = |text: &str| FieldValue::Text(text.to_owned());
        assert_eq!(pass(&FieldValue::Integer(-5), Passing::Written), Some(text("-5")));
        for (written, read) in [
            ("5", Some(5)),
            ("-5", Some(-5)),
            ("5.00", Some(5)),
            ("05", None),
            ("5.5", None),
            ("5.", None),
            ("+5", None),
            (" 5", None),
            ("-0", None),
        ] {
            assert_eq!(pass(&text(written), Passing::Read), read.map(FieldValue::Integer), "{written}");
        }
        assert_eq!(pass(&FieldValue::Cleared, Passing::Read), Some(FieldValue::Cleared));
    }
}
