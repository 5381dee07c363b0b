use http::HeaderValue;
use http::header::{AUTHORIZATION, COOKIE};
use proptest::prelude::*;

use super::*;
use crate::settings::Ports;

const HTTPS: UrlRules<'static> = UrlRules { ports: &[Ports::all()], http: false };
const BOTH: UrlRules<'static> = UrlRules { http: true, ..HTTPS };

/// What becomes of an answer to a GET of `from` that leads to `location`.
fn got(from: &str, status: u16, location: &str, redirects: Redirects) -> Result<String, Stop> {
    let url = Url::parse(from).unwrap();
    let sent = Sent { url: &url, method: &Method::GET, body: Carries::Nothing, followed: 0 };
    let status = StatusCode::from_u16(status).unwrap();
    let next = next(sent, status, Some(location.as_bytes()), redirects, BOTH)?;
    Ok(next.map_or_else(String::new, |onward| {
        let headers = if onward.with_headers { "" } else { " without headers" };
        format!("{} {}{headers}", onward.method, onward.url)
    }))
}

#[test]
fn targets_are_held_to_the_rules() {
    let any = Redirects::anywhere(3);
    let same = Redirects::same_host(3);
    let refused = |fault| Err(Stop::Refused(fault));
    let target = |fault| refused(RedirectFault::Target(fault));
    let ok = |text: &str| Ok(text.to_owned());
    let table = [
        (any, "/b", ok("GET https://a.test/b")),
        (any, "b?c#d", ok("GET https://a.test/x/b?c")),
        (any, "//b.test/c", ok("GET https://b.test/c without headers")),
        (any, "https://a.test:444/", ok("GET https://a.test:444/ without headers")),
        (any, "https://A.test.:443/", ok("GET https://a.test./")),
        (any, "https://sub.a.test/", ok("GET https://sub.a.test/ without headers")),
        (any, "http://a.test/", refused(RedirectFault::Downgrade)),
        (any, "http://b.test/", refused(RedirectFault::Downgrade)),
        (any, "file:///etc/passwd", target(UrlFault::Scheme)),
        (any, "https://u@a.test/", target(UrlFault::UserInfo)),
        (any, "https://a.test:0/", target(UrlFault::Port(0))),
        (any, "/a b", target(UrlFault::Blank)),
        (any, "/a\r\nb", target(UrlFault::Blank)),
        (any, "https://", target(UrlFault::Unreadable(url::ParseError::EmptyHost))),
        (same, "/b", ok("GET https://a.test/b")),
        (same, "https://b.test/", refused(RedirectFault::OtherHost)),
        (same, "https://a.test:444/", refused(RedirectFault::OtherHost)),
    ];
    for (redirects, location, expected) in table {
        assert_eq!(got("https://a.test/x/y", 302, location, redirects), expected, "{location}");
    }
}

#[test]
fn http_may_become_https_of_the_same_host() {
    let same = Redirects::same_host(3);
    let table = [
        ("http://a.test/", "https://a.test/", true),
        ("http://a.test/", "https://a.test:444/", false),
        ("http://a.test:81/", "https://a.test/", false),
        ("http://a.test:81/", "https://a.test:81/", false),
        ("http://a.test/", "https://b.test/", false),
        ("http://a.test/", "http://a.test/b", true),
    ];
    for (from, to, follows) in table {
        assert_eq!(got(from, 301, to, same).is_ok(), follows, "{from} to {to}");
    }
}

#[test]
fn what_is_no_redirect_is_an_answer() {
    let any = Redirects::anywhere(3);
    for status in [200, 201, 300, 304, 305, 306, 404, 500] {
        assert_eq!(got("https://a.test/", status, "/b", any), Ok(String::new()), "{status}");
    }
    assert_eq!(got("https://a.test/", 302, "/b", Redirects::none()), Ok(String::new()));
    assert_eq!(got("https://a.test/", 302, "/b", Redirects::default()), Ok(String::new()));
    let url = Url::parse("https://a.test/").unwrap();
    let sent = Sent { url: &url, method: &Method::GET, body: Carries::Nothing, followed: 0 };
    assert_eq!(next(sent, StatusCode::FOUND, None, any, HTTPS), Ok(None));
}

