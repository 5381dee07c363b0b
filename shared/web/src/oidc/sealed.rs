//! Client secrets at rest: `ChaCha20-Poly1305` (RFC 8439) by `ring`, under a key that HKDF-SHA256
//! derives from the operator's secret, each with a random nonce, and bound to its account.

use std::fmt;

use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, Salt};

/// First byte of what is kept: which construction it is.
const FORM: u8 = 1;

/// Seals and opens client secrets.
pub(super) struct Seals(LessSafeKey);

impl Seals {
    /// With this secret of the operator; nothing if the construction refuses it.
    pub fn new(secret: &str) -> Option<Self> {
        let derived = Salt::new(HKDF_SHA256, b"deskmesh web").extract(secret.as_bytes());
        let key = derived.expand(&[b"client secrets"], &CHACHA20_POLY1305).ok()?;
        Some(Self(LessSafeKey::new(UnboundKey::from(key))))
    }

    /// An account's secret as it is kept; nothing if the system gives no chance.
    pub fn seal(&self, account: &str, secret: &str) -> Option<Vec<u8>> {
        let mut nonce = [0; NONCE_LEN];
        getrandom::fill(&mut nonce).ok()?;
        let mut sealed = secret.as_bytes().to_vec();
        let (unique, bound) = (Nonce::assume_unique_for_key(nonce), Aad::from(account.as_bytes()));
        self.0.seal_in_place_append_tag(unique, bound, &mut sealed).ok()?;
        Some([&[FORM], nonce.as_slice(), &sealed].concat())
    }

    /// The secret of an account; nothing if it was kept under another secret of the operator, or
    /// for another account.
    pub fn open(&self, account: &str, sealed: &[u8]) -> Option<String> {
        let (form, rest) = sealed.split_first()?;
        let (nonce, rest) = rest.split_first_chunk::<NONCE_LEN>()?;
        if *form != FORM {
            return None;
        }
        let mut bytes = rest.to_vec();
        let (nonce, bound) = (Nonce::assume_unique_for_key(*nonce), Aad::from(account.as_bytes()));
        let opened = self.0.open_in_place(nonce, bound, &mut bytes).ok()?;
        String::from_utf8(opened.to_vec()).ok()
    }
}

impl fmt::Debug for Seals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seals")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_read_with_the_operators_and_for_its_account_alone() {
        let seals = Seals::new("a secret of the operator").unwrap();
        let sealed = seals.seal("gateway-acme", "hush").unwrap();
        assert_eq!(seals.open("gateway-acme", &sealed).as_deref(), Some("hush"));
        assert_ne!(sealed, seals.seal("gateway-acme", "hush").unwrap(), "the nonce is new");
        assert!(!sealed.windows(4).any(|part| part == b"hush"));
        let other = Seals::new("another secret").unwrap();
        let mut changed = sealed.clone();
        changed[14] ^= 1;
        for got in [
            other.open("gateway-acme", &sealed),
            seals.open("gateway-globex", &sealed),
            seals.open("gateway-acme", &changed),
            seals.open("gateway-acme", &[]),
        ] {
            assert_eq!(got, None);
        }
    }
}
