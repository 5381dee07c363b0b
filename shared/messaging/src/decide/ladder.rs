//! The delay ladder: how long "not yet" waits, and when it is over.

use contracts::topology::{RETRY_LADDER, RetryStep};

/// The step for a message that waited `attempts` times; nothing when the ladder is used up.
pub(crate) fn step_after(attempts: usize) -> Option<RetryStep> {
    RETRY_LADDER.get(attempts).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_then_five_then_over() {
        assert_eq!(step_after(0).map(|step| step.delay_ms), Some(1_000));
        assert_eq!(step_after(1).map(|step| step.delay_ms), Some(5_000));
        assert_eq!(step_after(2), None);
    }
}
