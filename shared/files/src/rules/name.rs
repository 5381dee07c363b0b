//! What a file is called: as it was said, in any script, without what a name must not hold.

/// Bytes of a name, at most: what common file systems take.
const LONGEST: usize = 255;
/// Bytes of an ending that is kept when a name is cut, with its dot.
const LONGEST_ENDING: usize = 16;
/// What a file without a name is called.
const UNNAMED: &str = "file";

/// The last part of a path, without control characters and those that turn the direction of text
/// (`gpj.exe` would show as `exe.jpg`), cut before its ending.
#[must_use]
pub fn cleaned(said: &str) -> String {
    let last = said.rsplit(['/', '\\']).next().unwrap_or_default();
    let kept: String = last.chars().filter(|c| !c.is_control() && !turns_text(*c)).collect();
    // Windows drops spaces and dots at the end, and `..` is no file.
    let kept = kept.trim().trim_end_matches(['.', ' ']);
    if kept.is_empty() { UNNAMED.to_owned() } else { cut(kept) }
}

fn turns_text(c: char) -> bool {
    matches!(
        c,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    )
}

fn cut(name: &str) -> String {
    if name.len() <= LONGEST {
        return name.to_owned();
    }
    let ending = name.rfind('.').map_or("", |dot| &name[dot..]);
    let ending = if ending.len() <= LONGEST_ENDING { ending } else { "" };
    let stem = &name[..name.len() - ending.len()];
    let end = stem.floor_char_boundary(LONGEST - ending.len());
    format!("{}{ending}", stem[..end].trim_end())
}

/// The media type as it was said, if it can stand in a header; else the one that says nothing.
#[must_use]
pub fn content_type(said: Option<&[u8]>) -> String {
    let said = said.and_then(|said| std::str::from_utf8(said).ok()).map(str::trim);
    let fits = |said: &&str| {
        (3..=LONGEST).contains(&said.len())
            && said.contains('/')
            && said.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic())
    };
    said.filter(fits).unwrap_or("application/octet-stream").to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_is_what_was_said_without_what_it_must_not_hold() {
        let long = format!("{}.jpeg", "ά".repeat(300));
        let cut = format!("{}.jpeg", "ά".repeat(125));
        let endless = format!("a.{}", "b".repeat(400));
        for (said, name) in [
            ("pump.png", "pump.png"),
            ("αντλία που στάζει.pdf", "αντλία που στάζει.pdf"),
            ("💧 pump.png", "💧 pump.png"),
            ("the \"big\" one.png", "the \"big\" one.png"),
            ("a\r\nSet-Cookie: b.png", "aSet-Cookie: b.png"),
            ("../../etc/passwd", "passwd"),
            ("C:\\Users\\me\\photo.jpg", "photo.jpg"),
            ("a/", "file"),
            ("", "file"),
            (".", "file"),
            ("..", "file"),
            (" .. ", "file"),
            ("\u{202e}gpj.exe", "gpj.exe"),
            ("\0", "file"),
            (".env", ".env"),
            (long.as_str(), cut.as_str()),
            (endless.as_str(), &endless[..255]),
        ] {
            assert_eq!(cleaned(said), name, "{said:?}");
        }
    }

    #[test]
    fn a_media_type_is_kept_if_it_can_stand_in_a_header() {
        let none = "application/octet-stream";
        let long = format!("text/{}", "x".repeat(300));
        for (said, kept) in [
            (None, none),
            (Some("image/png"), "image/png"),
            (Some("text/html; charset=utf-8"), "text/html; charset=utf-8"),
            (Some("anything/what-is.said+so"), "anything/what-is.said+so"),
            (Some("text"), none),
            (Some("text/ü"), none),
            (Some(""), none),
            (Some("a/b\r\nx: y"), none),
            (Some(long.as_str()), none),
        ] {
            assert_eq!(content_type(said.map(str::as_bytes)), kept, "{said:?}");
        }
        assert_eq!(content_type(Some(&[0xff, b'/', 0xff])), none);
    }

    proptest! {
        #[test]
        fn a_cleaned_name_is_one_part_and_stays_as_it_is(said in ".*") {
            let name = cleaned(&said);
            prop_assert!((1..=255).contains(&name.len()));
            prop_assert!(!name.contains(['/', '\\', '\r', '\n', '\0']));
            prop_assert_eq!(cleaned(&name), name);
        }
    }
}
