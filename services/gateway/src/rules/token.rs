//! Tokens: how they look, and what is kept of them.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

const PREFIX: &str = "dm_";
const BYTES: usize = 32;

/// A token, told once.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// A token of chance: `dm_` and 64 hexadecimal digits.
    #[must_use]
    pub fn of(chance: [u8; BYTES]) -> Self {
        let mut text = PREFIX.to_owned();
        for byte in chance {
            write!(text, "{byte:02x}").ok();
        }
        Self(text)
    }

    /// What stands after `Bearer`, if it looks like a token.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let digits = text.strip_prefix(PREFIX)?;
        let looks = digits.len() == 2 * BYTES
            && digits.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        looks.then(|| Self(text.to_owned()))
    }

    /// The token itself, for whoever asked for it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What is kept. Looked up by equality: who guesses has to guess 256 bits at once, and how long
    /// an answer takes says nothing of them.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.0.as_bytes()).into()
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_reads_as_it_was_told() {
        let token = Token::of([0xab; 32]);
        assert_eq!(token.reveal().len(), 67);
        assert_eq!(Token::read(token.reveal()), Some(token.clone()));
        assert!(!format!("{token:?}").contains("ab"), "it is in no log");
        let upper = token.reveal().to_uppercase();
        for wrong in ["", "dm_", "dm_xyz", "xx_00", upper.as_str(), &format!("{}0", token.reveal())]
        {
            assert_eq!(Token::read(wrong), None, "{wrong}");
        }
    }
}
