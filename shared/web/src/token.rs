//! Secrets of chance: told once to a browser or a person, kept as a hash.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use crate::failure::Failure;

const BYTES: usize = 32;

/// A secret as it is told.
pub(crate) struct Token(String);

impl Token {
    /// A new one.
    ///
    /// # Errors
    /// The system gives no random numbers.
    pub fn new() -> Result<Self, Failure> {
        let mut chance = [0; BYTES];
        getrandom::fill(&mut chance).map_err(|error| Failure::internal(&error))?;
        Ok(Self::of(chance))
    }

    fn of(chance: [u8; BYTES]) -> Self {
        let mut text = String::with_capacity(2 * BYTES);
        for byte in chance {
            write!(text, "{byte:02x}").ok();
        }
        Self(text)
    }

    /// What was shown, if it looks like one.
    pub fn read(text: &str) -> Option<Self> {
        let looks = text.len() == 2 * BYTES
            && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        looks.then(|| Self(text.to_owned()))
    }

    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What is kept. Who guesses has to guess 256 bits at once.
    pub fn hash(&self) -> Vec<u8> {
        Sha256::digest(self.0.as_bytes()).to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_reads_as_it_was_told_and_nothing_else_does() {
        let token = Token::of([0xab; BYTES]);
        let read = Token::read(token.reveal()).unwrap();
        assert_eq!(read.hash(), token.hash());
        for wrong in ["", "ab", &token.reveal().to_uppercase(), &format!("{}0", token.reveal())] {
            assert!(Token::read(wrong).is_none(), "{wrong}");
        }
    }
}
