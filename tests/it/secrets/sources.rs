//! Every log line in the source tells errors by their cause, and prints nothing whole.

use std::fs;
use std::path::{Path, PathBuf};

use local::test_environment;

/// What prints a value whole, or an error with the values that it quotes.
const PRINTS: [&str; 8] = ["= ?", "(?", " ?", "%error", "%fault", "dyn Error", ":?}", "detail"];

#[test]
fn every_log_line_tells_errors_by_their_cause() {
    let root = test_environment::target().parent().expect("a workspace").to_owned();
    let mut lines = 0;
    for folder in ["shared", "services"] {
        for file in sources(&root.join(folder)) {
            let text = fs::read_to_string(&file).expect("a source");
            // Tests stand below.
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            for call in calls(code) {
                lines += 1;
                for prints in PRINTS {
                    assert!(!call.contains(prints), "{}: {prints:?} in {call}", file.display());
                }
            }
        }
    }
    assert!(lines > 25, "the log lines are where they are looked for: {lines}");
}

/// What stands between the parentheses of every log line.
fn calls(code: &str) -> impl Iterator<Item = &str> {
    ["trace", "debug", "info", "warn", "error", "event"].into_iter().flat_map(move |level| {
        let name = format!("tracing::{level}!(");
        let starts: Vec<usize> = code.match_indices(&name).map(|(at, _)| at + name.len()).collect();
        starts.into_iter().map(move |start| &code[start..start + length(&code[start..])])
    })
}

fn length(rest: &str) -> usize {
    let mut open = 1;
    for (at, letter) in rest.char_indices() {
        open += match letter {
            '(' => 1,
            ')' => -1,
            _ => 0,
        };
        if open == 0 {
            return at;
        }
    }
    rest.len()
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let is = |name: &str| path.file_name().is_some_and(|own| own == name);
        if path.is_dir() && !["tests", "vendor", "target"].into_iter().any(is) {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|kind| kind == "rs") && !is("tests.rs") {
            files.push(path);
        }
    }
    files
}
