//! A request's body, read as the line reads a command's: the same JSON, refused in the same words.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderName};
use axum::http::{HeaderMap, StatusCode};
use contracts::Decision;
use contracts::limits::BODY_BYTES;
use messaging::DecodeError;
use serde_json::Value;

use super::Api;
use super::problem::Refusal;
use crate::rules::problem::{Problem, Why};

/// A command's body.
#[derive(Debug)]
pub(crate) struct CommandBody {
    /// An object; `null` where there is no body.
    pub content: Value,
    /// What was mended in it, as a receipt says it.
    pub mended: Vec<Decision>,
}

impl FromRequest<Api> for CommandBody {
    type Rejection = Refusal;

    async fn from_request(request: Request, api: &Api) -> Result<Self, Refusal> {
        let unreadable = unreadable(request.headers());
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
            return Ok(Self { content: Value::Null, mended: Vec::new() });
        }
        if let Some(sentence) = unreadable {
            return Err(Refusal(Problem::new(Why::Malformed, sentence)));
        }
        let parsed = messaging::parsed(&bytes).map_err(refused)?;
        Ok(Self { content: parsed.content, mended: parsed.decisions })
    }
}

/// Why the body cannot be read, if its headers say so; without a type it is taken for JSON.
fn unreadable(headers: &HeaderMap) -> Option<String> {
    let said = |name: HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let content_type = said(CONTENT_TYPE).unwrap_or("application/json");
    messaging::unreadable(content_type, said(CONTENT_ENCODING).unwrap_or_default())
}

fn refused(error: DecodeError) -> Refusal {
    match error {
        DecodeError::Malformed { pointer, sentence } => {
            // The whole is the empty pointer (RFC 6901).
            let pointer = if pointer == "/" { String::new() } else { pointer };
            Refusal(Problem::new(Why::Malformed, sentence).at(pointer))
        }
        other => Refusal(Problem::new(Why::Malformed, other.to_string())),
    }
}

/// Any other body; an object, or `null` where there is none.
#[derive(Debug)]
pub(crate) struct JsonBody(pub Value);

impl FromRequest<Api> for JsonBody {
    type Rejection = Refusal;

    async fn from_request(request: Request, api: &Api) -> Result<Self, Refusal> {
        CommandBody::from_request(request, api).await.map(|body| Self(body.content))
    }
}
