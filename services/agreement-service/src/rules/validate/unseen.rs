//! Letters in a name that nobody sees, or that turn the direction of the text around them: with
//! one, a name looks like somebody else's (M5).

use icu_properties::props::{DefaultIgnorableCodePoint, JoinControl, Script, VariationSelector};
use icu_properties::{CodePointMapData, CodePointSetData};

/// The first such letter of a name.
///
/// Joiners and selectors of variants may stand where they have an effect that is seen: in scripts
/// whose letters join, and in emoji.
pub(super) fn unseen(name: &str) -> Option<char> {
    let mut before = None;
    name.chars().find(|letter| {
        let after = before.replace(*letter);
        is_unseen(*letter) && !(joins(*letter) && after.is_some_and(shows_joining))
    })
}

fn is_unseen(letter: char) -> bool {
    CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(letter)
        || matches!(letter, '\u{2028}' | '\u{2029}')
}

fn joins(letter: char) -> bool {
    CodePointSetData::new::<JoinControl>().contains(letter)
        || CodePointSetData::new::<VariationSelector>().contains(letter)
}

fn shows_joining(letter: char) -> bool {
    let script = CodePointMapData::<Script>::new().get(letter);
    ![Script::Latin, Script::Greek, Script::Cyrillic].contains(&script) && !letter.is_whitespace()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn m5_what_is_not_seen_is_found() {
        for (name, found) in [
            ("Globex\u{202e}seliaf", '\u{202e}'),
            ("Glo\u{200b}bex", '\u{200b}'),
            ("Glo\u{ad}bex", '\u{ad}'),
            ("Glo\u{2066}bex\u{2069}", '\u{2066}'),
            ("\u{feff}Globex", '\u{feff}'),
            ("Globex\u{200d}", '\u{200d}'),
            ("Глобекс\u{200c}", '\u{200c}'),
            ("Globex\u{fe0f}", '\u{fe0f}'),
            ("Globex \u{200d}", '\u{200d}'),
            ("\u{3164}", '\u{3164}'),
            ("Globex\u{e0041}", '\u{e0041}'),
            ("Globex\u{2028}Ltd", '\u{2028}'),
        ] {
            assert_eq!(unseen(name), Some(found), "{name:?}");
        }
    }

    #[test]
    fn m5_names_as_people_write_them_stay() {
        for name in [
            "Globex Repairs",
            "Müller & Söhne",
            "株式会社グローベックス",
            "شرکت می\u{200c}خواهم",
            "क्\u{200d}ष Repairs",
            "שירות לקוחות",
            "Field team 👷\u{200d}♀\u{fe0f}",
            "1\u{fe0f}⃣ Support",
        ] {
            assert_eq!(unseen(name), None, "{name:?}");
        }
    }
}
