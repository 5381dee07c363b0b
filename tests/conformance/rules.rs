//! What a rule of the domain reference is here, and whether each has its tests.

mod table;

use std::collections::BTreeSet;
use std::pin::Pin;

use crate::context::ConformanceContext;

pub use self::table::all;

/// The name of the test of this table itself.
pub const CHECK: &str = "every_rule_has_a_test_of_its_name";

pub struct Rule {
    /// `R-07`; `D-02` for a point where the reference is in doubt; `part 6` for the contract's;
    /// `also` for what the contract says beyond the rules.
    pub number: &'static str,
    /// What it says.
    pub line: &'static str,
    /// Who keeps it.
    pub kept_by: KeptBy,
    /// What shows it.
    pub tests: Vec<Test>,
}

/// Who keeps a rule.
#[derive(Clone, Copy)]
pub enum KeptBy {
    /// The services.
    Deskmesh,
    /// The desk; the model desk of `testkit` does.
    Desk,
    /// The help desk does, on its pages; whoever builds a desk has to.
    Helpdesk,
    /// No message has room to break it.
    Shape,
}

pub struct Test {
    pub name: &'static str,
    /// Runs it; it panics when the rule is broken.
    pub run: fn(ConformanceContext) -> Pin<Box<dyn Future<Output = ()>>>,
}

impl KeptBy {
    /// As the table has it.
    pub fn words(self) -> &'static str {
        match self {
            Self::Deskmesh => "Deskmesh",
            Self::Desk => "desk",
            Self::Helpdesk => "helpdesk",
            Self::Shape => "message shape",
        }
    }
}

impl Rule {
    /// How the names of its tests begin: `r_07_`.
    fn stem(&self) -> String {
        self.number.to_lowercase().replace(['-', ' '], "_") + "_"
    }
}

/// Whether every rule from is there, each with a test of its name, and no test is
/// there twice.
///
/// # Errors
/// What is missing, a line each.
pub fn check() -> Result<(), String> {
    let rules = all();
    let numbered = (1..=99).filter(|number| *number != 49).map(|number| format!("R-{number:02}"));
    let wanted: Vec<String> =
        numbered.chain(["a", "b", "c", "d"].map(|part| format!("R-49{part}"))).collect();
    let mut flaws: Vec<String> = wanted
        .iter()
        .filter(|number| !rules.iter().any(|rule| rule.number == **number))
        .map(|number| format!("{number} is not listed"))
        .collect();
    let mut names = BTreeSet::new();
    for rule in &rules {
        let stem = rule.stem();
        if !rule.tests.iter().any(|test| test.name.starts_with(&stem)) {
            flaws.push(format!("{} has no test named {stem}…", rule.number));
        }
        flaws.extend(
            rule.tests
                .iter()
                .filter(|test| !names.insert(test.name))
                .map(|test| format!("{} is listed twice", test.name)),
        );
    }
    if flaws.is_empty() { Ok(()) } else { Err(flaws.join("\n")) }
}
