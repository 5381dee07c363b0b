//! What an endpoint is sent.

use serde::Serialize;
use serde_json::value::RawValue;

/// A body with a payload has fewer bytes than this; a longer one goes without it.
pub const LARGEST_BYTES: usize = 20_000;

/// A delivery as an endpoint is told it.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct WebhookDelivery<'a> {
    /// The delivery's type.
    pub r#type: &'a str,
    /// Its `message_id`, which is the `webhook-id` too.
    pub message_id: &'a str,
    /// Its place in the log.
    pub cursor: &'a str,
    /// The share that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share_id: Option<&'a str>,
    /// When the gateway was told it.
    pub told_at: &'a str,
    /// What it says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payload: Option<&'a RawValue>,
}

/// The body of a delivery; one that would be too large goes without its payload, which the log has.
#[must_use]
pub fn delivery_body(delivery: WebhookDelivery<'_>) -> String {
    let whole = serde_json::to_string(&delivery).unwrap_or_default();
    if whole.len() < LARGEST_BYTES || delivery.payload.is_none() {
        return whole;
    }
    serde_json::to_string(&WebhookDelivery { payload: None, ..delivery }).unwrap_or_default()
}

/// The body of an event that is made to try an endpoint.
#[must_use]
pub fn test_body(message_id: &str, told_at: &str) -> String {
    serde_json::json!({ "type": "webhook.test", "message_id": message_id, "told_at": told_at })
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_thin_unless_asked_for_more_and_small_enough() {
        let thin = WebhookDelivery {
            r#type: "ticket.updated.v1",
            message_id: "m1",
            cursor: "c.1",
            share_id: Some("s1"),
            told_at: "2026-11-29T12:00:00.000Z",
            payload: None,
        };
        let bare = concat!(
            r#"{"type":"ticket.updated.v1","message_id":"m1","cursor":"c.1","share_id":"s1","#,
            r#""told_at":"2026-11-29T12:00:00.000Z"}"#,
        );
        assert_eq!(delivery_body(thin), bare);
        let unshared = delivery_body(WebhookDelivery { share_id: None, ..thin });
        assert!(!unshared.contains("share_id"), "{unshared}");
        let around = bare.len() + r#","payload":"""#.len();
        for (letters, has_payload) in
            [(2, true), (LARGEST_BYTES - 1 - around, true), (LARGEST_BYTES - around, false)]
        {
            let payload = RawValue::from_string(format!("\"{}\"", "x".repeat(letters))).unwrap();
            let body = delivery_body(WebhookDelivery { payload: Some(&payload), ..thin });
            assert_eq!(body.contains("payload"), has_payload, "{letters}");
            assert_eq!(body == bare, !has_payload, "{letters}");
        }
    }
}
