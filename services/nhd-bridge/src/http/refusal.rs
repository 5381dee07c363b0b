//! What is answered when something is not done.

use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use messaging::cause;

use crate::keys::KeyError;
use crate::rules::answer::{Refusal, Why};

/// Why a request was not done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RequestFault {
    /// It may not be, or cannot be.
    #[error("{}", .0.sentence)]
    Refused(Refusal),
    /// Not now.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// Not as the bridge is set up.
    #[error(transparent)]
    Keys(#[from] KeyError),
}

impl From<Refusal> for RequestFault {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl IntoResponse for RequestFault {
    fn into_response(self) -> Response {
        let refusal = match self {
            Self::Refused(refusal) => refusal,
            Self::Database(error) => {
                tracing::warn!(cause = cause(&error), "a partner's request could not be kept");
                Refusal::new(Why::Busy, "it could not be kept; send it again in a moment")
            }
            Self::Keys(error) => {
                tracing::error!(cause = cause(&error), "a partner's request could not be judged");
                Refusal::new(Why::Busy, "it could not be judged; send it again later")
            }
        };
        let status = StatusCode::from_u16(refusal.why.status()).unwrap_or_default();
        metrics::counter!("deskmesh_nhd_refused_total", "status" => status.as_str().to_owned())
            .increment(1);
        let text = format!("{}\n", refusal.sentence);
        let kind = (CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=UTF-8"));
        let mut response = (status, [kind], text).into_response();
        let headers = response.headers_mut();
        match refusal.why {
            Why::NoToken => {
                let scheme = HeaderValue::from_static("X-Ticket-Sharing");
                headers.insert(WWW_AUTHENTICATE, scheme);
            }
            Why::Busy => {
                headers.insert(RETRY_AFTER, HeaderValue::from_static("5"));
            }
            _ => {}
        }
        response
    }
}
