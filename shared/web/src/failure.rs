//! What is no page: refusals and faults, each shown as one.

use std::fmt;

use axum::http::header::{LOCATION, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

/// Why there is no page. Shown by [`Web::serve`](crate::Web::serve), in the reader's language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// There is no such thing, or it is another account's.
    NotFound,
    /// The person may not; says who may, or nothing.
    Forbidden(String),
    /// Something changed meanwhile; says what.
    Conflict(String),
    /// What was sent cannot be used; says why.
    Invalid(String),
    /// Too many tries; says how long to wait.
    TooMany(String),
    /// A server does not answer.
    Unavailable,
    /// A fault of ours.
    Internal,
    /// The session is over, and what was sent was not taken.
    SignedOut,
    /// Nobody is signed in: this way, and back.
    SignIn(String),
}

impl Failure {
    /// A fault of ours, which is logged here.
    pub fn internal(error: &dyn fmt::Display) -> Self {
        let cause = error.to_string();
        tracing::error!(cause, "a page could not be made");
        Self::Internal
    }

    /// Its status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::SignedOut => StatusCode::UNAUTHORIZED,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::SignIn(_) => StatusCode::SEE_OTHER,
        }
    }

    /// Of an answer that somebody else made: an extractor, or a router.
    pub(crate) fn of_status(status: StatusCode, text: String) -> Self {
        match status {
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => Self::NotFound,
            StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED => Self::Forbidden(String::new()),
            StatusCode::CONFLICT => Self::Conflict(text),
            StatusCode::TOO_MANY_REQUESTS => Self::TooMany(text),
            StatusCode::SERVICE_UNAVAILABLE => Self::Unavailable,
            status if status.is_client_error() => Self::Invalid(text),
            _ => Self::Internal,
        }
    }

    /// What else it says.
    pub(crate) fn detail(&self) -> &str {
        match self {
            Self::Forbidden(text)
            | Self::Conflict(text)
            | Self::Invalid(text)
            | Self::TooMany(text) => text,
            _ => "",
        }
    }
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => {
                tracing::warn!(
                    cause = messaging::cause(&error),
                    "the database did not answer a page"
                );
                Self::Unavailable
            }
            // The server stops, or takes no more connections.
            sqlx::Error::Database(error)
                if error.code().is_some_and(|code| {
                    code.starts_with("57P") || code.starts_with("53") || code.starts_with("08")
                }) =>
            {
                tracing::warn!(
                    cause = messaging::cause(&error),
                    "the database did not answer a page"
                );
                Self::Unavailable
            }
            error => Self::internal(&error),
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        if let Self::SignIn(path) = &self {
            return see_other(path);
        }
        let mut response = self.status().into_response();
        if self == Self::Unavailable {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("5"));
        }
        response.extensions_mut().insert(self);
        response
    }
}

/// On to another page, after something was done.
#[must_use]
pub fn see_other(path: &str) -> Response {
    let Ok(location) = HeaderValue::from_str(path) else {
        return Failure::NotFound.into_response();
    };
    (StatusCode::SEE_OTHER, [(LOCATION, location)]).into_response()
}

/// The same; above the page stands once what was done: a text whose key begins with `said.`.
#[must_use]
pub fn see_other_said(path: &str, key: &str) -> Response {
    let mark = if path.contains('?') { '&' } else { '?' };
    see_other(&format!("{path}{mark}said={key}"))
}
