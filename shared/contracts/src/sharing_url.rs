//! Sharing URLs: what third-party systems are invited and reached by, in one spelling.

use std::fmt;

use url::Url;

use crate::AccountName;
use crate::ids::{InvalidId, NAME_LENGTH, derive_id};

/// Length, in characters.
pub const LENGTH: usize = 500;

/// Digits of an account's name that stand for its sharing URL: two URLs that an attacker makes up
/// never share them with a third one's.
const DIGITS: usize = 20;

/// A sharing URL in the one spelling in which it names a third-party system: https, a lower-case
/// host, no default port, no user, query or fragment, no slash at the end.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SharingUrl(String);

impl SharingUrl {
    /// Reads a URL as a person writes it.
    ///
    /// # Errors
    /// What is wrong with it, as the end of a sentence that begins with its place.
    pub fn read(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let is_odd = |letter: char| {
            letter.is_whitespace()
                || letter.is_control()
                || matches!(letter, '"' | '<' | '>' | '\\')
        };
        let (scheme, _) = text.split_once("://").unwrap_or_default();
        if !scheme.eq_ignore_ascii_case("https") {
            return Err("does not begin with https://".to_owned());
        }
        if text.contains(is_odd) {
            return Err("has a blank or another character that no link has".to_owned());
        }
        let mut url = Url::parse(text).map_err(|error| format!("is no link: {error}"))?;
        // Refused only for links that have no place for them, which one of https has.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        url.set_query(None);
        url.set_fragment(None);
        let spelt = url.as_str().trim_end_matches('/');
        if spelt.chars().count() > LENGTH {
            return Err(format!("is longer than {LENGTH} characters"));
        }
        Ok(Self(spelt.to_owned()))
    }

    /// The URL itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whose it is, for people: host, and the port where it is not the usual one.
    #[must_use]
    pub fn host(&self) -> &str {
        host_of(&self.0)
    }

    /// Whether an account of this name can have accounts that stand for systems.
    #[must_use]
    pub fn fits_under(operator: &AccountName) -> bool {
        operator.as_str().len() + 1 + DIGITS <= NAME_LENGTH
    }

    /// The account that stands for the system here: `operator` publishes for it.
    ///
    /// # Errors
    /// The operator's name is too long to have such an account.
    pub fn account_under(&self, operator: &AccountName) -> Result<AccountName, InvalidId> {
        let digits = derive_id("sharing-url", &[&self.0]).simple().to_string();
        AccountName::new(format!("{operator}-{}", &digits[..DIGITS]))
    }
}

/// A URL in its one spelling; what is no sharing URL stays as it is.
#[must_use]
pub fn spelt(text: &str) -> String {
    SharingUrl::read(text).map_or_else(|_| text.to_owned(), String::from)
}

/// Host and port of a URL, for people, however it is spelt otherwise.
#[must_use]
pub fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    authority.rsplit_once('@').map_or(authority, |(_, host)| host)
}

impl fmt::Display for SharingUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<SharingUrl> for String {
    fn from(url: SharingUrl) -> Self {
        url.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn spelt(text: &str) -> String {
        SharingUrl::read(text).unwrap_or_else(|why| panic!("{text} {why}")).into()
    }

    #[test]
    fn r_57_a_sharing_url_has_one_spelling() {
        for same in [
            "https://desk.initech.example/sharing",
            "HTTPS://Desk.Initech.Example/sharing",
            "https://desk.initech.example:443/sharing",
            "https://desk.initech.example/sharing/",
            "https://desk.initech.example/sharing//",
            "https://desk.initech.example/./x/../sharing",
            "https://desk.initech.example/sharing?from=mail",
            "https://desk.initech.example/sharing/?#top",
            "https://bob:secret@desk.initech.example/sharing",
            " https://desk.initech.example/sharing\n",
        ] {
            assert_eq!(spelt(same), "https://desk.initech.example/sharing", "{same}");
        }
        for (text, expected) in [
            ("https://Initech.example/", "https://initech.example"),
            ("https://initech.example:8443/A/b", "https://initech.example:8443/A/b"),
            ("https://b\u{fc}cher.example/x", "https://xn--bcher-kva.example/x"),
            ("https://[2001:DB8::1]/x", "https://[2001:db8::1]/x"),
        ] {
            assert_eq!(spelt(text), expected);
        }
    }

    #[test]
    fn what_is_no_sharing_url_is_told() {
        let long = format!("https://initech.example/{}", "x".repeat(LENGTH));
        for (text, why) in [
            ("", "does not begin with https://"),
            ("initech.example/sharing", "does not begin with https://"),
            ("http://initech.example/sharing", "does not begin with https://"),
            ("https://initech.example/a b", "has a blank"),
            ("https:\\\\initech.example", "does not begin with https://"),
            ("https://initech.example\\x", "has a blank or another character"),
            ("https://", "is no link"),
            ("https://initech.example:99999/", "is no link"),
            (&long, "is longer than 500"),
        ] {
            let told = SharingUrl::read(text).unwrap_err();
            assert!(told.starts_with(why), "{text}: {told}");
        }
    }

    #[test]
    fn an_account_stands_for_each_of_them() {
        let bridge = AccountName::new("nhd-bridge").unwrap();
        let account = |text: &str| {
            SharingUrl::read(text).unwrap().account_under(&bridge).unwrap().to_string()
        };
        let one = account("https://desk.initech.example/sharing");
        assert_eq!(one, account("https://DESK.initech.example:443/sharing/"));
        assert_ne!(one, account("https://desk.initech.example/Sharing"));
        // Accounts are found by it for ever.
        assert_eq!(one, "nhd-bridge-138df29b16e35e2cbac7");
        for (length, fits) in [(18, true), (19, false)] {
            let operator = AccountName::new("a".repeat(length)).unwrap();
            let url = SharingUrl::read("https://x.example").unwrap();
            assert_eq!(url.account_under(&operator).is_ok(), fits);
            assert_eq!(SharingUrl::fits_under(&operator), fits);
        }
    }

    #[test]
    fn the_host_is_what_people_are_shown() {
        for (url, host) in [
            ("https://desk.initech.example/sharing", "desk.initech.example"),
            ("https://initech.example:8443", "initech.example:8443"),
            ("http://initech.example/x@y", "initech.example"),
            ("https://globex.example@initech.example/x", "initech.example"),
            ("https://initech.example?x@globex.example", "initech.example"),
        ] {
            assert_eq!(host_of(url), host);
        }
    }

    proptest! {
        #[test]
        fn what_is_spelt_once_stays_so(text in "https://[a-zA-Z0-9.:@/?#%-]{1,40}") {
            if let Ok(url) = SharingUrl::read(&text) {
                let again = SharingUrl::read(url.as_str());
                prop_assert_eq!(again.as_ref(), Ok(&url));
                prop_assert!(!url.as_str().ends_with('/') && !url.host().is_empty());
                let parsed = Url::parse(url.as_str()).unwrap();
                prop_assert_eq!((parsed.username(), parsed.query()), ("", None));
            }
        }
    }
}
