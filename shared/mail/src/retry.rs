//! What follows from one try to hand a mail to the server.

use contracts::Timestamp;

/// The first pause, in seconds; each further one is twice as long.
const FIRST_PAUSE: i64 = 5;
/// The longest pause, in seconds.
const LONGEST_PAUSE: i64 = 60 * 60;
/// For how many seconds a mail is tried: five days, as RFC 5321 4.5.4.1 advises.
const TRIED_FOR: i64 = 5 * 24 * 60 * 60;

/// How one try went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TryOutcome {
    /// The server took the mail.
    Accepted,
    /// It may work later: the server is away, or says so.
    Temporary(String),
    /// It will never work.
    Permanent(String),
}

/// What becomes of the mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MailOutcome {
    /// It is done.
    Sent,
    /// It is tried again.
    Again {
        /// When.
        at: Timestamp,
        /// Why it did not work.
        reason: String,
    },
    /// It is given up.
    Failed {
        /// Why.
        reason: String,
    },
}

/// One mail's tries so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tries {
    /// When the notice was made.
    pub since: Timestamp,
    /// How many tries there were before this one.
    pub before: u32,
    /// Where in its range the pause falls, in thousandths: mails that failed together are not tried
    /// together again.
    pub spread: u16,
}

/// Decides what becomes of a mail after a try that ended at `now`.
#[must_use]
pub fn next(outcome: TryOutcome, tries: Tries, now: Timestamp) -> MailOutcome {
    match outcome {
        TryOutcome::Accepted => MailOutcome::Sent,
        TryOutcome::Permanent(reason) => MailOutcome::Failed { reason },
        TryOutcome::Temporary(reason) => {
            let at = now.plus_seconds(pause(tries));
            if at > tries.since.plus_seconds(TRIED_FOR) {
                MailOutcome::Failed {
                    reason: format!(
                        "given up after {} tries in 5 days: {reason}",
                        tries.before.saturating_add(1)
                    ),
                }
            } else {
                MailOutcome::Again { at, reason }
            }
        }
    }
}

/// Between half of the longest pause of this try and the whole of it, in seconds.
fn pause(tries: Tries) -> i64 {
    // Ten doublings are beyond the longest pause.
    let longest = (FIRST_PAUSE << tries.before.min(10)).min(LONGEST_PAUSE);
    longest - longest * i64::from(tries.spread.min(1000)) / 2000
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn start() -> Timestamp {
        Timestamp::parse("2026-03-01T10:00:00Z").unwrap()
    }

    fn tries(before: u32) -> Tries {
        Tries { since: start(), before, spread: 0 }
    }

    fn away() -> TryOutcome {
        TryOutcome::Temporary("451 try later".into())
    }

    #[test]
    fn pauses_double_up_to_an_hour() {
        let seconds = |before| match next(away(), tries(before), start()) {
            MailOutcome::Again { at, .. } => (at.utc() - start().utc()).num_seconds(),
            other => panic!("{other:?}"),
        };
        assert_eq!(
            [0, 1, 2, 9, 10, 11, 4_000_000_000].map(seconds),
            [5, 10, 20, 2560, 3600, 3600, 3600]
        );
    }

    #[test]
    fn what_never_works_is_not_tried_again() {
        let refused = TryOutcome::Permanent("550 no such user".into());
        assert_eq!(
            next(refused, tries(0), start()),
            MailOutcome::Failed { reason: "550 no such user".into() }
        );
        assert_eq!(next(TryOutcome::Accepted, tries(7), start()), MailOutcome::Sent);
    }

    #[test]
    fn a_mail_is_given_up_after_five_days_with_the_last_reason() {
        let almost = start().plus_seconds(TRIED_FOR - 3600);
        assert!(matches!(next(away(), tries(130), almost), MailOutcome::Again { .. }));
        let MailOutcome::Failed { reason } = next(away(), tries(130), almost.plus_seconds(1))
        else {
            panic!("still tried")
        };
        assert_eq!(reason, "given up after 131 tries in 5 days: 451 try later");
    }

    proptest! {
        #[test]
        fn a_pause_is_within_half_and_whole_and_tries_come_to_an_end(
            spreads in prop::collection::vec(0u16..=1000, 400),
        ) {
            let mut now = start();
            let mut longest = FIRST_PAUSE;
            for (before, spread) in (0..).zip(spreads) {
                match next(away(), Tries { spread, ..tries(before) }, now) {
                    MailOutcome::Again { at, .. } => {
                        let paused = (at.utc() - now.utc()).num_seconds();
                        prop_assert!(
                            paused <= longest && paused * 2 >= longest,
                            "{paused} of {longest}"
                        );
                        now = at;
                    }
                    MailOutcome::Failed { .. } => return Ok(()),
                    MailOutcome::Sent => prop_assert!(false, "nothing was sent"),
                }
                longest = (longest * 2).min(LONGEST_PAUSE);
            }
            prop_assert!(false, "tried for ever");
        }
    }
}
