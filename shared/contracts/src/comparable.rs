//! The form in which names that people type are equal: titles of fields, tags, tags of options.

use unicode_casefold::UnicodeCaseFold;
use unicode_normalization::UnicodeNormalization;

/// A name as it is compared: whether its letters are composed or not (Unicode TR15), without
/// regard to case, and with its blanks, whichever they are, as one space each and none around. What
/// takes no room is nothing. Names are shown as they were sent.
#[must_use]
pub fn comparable(name: &str) -> String {
    // Most names are: a schema has thousands.
    if name.is_ascii() {
        return one_blank(&name.to_ascii_lowercase());
    }
    // Before letters are put in order: a mark that one of these keeps apart belongs to its letter.
    let visible = name.chars().filter(|letter| !takes_no_room(*letter));
    one_blank(&visible.nfd().case_fold().nfc().collect::<String>())
}

/// Words with a space between them.
fn one_blank(text: &str) -> String {
    let mut words = text.split_whitespace();
    let mut joined = String::with_capacity(text.len());
    joined.push_str(words.next().unwrap_or_default());
    for word in words {
        joined.push(' ');
        joined.push_str(word);
    }
    joined
}

/// Zero-width and soft characters: a name with one looks like a name without. Selectors of how an
/// emoji is drawn are among them.
fn takes_no_room(letter: char) -> bool {
    matches!(letter,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{2066}'..='\u{206f}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn r_91_names_that_look_alike_are_alike() {
        for (one, other) in [
            ("Order No", " order NO "),
            ("STRASSE", "Straße"),
            ("ÉTAT", "e\u{301}tat"),
            ("ΣΟΦΟΣ", "σοφος"),
            ("Größe", "Gro\u{308}ße"),
            ("Order\u{a0}No", "Order No"),
            ("Order  \t No", "Order No"),
            ("Order\u{200b}No", "OrderNo"),
            ("\u{feff}Order", "Order"),
            ("Or\u{ad}der", "Order"),
            ("각", "\u{1100}\u{1161}\u{11a8}"),
            ("Å", "\u{212b}"),
            ("❤\u{fe0f}", "❤"),
            ("\u{345}\u{591}", "\u{591}\u{345}"),
        ] {
            assert_eq!(comparable(one), comparable(other), "{one:?} {other:?}");
        }
        for (one, other) in [
            ("Order No", "OrderNo"),
            ("resume", "résumé"),
            ("x²", "x2"),
            ("a b", "a-b"),
            ("I", "l"),
        ] {
            assert_ne!(comparable(one), comparable(other), "{one:?} {other:?}");
        }
    }

    /// Letters with marks, of several scripts, with blanks and what takes no room between them.
    fn a_name() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            any::<char>().prop_map(String::from),
            prop::sample::select(vec![
                "e\u{301}",
                "é",
                "ß",
                "ẞ",
                "İ",
                "ı",
                "ŉ",
                "ǰ",
                "ΐ",
                "ﬃ",
                "Ω",
                "\u{2126}",
                "각",
                "\u{345}",
                "\u{3b1}\u{345}",
                " ",
                "\u{a0}",
                "\u{200b}",
                "\u{3000}",
                "\u{fe0f}",
                "a",
                "A",
            ])
            .prop_map(str::to_owned),
        ];
        prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            cases: 2_000,
            failure_persistence: None,
            ..ProptestConfig::default()
        })]

        #[test]
        fn the_form_is_its_own_and_every_spelling_has_it(
            name in a_name(),
            at: prop::sample::Index,
        ) {
            let form = comparable(&name);
            prop_assert_eq!(&comparable(&form), &form);
            // The short way for ASCII is no other way.
            let long: String = form.chars().chain(['\u{200b}']).collect();
            prop_assert_eq!(&comparable(&long), &form);
            let composed: String = name.nfc().collect();
            let decomposed: String = name.nfd().collect();
            // A mark that folds to a letter is put in order before (Unicode 3.13, D145), and what
            // takes no room keeps marks apart.
            let visible = name.chars().filter(|letter| !takes_no_room(*letter));
            let folded: String = visible.nfd().case_fold().collect();
            for other in [composed, decomposed, folded, format!("\u{a0}{name} ")] {
                prop_assert_eq!(&comparable(&other), &form, "{:?}", other);
            }
            let places: Vec<usize> = name.char_indices().map(|(place, _)| place).collect();
            if let Some(place) = (!places.is_empty()).then(|| places[at.index(places.len())]) {
                let (before, after) = name.split_at(place);
                let with = format!("{before}\u{200b}{after}");
                prop_assert_eq!(&comparable(&with), &form, "{:?}", with);
            }
        }
    }
}
