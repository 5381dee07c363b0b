//! When pages of an account are told to look again: one after the other, so that those that look at
//! the same do not all ask in the same moment.

use std::time::Duration;

/// What lies between two pages of an account that are told.
const SPACE: Duration = Duration::from_millis(20);
/// Within this each of them has its turn, however many there are.
const ROUND: Duration = Duration::from_secs(10);

/// How long the next of so many pages waits for its turn, so long after the last one was told: not
/// at all where that is long ago.
#[must_use]
pub fn wait(since_last: Option<Duration>, pages: usize) -> Duration {
    let pages = u32::try_from(pages.max(1)).unwrap_or(u32::MAX);
    let space = SPACE.min(ROUND / pages);
    since_last.map_or(Duration::ZERO, |since| space.saturating_sub(since))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_told_at_once_unless_another_just_was() {
        let ago = |milliseconds| Some(Duration::from_millis(milliseconds));
        for (since, pages, milliseconds) in [
            (None, 200, 0),
            (ago(1_000), 200, 0),
            (ago(20), 200, 0),
            (ago(5), 200, 15),
            (ago(0), 1, 20),
        ] {
            let expected = Duration::from_millis(milliseconds);
            assert_eq!(wait(since, pages), expected, "{since:?} {pages}");
        }
    }

    #[test]
    fn a_round_of_all_pages_ends_in_time() {
        for (pages, round) in [(1, 20), (200, 4_000), (500, 10_000), (2_000, 10_000)] {
            let all = (0..pages).map(|_| wait(Some(Duration::ZERO), pages)).sum::<Duration>();
            assert_eq!(all, Duration::from_millis(round), "{pages} pages");
        }
    }
}
