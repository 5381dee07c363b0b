//! What the story prints: one line per event.

use std::io::{IsTerminal, stdout};
use std::time::{Duration, Instant};

const BOLD: &str = "\u{1b}[1m";
const DIM: &str = "\u{1b}[2m";
const GREEN: &str = "\u{1b}[32m";
const RED: &str = "\u{1b}[31m";
const END: &str = "\u{1b}[0m";

/// Prints events with the time since the start.
#[derive(Clone, Debug)]
pub struct Timeline {
    started: Instant,
    colours: bool,
}

impl Default for Timeline {
    fn default() -> Self {
        Self::new()
    }
}

impl Timeline {
    /// Starts the clock. There are colours where the output is a terminal and `NO_COLOR` is not
    /// set.
    #[must_use]
    pub fn new() -> Self {
        let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self { started: Instant::now(), colours: stdout().is_terminal() && !unwanted }
    }

    /// Says what the columns are.
    pub fn legend(&self) {
        println!(
            "{}",
            self.painted(DIM, "  time s  from → to             latency  trace     what")
        );
    }

    /// Begins a section.
    pub fn headline(&self, text: &str) {
        println!("\n{}", self.painted(BOLD, text));
    }

    /// One event: who told whom what, how long it took and its trace.
    pub fn event(
        &self,
        from: &str,
        to: &str,
        took: Option<Duration>,
        trace: Option<&str>,
        text: &str,
    ) {
        let who = if to.is_empty() { from.to_owned() } else { format!("{from} → {to}") };
        let took = took.map_or(String::new(), |took| format!("{} ms", milliseconds(took)));
        let trace: String = trace.unwrap_or_default().chars().take(8).collect();
        let time = format!("{:8.3}", self.started.elapsed().as_secs_f64());
        println!(
            "{}  {who:<18}  {took:>8}  {}  {text}",
            self.painted(DIM, &time),
            self.painted(DIM, &format!("{trace:<8}"))
        );
    }

    /// An event of the stage: a server, a service.
    pub fn stage(&self, text: &str) {
        self.event("", "", None, None, text);
    }

    /// A line of its own.
    pub fn line(&self, text: &str) {
        println!("{text}");
    }

    /// A line that says whether all is well.
    pub fn verdict(&self, good: bool, text: &str) {
        println!("{}", self.painted(if good { GREEN } else { RED }, text));
    }

    /// The time since the start.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    fn painted(&self, colour: &str, text: &str) -> String {
        if self.colours { format!("{colour}{text}{END}") } else { text.to_owned() }
    }
}

/// Whole milliseconds, with a decimal below ten.
#[must_use]
pub fn milliseconds(duration: Duration) -> String {
    let milliseconds = duration.as_secs_f64() * 1_000.0;
    if milliseconds < 10.0 { format!("{milliseconds:.1}") } else { format!("{milliseconds:.0}") }
}
