//! What came of a certification.

use std::fmt;

use serde::Serialize;

/// One thing that a desk must do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// By what it is named.
    pub name: &'static str,
    /// The contract's part that asks for it.
    pub part: &'static str,
    /// What is asked for.
    pub promise: &'static str,
    /// What to do where it fails.
    pub mend: &'static str,
}

/// What came of one of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The desk does it.
    Passed,
    /// It does not: what is wrong, one sentence each.
    Wrong(Vec<String>),
    /// It could not be tried, and why.
    Untried(String),
}

/// One check with what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Checked {
    /// Which one.
    #[serde(flatten)]
    pub check: Check,
    /// What came of it.
    pub outcome: Outcome,
}

/// All of them, for one desk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Whose desk.
    pub account: String,
    /// By what the order of the check `any_order` can be had again.
    pub seed: u64,
    /// In the order in which they were tried.
    pub checks: Vec<Checked>,
}

impl Report {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_passed(&self) -> bool {
        !self.checks.iter().any(|it| matches!(it.outcome, Outcome::Wrong(_)))
    }

    /// Those in which something is wrong.
    #[must_use]
    pub fn wrong(&self) -> Vec<&'static str> {
        let wrong = self.checks.iter().filter(|it| matches!(it.outcome, Outcome::Wrong(_)));
        wrong.map(|it| it.check.name).collect()
    }

    fn untried(&self) -> usize {
        self.checks.iter().filter(|it| matches!(it.outcome, Outcome::Untried(_))).count()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Checked { check, outcome } in &self.checks {
            match outcome {
                Outcome::Passed => writeln!(f, "ok       {}: {}", check.name, check.promise)?,
                Outcome::Untried(why) => writeln!(f, "untried  {}: {why}", check.name)?,
                Outcome::Wrong(sentences) => {
                    writeln!(f, "WRONG    {}: {}", check.name, check.promise)?;
                    for sentence in sentences {
                        writeln!(f, "           {sentence}")?;
                    }
                    writeln!(f, "         to do: {}", check.mend)?;
                    writeln!(f, "         contract, {}", check.part)?;
                }
            }
        }
        let (wrong, untried) = (self.wrong().len(), self.untried());
        let passed = self.checks.len() - wrong - untried;
        let verdict = if self.is_passed() { "passed" } else { "NOT passed" };
        writeln!(
            f,
            "\n{}: {verdict}. {passed} of {} checks passed, {wrong} wrong, {untried} untried \
             (seed {})",
            self.account,
            self.checks.len(),
            self.seed
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_says_what_is_wrong_and_what_to_do() {
        let check = Check { name: "twice", part: "part 4", promise: "once", mend: "keep the ids" };
        let checked = |outcome| Checked { check, outcome };
        let mut report = Report { account: "acme".into(), seed: 7, checks: Vec::new() };
        report.checks.push(checked(Outcome::Passed));
        report.checks.push(checked(Outcome::Untried("no field".into())));
        assert!(report.is_passed());
        report.checks.push(checked(Outcome::Wrong(vec!["it is there 2 times".into()])));
        assert!(!report.is_passed());
        let text = report.to_string();
        let wanted = "WRONG    twice: once\n           it is there 2 times\n         to do: keep \
             the ids\n         contract, part 4\n\nacme: NOT passed. 1 of 3 checks passed, 1 \
             wrong, 1 untried (seed 7)\n";
        assert!(text.ends_with(wanted), "{text}");
    }
}
