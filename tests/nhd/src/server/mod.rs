//! What a partner answers. Functions of values; the order of checks is each implementation's own.

mod lenient;
mod read;
mod strict;

use std::collections::BTreeMap;

use http::{Method, StatusCode};
use serde_json::Value;

use crate::desk::PartnerDesk;
use crate::dialect::{Dialect, head};

/// A request as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub method: Method,
    pub path: String,
    /// By names in lower case.
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    pub status: StatusCode,
    pub content_type: &'static str,
    pub body: Vec<u8>,
    /// Whether what was asked is done.
    pub is_done: bool,
}

impl Reply {
    fn done(status: StatusCode, content_type: &'static str, body: &str) -> Self {
        Self { status, content_type, body: body.as_bytes().to_vec(), is_done: true }
    }

    fn refused(status: StatusCode, why: &str) -> Self {
        let body = why.as_bytes().to_vec();
        Self { status, content_type: "text/plain; charset=\"UTF-8\"", body, is_done: false }
    }
}

/// What a path below the base URL names.
enum Resource<'a> {
    Agreement(&'a str),
    Ticket(&'a str),
}

impl Request {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// The agreement and the key of the token, if there is one.
    fn token(&self) -> Option<(&str, &str)> {
        let token = self.header(head::TOKEN);
        (!token.is_empty()).then(|| token.split_once(':').unwrap_or((token, "")))
    }

    fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }
}

/// Does what a request asks, or says why not.
pub fn answer(desk: &mut PartnerDesk, request: &Request) -> Reply {
    if let Some(file) = desk.files.get(&request.path) {
        if file.has_expired {
            return Reply::refused(StatusCode::GONE, "this link has expired");
        }
        let (content_type, body) = ("application/octet-stream", file.bytes.clone());
        return Reply { status: StatusCode::OK, content_type, body, is_done: true };
    }
    let base = url::Url::parse(&desk.url).map(|url| url.path().to_owned()).unwrap_or_default();
    let below = request.path.strip_prefix(base.trim_end_matches('/')).unwrap_or_default();
    let resource = match below.trim_start_matches('/').split_once('/') {
        Some(("agreements", uuid)) => Resource::Agreement(uuid),
        Some(("tickets", uuid)) => Resource::Ticket(uuid),
        _ => return Reply::refused(StatusCode::NOT_FOUND, "nothing is here"),
    };
    match desk.habits.dialect {
        Dialect::RequestTracker => strict::answer(desk, request, &resource),
        Dialect::Zendesk | Dialect::JavaScript => lenient::answer(desk, request, &resource),
    }
}
