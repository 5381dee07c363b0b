//! What a service tells about parked messages, and what it is asked for.

use contracts::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What lies at one service: `GET /parked`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct ServiceParked {
    pub piles: Vec<PileTold>,
    pub waiting: Vec<WaitingTold>,
    pub audit: Vec<DeedTold>,
}

/// Messages of one reason, type and account.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct PileTold {
    pub reason: String,
    pub message_type: Option<String>,
    pub account: Option<String>,
    pub count: u64,
    /// How many of them were parked more than once.
    pub again: u64,
    pub oldest: Timestamp,
    pub newest: Timestamp,
}

/// Deliveries that wait for one desk's queue.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct WaitingTold {
    pub account: String,
    pub count: u64,
    pub since: Timestamp,
}

/// What somebody did with parked messages.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct DeedTold {
    pub at: Timestamp,
    pub by: String,
    /// `replayed`, `discarded` or `journal_replayed`.
    pub action: String,
    pub because: Option<String>,
    pub count: u64,
}

/// Some of the messages, and how many there are: `GET /parked/messages`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct MessagesTold {
    pub total: u64,
    pub messages: Vec<MessageTold>,
}

/// One message, without what it says.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct MessageTold {
    pub id: Uuid,
    pub detail: String,
    pub account: Option<String>,
    pub message_type: Option<String>,
    pub message_id: Option<String>,
    pub queue: String,
    pub exchange: String,
    pub routing_key: String,
    pub publisher: Option<String>,
    pub first_arrived_at: Timestamp,
    pub parked_at: Timestamp,
    pub times: u32,
}

/// What would happen: `POST /parked/plan`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct PlanTold {
    pub total: u64,
    pub lines: Vec<PlannedLine>,
    /// Of the ids that were asked for: which are not parked.
    #[serde(default)]
    pub missing: Vec<Uuid>,
}

/// To how many messages the same would happen.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct PlannedLine {
    pub what: String,
    pub count: u64,
}

/// What is done with messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    Replay,
    Discard,
}

/// What is to be done with which messages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ParkedQuestion {
    pub action: Verb,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ids: Vec<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_type: Option<String>,
    /// At most so many, first arrived first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub newer_than_seconds: Option<u64>,
}

/// The same, to be done: `POST /parked/actions`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ParkedOrder {
    #[serde(flatten)]
    pub question: ParkedQuestion,
    /// Messages a second.
    pub rate: u32,
    pub by: String,
}

/// A line that is told while it is done.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum OrderLine {
    /// The last one.
    Ended(OrderOutcome),
    /// So many are behind it.
    Behind { behind: u64, total: u64 },
}

/// What came of an order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct OrderOutcome {
    pub done: u64,
    pub total: u64,
    /// Parked again already.
    pub back: u64,
    /// Not taken by the broker.
    pub refused: u64,
    /// Left as they are.
    pub left: u64,
    pub stopped: bool,
    pub fault: Option<String>,
}

impl OrderOutcome {
    /// What it comes to, for people.
    pub fn sentence(&self, verb: Verb) -> String {
        let verb = match verb {
            Verb::Replay => "replayed",
            Verb::Discard => "discarded",
        };
        let counts = [
            (self.back, "parked again already"),
            (self.refused, "not taken by the broker, a queue is missing or full; still parked"),
            (self.left, "left as they are"),
        ];
        let counts = counts.into_iter().filter(|(count, _)| *count > 0);
        let counts = counts.map(|(count, what)| format!("{count} {what}"));
        let stopped = self.stopped.then(|| "stopped, the rest is still parked".to_owned());
        let fault = self.fault.iter().map(|fault| format!("interrupted: {fault}"));
        let done = format!("{} of {} {verb}", self.done, self.total);
        let parts: Vec<String> =
            std::iter::once(done).chain(counts).chain(stopped).chain(fault).collect();
        parts.join("; ")
    }

    /// Whether nothing is left to look at.
    pub fn is_well(&self) -> bool {
        self.done == self.total && self.back == 0 && self.fault.is_none()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_order_is_what_a_service_reads() {
        let question = ParkedQuestion {
            action: Verb::Replay,
            because: None,
            ids: Vec::new(),
            reason: Some("poison".to_owned()),
            account: Some("acme".to_owned()),
            message_type: None,
            limit: Some(12),
            newer_than_seconds: Some(3_600),
        };
        let order = ParkedOrder { question, rate: 50, by: "Dana Weber".to_owned() };
        assert_eq!(
            serde_json::to_value(order).unwrap(),
            json!({ "action": "replay", "reason": "poison", "account": "acme", "limit": 12,
                "newer_than_seconds": 3_600, "rate": 50, "by": "Dana Weber" })
        );
    }

    #[test]
    fn what_came_of_it_is_one_sentence() {
        let outcome = OrderOutcome { done: 12, total: 12, ..OrderOutcome::default() };
        assert_eq!(outcome.sentence(Verb::Discard), "12 of 12 discarded");
        assert!(outcome.is_well());
        let outcome = OrderOutcome {
            done: 9,
            total: 12,
            back: 2,
            left: 3,
            stopped: true,
            fault: Some("the database does not answer".to_owned()),
            ..OrderOutcome::default()
        };
        assert_eq!(
            outcome.sentence(Verb::Replay),
            "9 of 12 replayed; 2 parked again already; 3 left as they are; stopped, the rest is \
             still parked; interrupted: the database does not answer"
        );
        assert!(!outcome.is_well());
    }
}
