//! Secrets of others at rest: `ChaCha20-Poly1305` (RFC 8439) by `ring`, under a key that
//! HKDF-SHA256 derives from the operator's secret, each with a random nonce, and bound to whose it
//! is.

use std::fmt;

use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, Salt};
use ring::rand::{SecureRandom, SystemRandom};

/// First byte of what is kept: which construction it is.
const FORM: u8 = 1;

/// Seals secrets and opens them.
pub struct Seal {
    key: LessSafeKey,
    chance: SystemRandom,
}

impl Seal {
    /// Under this secret of the operator, for one use alone: `salt` says whose it is, `purpose`
    /// what is sealed, and neither may ever change. Nothing if the construction refuses it.
    #[must_use]
    pub fn new(secret: &str, salt: &str, purpose: &str) -> Option<Self> {
        let derived = Salt::new(HKDF_SHA256, salt.as_bytes()).extract(secret.as_bytes());
        let purpose = [purpose.as_bytes()];
        let key = derived.expand(&purpose, &CHACHA20_POLY1305).ok()?;
        Some(Self { key: LessSafeKey::new(UnboundKey::from(key)), chance: SystemRandom::new() })
    }

    /// A secret as it is kept for `owner`; nothing if the system gives no random numbers.
    #[must_use]
    pub fn seal(&self, owner: &str, secret: &str) -> Option<Vec<u8>> {
        let mut nonce = [0; NONCE_LEN];
        self.chance.fill(&mut nonce).ok()?;
        let mut sealed = secret.as_bytes().to_vec();
        let (unique, bound) = (Nonce::assume_unique_for_key(nonce), Aad::from(owner.as_bytes()));
        self.key.seal_in_place_append_tag(unique, bound, &mut sealed).ok()?;
        Some([&[FORM], nonce.as_slice(), &sealed].concat())
    }

    /// The secret that is kept for `owner`; nothing if it was kept under another secret of the
    /// operator or for somebody else, or has changed.
    #[must_use]
    pub fn open(&self, owner: &str, sealed: &[u8]) -> Option<String> {
        let (form, rest) = sealed.split_first()?;
        let (nonce, rest) = rest.split_first_chunk::<NONCE_LEN>()?;
        if *form != FORM {
            return None;
        }
        let mut bytes = rest.to_vec();
        let (nonce, bound) = (Nonce::assume_unique_for_key(*nonce), Aad::from(owner.as_bytes()));
        let opened = self.key.open_in_place(nonce, bound, &mut bytes).ok()?;
        String::from_utf8(opened.to_vec()).ok()
    }
}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seal")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_read_with_the_operators_and_for_its_owner_alone() {
        let seal = Seal::new("a secret of the operator", "deskmesh test", "secrets").unwrap();
        let sealed = seal.seal("acme", "hush").unwrap();
        assert_eq!(seal.open("acme", &sealed).as_deref(), Some("hush"));
        assert_ne!(sealed, seal.seal("acme", "hush").unwrap(), "the nonce is new");
        assert!(!sealed.windows(4).any(|part| part == b"hush"));
        let with = |secret, salt, purpose| Seal::new(secret, salt, purpose).unwrap();
        let mut changed = sealed.clone();
        changed[14] ^= 1;
        for got in [
            with("another secret", "deskmesh test", "secrets").open("acme", &sealed),
            with("a secret of the operator", "deskmesh else", "secrets").open("acme", &sealed),
            with("a secret of the operator", "deskmesh test", "others").open("acme", &sealed),
            seal.open("globex", &sealed),
            seal.open("acme", &changed),
            seal.open("acme", &[]),
        ] {
            assert_eq!(got, None);
        }
    }
}
