//! A request's body as JSON, refused in the API's own words.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use contracts::limits::BODY_BYTES;
use serde_json::Value;

use super::Api;
use super::problem::Refusal;
use crate::rules::problem::{Problem, Why};

/// A body; `null` where there is none.
#[derive(Debug)]
pub(crate) struct JsonBody(pub Value);

impl FromRequest<Api> for JsonBody {
    type Rejection = Refusal;

    async fn from_request(request: Request, api: &Api) -> Result<Self, Refusal> {
        let is_json = request.headers().get(CONTENT_TYPE).is_none_or(|kind| {
            kind.to_str().is_ok_and(|kind| {
                let kind = kind.split(';').next().unwrap_or_default().trim();
                kind.eq_ignore_ascii_case("application/json")
            })
        });
        let bytes = Bytes::from_request(request, api).await.map_err(|rejection| {
            if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
                let detail =
                    format!("a command has {BODY_BYTES} bytes at most; files travel as links");
                Refusal(Problem::new(Why::TooLarge, detail))
            } else {
                Refusal(Problem::new(Why::Malformed, "the body did not arrive whole"))
            }
        })?;
        if bytes.is_empty() {
            return Ok(Self(Value::Null));
        }
        if !is_json {
            let detail = "send the body as JSON, with Content-Type: application/json";
            return Err(Refusal(Problem::new(Why::Malformed, detail)));
        }
        let body = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&bytes);
        serde_json::from_slice(body).map(Self).map_err(|error| {
            let detail =
                format!("the body is no JSON: line {}, column {}", error.line(), error.column());
            Refusal(Problem::new(Why::Malformed, detail))
        })
    }
}
