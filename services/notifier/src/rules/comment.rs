//! A comment as a mail shows it: its text, of many lines, and the link to its ticket. Both
//! come from outside.

use mail::is_unfit;
use url::Url;

/// The longest text of a comment that a mail has, in characters.
pub const LONGEST: usize = 10_000;

/// The text of a comment, fit for a mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Readable {
    /// The text; it ends with an ellipsis where it was cut.
    pub text: String,
    /// Whether it is all that was written.
    pub whole: bool,
}

/// Takes everything out of a comment that acts instead of being read: control characters and marks
/// that turn the direction of writing. Line breaks of every kind become one kind, tabs stay. What
/// is beyond [`LONGEST`] characters is cut.
///
/// A text that was made readable stays as it is, so that what is stored is what is sent.
#[must_use]
pub fn readable(body: &str) -> Readable {
    let fit = |letter| match letter {
        '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => '\n',
        '\n' | '\t' => letter,
        unfit if is_unfit(unfit) => ' ',
        _ => letter,
    };
    let text: String = body.replace("\r\n", "\n").chars().map(fit).collect();
    let text = text.trim();
    match text.char_indices().nth(LONGEST) {
        // Cut to this very length, a text that was cut before is known as such.
        Some((end, _)) => Readable { text: format!("{}…", &text[..end]), whole: false },
        None => Readable { text: text.to_owned(), whole: true },
    }
}

/// The lines of a text, in paragraphs: an empty line divides them.
#[must_use]
pub fn paragraphs(text: &str) -> Vec<Vec<String>> {
    let lines: Vec<&str> = text.lines().collect();
    let blocks = lines.split(|line| line.trim().is_empty()).filter(|block| !block.is_empty());
    blocks.map(|block| block.iter().map(ToString::to_string).collect()).collect()
}

