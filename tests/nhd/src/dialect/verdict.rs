//! What a client makes of an answer's status.

use super::{Dialect, Habits};

/// What a call came to, for whoever made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Done,
    /// It is told that it failed, and goes on.
    Failed(u16),
    /// An error goes up to whoever is not prepared for it.
    Raised(String),
    /// No answer.
    Silent(String),
}

impl Verdict {
    #[must_use]
    pub fn is_done(&self) -> bool {
        *self == Self::Done
    }
}

/// What a status is to a client.
#[must_use]
pub fn of_status(dialect: Dialect, status: u16) -> Verdict {
    match (dialect, status) {
        (_, 200..=299) => Verdict::Done,
        (Dialect::Zendesk, 401 | 403 | 404 | 405 | 408 | 410 | 422 | 500..=599)
        | (Dialect::JavaScript | Dialect::RequestTracker, _) => Verdict::Failed(status),
        (Dialect::Zendesk, _) => Verdict::Raised(format!("status {status}")),
    }
}

/// What a client does with an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// The same request again, token and all, there.
    CallAt(String),
    End(Verdict),
}

/// What follows an answer after so many redirects.
#[must_use]
pub fn next(habits: &Habits, followed: u8, status: u16, location: Option<&str>) -> Next {
    let is_redirect = (300..400).contains(&status);
    match location.filter(|_| is_redirect && habits.redirects > 0) {
        Some(location) if followed < habits.redirects => Next::CallAt(location.to_owned()),
        Some(_) => Next::End(Verdict::Raised("too many redirects".to_owned())),
        None => Next::End(of_status(habits.dialect, status)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zendesk_raises_on_every_status_that_it_does_not_know() {
        for status in [400, 402, 406, 407, 409, 411, 412, 415, 421, 423, 429, 499] {
            let verdict = of_status(Dialect::Zendesk, status);
            assert!(matches!(verdict, Verdict::Raised(_)), "{status}: {verdict:?}");
        }
        for status in [401, 403, 404, 405, 408, 410, 422, 500, 503, 599] {
            assert_eq!(of_status(Dialect::Zendesk, status), Verdict::Failed(status));
        }
        assert!((200..300).all(|status| of_status(Dialect::Zendesk, status).is_done()));
    }

    #[test]
    fn the_others_never_raise() {
        for dialect in [Dialect::JavaScript, Dialect::RequestTracker] {
            let failed = (300..600).map(|status| (status, of_status(dialect, status)));
            for (status, verdict) in failed {
                assert_eq!(verdict, Verdict::Failed(status), "{dialect:?}");
            }
        }
    }

    #[test]
    fn zendesk_follows_two_redirects_and_raises_on_the_third() {
        let habits = Dialect::Zendesk.habits();
        let there = || Next::CallAt("https://elsewhere.example/".to_owned());
        for status in [301, 302, 303, 307, 308] {
            let follow =
                |followed| next(&habits, followed, status, Some("https://elsewhere.example/"));
            assert_eq!([follow(0), follow(1)], [there(), there()]);
            assert!(matches!(follow(2), Next::End(Verdict::Raised(_))));
        }
    }

    #[test]
    fn the_others_follow_none() {
        for dialect in [Dialect::JavaScript, Dialect::RequestTracker] {
            let end = next(&dialect.habits(), 0, 301, Some("https://elsewhere.example/"));
            assert_eq!(end, Next::End(Verdict::Failed(301)));
        }
    }
}
