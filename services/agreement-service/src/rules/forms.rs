//! Forms that other programs ask of a text: of an e-mail address, of a language's tag.

/// Length of an address (RFC 5321, 4.5.3.1).
const ADDRESS: usize = 254;
/// Length of what stands before its `@` (the same).
const LOCAL_PART: usize = 64;
/// Length of a domain's label (RFC 1035, 2.3.4).
const LABEL: usize = 63;

/// An address as mail servers take it: a dot-string before the `@` (RFC 5321, 4.1.2), and a domain
/// of labels, which may be of letters beyond ASCII (RFC 6531).
pub(super) fn is_address(text: &str) -> bool {
    let parts = |text: &str, is_part: &dyn Fn(&str) -> bool| text.split('.').all(is_part);
    let atom = |part: &str| {
        let special = |letter: char| {
            letter.is_whitespace() || letter.is_control() || "<>()[],;:\\\"@".contains(letter)
        };
        !part.is_empty() && !part.contains(special)
    };
    let label = |part: &str| {
        let letter = |letter: char| letter.is_alphanumeric() || letter == '-';
        (1..=LABEL).contains(&part.len())
            && part.chars().all(letter)
            && !part.starts_with('-')
            && !part.ends_with('-')
    };
    match text.split_once('@') {
        Some((local, domain)) => {
            text.len() <= ADDRESS
                && local.len() <= LOCAL_PART
                && parts(local, &atom)
                && parts(domain, &label)
        }
        None => false,
    }
}

/// The shape of RFC 5646: a language of two letters or more, then subtags of letters and digits,
/// of which one with a single letter announces another. `x` may stand in the language's place.
pub(super) fn is_language_tag(tag: &str) -> bool {
    let subtags: Vec<&str> = tag.split('-').collect();
    let is_subtag = |subtag: &&str| {
        (1..=8).contains(&subtag.len()) && subtag.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    let (language, last) = (subtags[0], subtags[subtags.len() - 1]);
    let is_language = language.len() > 1 && language.bytes().all(|byte| byte.is_ascii_alphabetic());
    tag.len() <= 35
        && subtags.iter().all(is_subtag)
        && (is_language || language.eq_ignore_ascii_case("x"))
        && last.len() > 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_one_that_a_mail_server_takes() {
        let long = format!("{}@acme.example", "a".repeat(LOCAL_PART));
        for good in [
            "a@b",
            "a+b@localhost",
            "o'neil@acme.example",
            "j\u{fc}rgen@b\u{fc}cher.example",
            &long,
        ] {
            assert!(is_address(good), "{good}");
        }
        let longer = format!("a{long}");
        for bad in [
            "",
            "@",
            "a@",
            "@b",
            "a@b@c",
            ".a@b",
            "a.@b",
            "a..b@c",
            "a@.b",
            "a@b.",
            "a@b..c",
            "a@-b",
            "a@b-",
            "a@b_c",
            "a b@c",
            "a@b c",
            "\"a\"@b",
            "<a@b>",
            "a@[127.0.0.1]",
            "a@b\r\nBcc: c",
            &longer,
        ] {
            assert!(!is_address(bad), "{bad:?}");
        }
    }

    #[test]
    fn a_languages_tag_has_a_language() {
        for good in ["de", "pt-BR", "zh-Hant-TW", "de-CH-1996", "en-u-hc-h12", "x-pirate"] {
            assert!(is_language_tag(good), "{good}");
        }
        for bad in [
            "",
            "d",
            "x",
            "1",
            "de-",
            "-de",
            "de--DE",
            "de-u",
            "de_DE",
            "languages",
            "de-abcdefghi",
        ] {
            assert!(!is_language_tag(bad), "{bad:?}");
        }
    }
}
