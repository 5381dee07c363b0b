//! Signing in and out, and what stands around every answer.

use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use askama::Template;
use axum::extract::{ConnectInfo, RawQuery, Request, State};
use axum::http::header::{AUTHORIZATION, COOKIE, HOST, RETRY_AFTER, SET_COOKIE, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use url::form_urlencoded;
use web_base::{headers, origin, parts};

use super::Console;
use super::access::{PAUSE, Tried};
use super::frame::{self, Bare};

const SIGN_IN: &str = "/sign-in";

/// Looks at every request before it is answered, and says to the browser what it may do.
pub async fn around(
    State(console): State<Console>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
    next: Next,
) -> Response {
    let mut response = match refusal(&console, peer.ip(), &request) {
        Some(refused) => refused,
        None => next.run(request).await,
    };
    headers::add(response.headers_mut(), console.access.is_https());
    response
}

fn refusal(console: &Console, place: IpAddr, request: &Request) -> Option<Response> {
    let (access, given) = (&console.access, request.headers());
    let host = given.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let own = access.origin().map_or_else(|| format!("http://{host}"), str::to_owned);
    let path = request.uri().path();
    if path == "/livez" || path.starts_with("/assets/") {
        return None;
    }
    if !access.is_closed() && access.origin().is_none() && !is_of_this_machine(host) {
        // A page from elsewhere may have made its own name lead to this machine.
        let why = format!("this console has no sign-in: it answers to localhost, not to {host:?}");
        return Some(frame::failure(StatusCode::MISDIRECTED_REQUEST, &why));
    }
    if !origin::is_ours(request.method(), given, &own) {
        let why = format!(
            "the form was sent from another page than this console's; if this is {own} behind a \
             proxy, start it with --console-url"
        );
        return Some(frame::failure(StatusCode::FORBIDDEN, &why));
    }
    if !access.is_closed() || path == SIGN_IN {
        return None;
    }
    let now = Instant::now();
    if cookie(given, name(access.is_https())).is_some_and(|token| access.is_open(token, now)) {
        return None;
    }
    let bearer = given.get(AUTHORIZATION).and_then(|shown| shown.to_str().ok());
    if let Some(shown) = bearer.and_then(|shown| shown.strip_prefix("Bearer ")) {
        match access.try_secret(shown.trim(), place, now) {
            Tried::Right => return None,
            Tried::TooMany => return Some(too_many()),
            Tried::Wrong => super::say(&format!("a wrong secret from {place}")),
        }
    }
    let is_page = request.method() == Method::GET && !path.starts_with("/trace/");
    Some(if is_page { to_sign_in(request) } else { unauthorized() })
}

fn to_sign_in(request: &Request) -> Response {
    let wanted = request.uri().path_and_query().map_or("/", |wanted| wanted.as_str());
    let next = form_urlencoded::Serializer::new(String::new()).append_pair("next", wanted).finish();
    frame::see_other(&format!("{SIGN_IN}?{next}"))
}

fn unauthorized() -> Response {
    let told = "show the console's secret: Authorization: Bearer …\n";
    (StatusCode::UNAUTHORIZED, [(WWW_AUTHENTICATE, "Bearer")], told).into_response()
}

fn too_many() -> Response {
    let told = "too many wrong secrets: wait a minute\n";
    let wait = PAUSE.as_secs().to_string();
    (StatusCode::TOO_MANY_REQUESTS, [(RETRY_AFTER, wait)], told).into_response()
}

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignIn<'a> {
    next: &'a str,
    error: Option<&'a str>,
}

/// The sign-in page.
pub async fn form(State(console): State<Console>, RawQuery(query): RawQuery) -> Response {
    if !console.access.is_closed() {
        return frame::see_other("/");
    }
    let query = query.unwrap_or_default();
    shown(StatusCode::OK, inside(&value(query.as_bytes(), "next")), None)
}

