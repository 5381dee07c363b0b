//! What names, keys, lines and URLs look like, and how long they may be.

use std::collections::BTreeSet;

use contracts::limits::FIELDS;
use contracts::{Reason, link};

use super::unseen::unseen;
use super::{Checked, Flaw};

/// Length of a name or title, in characters.
pub(super) const NAME: usize = 200;
/// Length of a key or an option's tag, in characters.
pub(super) const KEY: usize = 128;
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

/// A name by which others know an account or an agreement: all of it is seen (M5).
pub(super) fn known_by(pointer: &str, name: &str) -> Checked {
    named(pointer, name)?;
    match unseen(name) {
        None => Ok(()),
        Some(letter) => Err(Flaw::new(
            pointer,
            format!(
                "has U+{:04X}, which is not seen or turns the direction of the text",
                u32::from(letter)
            ),
        )),
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
    link::read(url, schemes).map(drop).map_err(|why| Flaw::new(pointer, why))
}
