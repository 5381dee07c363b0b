//! The name of a file in the header `Content-Disposition` (RFC 6266 and 8187).

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What RFC 8187 lets stand for itself in an extended value.
const EXTENDED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'!')
    .remove(b'#')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b'-')
    .remove(b'.')
    .remove(b'^')
    .remove(b'_')
    .remove(b'`')
    .remove(b'|')
    .remove(b'~');

/// To be saved, never shown: with the name in ASCII for who knows nothing else, and as it is.
#[must_use]
pub fn content_disposition(filename: &str) -> String {
    // Some readers decode `%` in the plain name, so it does not stand there either.
    let plain: String = filename
        .chars()
        .map(|c| if (' '..='~').contains(&c) && !"\"\\%".contains(c) { c } else { '_' })
        .collect();
    let whole = utf8_percent_encode(filename, EXTENDED);
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{whole}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_of_any_script_stands_in_the_header() {
        for (name, plain, whole) in [
            ("pump.png", "pump.png", "pump.png"),
            ("a b.png", "a b.png", "a%20b.png"),
            ("ώ.pdf", "_.pdf", "%CF%8E.pdf"),
            ("💧.png", "_.png", "%F0%9F%92%A7.png"),
            ("\"x\".png", "_x_.png", "%22x%22.png"),
            ("a\r\nb", "a__b", "a%0D%0Ab"),
            ("100%41.png", "100_41.png", "100%2541.png"),
            ("a;b'c*(d).png", "a;b'c*(d).png", "a%3Bb%27c%2A%28d%29.png"),
        ] {
            let header = format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{whole}");
            assert_eq!(content_disposition(name), header);
        }
    }

    proptest! {
        #[test]
        fn whatever_the_name_the_header_is_one_line_and_gives_it_back(name in ".*") {
            let header = content_disposition(&name);
            prop_assert!(header.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
            let (_, whole) = header.rsplit_once("UTF-8''").unwrap();
            let back = percent_encoding::percent_decode_str(whole).decode_utf8().unwrap();
            prop_assert_eq!(back, name);
        }
    }
}
