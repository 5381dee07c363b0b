//! What became of a ticket, as this account knows it: its commands with their receipts, and what it
//! was told, the newest first.

use serde_json::{Value, json};

/// A command of the account's own.
#[derive(Clone, Debug)]
pub struct Sent {
    /// Its `message_id`.
    pub message_id: String,
    /// Its type.
    pub command_type: String,
    /// When it was accepted here, RFC 3339.
    pub accepted_at: String,
    /// When the broker took it the last time.
    pub sent_at: Option<String>,
    /// Its receipt.
    pub receipt: Option<Value>,
    /// When that came.
    pub receipt_at: Option<String>,
}

/// What the account was told.
#[derive(Clone, Debug)]
pub struct Heard {
    /// The delivery's `message_id`.
    pub message_id: String,
    /// Its type.
    pub message_type: String,
    /// The share it is about.
    pub share_id: Option<String>,
    /// When the gateway was told it.
    pub at: String,
}

/// Where a command is.
#[must_use]
pub fn state_of(sent_at: Option<&str>, has_receipt: bool) -> &'static str {
    match (has_receipt, sent_at) {
        (true, _) => "answered",
        (false, Some(_)) => "sent",
        (false, None) => "waits",
    }
}

/// One story of both, the newest first.
#[must_use]
pub fn told(sent: Vec<Sent>, heard: Vec<Heard>) -> Vec<Value> {
    let commands = sent.into_iter().map(|it| {
        let state = state_of(it.sent_at.as_deref(), it.receipt.is_some());
        let stayed = it.receipt.as_ref().map(stayed);
        let told = json!({ "at": it.accepted_at, "what": "command", "message_id": it.message_id,
            "type": it.command_type, "state": state, "sent_at": it.sent_at,
            "answered_at": it.receipt_at,
            "outcome": it.receipt.as_ref().map(|it| it["outcome"].clone()),
            "reason": it.receipt.as_ref().and_then(|it| it.get("reason").cloned()),
            "detail": it.receipt.as_ref().and_then(|it| it.get("detail").cloned()),
            "stayed": stayed });
        (it.accepted_at, without_null(told))
    });
    let deliveries = heard.into_iter().map(|it| {
        let told = json!({ "at": it.at, "what": "delivery", "message_id": it.message_id,
            "type": it.message_type, "share_id": it.share_id });
        (it.at, without_null(told))
    });
    let mut all: Vec<(String, Value)> = commands.chain(deliveries).collect();
    all.sort_by(|one, other| other.0.cmp(&one.0));
    all.into_iter().map(|(_, told)| told).collect()
}

/// The decisions of a receipt about what did not cross as it was.
fn stayed(receipt: &Value) -> Vec<Value> {
    let decisions = receipt["decisions"].as_array().into_iter().flatten();
    let crossed = ["transferred", "unchanged"];
    decisions
        .filter(|it| !it["outcome"].as_str().is_some_and(|outcome| crossed.contains(&outcome)))
        .cloned()
        .collect()
}

fn without_null(mut told: Value) -> Value {
    if let Value::Object(members) = &mut told {
        members.retain(|_, member| !member.is_null());
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_comes_first_and_what_stayed_is_named() {
        let receipt = json!({ "outcome": "partial", "decisions": [
            { "item": "status", "outcome": "transferred" },
            { "item": "comment:acme/1", "outcome": "withheld",
              "reason": "public_comments_not_allowed" },
        ] });
        let sent = Sent {
            message_id: "k".into(),
            command_type: "ticket.update.v1".into(),
            accepted_at: "2026-11-29T12:00:00.000Z".into(),
            sent_at: Some("2026-11-29T12:00:00.010Z".into()),
            receipt: Some(receipt),
            receipt_at: Some("2026-11-29T12:00:00.020Z".into()),
        };
        let heard = Heard {
            message_id: "d".into(),
            message_type: "ticket.bound.v1".into(),
            share_id: None,
            at: "2026-11-29T12:00:01.000Z".into(),
        };
        let told = told(vec![sent], vec![heard]);
        assert_eq!(
            (told[0]["what"].as_str(), told[1]["what"].as_str()),
            (Some("delivery"), Some("command"))
        );
        assert_eq!(told[1]["stayed"].as_array().map(Vec::len), Some(1));
        assert_eq!(
            (told[1]["state"].as_str(), told[1]["outcome"].as_str()),
            (Some("answered"), Some("partial"))
        );
    }

    #[test]
    fn a_command_waits_is_sent_or_is_answered() {
        assert_eq!(state_of(None, false), "waits");
        assert_eq!(state_of(Some("x"), false), "sent");
        assert_eq!(state_of(Some("x"), true), "answered");
    }
}
