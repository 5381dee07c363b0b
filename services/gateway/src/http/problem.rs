//! Refusals as answers.

use axum::Json;
use axum::extract::Request;
use axum::http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use messaging::cause;

use crate::rules::problem::{Problem, Why};

/// A refusal on its way out.
#[derive(Debug)]
pub(crate) struct Refusal(pub Problem);

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let Self(problem) = self;
        let (_, status, _) = problem.why.told();
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let retry_after = problem.retry_after;
        let mut response = (status, Json(problem)).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self(problem)
    }
}

impl From<sqlx::Error> for Refusal {
    fn from(error: sqlx::Error) -> Self {
        tracing::warn!(cause = cause(&error), "the database did not answer a request");
        Self(Problem::new(Why::NotStored, "the database does not answer; try again").after(1))
    }
}

/// Nothing is there, or it is another account's: nobody learns which.
pub(crate) fn not_found(what: &str) -> Refusal {
    Refusal(Problem::new(Why::NotFound, format!("there is no such {what} in this account")))
}

/// No name has a NUL character, and no database takes one.
pub(crate) async fn no_nul(request: Request, next: Next) -> Response {
    let uri = request.uri();
    let parts = [Some(uri.path()), uri.query()];
    if parts.into_iter().flatten().any(|part| part.contains("%00")) {
        let detail = "the address must not have a NUL character (%00) in it";
        return Refusal(Problem::new(Why::Malformed, detail)).into_response();
    }
    next.run(request).await
}

pub(crate) async fn no_such_path(uri: Uri) -> Refusal {
    let detail = format!("{} is no path of this API; see /v1/openapi.json", uri.path());
    Refusal(Problem::new(Why::NotFound, detail))
}

pub(crate) async fn no_such_method(uri: Uri) -> Refusal {
    let detail = format!("{} takes other methods; see /v1/openapi.json", uri.path());
    Refusal(Problem::new(Why::MethodNotAllowed, detail))
}
