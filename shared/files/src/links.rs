//! What a link answers. Nothing else answers here: no token, no cookie, no other path.

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE,
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderName, HeaderValue, IF_RANGE, RANGE,
    REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use messaging::cause;
use object_store::{GetOptions, GetRange};

use crate::Files;
use crate::rules::capability::Capability;
use crate::rules::header::content_disposition;
use crate::rules::range::{Part, part};
use crate::store::{self, FileRow};

/// With every answer: whatever a file holds, a browser runs nothing of it.
const ALWAYS: [(HeaderName, &str); 4] = [
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'"),
    (CACHE_CONTROL, "private"),
    (REFERRER_POLICY, "no-referrer"),
];

impl Files {
    /// What listens on the origin of links.
    pub fn router(self) -> Router {
        Router::new().fallback(answer).with_state(self)
    }

    async fn find(&self, request: &Parts) -> Result<Option<FileRow>, sqlx::Error> {
        let reads = [Method::GET, Method::HEAD].contains(&request.method);
        let capability = Capability::of_path(request.uri.path()).filter(|_| reads);
        match capability {
            Some(capability) => store::of_capability(&self.pool, &capability.hash()).await,
            None => Ok(None),
        }
    }

    async fn read(&self, row: &FileRow, part: &Part) -> object_store::Result<Body> {
        let range = match part {
            Part::Of(range) => Some(GetRange::Bounded(*range.start()..*range.end() + 1)),
            Part::Whole | Part::NotThere => None,
        };
        let options = GetOptions { range, ..GetOptions::default() };
        let found = self.place.read(row.id, options).await?;
        Ok(Body::from_stream(found.into_stream()))
    }
}

async fn answer(State(files): State<Files>, request: Parts) -> Response {
    let mut response = match files.find(&request).await {
        Ok(Some(row)) => of_file(&files, &row, &request).await,
        Ok(None) => no_such_file(),
        Err(error) => {
            tracing::warn!(cause = cause(&error), "the database did not answer a link");
            try_again()
        }
    };
    for (name, value) in ALWAYS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

async fn of_file(files: &Files, row: &FileRow, request: &Parts) -> Response {
    let size = u64::try_from(row.size).unwrap_or_default();
    let etag = format!("\"{}\"", hex(&row.sha256));
    let header = |name| request.headers.get(name).and_then(|it: &HeaderValue| it.to_str().ok());
    // A part of what the other end has the beginning of; if that is another file, all of this one.
    let wanted = header(RANGE).filter(|_| header(IF_RANGE).is_none_or(|known| known == etag));
    let part = part(wanted, size);
    let mut headers = HeaderMap::new();
    let mut set = |name, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    set(ACCEPT_RANGES, "bytes");
    let (status, length) = match &part {
        Part::NotThere => {
            set(CONTENT_RANGE, &format!("bytes */{size}"));
            return (StatusCode::RANGE_NOT_SATISFIABLE, headers).into_response();
        }
        Part::Whole => (StatusCode::OK, size),
        Part::Of(range) => {
            set(CONTENT_RANGE, &format!("bytes {}-{}/{size}", range.start(), range.end()));
            (StatusCode::PARTIAL_CONTENT, range.end() - range.start() + 1)
        }
    };
    set(CONTENT_TYPE, &row.content_type);
    set(CONTENT_DISPOSITION, &content_disposition(&row.filename));
    set(CONTENT_LENGTH, &length.to_string());
    set(ETAG, &etag);
    if request.method == Method::HEAD {
        return (status, headers).into_response();
    }
    match files.read(row, &part).await {
        Ok(body) => (status, headers, body).into_response(),
        Err(error) => {
            tracing::error!(file = %row.id, cause = cause(&error), "a file could not be read");
            try_again()
        }
    }
}

fn no_such_file() -> Response {
    (StatusCode::NOT_FOUND, "there is no such file\n").into_response()
}

fn try_again() -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, "the file cannot be read now; try again\n").into_response()
}

/// Lower-case hexadecimal digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").ok();
        text
    })
}
