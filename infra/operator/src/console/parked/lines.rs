//! What a service tells line by line while it works.

use super::told::OrderLine;

/// A line that is longer was not written by a service.
const LONGEST: usize = 64 * 1024;

/// Puts lines together from what comes, however it is cut.
#[derive(Debug, Default)]
pub struct OrderLines(Vec<u8>);

impl OrderLines {
    /// Takes what came, and reads the lines that are whole now.
    ///
    /// # Errors
    /// When a line is not what a service tells.
    pub fn take(&mut self, came: &[u8]) -> Result<Vec<OrderLine>, String> {
        self.0.extend_from_slice(came);
        let mut lines = Vec::new();
        while let Some(end) = self.0.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.0.drain(..=end).collect();
            if line.trim_ascii().is_empty() {
                continue;
            }
            let unknown = |error| format!("it told something that is no progress: {error}");
            lines.push(serde_json::from_slice(&line).map_err(unknown)?);
        }
        if self.0.len() > LONGEST {
            return Err(format!("it told a line of more than {LONGEST} bytes"));
        }
        Ok(lines)
    }
}

#[cfg(test)]
mod tests {
    use super::super::told::OrderOutcome;
    use super::*;

    const TOLD: &str = "{\"behind\":148,\"total\":212}\n\n{\"done\":208,\"total\":212,\"back\":2,\
        \"refused\":1,\"left\":1,\"stopped\":false,\"fault\":null}\n";

    fn wanted() -> Vec<OrderLine> {
        let outcome = OrderOutcome {
            done: 208,
            total: 212,
            back: 2,
            refused: 1,
            left: 1,
            ..OrderOutcome::default()
        };
        vec![OrderLine::Behind { behind: 148, total: 212 }, OrderLine::Ended(outcome)]
    }

    #[test]
    fn lines_are_read_however_they_are_cut() {
        for size in 1..=TOLD.len() {
            let mut lines = OrderLines::default();
            let read: Vec<OrderLine> =
                TOLD.as_bytes().chunks(size).flat_map(|part| lines.take(part).unwrap()).collect();
            assert_eq!(read, wanted(), "in parts of {size}");
        }
    }

    #[test]
    fn what_is_not_whole_is_waited_for() {
        let mut lines = OrderLines::default();
        assert!(lines.take(b"{\"behind\":1,\"tot").unwrap().is_empty());
        let read = lines.take(b"al\":2}\n").unwrap();
        assert_eq!(read, [OrderLine::Behind { behind: 1, total: 2 }]);
    }

    #[test]
    fn what_is_no_progress_is_a_sentence() {
        for told in ["<html>\n", "{\"other\":1}\n", &"x".repeat(LONGEST + 1)] {
            let refused = OrderLines::default().take(told.as_bytes()).unwrap_err();
            assert!(refused.starts_with("it told"), "{refused}");
        }
    }
}
