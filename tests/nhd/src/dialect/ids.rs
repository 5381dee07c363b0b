//! Ids of agreements, tickets, comments and people.

use sha1::{Digest, Sha1};

/// The protocol's recipe: the help desk's URL without its scheme, the kind, and the number there.
#[must_use]
pub fn id(url: &str, kind: &str, number: &str) -> String {
    let desk = url.split_once("://").map_or(url, |(_, rest)| rest).trim_end_matches('/');
    hashed(&format!("{desk}/{kind}/{number}"))
}

/// 40 hexadecimal digits of any text.
#[must_use]
pub fn hashed(text: &str) -> String {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or_default();
    let digest = Sha1::digest(text.as_bytes());
    digest.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// What Request Tracker takes for an id, and for an access key.
#[must_use]
pub fn is_forty_hex(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_recipe_gives_the_published_examples() {
        let walkthrough = id("https://mycompany.net/sharing", "tickets", "1");
        assert_eq!(walkthrough, "ed46838bfb41461e4f3b16ba471162c8e2764260");
        let client = hashed("http://www.example.com/sharing/ticket/1");
        assert_eq!(client, "3912304500bbbc6ce97e6eee3eb3df4f34de0437");
    }

    #[test]
    fn a_uuid_with_hyphens_is_no_id_to_request_tracker() {
        assert!(is_forty_hex("ED46838bfb41461e4f3b16ba471162c8e2764260"));
        assert!(!is_forty_hex("0d5a1b8e-1111-4222-8333-444455556666"));
        assert!(!is_forty_hex("5ad614f4"));
    }
}
