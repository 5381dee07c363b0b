//! The delay ladder: how long "not yet" waits, and when it is over.

use contracts::topology::{RETRY_LADDER, RetryStep};

use crate::service::Patience;

/// What [`Patience::Moment`] waits, in milliseconds: with the way there and back an answer still
/// comes within a second.
const MOMENT_MS: u32 = 400;

/// The next wait of a message that waited `attempts` times; nothing when it waited long enough.
pub(crate) fn step_after(attempts: usize, patience: Patience) -> Option<RetryStep> {
    let step = RETRY_LADDER.get(attempts).copied();
    match patience {
        Patience::Ladder => step,
        // In the queue of the first step, for less than that lasts.
        Patience::Moment => {
            step.filter(|_| attempts == 0).map(|step| RetryStep { delay_ms: MOMENT_MS, ..step })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delays(patience: Patience) -> Vec<Option<u32>> {
        (0..3).map(|attempts| step_after(attempts, patience).map(|step| step.delay_ms)).collect()
    }

    #[test]
    fn a_second_then_five_then_over() {
        assert_eq!(delays(Patience::Ladder), [Some(1_000), Some(5_000), None]);
    }

    #[test]
    fn a_moment_is_over_within_a_second() {
        assert_eq!(delays(Patience::Moment), [Some(400), None, None]);
    }
}
