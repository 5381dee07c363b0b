//! What names, keys, addresses, URLs and language tags look like, and how long they may be.

use std::collections::BTreeSet;

use contracts::Reason;
use contracts::limits::FIELDS;

use super::{Checked, Flaw};

/// Length of a name or title, in characters.
pub(super) const NAME: usize = 200;
/// Length of a key or an option's tag, in characters.
pub(super) const KEY: usize = 128;
/// Length of an address (RFC 5321, 4.5.3.1).
pub(super) const ADDRESS: usize = 254;
/// Length of a URL or pattern; a sharing URL is indexed, which bounds it.
pub(super) const URL: usize = 500;

pub(super) fn at_most<T>(limit: usize, list: &[T], pointer: &str) -> Checked {
    if list.len() <= limit {
        Ok(())
    } else {
        Err(Flaw::new(pointer, format!("more than {limit} entries")))
    }
}

/// Too many fields have a reason of their own in the contract.
pub(super) fn fields_at_most<T>(list: &[T], pointer: &str) -> Checked {
    at_most(FIELDS, list, pointer).map_err(|flaw| Flaw { reason: Reason::LimitExceeded, ..flaw })
}

pub(super) fn key<'a>(pointer: &str, key: &'a str, seen: &mut BTreeSet<&'a str>) -> Checked {
    if key.is_empty() {
        return Err(Flaw::new(pointer, "empty"));
    }
    line(pointer, key, KEY)?;
    if seen.insert(key) { Ok(()) } else { Err(Flaw::new(pointer, "given twice")) }
}

pub(super) fn named(pointer: &str, name: &str) -> Checked {
    if name.trim().is_empty() {
        Err(Flaw::new(pointer, "empty"))
    } else {
        line(pointer, name, NAME)
    }
}

/// One line: what is shown in lists and in the head of a mail has no line breaks.
pub(super) fn line(pointer: &str, text: &str, limit: usize) -> Checked {
    if text.chars().any(char::is_control) {
        Err(Flaw::new(pointer, "has a control character"))
    } else if text.chars().count() > limit {
        Err(Flaw::new(pointer, format!("longer than {limit} characters")))
    } else {
        Ok(())
    }
}

pub(super) fn url(pointer: &str, url: &str, schemes: &[&str]) -> Checked {
    line(pointer, url, URL)?;
    let Some(rest) = schemes.iter().find_map(|scheme| url.strip_prefix(scheme)) else {
        return Err(Flaw::new(pointer, format!("does not begin with {}", schemes.join(" or "))));
    };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    // A placeholder or a user name in the host would send people elsewhere than the link shows.
    if host.is_empty() || host.contains(['{', '@', '\\']) {
        Err(Flaw::new(pointer, "has no plain host"))
    } else if url.contains(char::is_whitespace) || url.contains(['"', '<', '>']) {
        Err(Flaw::new(pointer, "has a character that no URL has"))
    } else {
        Ok(())
    }
}

pub(super) fn is_address(text: &str) -> bool {
    let odd = |letter: char| {
        letter.is_whitespace() || letter.is_control() || "<>()[],;:\\\"".contains(letter)
    };
    let is_domain = |domain: &str| domain.split('.').all(|label| !label.is_empty());
    match text.split_once('@') {
        Some((local, domain)) => {
            text.len() <= ADDRESS
                && !local.is_empty()
                && is_domain(domain)
                && !domain.contains('@')
                && !text.chars().any(odd)
        }
        None => false,
    }
}

/// The shape of RFC 5646: a language of letters, then subtags of letters and digits.
pub(super) fn is_language_tag(tag: &str) -> bool {
    let is_subtag = |subtag: &str| {
        (1..=8).contains(&subtag.len()) && subtag.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    let mut subtags = tag.split('-');
    let language = subtags.next().unwrap_or_default();
    tag.len() <= 35
        && is_subtag(language)
        && language.bytes().all(|byte| byte.is_ascii_alphabetic())
        && subtags.all(is_subtag)
}
