//! Words from outside as one line.

/// The longest line taken from outside, in characters.
const LONGEST: usize = 200;

/// A text without line breaks, control characters and marks that turn the direction of writing, cut
/// where it is too long.
///
/// A name with a line break in it could pretend to be a line of the mail.
#[must_use]
pub fn one_line(text: &str) -> String {
    let spaced: String =
        text.chars().map(|letter| if is_unfit(letter) { ' ' } else { letter }).collect();
    let line = spaced.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// Whether a letter acts on the text around it instead of being read.
#[must_use]
pub fn is_unfit(letter: char) -> bool {
    letter.is_control()
        || matches!(letter,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
            | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn no_text_makes_a_line_of_its_own() {
        assert_eq!(
            one_line("Globex\r\nBcc: all@acme.example\u{2028}\u{202e}x\0"),
            "Globex Bcc: all@acme.example x"
        );
        assert_eq!(one_line(&"ä".repeat(300)).chars().count(), LONGEST + 1);
    }

    proptest! {
        #[test]
        fn one_line_is_one_line_and_stays_as_it_is(text in any::<String>()) {
            let line = one_line(&text);
            prop_assert!(!line.chars().any(is_unfit));
            prop_assert_eq!(line.trim(), line.as_str());
            if line.chars().count() <= LONGEST {
                prop_assert_eq!(one_line(&line), line);
            }
        }
    }
}
