//! Access keys of agreements: made here, and kept sealed, each for its agreement.

use std::fmt::Write as _;

use bootstrap::Seal;
use ring::rand::{SecureRandom, SystemRandom};

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

/// Makes, keeps and reads access keys.
#[derive(Debug)]
pub struct AccessKeys {
    seal: Seal,
    chance: SystemRandom,
}

impl AccessKeys {
    /// With this secret.
    ///
    /// # Errors
    /// The construction refuses it.
    pub fn new(secret: &str) -> Result<Self, KeyError> {
        let seal = Seal::new(secret, "deskmesh nhd-bridge", "access keys");
        Ok(Self { seal: seal.ok_or(KeyError::Chance)?, chance: SystemRandom::new() })
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
        self.seal.seal(agreement, access_key).ok_or(KeyError::Chance)
    }

    /// The key of an agreement.
    ///
    /// # Errors
    /// It was kept under another secret, or for another agreement.
    pub fn open(&self, agreement: &str, sealed: &[u8]) -> Result<String, KeyError> {
        self.seal.open(agreement, sealed).ok_or(KeyError::Unreadable)
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

    #[test]
    fn what_was_kept_once_stays_readable() {
        let kept = [
            1, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 223, 100, 205, 203, 108, 86, 28, 36, 66, 124,
            47, 233, 89, 191, 135, 35, 12, 185, 75, 250,
        ];
        let keys = AccessKeys::new("a secret of the operator").unwrap();
        assert_eq!(keys.open("one", &kept).as_deref(), Ok("hush"));
    }
}
