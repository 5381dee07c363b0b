//! Whether a request that changes something comes from a page of ours. Browsers say so themselves:
//! no token in forms is needed, and none can be forgotten.

use axum::http::Method;
use axum::http::header::{HeaderMap, HeaderName, ORIGIN};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Whether a request may have an effect. `own` is the origin that pages are reached by.
#[must_use]
pub fn is_ours(method: &Method, headers: &HeaderMap, own: &str) -> bool {
    if [Method::GET, Method::HEAD, Method::OPTIONS].contains(method) {
        return true;
    }
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    match (text(SEC_FETCH_SITE), text(ORIGIN)) {
        (Some(site), _) => site == "same-origin",
        (None, origin) => origin == Some(own),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn only_a_page_of_ours_may_change_something() {
        const OWN: &str = "https://desk.example";
        let headers = |site: Option<&'static str>, origin: Option<&'static str>| {
            let mut headers = HeaderMap::new();
            for (name, value) in [(SEC_FETCH_SITE, site), (ORIGIN, origin)] {
                if let Some(value) = value {
                    headers.insert(name, HeaderValue::from_static(value));
                }
            }
            headers
        };
        for (site, origin, ours) in [
            (Some("same-origin"), Some(OWN), true),
            (Some("same-origin"), None, true),
            (Some("same-site"), Some("https://files.example"), false),
            (Some("cross-site"), Some(OWN), false),
            (Some("none"), None, false),
            (None, Some(OWN), true),
            (None, Some("https://desk.example.evil"), false),
            (None, Some("null"), false),
            (None, None, false),
        ] {
            let headers = headers(site, origin);
            assert_eq!(is_ours(&Method::POST, &headers, OWN), ours, "{site:?} {origin:?}");
            assert!(is_ours(&Method::GET, &headers, OWN));
        }
    }
}
