//! What an attempt to copy a file came to, and what becomes of it.

use std::time::Duration;

/// Why a file was not copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchFault {
    /// A code that stays.
    pub code: String,
    /// What is wrong; for the account whose link it is.
    pub detail: String,
    /// Whose it is.
    pub kind: FaultKind,
}

/// Whether another attempt may help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// The link is wrong, or leads to what may not be kept: it stays so.
    Lasting,
    /// The other side may do better in a while.
    Passing,
    /// It is this edge that failed.
    Ours,
}

/// What becomes of a file that was not copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryDecision {
    /// It is tried again after so long.
    Again(Duration),
    /// The command goes without it.
    GiveUp,
}

/// After these many seconds it is tried again: five minutes in all, for which the comment waits.
const DELAYS: [u64; 5] = [2, 10, 30, 60, 180];
/// How long a store or database of ours that failed is left alone.
const OURS: Duration = Duration::from_secs(5);

/// What becomes of a file after so many attempts that failed before this one.
#[must_use]
pub fn next(kind: FaultKind, before: u32) -> RetryDecision {
    match kind {
        FaultKind::Lasting => RetryDecision::GiveUp,
        FaultKind::Ours => RetryDecision::Again(OURS),
        FaultKind::Passing => {
            let delay = usize::try_from(before).ok().and_then(|before| DELAYS.get(before));
            delay.map_or(RetryDecision::GiveUp, |seconds| {
                RetryDecision::Again(Duration::from_secs(*seconds))
            })
        }
    }
}

/// What an answer other than the file says. A server that is busy or broken, or has not got it yet,
/// may do better; one that says no means it.
#[must_use]
pub fn refused(status: u16) -> FetchFault {
    let kind = match status {
        408 | 425 | 429 | 500..=599 => FaultKind::Passing,
        _ => FaultKind::Lasting,
    };
    let detail = format!("the server that has the file answered {status}");
    FetchFault { code: format!("status_{status}"), detail, kind }
}

/// Whether a call that came to nothing may come to something later: by the code that `egress` gave
/// it.
#[must_use]
pub fn unreachable(code: &str, detail: String) -> FetchFault {
    let lasting =
        ["bad_url", "refused_address", "too_large", "too_many_redirects", "redirect_refused"];
    let kind = if lasting.contains(&code) { FaultKind::Lasting } else { FaultKind::Passing };
    FetchFault { code: code.to_owned(), detail, kind }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_pass_is_tried_for_five_minutes_and_what_lasts_is_not() {
        let tries: Vec<RetryDecision> =
            (0..8).map(|before| next(FaultKind::Passing, before)).collect();
        assert_eq!(tries[0], RetryDecision::Again(Duration::from_secs(2)));
        assert_eq!(
            tries[4..7],
            [
                RetryDecision::Again(Duration::from_mins(3)),
                RetryDecision::GiveUp,
                RetryDecision::GiveUp
            ]
        );
        assert!((240..360).contains(&DELAYS.iter().sum::<u64>()));
        assert_eq!(next(FaultKind::Lasting, 0), RetryDecision::GiveUp);
        assert_eq!(next(FaultKind::Ours, 100_000), RetryDecision::Again(OURS));
    }

    #[test]
    fn an_answer_says_whether_another_try_may_help() {
        for (status, kind) in [
            (204, FaultKind::Lasting),
            (302, FaultKind::Lasting),
            (401, FaultKind::Lasting),
            (404, FaultKind::Lasting),
            (410, FaultKind::Lasting),
            (408, FaultKind::Passing),
            (429, FaultKind::Passing),
            (500, FaultKind::Passing),
            (503, FaultKind::Passing),
        ] {
            assert_eq!(refused(status).kind, kind, "{status}");
        }
        for (code, kind) in [
            ("refused_address", FaultKind::Lasting),
            ("bad_url", FaultKind::Lasting),
            ("redirect_refused", FaultKind::Lasting),
            ("timed_out", FaultKind::Passing),
            ("name_not_found", FaultKind::Passing),
            ("tls", FaultKind::Passing),
        ] {
            assert_eq!(unreachable(code, String::new()).kind, kind, "{code}");
        }
    }
}
