//! One request to a partner.

use std::time::{Duration, Instant};

use egress::header::{ACCEPT, CONTENT_TYPE, RETRY_AFTER};
use egress::{Egress, HeaderName, HeaderValue, HttpCall, Method, Redirects, retry_after};
use serde_json::Value;

use crate::clock::now;
use crate::rules::called::Answered;
use crate::rules::token::without_key;

/// What is read of an answer, in bytes; of a failure so much is kept.
const READ: usize = 64 * 1024;
const KEPT: usize = 512;

const TOKEN: HeaderName = HeaderName::from_static("x-ticket-sharing-token");
const VERSION: HeaderName = HeaderName::from_static("x-ticket-sharing-version");

/// A request.
#[derive(Clone)]
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

/// Asks.
pub(super) async fn ask(egress: &Egress, wanted: Wanted<'_>) -> Heard {
    let began = Instant::now();
    let Some(call) = call(&wanted) else {
        return Heard::nothing("bad_token: the key fits in no header".to_owned(), began);
    };
    match egress.send(call).await {
        Ok(response) => heard(response, wanted.token, began).await,
        Err(error) => Heard::nothing(format!("{}: {error}", error.code()), began),
    }
}

fn call(wanted: &Wanted<'_>) -> Option<HttpCall> {
    let method = Method::from_bytes(wanted.method.as_bytes()).ok()?;
    let mut call = HttpCall::new(method, wanted.url)
        // As every known client of the protocol does, though the token stays at its host.
        .redirects(Redirects::same_host(2).keeping_method())
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

async fn heard(response: egress::Response, token: &str, began: Instant) -> Heard {
    let status = response.status().as_u16();
    let header = |name: HeaderName| {
        response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
    };
    let media = header(CONTENT_TYPE).unwrap_or_default().to_ascii_lowercase();
    let retry_after = header(RETRY_AFTER).and_then(|text| retry_after(&text, now().utc()));
    let bytes = response.start(READ).await;
    // PostgreSQL keeps no NUL in a text.
    let text = String::from_utf8_lossy(&bytes).replace('\0', "\u{fffd}");
    let json: Option<Value> = serde_json::from_str(&text).ok();
    let is_page = json.is_none() && (media.contains("html") || text.trim_start().starts_with('<'));
    // An answer may repeat what it was sent.
    let kept = without_key(&text, token).chars().take(KEPT).collect();
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
