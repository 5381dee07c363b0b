//! The pattern of a `regexp` field.

use std::sync::OnceLock;

use regex_automata::meta::{Config, Regex};

/// A pattern's compiled size, in bytes; far above what a field's pattern needs, far below what
/// would cost time or memory. It bounds the time of compiling too.
const SIZE: usize = 256 * 1024;

/// A pattern, which is compiled when a value is first held against it.
#[derive(Debug)]
pub struct Pattern {
    text: Box<str>,
    compiled: OnceLock<Option<Regex>>,
}

impl Pattern {
    /// Not compiled yet.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self { text: text.into(), compiled: OnceLock::new() }
    }

    /// Whether text matches as a whole; nothing when the pattern itself cannot be read.
    #[must_use]
    pub fn matches(&self, text: &str) -> Option<bool> {
        let regex = self.compiled()?;
        // What a search needs is given back, where the regex itself would keep it per thread.
        Some(regex.search_half_with(&mut regex.create_cache(), &text.into()).is_some())
    }

    /// Bytes it takes, compiled.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.text.len() + self.compiled().map_or(0, Regex::memory_usage)
    }

    fn compiled(&self) -> Option<&Regex> {
        self.compiled.get_or_init(|| compile(&self.text)).as_ref()
    }
}

/// Compiles a pattern that has to match as a whole; nothing when it cannot be read or is too large.
fn compile(pattern: &str) -> Option<Regex> {
    // Without what only makes long texts faster and takes memory for it.
    let config = Config::new().nfa_size_limit(Some(SIZE)).hybrid(false).onepass(false);
    Regex::builder().configure(config).build(&format!(r"\A(?:{pattern})\z")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_as_a_whole() {
        let pattern = Pattern::new("[A-Z]{2}[0-9]+|none");
        for good in ["AB12", "none"] {
            assert_eq!(pattern.matches(good), Some(true), "{good}");
        }
        for bad in ["xAB12", "AB12x", "AB12\n", "nonetheless", ""] {
            assert_eq!(pattern.matches(bad), Some(false), "{bad}");
        }
        assert_eq!(Pattern::new("^[0-9]+$").matches("12"), Some(true));
    }

    #[test]
    fn what_cannot_be_read_or_is_a_bomb_is_not_built_and_takes_nothing() {
        for bad in ["(", "((a{900}){900}){900}", r"\w{5000}"] {
            let pattern = Pattern::new(bad);
            assert_eq!((pattern.matches("a"), pattern.bytes()), (None, bad.len()), "{bad}");
        }
    }

    #[test]
    fn a_pattern_takes_a_bounded_number_of_bytes() {
        for large in ["a{900}", r"\w{3}", "[a-z]{100}"] {
            let large = Pattern::new(large);
            assert_eq!(large.matches("ab"), Some(false));
            assert!(large.bytes() < 2 * SIZE, "{}", large.bytes());
        }
        let usual = Pattern::new("[A-Z]{2}[0-9]{6}");
        assert!(usual.bytes() < 32 * 1024, "{}", usual.bytes());
    }
}