/// The link as a mail may show it: `https://`, to a host, without a user in front of it, which
/// would look like the host.
///
/// It is written anew from its parts and is then one word of ASCII, whatever it was before.
#[must_use]
pub fn shown_link(link: &str) -> Option<String> {
    let url = link.starts_with("https://").then(|| Url::parse(link).ok()).flatten()?;
    (url.username().is_empty() && url.password().is_none()).then(|| url.into())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(body: &str) -> String {
        readable(body).text
    }

    #[test]
    fn r_25_a_comment_keeps_its_lines_and_tabs() {
        let body = "It works:\n\n\tping  ok\n  <b>fine</b> & \"well\"";
        assert_eq!(readable(body), Readable { text: body.to_owned(), whole: true });
        assert_eq!(
            text("a\r\nb\rc\u{2028}d\u{2029}e\u{85}f\u{b}g\u{c}h"),
            "a\nb\nc\nd\ne\nf\ng\nh"
        );
        assert_eq!(text("\r\n\r\n a \n\n"), "a");
    }

    #[test]
    fn r_25_what_acts_in_a_comment_instead_of_being_read_is_taken_out() {
        assert_eq!(text("red\u{1b}[31m\0 \u{7}bell\u{8}"), "red [31m   bell");
        assert_eq!(
            text("gpj\u{202e}exe \u{2066}x\u{2069} \u{200f}y\u{61c}z\u{feff}"),
            "gpj exe  x   y z"
        );
        assert_eq!(text("Müller, 株式会社, مرحبا, 👩‍🔧"), "Müller, 株式会社, مرحبا, 👩‍🔧");
    }

    #[test]
    fn r_25_a_long_comment_is_cut_and_says_so() {
        let fits = "ä".repeat(LONGEST);
        assert_eq!(readable(&fits), Readable { text: fits.clone(), whole: true });
        let cut = readable(&format!("{fits}ö"));
        assert_eq!(cut, Readable { text: format!("{fits}…"), whole: false });
        assert_eq!(readable(&cut.text), cut);
        assert!(readable(&format!("{fits}\r\n \u{2028}")).whole, "nothing but blanks is missing");
    }

    #[test]
    fn an_empty_line_divides_paragraphs() {
        assert_eq!(paragraphs("a\n b\n\n \t\nc"), [vec!["a", " b"], vec!["c"]]);
        assert_eq!(paragraphs(""), Vec::<Vec<String>>::new());
    }

    #[test]
    fn only_a_link_to_a_host_by_https_is_shown() {
        for link in ["https://desk.acme.example/tickets/4711?tab=1#c", "https://[::1]:8443/4711"] {
            assert_eq!(shown_link(link).as_deref(), Some(link));
        }
        for link in [
            "",
            "http://desk.acme.example/4711",
            "javascript:alert(4711)",
            "data:text/html,4711",
            "//desk.acme.example/4711",
            "desk.acme.example/4711",
            "https:desk.acme.example/4711",
            "https:///",
            "https://desk.acme.example@elsewhere.example/4711",
            "https://:x@elsewhere.example/4711",
        ] {
            assert_eq!(shown_link(link), None, "{link}");
        }
    }

    #[test]
    fn a_link_is_one_word() {
        let hostile = "https://desk.acme.example/4711\r\nBcc: \u{202e}\"><script>";
        let shown = shown_link(hostile).unwrap();
        assert_eq!(shown, "https://desk.acme.example/4711Bcc:%20%E2%80%AE%22%3E%3Cscript%3E");
    }

    /// What comments are made of: anything, and what is taken out of them.
    fn body() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            4 => any::<char>(),
            2 => prop::sample::select(vec!['\r', '\n', '\t', ' ', '\0', '\u{1b}', '\u{85}',
                '\u{200e}', '\u{2028}', '\u{202e}']),
        ];
        let pieces = prop::collection::vec(piece, 0..200)
            .prop_map(|letters| letters.into_iter().collect::<String>());
        (pieces, prop::sample::select(vec![1usize, 2, 60, 120]))
            .prop_map(|(text, times)| text.repeat(times))
    }

    proptest! {
        #[test]
        fn r_25_a_readable_text_is_fit_for_a_mail_and_stays_as_it_is(body in body()) {
            let Readable { text, whole } = readable(&body);
            prop_assert!(
                !text.chars().any(|letter| !matches!(letter, '\n' | '\t') && is_unfit(letter)),
                "{text:?}"
            );
            prop_assert_eq!(text.trim(), text.as_str());
            let length = text.chars().count();
            prop_assert!(
                if whole {
                    length <= LONGEST
                } else {
                    length == LONGEST + 1 && text.ends_with('…')
                },
                "{length}"
            );
            prop_assert_eq!(readable(&text), Readable { text: text.clone(), whole });
        }

        #[test]
        fn r_25_letters_and_their_order_are_kept(body in body()) {
            let Readable { text, whole } = readable(&body);
            let kept = |text: &str| -> String {
                text.chars()
                    .filter(|letter| !letter.is_whitespace() && !is_unfit(*letter))
                    .collect()
            };
            let (text, body) = (kept(&text), kept(&body));
            if whole {
                prop_assert_eq!(text, body);
            } else {
                prop_assert!(body.starts_with(text.trim_end_matches('…')));
            }
        }

        #[test]
        fn no_line_is_lost_between_paragraphs(body in body()) {
            let text = readable(&body).text;
            let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
            let paragraphs = paragraphs(&text);
            prop_assert!(paragraphs.iter().all(|lines| !lines.is_empty()));
            prop_assert_eq!(paragraphs.concat(), lines);
        }

        #[test]
        fn whatever_is_shown_as_a_link_is_one(rest in any::<String>()) {
            if let Some(link) = shown_link(&format!("https://{rest}")) {
                prop_assert!(link.starts_with("https://"));
                prop_assert!(
                    link.chars()
                        .all(|letter| letter.is_ascii_graphic() && !matches!(letter, '<' | '>')),
                    "{link}"
                );
                prop_assert_eq!(shown_link(&link), Some(link));
            }
        }
    }
}
