//! The report: a line per round while it runs, a table per fault at the end.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use serde::Serialize;

use crate::runner::Outcome;

/// What a fault did over a whole run.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Row {
    /// How often it struck.
    pub injections: usize,
    /// Rounds in which it struck: with others, the figures are those of the round.
    pub rounds: usize,
    /// Commands published.
    pub commands: usize,
    /// Receipts that came.
    pub receipts: usize,
    pub deliveries: usize,
    /// What did not come.
    pub lost: usize,
    /// What came twice.
    pub doubled: usize,
    /// What came to the wrong account.
    pub leaked: usize,
    /// What two copies hold differently.
    pub diverged: usize,
    /// The longest time without a receipt, in milliseconds.
    pub longest_stall_ms: u128,
    /// The longest way back to full speed, in milliseconds; none when one took more than a minute.
    pub slowest_recovery_ms: Option<u128>,
}

/// Everything of a run.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Repeats the run.
    pub seed: u64,
    /// Faults that struck.
    pub injections: usize,
    /// Whether nothing was lost, doubled, leaked or diverged.
    pub holds: bool,
    /// How long it took, in seconds.
    pub seconds: u64,
    /// Per fault by itself; mixes together.
    pub rows: BTreeMap<String, Row>,
    /// All rounds.
    pub total: Row,
    /// What was wrong, in words, by round.
    pub wrong: Vec<String>,
}

const MIXES: &str = "mixes of three";

impl Report {
    /// Adds up what the rounds came to.
    #[must_use]
    pub fn of(seed: u64, outcomes: &[Outcome], took: Duration) -> Self {
        let mut rows = BTreeMap::<String, Row>::new();
        let mut total = Row { slowest_recovery_ms: Some(0), ..Row::default() };
        for outcome in outcomes {
            let name = if outcome.round.faults.len() == 1 {
                kind(&outcome.round.name())
            } else {
                MIXES.to_owned()
            };
            let row = rows
                .entry(name)
                .or_insert_with(|| Row { slowest_recovery_ms: Some(0), ..Row::default() });
            row.add(outcome);
            total.add(outcome);
        }
        let wrong = outcomes.iter().flat_map(|outcome| {
            let name = outcome.round.name();
            outcome.verdict.wrong.iter().map(move |wrong| format!("{name}: {wrong}"))
        });
        Self {
            seed,
            injections: total.injections,
            holds: outcomes.iter().all(Outcome::holds),
            seconds: took.as_secs(),
            wrong: wrong.collect(),
            rows,
            total,
        }
    }

    /// Writes the report as JSON and as a table in Markdown.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn write(&self, dir: &Path) -> Result<()> {
        std::fs::create_dir_all(dir).context("making the report's folder")?;
        let json = serde_json::to_string_pretty(self).context("writing the report")?;
        std::fs::write(dir.join("report.json"), json).context("writing the report")?;
        std::fs::write(dir.join("report.md"), self.table()).context("writing the report")
    }

    /// The table in Markdown.
    #[must_use]
    pub fn table(&self) -> String {
        let mut text = String::from(
            "| fault | injections | commands | receipts | deliveries | lost | doubled | leaked | \
             diverged | longest stall | full speed after |\n\
             |---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n",
        );
        let rows = self.rows.iter().map(|(name, row)| (name.as_str(), row));
        for (name, row) in rows.chain([("**all**", &self.total)]) {
            let recovery = row.slowest_recovery_ms.map_or("over 60 s".to_owned(), seconds);
            writeln!(
                text,
                "| {name} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {recovery} |",
                row.injections,
                row.commands,
                row.receipts,
                row.deliveries,
                row.lost,
                row.doubled,
                row.leaked,
                row.diverged,
                seconds(row.longest_stall_ms)
            )
            .expect("a string takes every byte");
        }
        text
    }
}

impl Row {
    fn add(&mut self, outcome: &Outcome) {
        let verdict = &outcome.verdict;
        self.injections += outcome.round.faults.len();
        self.rounds += 1;
        self.commands += verdict.commands;
        self.receipts += verdict.receipts;
        self.deliveries += verdict.deliveries;
        self.lost += verdict.lost;
        self.doubled += verdict.doubled;
        self.leaked += verdict.leaked;
        self.diverged += verdict.diverged;
        self.longest_stall_ms = self.longest_stall_ms.max(outcome.stall.as_millis());
        let recovered = outcome.recovered.map(|time| time.as_millis());
        self.slowest_recovery_ms =
            self.slowest_recovery_ms.zip(recovered).map(|(slowest, this)| slowest.max(this));
    }
}

/// A fault's name without the replica's number.
fn kind(name: &str) -> String {
    name.trim_end_matches([' ', '1', '2']).to_owned()
}

/// Milliseconds as seconds.
fn seconds(milliseconds: u128) -> String {
    format!("{}.{} s", milliseconds / 1_000, milliseconds % 1_000 / 100)
}

/// What a round came to, in two lines.
#[must_use]
pub fn told(outcome: &Outcome) -> String {
    let recovered =
        outcome.recovered.map_or("not at full speed within a minute".to_owned(), |time| {
            format!("full speed after {}", seconds(time.as_millis()))
        });
    format!(
        "         {}  longest stall {}  {recovered}\n         {}",
        if outcome.holds() { "holds" } else { "FAILS" },
        seconds(outcome.stall.as_millis()),
        outcome.verdict
    )
}
