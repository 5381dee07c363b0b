//! What somebody sent whose session was over: shown for copying, and kept nowhere.

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::Request;
use axum::http::Method;
use axum::http::header::{CONTENT_TYPE, HeaderMap, REFERER};
use url::Url;

/// What people write at length. Others, above all passwords, are not shown again.
const WRITTEN: [&str; 3] = ["subject", "body", "transcript"];
/// The most that is read, as forms are.
const FORM_BYTES: usize = 2 * 1024 * 1024;

/// What was sent in vain.
#[derive(Debug, Default)]
pub(crate) struct Lost {
    /// The page that it was typed on: a path.
    pub page: String,
    /// What was typed.
    pub typed: Vec<String>,
}

/// What a request sends that nobody signed in for; it goes on as it came. `own` is the origin that
/// pages are reached by.
pub(crate) async fn read(request: Request, own: &str) -> (Request, Lost) {
    let page = page_of(request.headers(), own);
    let page = page.unwrap_or_else(|| request.uri().path().to_owned());
    let is_form = request.method() == Method::POST
        && !request.uri().path().starts_with("/sign-in")
        && request
            .headers()
            .get(CONTENT_TYPE)
            .is_some_and(|it| it.as_bytes().starts_with(b"application/x-www-form-urlencoded"));
    if !is_form {
        return (request, Lost { page, typed: Vec::new() });
    }
    let (parts, body) = request.into_parts();
    let bytes = to_bytes(body, FORM_BYTES).await.unwrap_or_default();
    let typed = typed_in(&bytes);
    (Request::from_parts(parts, Body::from(bytes)), Lost { page, typed })
}

/// The path of the page that a form was sent from.
fn page_of(headers: &HeaderMap, own: &str) -> Option<String> {
    let from = Url::parse(headers.get(REFERER)?.to_str().ok()?).ok()?;
    (from.origin().ascii_serialization() == own).then(|| from.path().to_owned())
}

fn typed_in(form: &Bytes) -> Vec<String> {
    url::form_urlencoded::parse(form)
        .filter(|(name, value)| WRITTEN.contains(&name.as_ref()) && !value.trim().is_empty())
        .map(|(_, value)| value.into_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn texts_are_shown_again_and_passwords_are_not() {
        let form =
            Bytes::from_static(b"password=secret&body=It+drips.&transcript=+&key=1&subject=Tap");
        assert_eq!(typed_in(&form), ["It drips.", "Tap"]);
    }

    #[test]
    fn it_leads_back_to_a_page_of_ours_and_no_other() {
        for (from, page) in [
            ("https://desk.example/tickets/7?said=said.saved", Some("/tickets/7")),
            ("https://other.example/tickets/7", None),
            ("no address", None),
        ] {
            let headers = HeaderMap::from_iter([(REFERER, HeaderValue::from_static(from))]);
            assert_eq!(page_of(&headers, "https://desk.example").as_deref(), page, "{from}");
        }
    }
}
