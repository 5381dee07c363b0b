//! Why a call was not taken, as it was kept: a status, or a code and its sentence.

use contracts::Timestamp;
use desk::calls::CallFailure;

/// Reads it.
#[must_use]
pub fn of_detail(at: Timestamp, detail: String, answer: Option<String>) -> CallFailure {
    let status = detail.split(' ').next().and_then(|word| word.parse().ok());
    let code = detail.split_once(": ").map(|(code, _)| code.to_owned());
    CallFailure { at, code: code.filter(|_| status.is_none()), status, detail, answer }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_a_status_or_a_code() {
        let at = Timestamp::parse("2026-03-01T10:00:00Z").unwrap();
        for (detail, code, status) in [
            ("503", None, Some(503)),
            ("200 with a page for people", None, Some(200)),
            ("tls: no secure connection to desk.example: it has expired", Some("tls"), None),
            ("it could not be sent", None, None),
        ] {
            let failure = of_detail(at, detail.to_owned(), None);
            assert_eq!((failure.code.as_deref(), failure.status), (code, status), "{detail}");
        }
    }
}
