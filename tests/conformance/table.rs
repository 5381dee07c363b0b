//! The tables: each rule, and each thing that is tried, with its tests and what came of them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::hostile::Attempt;
use crate::rules::Rule;

/// What came of each test that was started.
pub struct Results(BTreeMap<&'static str, bool>);

impl Results {
    pub const fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// A test that panics stays at this.
    pub fn started(&mut self, test: &'static str) {
        self.0.insert(test, false);
    }

    pub fn passed(&mut self, test: &'static str) {
        self.0.insert(test, true);
    }

    fn of(&self, test: &str) -> &'static str {
        match self.0.get(test) {
            Some(true) => "kept",
            Some(false) => "FAILED",
            None => "not run",
        }
    }

    /// How many of these tests came to what.
    fn counted(&self, tests: impl Iterator<Item = &'static str>) -> String {
        let results: Vec<&str> = tests.map(|test| self.of(test)).collect();
        let count = |result: &str| results.iter().filter(|it| **it == result).count();
        format!(
            "{} tests: {} kept, {} failed, {} not run",
            results.len(),
            count("kept"),
            count("FAILED"),
            count("not run")
        )
    }
}

/// The rules as text.
pub fn rules(rules: &[Rule], results: &Results) -> String {
    let mut rows = vec![["rule", "what", "kept by", "test", "result"]];
    for rule in rules {
        let mut tests: Vec<_> =
            rule.tests.iter().map(|test| (test.name, results.of(test.name))).collect();
        if tests.is_empty() {
            tests.push(("-", "MISSING"));
        }
        let (first, more) = tests.split_first().expect("there is a row for each rule");
        rows.push([rule.number, rule.line, rule.kept_by.words(), first.0, first.1]);
        rows.extend(more.iter().map(|(test, result)| ["", "", "", *test, *result]));
    }
    let missing = rules.iter().filter(|rule| rule.tests.is_empty()).count();
    let tests = rules.iter().flat_map(|rule| &rule.tests).map(|test| test.name);
    format!(
        "{}\n{} rules, {missing} without a test; {}",
        aligned(&rows),
        rules.len(),
        results.counted(tests)
    )
}

/// What is tried against the system, as text.
pub fn attempts(attempts: &[Attempt], results: &Results) -> String {
    let mut rows = vec![["what is tried", "what ends it", "needs", "test", "result"]];
    let row = |it: &Attempt| [it.tried, it.ends, it.needs, it.test.name, results.of(it.test.name)];
    rows.extend(attempts.iter().map(row));
    let tests = attempts.iter().map(|attempt| attempt.test.name);
    format!("{}\n{} rows; {}", aligned(&rows), attempts.len(), results.counted(tests))
}

/// Rows with their columns aligned by spaces.
fn aligned<const N: usize>(rows: &[[&str; N]]) -> String {
    let width =
        |at: usize| rows.iter().map(|row| row[at].chars().count()).max().unwrap_or_default();
    let mut text = String::from("\n");
    for row in rows {
        let cells: Vec<String> =
            (0..N).map(|at| format!("{:width$}", row[at], width = width(at))).collect();
        writeln!(text, "{}", cells.join("  ").trim_end()).expect("a string takes what is written");
    }
    text
}
