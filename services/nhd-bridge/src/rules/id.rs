//! Identifiers of the protocol: 40 hexadecimal digits, made by SHA-1 of what names the resource.

use std::fmt::Write as _;

use contracts::AccountName;
use sha1::{Digest, Sha1};
use uuid::Uuid;

/// The identifier of an agreement or ticket, in lower case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NhdId(String);

impl NhdId {
    /// Reads 40 hexadecimal digits, or a UUID, which some implementations make.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let hex = text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let uuid = text.len() == 36 && Uuid::try_parse(text).is_ok();
        (hex || uuid).then(|| Self(text.to_ascii_lowercase()))
    }

    /// The identifier of a resource at a sharing URL: `<url without scheme>/<kind>/<local id>`,
    /// hashed.
    #[must_use]
    pub fn of(sharing_url: &str, kind: &str, local: &str) -> Self {
        let bare = sharing_url.split_once("://").map_or(sharing_url, |(_, rest)| rest);
        Self(sha1(&format!("{bare}/{kind}/{local}")))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The identifier of a person or comment that has another one here. Those are free texts for most,
/// and 40 digits for the strict.
#[must_use]
pub fn told(kind: &str, id: &str, partner: &AccountName) -> String {
    // What came from the partner goes back as it came.
    if let Some(own) = own(id, partner) {
        return own.to_owned();
    }
    NhdId::read(id)
        .filter(|it| it.0.len() == 40)
        .map_or_else(|| sha1(&format!("deskmesh/{kind}/{id}")), |id| id.0)
}

/// The partner's own part of a comment's id.
fn own<'a>(id: &'a str, partner: &AccountName) -> Option<&'a str> {
    id.strip_prefix(partner.as_str())?.strip_prefix('/')
}

/// The id that a partner's comment has in Deskmesh. NHD's are known to their partner alone.
#[must_use]
pub fn of_comment(uuid: &str, partner: &AccountName) -> String {
    let plain = uuid.len() <= 128 && !uuid.is_empty() && !uuid.chars().any(char::is_control);
    let local = if plain { uuid.to_owned() } else { sha1(uuid) };
    let local = NhdId::read(&local).map_or(local, |id| id.0);
    format!("{partner}/{local}")
}

/// SHA-1 in hexadecimal digits.
#[must_use]
pub fn sha1(text: &str) -> String {
    let mut digits = String::with_capacity(40);
    for byte in Sha1::digest(text.as_bytes()) {
        // Writing to a string cannot fail.
        write!(digits, "{byte:02x}").ok();
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    fn partner() -> AccountName {
        AccountName::new("nhd-bridge-1f").unwrap()
    }

    #[test]
    fn an_id_follows_from_what_names_the_resource() {
        // The walkthrough's example.
        let id = NhdId::of("https://mycompany.net/sharing", "tickets", "1");
        assert_eq!(id.as_str(), "ed46838bfb41461e4f3b16ba471162c8e2764260");
    }

    #[test]
    fn what_is_no_id_is_refused() {
        let hex = "ED46838BFB41461E4F3B16BA471162C8E2764260";
        assert_eq!(NhdId::read(hex).unwrap().as_str(), hex.to_lowercase());
        assert!(NhdId::read("0b9f0a52-7c1e-4d9a-9a36-3c9f9f9d8f10").is_some());
        for text in
            ["", "5ad614f4", &hex[1..], &format!("{hex}0"), "../agreements/1", &"g".repeat(40)]
        {
            assert_eq!(NhdId::read(text), None, "{text}");
        }
    }

    #[test]
    fn a_partners_comment_goes_back_under_its_own_id() {
        let id = of_comment("t1", &partner());
        assert_eq!(id, "nhd-bridge-1f/t1");
        assert_eq!(told("comments", &id, &partner()), "t1");
        let other = told("comments", "acme/17", &partner());
        assert!(NhdId::read(&other).is_some_and(|id| id.as_str() == other), "{other}");
        let hex = "ed46838bfb41461e4f3b16ba471162c8e2764260";
        assert_eq!(told("comments", hex, &partner()), hex);
        assert_eq!(of_comment("a\nb", &partner()).len(), "nhd-bridge-1f/".len() + 40);
    }
}
