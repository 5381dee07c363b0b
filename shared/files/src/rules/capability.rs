//! What a link to a file holds: whoever has it reads the file, and nobody guesses it.

use std::fmt::Write as _;

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use sha2::{Digest, Sha256};
use url::Url;

/// A path segment (RFC 3986): what is not here stands for itself.
const SEGMENT: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'/')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');
const BYTES: usize = 32;

/// 256 bits of chance, told once.
#[derive(Clone, PartialEq, Eq)]
pub struct Capability(String);

impl Capability {
    /// As 64 hexadecimal digits.
    #[must_use]
    pub fn of(chance: [u8; BYTES]) -> Self {
        let mut text = String::new();
        for byte in chance {
            write!(text, "{byte:02x}").ok();
        }
        Self(text)
    }

    fn read(text: &str) -> Option<Self> {
        let looks = text.len() == 2 * BYTES
            && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        looks.then(|| Self(text.to_owned()))
    }

    /// That of a path `/f/<capability>/<filename>`. The name is for whoever reads the link; it is
    /// not held against the file's.
    #[must_use]
    pub fn of_path(path: &str) -> Option<Self> {
        let (capability, name) = path.strip_prefix("/f/")?.split_once('/')?;
        (!name.is_empty() && !name.contains('/')).then(|| Self::read(capability))?
    }

    /// That of a link to `origin`, which has no slash at its end.
    #[must_use]
    pub fn of_url(url: &str, origin: &str) -> Option<Self> {
        let (url, origin) = (Url::parse(url).ok()?, Url::parse(origin).ok()?);
        (url.origin() == origin.origin()).then(|| Self::of_path(url.path()))?
    }

    /// The link.
    #[must_use]
    pub fn url(&self, origin: &str, filename: &str) -> String {
        format!("{origin}/f/{}/{}", self.0, utf8_percent_encode(filename, SEGMENT))
    }

    /// What is kept.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.0.as_bytes()).into()
    }
}

impl std::fmt::Debug for Capability {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Capability")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::rules::name::cleaned;

    const ORIGIN: &str = "https://files.example:8443";

    #[test]
    fn only_a_link_of_this_origin_has_a_capability() {
        let one = Capability::of([0xab; 32]);
        let digits = "ab".repeat(32);
        let upper = digits.to_uppercase();
        assert_eq!(one.url(ORIGIN, "a b.png"), format!("{ORIGIN}/f/{digits}/a%20b.png"));
        for (url, known) in [
            (format!("{ORIGIN}/f/{digits}/a.png"), true),
            (format!("HTTPS://FILES.example:8443/f/{digits}/a.png?x=1#y"), true),
            (format!("https://files.example/f/{digits}/a.png"), false),
            (format!("http://files.example:8443/f/{digits}/a.png"), false),
            (format!("https://files.example.evil.example:8443/f/{digits}/a.png"), false),
            (format!("{ORIGIN}/f/{upper}/a.png"), false),
            (format!("{ORIGIN}/f/{digits}/"), false),
            (format!("{ORIGIN}/f/{digits}"), false),
            (format!("{ORIGIN}/f/{digits}/a/b"), false),
            (format!("{ORIGIN}/g/{digits}/a"), false),
            (format!("{ORIGIN}/f/{}/a", &digits[1..]), false),
            ("no link".to_owned(), false),
        ] {
            assert_eq!(Capability::of_url(&url, ORIGIN).is_some(), known, "{url}");
        }
        assert!(!format!("{one:?}").contains("ab0"), "it is in no log");
    }

    proptest! {
        #[test]
        fn every_name_makes_a_link_that_leads_back(name in ".*", chance in any::<[u8; 32]>()) {
            let capability = Capability::of(chance);
            let url = capability.url(ORIGIN, &cleaned(&name));
            prop_assert!(url.is_ascii() && url.len() < 1024, "{}", url);
            prop_assert_eq!(Capability::of_url(&url, ORIGIN), Some(capability));
        }
    }
}