#[test]
fn method_and_body_stay_or_the_redirect_is_refused() {
    use Carries::{Bytes, Nothing, Stream};
    use RedirectFault::{BodyOnce, BodyToOtherHost, Method as Unclear};
    let (here, there) = ("/b", "https://b.test/");
    let table = [
        ("GET", Nothing, 301, here, Ok(("GET", false))),
        ("GET", Nothing, 303, there, Ok(("GET", false))),
        ("GET", Nothing, 308, there, Ok(("GET", false))),
        ("HEAD", Nothing, 302, here, Ok(("HEAD", false))),
        ("HEAD", Nothing, 303, here, Ok(("HEAD", false))),
        ("POST", Bytes, 301, here, Err(Unclear)),
        ("POST", Bytes, 302, here, Err(Unclear)),
        ("POST", Nothing, 302, here, Err(Unclear)),
        ("DELETE", Nothing, 301, here, Err(Unclear)),
        ("POST", Bytes, 303, here, Ok(("GET", false))),
        ("PUT", Stream, 303, there, Ok(("GET", false))),
        ("POST", Bytes, 307, here, Ok(("POST", true))),
        ("PUT", Bytes, 308, here, Ok(("PUT", true))),
        ("DELETE", Nothing, 307, there, Ok(("DELETE", false))),
        ("POST", Bytes, 307, there, Err(BodyToOtherHost)),
        ("POST", Stream, 307, here, Err(BodyOnce)),
        ("GET", Bytes, 302, here, Ok(("GET", true))),
        ("GET", Bytes, 302, there, Err(BodyToOtherHost)),
    ];
    let url = Url::parse("https://a.test/").unwrap();
    for (method, body, status, location, expected) in table {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let sent = Sent { url: &url, method: &method, body, followed: 0 };
        let status = StatusCode::from_u16(status).unwrap();
        let next = next(sent, status, Some(location.as_bytes()), Redirects::anywhere(1), HTTPS)
            .map(Option::unwrap);
        let is = next.as_ref().map(|onward| (onward.method.as_str(), onward.with_body));
        let expected = expected.map_err(Stop::Refused);
        assert_eq!(is.map_err(|stop| *stop), expected, "{method} {body:?} {status} {location}");
    }
}

#[test]
fn a_protocol_that_keeps_its_method_keeps_its_body() {
    let redirects = Redirects::same_host(2).keeping_method();
    let url = Url::parse("https://a.test/").unwrap();
    for (method, body) in [(Method::PUT, Carries::Bytes), (Method::DELETE, Carries::Nothing)] {
        for status in [301, 302, 303, 307, 308] {
            let sent = Sent { url: &url, method: &method, body, followed: 1 };
            let status = StatusCode::from_u16(status).unwrap();
            let to =
                |location: &str| next(sent, status, Some(location.as_bytes()), redirects, HTTPS);
            let onward = to("/b").unwrap().unwrap();
            assert_eq!((&onward.method, onward.with_body), (&method, body == Carries::Bytes));
            assert!(onward.with_headers);
            assert_eq!(to("https://b.test/"), Err(Stop::Refused(RedirectFault::OtherHost)));
        }
    }
}

#[test]
fn only_harmless_headers_go_to_another_host() {
    let mut given = HeaderMap::new();
    for name in [ACCEPT, ACCEPT_LANGUAGE, AUTHORIZATION, COOKIE, CONTENT_TYPE] {
        given.insert(name, HeaderValue::from_static("x"));
    }
    given.insert("x-ticket-sharing-token", HeaderValue::from_static("x"));
    let kept = |with_headers, with_body| {
        let url = Url::parse("https://b.test/").unwrap();
        let onward = Onward { url, method: Method::GET, with_body, with_headers };
        let mut kept: Vec<_> =
            headers(&onward, &given).keys().map(|name| name.as_str().to_owned()).collect();
        kept.sort();
        kept.join(" ")
    };
    assert_eq!(kept(false, false), "accept accept-language");
    let tokens = "authorization cookie x-ticket-sharing-token";
    let all = "accept accept-language authorization content-type cookie x-ticket-sharing-token";
    assert_eq!(kept(true, true), all);
    assert_eq!(kept(true, false), format!("accept accept-language {tokens}"));
}

proptest! {
    /// Wherever a redirect leads: never more of them than were allowed, never to http from https,
    /// never with headers or a body to another host.
    #[test]
    fn whatever_is_followed_keeps_the_bounds(
        location in "(https?:)?(//)?[ab/@:.\\[\\]]{0,8}(\\.test)?(:[0-9]{1,3})?/?[ -~]{0,6}",
        status in 300_u16..310,
        at_most in 0_u8..4,
        followed in 0_u8..4,
        same_host: bool,
        with_bytes: bool,
    ) {
        let url = Url::parse("https://a.test/x").unwrap();
        let body = if with_bytes { Carries::Bytes } else { Carries::Nothing };
        let sent = Sent { url: &url, method: &Method::PUT, body, followed };
        let redirects = Redirects { at_most, same_host, keeps_method: false };
        let status = StatusCode::from_u16(status).unwrap();
        if let Ok(Some(onward)) = next(sent, status, Some(location.as_bytes()), redirects, BOTH) {
            prop_assert!(followed < at_most);
            prop_assert_eq!(onward.url.scheme(), "https");
            let stays = onward.url.host_str().unwrap().trim_end_matches('.') == "a.test"
                && onward.url.port().is_none();
            prop_assert!(stays || !same_host);
            prop_assert!(stays || !(onward.with_body || onward.with_headers));
        }
    }
}
