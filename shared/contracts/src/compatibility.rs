//! Which types of custom field fit each other, and how a value passes from one to the other.

use crate::fields::FieldType::{
    self, Date, Decimal, Integer, Lookup, PartialCreditCard, Regexp, Tagger, Text, Textarea,
};

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

/// From any of these, to any of those, how. The same type always fits itself; what is not here does
/// not fit.
#[rustfmt::skip]
pub const TABLE: &[(&[FieldType], &[FieldType], Passing)] = &[
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
    TABLE
        .iter()
        .find(|(froms, tos, _)| froms.contains(&from) && tos.contains(&to))
        .map(|(_, _, how)| *how)
}

impl Passing {
    /// Every way there is.
    pub const ALL: [Self; 3] = [Self::AsIs, Self::Written, Self::Read];

    /// The way's name for programs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::AsIs => "as_is",
            Self::Written => "written",
            Self::Read => "read",
        }
    }

    /// What becomes of a value, for people. The receiving field then checks the outcome.
    #[must_use]
    pub fn sentence(self) -> &'static str {
        match self {
            Self::AsIs => "The value crosses as it is.",
            Self::Written => "The whole number crosses as text: `5` as `\"5\"`.",
            Self::Read => {
                "Text crosses as the whole number that it is, in its one spelling, with a fraction \
                 of zeros at most: `\"-5\"` and \
                 `\"5.00\"` do; `\"05\"`, `\"+5\"`, `\"-0\"`, `\"5.5\"` and blanks do not, which \
                 is `bad_value`."
            }
        }
    }
}

impl FieldType {
    /// What a field of this type takes, whoever the value comes from. Every field can be cleared;
    /// anything else is `bad_value`.
    #[must_use]
    pub fn takes(self) -> &'static str {
        match self {
            Self::Text | Self::Textarea => "Any text.",
            Self::Regexp => {
                "Text that matches the field's pattern as a whole; none when the pattern cannot be \
                 read."
            }
            Self::Lookup => "The key of the other object, as text.",
            Self::PartialCreditCard => {
                "One to four last digits of a card number, as text; a mask of `X`, `x`, `*`, `•`, \
                 `-` and blanks may stand before them."
            }
            Self::Decimal => {
                "A decimal number, as text: digits, with `-` and with a fraction after `.` where \
                 there is one."
            }
            Self::Tagger => "The tag of one of the field's options, as text.",
            Self::Multiselect => {
                "A list of tags of the field's options. One that the field lacks withholds the \
                 whole list; their order means nothing."
            }
            Self::Checkbox => "`true` or `false`.",
            Self::Date => "A day that exists, as `\"YYYY-MM-DD\"`.",
            Self::Integer => "A JSON integer of at most 64 bits, with sign.",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fields::FieldType::{Checkbox, Multiselect};

    #[test]
    fn r_92_the_same_type_fits_and_fitting_goes_both_ways() {
        for one in FieldType::ALL {
            assert_eq!(passing(one, one), Some(Passing::AsIs));
            for other in FieldType::ALL {
                assert_eq!(
                    passing(one, other).is_some(),
                    passing(other, one).is_some(),
                    "{one:?} {other:?}"
                );
            }
        }
        assert_eq!(passing(Tagger, Text), Some(Passing::AsIs), "both carry a string");
    }

    #[test]
    fn r_94_yes_or_no_and_lists_fit_only_themselves() {
        for one in [Checkbox, Multiselect] {
            assert!(
                FieldType::ALL.iter().all(|other| *other == one || passing(one, *other).is_none()),
                "{one:?}"
            );
        }
        assert_eq!(passing(Date, Integer), None);
    }

    #[test]
    fn no_pair_has_two_ways() {
        for from in FieldType::ALL {
            for to in FieldType::ALL {
                let rows = TABLE
                    .iter()
                    .filter(|(froms, tos, _)| froms.contains(&from) && tos.contains(&to))
                    .count();
                assert!(rows <= 1, "{from:?} {to:?}");
            }
        }
    }
}
