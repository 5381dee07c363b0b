//! The round in the text format of Prometheus, for the textfile collector of `node_exporter`.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use super::{Steps, seconds};
use crate::error::{During, Result};
use crate::secret;

const LAST_SUCCESS: &str = "deskmesh_canary_last_success_timestamp_seconds";

/// Writes the round's metrics in one piece. After a failure the time of the last success stays the
/// one of the file that is there.
///
/// # Errors
/// When the file cannot be read or written.
pub fn write(file: &Path, steps: &Steps, success: bool) -> Result<()> {
    let last = if success {
        Some(seconds().to_string())
    } else {
        secret::read(file)?.and_then(|text| last_success(&text))
    };
    let aside = file.with_extension(format!("new-{}", std::process::id()));
    fs::write(&aside, text(steps, success, last.as_deref()))
        .during(format!("writing {}", aside.display()))?;
    fs::rename(&aside, file).during(format!("moving {} to {}", aside.display(), file.display()))
}

fn last_success(text: &str) -> Option<String> {
    text.lines()
        .find_map(|line| line.strip_prefix(LAST_SUCCESS)?.strip_prefix(' ').map(str::to_owned))
}

fn text(steps: &Steps, success: bool, last: Option<&str>) -> String {
    let mut text = String::from(
        "# HELP deskmesh_canary_success Whether the last round of the canary went well.\n",
    );
    text.push_str("# TYPE deskmesh_canary_success gauge\n");
    // Writing to a string cannot fail.
    let _ = writeln!(text, "deskmesh_canary_success {}", u8::from(success));
    text.push_str("# HELP deskmesh_canary_seconds How long each step of the last round took.\n");
    text.push_str("# TYPE deskmesh_canary_seconds gauge\n");
    for (step, took) in &steps.0 {
        let _ =
            writeln!(text, "deskmesh_canary_seconds{{step=\"{step}\"}} {:.6}", took.as_secs_f64());
    }
    if let Some(last) = last {
        let _ = writeln!(
            text,
            "# HELP {LAST_SUCCESS} When a round last went well.\n# TYPE {LAST_SUCCESS} gauge\n\
             {LAST_SUCCESS} {last}"
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_failure_keeps_the_time_of_the_last_success() {
        let file = std::env::temp_dir().join(format!("canary-{}.prom", std::process::id()));
        let steps = Steps(vec![("login", Duration::from_millis(12))]);
        write(&file, &steps, true).unwrap();
        let green = fs::read_to_string(&file).unwrap();
        write(&file, &Steps::default(), false).unwrap();
        let red = fs::read_to_string(&file).unwrap();
        fs::remove_file(&file).unwrap();
        assert!(green.contains("deskmesh_canary_seconds{step=\"login\"} 0.012000\n"), "{green}");
        assert!(
            green.contains("deskmesh_canary_success 1\n")
                && red.contains("deskmesh_canary_success 0\n"),
            "{red}"
        );
        assert!(last_success(&green).is_some());
        assert_eq!(last_success(&green), last_success(&red));
    }
}
