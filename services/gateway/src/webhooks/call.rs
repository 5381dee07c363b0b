//! One call of an endpoint.

use std::time::{Duration, Instant};

use egress::header::{CONTENT_TYPE, RETRY_AFTER};
use egress::{Egress, HeaderName, HeaderValue, HttpCall};

use crate::clock::now;
use crate::rules::webhook::{Answer, signatures};
use crate::store::webhook::{AttemptRow, WebhookRow};

/// What is kept of an answer, in bytes.
const START: usize = 512;

/// A message on its way to an endpoint.
pub(super) struct Message<'a> {
    pub id: &'a str,
    pub r#type: &'a str,
    pub body: String,
}

/// What came of a call.
pub(super) struct Called {
    /// What is kept; its outcome is still to be decided.
    pub attempt: AttemptRow,
    retry_after: Option<String>,
}

impl Called {
    pub fn answer(&self) -> Answer<'_> {
        Answer {
            status: self.attempt.status.and_then(|status| u16::try_from(status).ok()),
            retry_after: self.retry_after.as_deref(),
            at: self.attempt.at,
        }
    }
}

/// Calls once, signed at this moment.
pub(super) async fn call(
    egress: &Egress,
    timeout: Duration,
    webhook: &WebhookRow,
    message: Message<'_>,
) -> Called {
    let began = Instant::now();
    let mut attempt = AttemptRow {
        id: 0,
        message_id: message.id.to_owned(),
        r#type: message.r#type.to_owned(),
        at: now().utc(),
        duration_ms: 0,
        outcome: String::new(),
        status: None,
        error: None,
        detail: None,
        answer: None,
    };
    let mut retry_after = None;
    let called = match signed(webhook, message) {
        Some(call) => {
            let call = call.head_timeout(timeout).total_timeout(timeout);
            egress.send(call).await.map_err(|error| (error.code().to_owned(), error.to_string()))
        }
        None => Err(("bad_message_id".to_owned(), "its message_id fits in no header".to_owned())),
    };
    match called {
        Ok(response) => {
            attempt.status = Some(i32::from(response.status().as_u16()));
            let asked = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
            retry_after = asked.map(str::to_owned);
            let start = response.start(START).await;
            // PostgreSQL keeps no NUL in a text.
            let text = String::from_utf8_lossy(&start).replace('\0', "\u{fffd}");
            attempt.answer = (!text.is_empty()).then_some(text);
        }
        Err((code, sentence)) => {
            attempt.error = Some(code);
            attempt.detail = Some(sentence);
        }
    }
    attempt.at = now().utc();
    attempt.duration_ms = i32::try_from(began.elapsed().as_millis()).unwrap_or(i32::MAX);
    Called { attempt, retry_after }
}

/// The call with Standard Webhooks' headers.
fn signed(webhook: &WebhookRow, message: Message<'_>) -> Option<HttpCall> {
    let at = now().utc();
    let timestamp = at.timestamp();
    let body = message.body.into_bytes();
    let signature = signatures(&webhook.secrets(at), message.id, timestamp, &body);
    let header = |text: &str| HeaderValue::from_str(text).ok();
    let call = HttpCall::post(webhook.url.as_str(), body)
        .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
        .header(HeaderName::from_static("webhook-id"), header(message.id)?)
        .header(HeaderName::from_static("webhook-timestamp"), header(&timestamp.to_string())?)
        .header(HeaderName::from_static("webhook-signature"), header(&signature)?);
    Some(call)
}
