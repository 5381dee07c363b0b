//! Access keys at rest: `ChaCha20-Poly1305` (RFC 8439) by `ring`, under a key that HKDF-SHA256
//! derives from the bridge's secret, each with a random nonce, and bound to its agreement.

use std::fmt::Write as _;

use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, Salt};
use ring::rand::{SecureRandom, SystemRandom};

/// First byte of what is kept: which construction it is.
const FORM: u8 = 1;

/// Why a key cannot be kept or read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The system gives no chance, or the construction none.
    #[error("no key can be made: the system gives no random numbers")]
    Chance,
    /// It was kept under another secret, or changed.
    #[error("an access key cannot be read: `keys.secret` is not the one it was kept with")]
    Unreadable,
}

/// Keeps and reads access keys.
#[derive(Debug)]
pub struct AccessKeys {
    key: LessSafeKey,
    chance: SystemRandom,
}

impl AccessKeys {
    /// With this secret.
    ///
    /// # Errors
    /// The construction refuses it.
    pub fn new(secret: &str) -> Result<Self, KeyError> {
        let derived = Salt::new(HKDF_SHA256, b"deskmesh nhd-bridge").extract(secret.as_bytes());
        let key =
            derived.expand(&[b"access keys"], &CHACHA20_POLY1305).map_err(|_| KeyError::Chance)?;
        let key = LessSafeKey::new(UnboundKey::from(key));
        Ok(Self { key, chance: SystemRandom::new() })
    }

    /// A new access key: 40 hexadecimal digits.
    ///
    /// # Errors
    /// The system gives no chance.
    pub fn make(&self) -> Result<String, KeyError> {
        let mut bytes = [0; 20];
        self.chance.fill(&mut bytes).map_err(|_| KeyError::Chance)?;
        let mut digits = String::with_capacity(2 * bytes.len());
        for byte in bytes {
            // Writing to a string cannot fail.
            write!(digits, "{byte:02x}").ok();
        }
        Ok(digits)
    }

    /// The key of an agreement as it is kept.
    ///
    /// # Errors
    /// The system gives no chance.
    pub fn seal(&self, agreement: &str, access_key: &str) -> Result<Vec<u8>, KeyError> {
        let mut nonce = [0; NONCE_LEN];
        self.chance.fill(&mut nonce).map_err(|_| KeyError::Chance)?;
        let mut sealed = access_key.as_bytes().to_vec();
        self.key
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(agreement.as_bytes()),
                &mut sealed,
            )
            .map_err(|_| KeyError::Chance)?;
        Ok([&[FORM], nonce.as_slice(), &sealed].concat())
    }

    /// The key of an agreement.
    ///
    /// # Errors
    /// It was kept under another secret, or for another agreement.
    pub fn open(&self, agreement: &str, sealed: &[u8]) -> Result<String, KeyError> {
        let (form, rest) = sealed.split_first().ok_or(KeyError::Unreadable)?;
        let (nonce, rest) = rest.split_first_chunk::<NONCE_LEN>().ok_or(KeyError::Unreadable)?;
        if *form != FORM {
            return Err(KeyError::Unreadable);
        }
        let mut bytes = rest.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let opened = self
            .key
            .open_in_place(nonce, Aad::from(agreement.as_bytes()), &mut bytes)
            .map_err(|_| KeyError::Unreadable)?;
        String::from_utf8(opened.to_vec()).map_err(|_| KeyError::Unreadable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_with_its_secret_and_for_its_agreement_alone() {
        let keys = AccessKeys::new("a secret of the operator").unwrap();
        let key = keys.make().unwrap();
        assert_eq!(key.len(), 40);
        let sealed = keys.seal("one", &key).unwrap();
        assert_eq!(keys.open("one", &sealed).as_deref(), Ok(key.as_str()));
        assert_ne!(sealed, keys.seal("one", &key).unwrap(), "the nonce is new");
        assert!(!sealed.windows(8).any(|part| part == &key.as_bytes()[..8]));
        let other = AccessKeys::new("another secret").unwrap();
        let mut changed = sealed.clone();
        changed[20] ^= 1;
        for got in [
            other.open("one", &sealed),
            keys.open("two", &sealed),
            keys.open("one", &changed),
            keys.open("one", &[]),
        ] {
            assert_eq!(got, Err(KeyError::Unreadable));
        }
    }
}
