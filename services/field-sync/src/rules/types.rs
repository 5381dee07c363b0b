//! How a value passes from a field of one type to one of another; which types fit is in
//! `contracts::compatibility`.

use contracts::compatibility::Passing;
use contracts::fields::FieldType::{self, Integer, Text};
use contracts::fields::FieldValue;

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
        (Passing::Written, FieldValue::Integer(number)) => {
            Some(FieldValue::Text(number.to_string()))
        }
        (Passing::Read, FieldValue::Text(text)) => read_integer(text).map(FieldValue::Integer),
        _ => None,
    }
}

/// A whole number in its one spelling, with a fraction of zeros at most: what else a text may mean
/// is not guessed.
fn read_integer(text: &str) -> Option<i64> {
    let whole = match text.split_once('.') {
        Some((whole, fraction))
            if !fraction.is_empty() && fraction.bytes().all(|byte| byte == b'0') =>
        {
            whole
        }
        Some(_) => return None,
        None => text,
    };
    whole.parse().ok().filter(|number: &i64| number.to_string() == whole)
}

#[cfg(test)]
mod tests {
    use super::*;

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
            assert_eq!(
                pass(&text(written), Passing::Read),
                read.map(FieldValue::Integer),
                "{written}"
            );
        }
        assert_eq!(pass(&FieldValue::Cleared, Passing::Read), Some(FieldValue::Cleared));
    }
}
