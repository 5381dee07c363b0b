//! Names that people give: of people, groups, fields, statuses and rules.

/// A name's characters, at most.
pub const LONGEST: usize = 100;

/// Whether a text, without blanks around it, can be a name.
#[must_use]
pub fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().count() <= LONGEST
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_letters_and_not_too_many() {
        let (longest, over) = ("ä".repeat(LONGEST), "ä".repeat(LONGEST + 1));
        assert_eq!(["", "Sam", &longest, &over].map(is_name), [false, true, true, false]);
    }
}
