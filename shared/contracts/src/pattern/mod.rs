//! Patterns of `regexp` fields. The syntax is that of the `regex` crate, matched as a whole.
//!
//! What a pattern costs is bounded whatever an account registers: it becomes steps over
//! characters, and every repetition of a class shares that class, so that `\w{1,20}` is twenty
//! small steps and not twenty automata of bytes.

mod cost;
mod program;

use regex_syntax::ParserBuilder;

use self::program::Program;

/// Nested groups and repetitions of a pattern.
const NESTED: u32 = 40;

/// A pattern that can be checked.
#[derive(Clone, Debug)]
pub struct Pattern(Program);

/// Why a pattern cannot be checked, as the rest of a sentence about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternProblem {
    /// It is not of the dialect.
    #[error("cannot be read: {0}")]
    Unreadable(String),
    /// It names so many classes of characters that reading it takes long.
    #[error("names more classes of characters, such as \\w, than one pattern may")]
    Classes,
    /// It has too many steps.
    #[error("is too large: repetitions come to more than {} steps", program::STEPS)]
    TooLarge,
}

/// What a pattern says about a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Match {
    /// It matches as a whole.
    Yes,
    /// It does not.
    No,
    /// The text is too long for this pattern to be checked.
    TooLong,
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// Why it cannot be checked.
    pub fn read(pattern: &str) -> Result<Self, PatternProblem> {
        cost::check(pattern, NESTED)?;
        let hir = ParserBuilder::new()
            .nest_limit(NESTED)
            .build()
            .parse(pattern)
            .map_err(|error| PatternProblem::Unreadable(first_line(&error)))?;
        Program::compile(&hir).map(Self).ok_or(PatternProblem::TooLarge)
    }

    /// Whether the whole of a text matches.
    #[must_use]
    pub fn matches(&self, text: &str) -> Match {
        self.0.matches(text)
    }

    /// Bytes it takes in memory.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.0.bytes()
    }
}

