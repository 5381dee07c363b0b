//! What a provider's answer, which comes by the browser, is worth: state, browser, time, issuer.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;

/// Minutes that a sign-in may stay at the provider.
pub(in crate::oidc) const LASTS_MINUTES: i64 = 10;
/// The longest word of a provider that is shown.
const WORD: usize = 40;

/// What the provider sends back, as parameters of an address.
#[derive(Clone, Debug, Default, Deserialize)]
pub(in crate::oidc) struct ProviderAnswer {
    #[serde(default)]
    pub state: String,
    pub code: Option<String>,
    /// Who answers (RFC 9207), of providers that say so.
    pub iss: Option<String>,
    pub error: Option<String>,
}

/// A sign-in as it was begun here.
#[derive(Clone, Debug)]
pub(in crate::oidc) struct BegunSignIn {
    /// The hash of the cookie of the browser that began it.
    pub browser: Vec<u8>,
    pub started_at: DateTime<Utc>,
}

/// Why an answer is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::oidc) enum AnswerRefused {
    /// Nothing that was begun here, or an answer came for it already.
    Unknown,
    /// It was begun by another browser.
    OtherBrowser,
    TooLate,
    /// Another provider answers than was asked.
    OtherIssuer,
    /// The provider lets nobody in; its word for it.
    Denied(String),
    /// It has neither a code nor an error.
    Empty,
}

/// The code of an answer to `flow`, which is gone since it was looked up.
pub(in crate::oidc) fn code<'a>(
    answer: &'a ProviderAnswer,
    flow: Option<&BegunSignIn>,
    browser: Option<&[u8]>,
    issuer: &str,
    now: DateTime<Utc>,
) -> Result<&'a str, AnswerRefused> {
    let flow = flow.ok_or(AnswerRefused::Unknown)?;
    if browser != Some(flow.browser.as_slice()) {
        return Err(AnswerRefused::OtherBrowser);
    }
    if now - flow.started_at > TimeDelta::minutes(LASTS_MINUTES) {
        return Err(AnswerRefused::TooLate);
    }
    if answer.iss.as_deref().is_some_and(|iss| iss != issuer) {
        return Err(AnswerRefused::OtherIssuer);
    }
    if let Some(error) = &answer.error {
        return Err(AnswerRefused::Denied(word(error)));
    }
    answer.code.as_deref().filter(|code| !code.is_empty()).ok_or(AnswerRefused::Empty)
}

/// A provider's word for an error, if it looks like one: it is shown to people.
pub(in crate::oidc) fn word(error: &str) -> String {
    let is_one = !error.is_empty()
        && error.len() <= WORD
        && error.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    if is_one { error.to_owned() } else { "error".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ISSUER: &str = "https://login.acme.example";

    fn answer(code: Option<&str>, iss: Option<&str>, error: Option<&str>) -> ProviderAnswer {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        ProviderAnswer {
            state: String::new(),
            code: owned(code),
            iss: owned(iss),
            error: owned(error),
        }
    }

    #[test]
    fn a_code_is_taken_from_who_was_asked_by_the_browser_that_asked_in_time() {
        let now = DateTime::UNIX_EPOCH + TimeDelta::hours(1);
        let flow = |minutes| {
            let started_at = now - TimeDelta::minutes(minutes);
            Some(BegunSignIn { browser: vec![1], started_at })
        };
        let (fresh, late, ours, other) = (flow(9), flow(11), Some(&[1][..]), Some(&[2][..]));
        let right = answer(Some("c"), None, None);
        let denied = answer(Some("c"), None, Some("access_denied"));
        let odd = answer(None, None, Some("<b>come here</b>"));
        for (answer, flow, browser, outcome) in [
            (&right, &fresh, ours, Ok("c")),
            (&answer(Some("c"), Some(ISSUER), None), &fresh, ours, Ok("c")),
            (&right, &None, ours, Err(AnswerRefused::Unknown)),
            (&right, &fresh, None, Err(AnswerRefused::OtherBrowser)),
            (&right, &fresh, other, Err(AnswerRefused::OtherBrowser)),
            (&right, &late, ours, Err(AnswerRefused::TooLate)),
            (
                &answer(Some("c"), Some("https://evil.example"), None),
                &fresh,
                ours,
                Err(AnswerRefused::OtherIssuer),
            ),
            (&denied, &fresh, ours, Err(AnswerRefused::Denied("access_denied".to_owned()))),
            (&denied, &fresh, other, Err(AnswerRefused::OtherBrowser)),
            (&odd, &fresh, ours, Err(AnswerRefused::Denied("error".to_owned()))),
            (&answer(None, None, None), &fresh, ours, Err(AnswerRefused::Empty)),
            (&answer(Some(""), None, None), &fresh, ours, Err(AnswerRefused::Empty)),
        ] {
            assert_eq!(code(answer, flow.as_ref(), browser, ISSUER, now), outcome, "{answer:?}");
        }
    }
}
