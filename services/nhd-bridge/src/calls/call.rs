//! One request to a partner, with its redirects.

use std::time::{Duration, Instant};

use egress::header::{ACCEPT, CONTENT_TYPE, LOCATION, RETRY_AFTER};
use egress::{Call, Egress, HeaderName, HeaderValue, Method, Url};
use serde_json::Value;

use crate::clock::now;
use crate::rules::called::Answered;
use crate::rules::{redirect, retry};

/// What is read of an answer, in bytes; of a failure so much is kept.
const READ: usize = 64 * 1024;
const KEPT: usize = 512;

const TOKEN: HeaderName = HeaderName::from_static("x-ticket-sharing-token");
const VERSION: HeaderName = HeaderName::from_static("x-ticket-sharing-version");

/// A request.
#[derive(Clone, Debug)]
pub(super) struct Wanted<'a> {
    pub method: &'static str,
    /// Where, with the path.
    pub url: &'a str,
    /// The token.
    pub token: &'a str,
    pub media: &'static str,
    pub body: Option<&'a Value>,
    pub timeout: Duration,
}

/// What came of it.
#[derive(Debug)]
pub(super) struct Heard {
    pub answered: Answered,
    pub status: Option<u16>,
    /// Why there is no answer, or none that counts.
    pub reason: Option<String>,
    /// The answer's beginning.
    pub start: String,
    /// The answer, if it is JSON.
    pub json: Option<Value>,
    pub duration: Duration,
}

impl Heard {
    fn nothing(reason: String, began: Instant) -> Self {
        Self {
            answered: Answered::Nothing,
            status: None,
            reason: Some(reason),
            start: String::new(),
            json: None,
            duration: began.elapsed(),
        }
    }
}

/// Asks, and follows redirects as every known client of the protocol does: with method, body and
/// token, but to the same host only.
pub(super) async fn ask(egress: &Egress, wanted: Wanted<'_>) -> Heard {
    let began = Instant::now();
    let Ok(mut url) = Url::parse(wanted.url) else {
        return Heard::nothing("bad_url: the partner's URL is none".to_owned(), began);
    };
    for followed in 0..=redirect::AT_MOST {
        let Some(call) = call(&wanted, &url) else {
            return Heard::nothing("bad_token: the key fits in no header".to_owned(), began);
        };
        let response = match egress.send(call).await {
            Ok(response) => response,
            Err(error) => {
                return Heard::nothing(format!("{}: {error}", error.code()), began);
            }
        };
        let location = response
            .headers()
            .get(LOCATION)
            .filter(|_| response.status().is_redirection())
            .and_then(|value| value.to_str().ok());
        match location.map(|location| redirect::next(&url, location, followed)) {
            Some(Ok(next)) => url = next,
            Some(Err(why)) => return Heard::nothing(format!("redirect_refused: {why}"), began),
            None => return heard(response, began).await,
        }
    }
    Heard::nothing("too_many_redirects: it redirects once more after two".to_owned(), began)
}

fn call(wanted: &Wanted<'_>, url: &Url) -> Option<Call> {
    let method = Method::from_bytes(wanted.method.as_bytes()).ok()?;
    let mut call = Call::new(method, url.as_str())
        .header(ACCEPT, HeaderValue::from_static("application/json, text/x-json"))
        .header(VERSION, HeaderValue::from_static("1"))
        .header(TOKEN, HeaderValue::from_str(wanted.token).ok()?)
        .head_timeout(wanted.timeout)
        .total_timeout(wanted.timeout);
    if let Some(body) = wanted.body {
        let media = format!("{}; charset=UTF-8", wanted.media);
        let media = if wanted.media == "application/json" { wanted.media } else { &media };
        call = call
            .header(CONTENT_TYPE, HeaderValue::from_str(media).ok()?)
            .body(body.to_string().into_bytes());
    }
    Some(call)
}

async fn heard(response: egress::Response, began: Instant) -> Heard {
    let status = response.status().as_u16();
    let header = |name: HeaderName| {
        response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
    };
    let media = header(CONTENT_TYPE).unwrap_or_default().to_ascii_lowercase();
    let retry_after = header(RETRY_AFTER).and_then(|text| retry::asked(&text, now().utc()));
    let bytes = response.start(READ).await;
    // PostgreSQL keeps no NUL in a text.
    let text = String::from_utf8_lossy(&bytes).replace('\0', "\u{fffd}");
    let json: Option<Value> = serde_json::from_str(&text).ok();
    let is_page = json.is_none() && (media.contains("html") || text.trim_start().starts_with('<'));
    let kept: String = text.chars().take(KEPT).collect();
    let reason = match status {
        200..=299 if is_page => Some(format!("{status} with a page for people")),
        200..=299 => None,
        _ => Some(status.to_string()),
    };
    Heard {
        answered: Answered::Status { status, is_page, retry_after },
        status: Some(status),
        reason,
        start: kept,
        json,
        duration: began.elapsed(),
    }
}