/// What the parser says, without the picture that it draws of the pattern.
fn first_line(error: &regex_syntax::Error) -> String {
    match error {
        regex_syntax::Error::Parse(error) => error.kind().to_string(),
        regex_syntax::Error::Translate(error) => error.kind().to_string(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use proptest::prelude::*;
    use regex::RegexBuilder;

    use super::*;

    fn matches(pattern: &str, text: &str) -> bool {
        Pattern::read(pattern).unwrap().matches(text) == Match::Yes
    }

    #[test]
    fn everyday_patterns_can_be_checked() {
        for (pattern, good, bad) in [
            (r"\w{1,20}", "Müller_7", "two words"),
            (r"^.{0,500}$", "", "line\nbreak"),
            (r"\p{L}{1,40}", "Žižek", "7"),
            (r".{1,255}", "x", ""),
            (r"[\w-]{3,64}", "ab-c", "ab"),
            (r"[A-Z]{2}-[0-9]+", "AB-12", "AB-12x"),
            (r"\d{4}-\d{2}-\d{2}", "2026-03-01", "2026-3-1"),
            (r"(?i)[a-z0-9._%+-]+@[a-z0-9.-]+\.[a-z]{2,}", "Ada@Acme.Example", "ada@acme"),
            (r"[A-Z]{2}[0-9]+|none", "none", "nonetheless"),
            (r"\S+( \S+)*", "two words", "two  words"),
            (r"(?x) \d+ # a number", "7", " 7"),
            (r"[\p{Cyrillic}\p{Latin}&&[^x]]+", "да", "x"),
            (r"\b\w+\b", "word", "wo rd"),
            (r"(?m)^a$\n^b$", "a\nb", "a b"),
            (r"(?-u:\w)+", "ascii", "ä"),
            (r"(?:\+|00)[1-9]\d{6,14}", "+390551234567", "0551234567"),
            (r"", "", "x"),
        ] {
            assert!(matches(pattern, good), "{pattern} {good}");
            assert!(!matches(pattern, bad), "{pattern} {bad}");
        }
    }

    #[test]
    fn what_the_dialect_lacks_is_named() {
        for pattern in [
            "(?=a)a",
            "(?!a)b",
            "(?<=a)b",
            r"(a)\1",
            r"a\Z",
            r"\h+",
            "((",
            "(?>a)",
            "[",
            "*",
            "(?P>name)",
            r"\K",
            "(?#note)",
            r"\p{Nonsense}",
        ] {
            let problem = Pattern::read(pattern).unwrap_err();
            assert!(problem.to_string().starts_with("cannot be read: "), "{pattern}: {problem}");
            assert!(!problem.to_string().contains('\n'), "{pattern}: {problem}");
        }
    }

    #[test]
    fn no_pattern_costs_more_than_its_bound() {
        let deep = format!("{}a{}", "(".repeat(200), ")".repeat(200));
        let bombs = [
            "((a{900}){900}){900}".to_owned(),
            "(?:){1000000000}".to_owned(),
            r"(?:\b){1000000000}".to_owned(),
            "(|){1000000000}".to_owned(),
            r"\pL".repeat(160),
            format!("(?i){}", r"\pL".repeat(160)),
            format!("(?i)[{}]", r"\PL".repeat(160)),
            format!("(?i){}", "[^a]".repeat(120)),
            "[a-z&&".repeat(80),
            deep,
            "(a+)+".repeat(90),
        ];
        for bomb in bombs {
            let started = Instant::now();
            for _ in 0..20 {
                let _ = Pattern::read(&bomb);
            }
            assert!(started.elapsed() < Duration::from_secs(2), "{bomb} {:?}", started.elapsed());
        }
    }

    #[test]
    fn four_hundred_everyday_patterns_are_read_at_once() {
        let started = Instant::now();
        for number in 0..400 {
            let pattern = Pattern::read(&format!(r"[\w-]{{1,12}}|{number}")).unwrap();
            assert_eq!(pattern.matches("Müller-7"), Match::Yes);
        }
        let took = started.elapsed();
        println!("400 patterns: {took:?}");
        assert!(took < Duration::from_secs(2), "{took:?}");
    }

    #[test]
    fn no_text_costs_more_than_its_bound() {
        let long = "a".repeat(400_000);
        for (pattern, expected) in [
            ("(a+)+$", Match::Yes),
            (r"\w*", Match::Yes),
            ("a{0,500}", Match::No),
            ("(?:(?:a?){1000}b?)*", Match::TooLong),
        ] {
            let started = Instant::now();
            assert_eq!(Pattern::read(pattern).unwrap().matches(&long), expected, "{pattern}");
            assert!(started.elapsed() < Duration::from_secs(10), "{pattern}");
        }
    }

    /// Small patterns of every sort of node.
    fn a_pattern() -> impl Strategy<Value = String> {
        let leaf = prop::sample::select(vec![
            "a",
            "b",
            "ä",
            ".",
            r"\w",
            r"\W",
            r"\d",
            "[ab]",
            "[^a]",
            "^",
            "$",
            r"\b",
            r"\B",
            "",
            r"\s",
            "(?i)A",
            "(?m)^",
            "(?m)$",
            "(?s).",
            r"\n",
            r"\b{start}",
            r"\b{end}",
            r"(?-u)\b",
            r"\b{start-half}",
            r"\b{end-half}",
            "(?Rm)$",
            "(?Rm)^",
        ])
        .prop_map(str::to_owned);
        leaf.prop_recursive(4, 24, 3, |inner| {
            prop_oneof![
                (inner.clone(), inner.clone()).prop_map(|(one, two)| format!("{one}{two}")),
                (inner.clone(), inner.clone()).prop_map(|(one, two)| format!("(?:{one}|{two})")),
                (
                    inner.clone(),
                    prop::sample::select(vec!["*", "+", "?", "{2}", "{1,3}", "{0,2}?", "{2,}"])
                )
                    .prop_map(|(one, times)| format!("(?:{one}){times}")),
                inner.prop_map(|one| format!("({one})")),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            cases: 400,
            failure_persistence: None,
            ..ProptestConfig::default()
        })]

        #[test]
        fn it_decides_as_the_regex_crate_does(
            pattern in a_pattern(),
            texts in prop::collection::vec("[abä A\n\r_7]{0,6}", 1..6),
        ) {
            let known = RegexBuilder::new(&format!(r"\A(?:{pattern})\z")).build();
            let read = Pattern::read(&pattern);
            prop_assert_eq!(known.is_ok(), read.is_ok(), "{:?}", read);
            if let (Ok(known), Ok(read)) = (known, read) {
                for text in texts {
                    let expected = if known.is_match(&text) { Match::Yes } else { Match::No };
                    prop_assert_eq!(read.matches(&text), expected, "{:?} {:?}", pattern, text);
                }
            }
        }

        #[test]
        fn whatever_is_written_is_read_or_refused(
            pattern in any::<String>(),
            text in any::<String>(),
        ) {
            if let Ok(pattern) = Pattern::read(&pattern) {
                let _ = pattern.matches(&text);
            }
        }
    }
}
