//! The conformance table: each rule with who keeps it, its tests and what came of them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

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
}

/// The table as text, its columns aligned by spaces.
pub fn text(rules: &[Rule], results: &Results) -> String {
    let mut rows = vec![["rule", "what", "kept by", "test", "result"]];
    for rule in rules {
        let mut tests: Vec<_> = rule.tests.iter().map(|test| (test.name, results.of(test.name))).collect();
        if tests.is_empty() {
            tests.push(("-", "MISSING"));
        }
        let (first, more) = tests.split_first().expect("there is a row for each rule");
        rows.push([rule.number, rule.line, rule.kept_by.words(), first.0, first.1]);
        rows.extend(more.iter().map(|(test, result)| ["", "", "", *test, *result]));
    }
    let widths: Vec<usize> = (0..5).map(|at| rows.iter().map(|row| row[at].chars().count()).max().unwrap_or_default()).collect();
    let mut text = String::from("\n");
    for row in &rows {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        writeln!(text, "{}", cells.join("  ").trim_end()).expect("a string takes what is written");
    }
    let missing = rules.iter().filter(|rule| rule.tests.is_empty()).count();
    let tests: Vec<&str> = rules.iter().flat_map(|rule| &rule.tests).map(|test| results.of(test.name)).collect();
    let count = |result: &str| tests.iter().filter(|it| **it == result).count();
    write!(
        text,
        "\n{} rules, {missing} without a test; {} tests: {} kept, {} failed, {} not run",
        rules.len(),
        tests.len(),
        count("kept"),
        count("FAILED"),
        count("not run"),
    )
    .expect("a string takes what is written");
    text
}