/// Takes the secret for a session.
pub async fn sign_in(
    State(console): State<Console>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    body: String,
) -> Response {
    let (access, now) = (&console.access, Instant::now());
    if !access.is_closed() {
        return frame::see_other("/");
    }
    let next = value(body.as_bytes(), "next");
    let next = inside(&next);
    let secret = value(body.as_bytes(), "secret");
    match access.try_secret(secret.trim(), peer.ip(), now) {
        Tried::Right => {
            let mut response = frame::see_other(next);
            set_cookie(&mut response, access.is_https(), Some(&access.open(now)));
            response
        }
        Tried::Wrong => {
            super::say(&format!("a sign-in with a wrong secret from {}", peer.ip()));
            shown(StatusCode::UNPROCESSABLE_ENTITY, next, Some("That is not the console's secret."))
        }
        Tried::TooMany => {
            let why = "Too many wrong secrets. Wait a minute, then try again.";
            let mut response = shown(StatusCode::TOO_MANY_REQUESTS, next, Some(why));
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(PAUSE.as_secs()));
            response
        }
    }
}

/// Ends the session.
pub async fn sign_out(State(console): State<Console>, given: HeaderMap) -> Response {
    let is_https = console.access.is_https();
    if let Some(token) = cookie(&given, name(is_https)) {
        console.access.close(token);
    }
    let mut response = frame::see_other(SIGN_IN);
    set_cookie(&mut response, is_https, None);
    response
}

fn shown(status: StatusCode, next: &str, error: Option<&str>) -> Response {
    frame::bare(status, &Bare { title: "Sign in", content: frame::html(&SignIn { next, error }) })
}

/// The prefix makes browsers insist on TLS, which loopback has not.
fn name(is_https: bool) -> &'static str {
    if is_https { "__Host-deskmesh-operator" } else { "deskmesh-operator" }
}

fn set_cookie(response: &mut Response, is_https: bool, token: Option<&str>) {
    let (value, end) = token.map_or(("", "; Max-Age=0"), |token| (token, ""));
    let secure = if is_https { "; Secure" } else { "" };
    let cookie =
        format!("{}={value}; Path=/; HttpOnly; SameSite=Strict{secure}{end}", name(is_https));
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
}

fn cookie<'a>(given: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let all = given.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut pairs = all.flat_map(|line| line.split(';')).filter_map(|it| it.trim().split_once('='));
    pairs.find(|(known, _)| *known == name).map(|(_, value)| value)
}

fn value(form: &[u8], name: &str) -> String {
    let mut pairs = form_urlencoded::parse(form);
    pairs.find(|(known, _)| known == name).map(|(_, value)| value.into_owned()).unwrap_or_default()
}

/// A place of the console's own: nobody is led elsewhere.
fn inside(path: &str) -> &str {
    let own = path.starts_with('/')
        && !path.starts_with("//")
        && !path.contains(|letter: char| letter == '\\' || letter.is_control());
    if own { path } else { "/" }
}

/// Whether a page that is reached as `host` is reached from this machine.
fn is_of_this_machine(host: &str) -> bool {
    let name = host.rsplit_once(':').map_or(host, |(name, port)| {
        if port.bytes().all(|digit| digit.is_ascii_digit()) { name } else { host }
    });
    name == "localhost"
        || name.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|it| it.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_led_elsewhere() {
        assert_eq!(inside("/timeline?of=acme/4711"), "/timeline?of=acme/4711");
        for other in ["", "//evil.example", "https://evil.example", "/\\evil.example", "/\t/evil"] {
            assert_eq!(inside(other), "/", "{other}");
        }
    }

    #[test]
    fn only_names_of_this_machine_are_its_own() {
        for own in ["localhost", "localhost:9099", "127.0.0.1:9099", "[::1]:9099", "[::1]"] {
            assert!(is_of_this_machine(own), "{own}");
        }
        for other in ["", "evil.example:9099", "localhost.evil.example", "192.0.2.1:80"] {
            assert!(!is_of_this_machine(other), "{other}");
        }
    }

    #[test]
    fn a_cookie_is_found_among_others() {
        let mut given = HeaderMap::new();
        given.append(COOKIE, HeaderValue::from_static("a=b; deskmesh-operator=token; c=d"));
        assert_eq!(cookie(&given, name(false)), Some("token"));
        assert_eq!(cookie(&given, name(true)), None);
        let mut response = ().into_response();
        set_cookie(&mut response, true, Some("token"));
        let set = response.headers()[SET_COOKIE].to_str().unwrap();
        assert_eq!(
            set,
            "__Host-deskmesh-operator=token; Path=/; HttpOnly; SameSite=Strict; Secure"
        );
    }
}
