//! Links that mails have: whoever holds one is taken for whom it was sent to.

use std::fmt::Write as _;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Bytes of a signature: what nobody guesses.
const BYTES: usize = 20;

/// What a link lets somebody do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link<'a> {
    /// Confirm an address: the confirmation's id.
    Confirm(&'a str),
    /// Follow a ticket and answer: its number, and the person.
    Request(i64, &'a str),
}

impl Link<'_> {
    /// Its signature under an account's key.
    #[must_use]
    pub fn signature(&self, key: &[u8]) -> String {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return String::new() };
        match self {
            Self::Confirm(id) => mac.update(format!("confirm\n{id}").as_bytes()),
            Self::Request(number, person) => {
                mac.update(format!("request\n{number}\n{person}").as_bytes());
            }
        }
        let code = mac.finalize().into_bytes();
        code[..BYTES].iter().fold(String::new(), |mut text, byte| {
            write!(text, "{byte:02x}").ok();
            text
        })
    }

    /// Whether it is signed so. Takes as long whichever letter is wrong.
    #[must_use]
    pub fn is_signed(&self, key: &[u8], signature: &str) -> bool {
        let own = self.signature(key);
        let differs = |(one, other): (u8, u8)| one ^ other;
        let pairs = own.bytes().zip(signature.bytes());
        own.len() == signature.len()
            && !own.is_empty()
            && pairs.map(differs).fold(0, |all, one| all | one) == 0
    }

    /// Its path on the pages of the account of this address.
    #[must_use]
    pub fn path(&self, address: &str, key: &[u8]) -> String {
        let signature = self.signature(key);
        match self {
            Self::Confirm(id) => format!("/help/{address}/confirm/{id}/{signature}"),
            Self::Request(number, _) => format!("/help/{address}/requests/{number}/{signature}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &[u8] = b"a key of an account";

    #[test]
    fn a_link_is_of_one_ticket_one_person_and_one_key() {
        let link = Link::Request(7, "rita");
        let signature = link.signature(KEY);
        assert!(link.is_signed(KEY, &signature));
        for other in [Link::Request(8, "rita"), Link::Request(7, "robin"), Link::Confirm("7")] {
            assert!(!other.is_signed(KEY, &signature), "{other:?}");
        }
        assert!(!link.is_signed(b"another key", &signature));
        for wrong in ["", &signature[1..], &signature.to_uppercase()] {
            assert!(!link.is_signed(KEY, wrong), "{wrong}");
        }
    }
}
