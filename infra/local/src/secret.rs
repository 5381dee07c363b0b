//! Random values, and the passwords of one installation.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::error::{During, Result};

/// Makes 64 random bytes.
#[expect(
    clippy::disallowed_methods,
    reason = "local passwords and ports must be unpredictable; no message is caused by them"
)]
pub(crate) fn random_bytes() -> Vec<u8> {
    (0..4).flat_map(|_| Uuid::new_v4().into_bytes()).collect()
}

/// Makes a random word of 32 hexadecimal digits.
pub(crate) fn random_word() -> String {
    hex(&Sha256::digest(random_bytes()), 32)
}

/// The first `digits` of the bytes in hexadecimal.
pub(crate) fn hex(bytes: &[u8], digits: usize) -> String {
    use std::fmt::Write;
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a string cannot fail.
        write!(text, "{byte:02x}").expect("a string takes every byte");
    }
    text.truncate(digits);
    text
}

/// The passwords of one installation: one secret in a file, a password per user derived from it.
///
/// Derived and not stored, so that several processes which provision the same users on the same
/// broker at the same time agree without asking each other.
#[derive(Clone)]
pub struct Passwords {
    secret: String,
}

impl Passwords {
    /// Reads the secret of `file`, or makes one.
    ///
    /// # Errors
    /// When the file can neither be read nor made.
    pub fn open(file: &Path) -> Result<Self> {
        if let Some(parent) = file.parent() {
            fs::create_dir_all(parent).during(format!("making the folder {}", parent.display()))?;
        }
        // Written aside and linked into place: whoever comes second finds a whole file.
        let aside = file.with_extension(random_word());
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&aside)
            .and_then(|mut made| made.write_all(random_word().as_bytes()))
            .during(format!("writing {}", aside.display()))?;
        let linked = fs::hard_link(&aside, file);
        fs::remove_file(&aside).during(format!("removing {}", aside.display()))?;
        match linked {
            Err(refused) if refused.kind() != ErrorKind::AlreadyExists => {
                return Err(refused).during(format!("writing {}", file.display()));
            }
            _ => {}
        }
        let secret = fs::read_to_string(file).during(format!("reading {}", file.display()))?;
        Ok(Self { secret })
    }

    /// The password of one user or role.
    #[must_use]
    pub fn of(&self, user: &str) -> String {
        hex(&Sha256::digest(format!("{}\0{user}", self.secret)), 40)
    }
}

impl std::fmt::Debug for Passwords {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Passwords(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_reader_gets_the_same_passwords() {
        let dir = std::env::temp_dir().join(format!("deskmesh-passwords-{}", random_word()));
        let file = dir.join("passwords");
        let first = Passwords::open(&file).unwrap();
        let second = Passwords::open(&file).unwrap();
        let names: Vec<_> =
            fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        fs::remove_dir_all(&dir).unwrap();
        assert_eq!(first.of("acme"), second.of("acme"));
        assert_ne!(first.of("acme"), first.of("globex"));
        assert_eq!(names, ["passwords"]);
        assert!(!format!("{first:?}").contains(&first.secret));
    }
}
