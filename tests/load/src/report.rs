//! What is printed, and kept.

/// Figures, one a line.
#[derive(Debug, Default)]
pub struct Report {
    lines: Vec<String>,
    /// What was lost or doubled.
    pub wrong: Vec<String>,
}

impl Report {
    /// Adds a figure, and prints it at once.
    pub fn figure(&mut self, what: &str, figure: &str, goal: &str) {
        println!("{what}: {figure}{}{goal}", if goal.is_empty() { "" } else { "; " });
        self.lines.push(format!("| {what} | {figure} | {goal} |"));
    }

    /// A goal, met or missed.
    #[must_use]
    pub fn goal(is_met: bool, goal: &str) -> String {
        format!("{goal}, {}", if is_met { "met" } else { "**missed**" })
    }

    /// As a table.
    #[must_use]
    pub fn table(&self) -> String {
        format!("| | measured | goal |\n|---|--:|--:|\n{}\n", self.lines.join("\n"))
    }
}
