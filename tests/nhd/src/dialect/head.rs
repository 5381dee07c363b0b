//! The headers of a request.

use super::Habits;

pub const TOKEN: &str = "x-ticket-sharing-token";
pub const VERSION: &str = "x-ticket-sharing-version";

/// What opens an agreement's door.
#[must_use]
pub fn token(agreement: &str, access_key: &str) -> String {
    format!("{agreement}:{access_key}")
}

/// The headers of a request, an invite or any other.
#[must_use]
pub fn headers(habits: &Habits, token: &str, is_invite: bool) -> Vec<(&'static str, String)> {
    let mut headers = vec![("content-type", habits.content_type.to_owned())];
    headers.extend(habits.accept.map(|accept| ("accept", accept.to_owned())));
    if habits.version_header {
        headers.push((VERSION, "1".to_owned()));
    }
    if !is_invite || habits.token_on_invite {
        headers.push((TOKEN, token.to_owned()));
    }
    headers
}

#[cfg(test)]
mod tests {
    use super::super::Dialect;
    use super::*;

    /// Whether there is a version, and a token on the invite and on what follows it.
    fn marks(dialect: Dialect) -> (bool, bool, bool) {
        let of = |is_invite| headers(&dialect.habits(), &token("a", "k"), is_invite);
        let has = |headers: &[(&str, String)], name| headers.iter().any(|(it, _)| *it == name);
        (has(&of(true), VERSION), has(&of(true), TOKEN), has(&of(false), TOKEN))
    }

    #[test]
    fn only_request_tracker_sends_a_token_with_its_invite() {
        assert_eq!(marks(Dialect::Zendesk), (false, false, true));
        assert_eq!(marks(Dialect::JavaScript), (true, false, true));
        assert_eq!(marks(Dialect::RequestTracker), (true, true, true));
    }

    #[test]
    fn the_token_is_the_agreement_and_its_key() {
        let headers = headers(&Dialect::Zendesk.habits(), &token("a1", "k1"), false);
        assert!(headers.contains(&(TOKEN, "a1:k1".to_owned())), "{headers:?}");
    }
}
