//! How an edge's calls go: what the bridge tells the pages of an account, and what `trace` tells.

use contracts::Timestamp;
use contracts::sharing_url::host_of;
use serde::{Deserialize, Serialize};
use sqlx::types::chrono::{DateTime, Utc};
use timeline::{CallOutcome, EdgeCall};

/// How the calls of one agreement go.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallHealth {
    pub last_success_at: Option<Timestamp>,
    pub last_failure: Option<CallFailure>,
    /// Failures since the last success.
    pub failures: i32,
    /// Calls that wait, and when the next of them is due.
    pub waiting: i64,
    pub next_at: Option<Timestamp>,
    pub paused_by: Option<PausedBy>,
}

/// A call that was not taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallFailure {
    pub at: Timestamp,
    /// The code of a call that came to nothing; nothing where there was an answer.
    pub code: Option<String>,
    /// The status of the answer.
    pub status: Option<i32>,
    /// Code or status with its sentence, for people who know HTTP.
    pub detail: String,
    /// How the answer began.
    pub answer: Option<String>,
}

/// Who has the calls of an agreement wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PausedBy {
    /// The account, which may have them go on.
    Account,
    /// The operator, who alone may.
    Operator,
}

/// What an account has done about them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallAct {
    /// All that waits is called for now.
    Retry,
    Pause,
    Resume,
}

impl CallAct {
    /// Its word, as paths and forms have it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::Pause => "pause",
            Self::Resume => "resume",
        }
    }
}

/// A call as an edge's tables have it: one that was made, or one that waits.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct CallRecord {
    pub account: String,
    /// Where.
    pub url: String,
    pub kind: String,
    /// When it was made; of one that waits, since when.
    pub at: DateTime<Utc>,
    /// `taken`, `failed` where it is made again, `waits`; any other ended it.
    pub outcome: String,
    pub reason: Option<String>,
    /// Of one that waits, how often it was tried, and when it is next.
    pub tried: i32,
    pub next_at: Option<DateTime<Utc>>,
}

impl CallRecord {
    /// The same as `trace` tells it.
    #[must_use]
    pub fn traced(self) -> EdgeCall {
        let outcome = match self.outcome.as_str() {
            "taken" => CallOutcome::Taken,
            "failed" => CallOutcome::Failed,
            "waits" => CallOutcome::Waits {
                tried: u32::try_from(self.tried).unwrap_or_default(),
                next: self.next_at.map(Into::into),
            },
            _ => CallOutcome::Refused,
        };
        EdgeCall {
            account: self.account,
            to: host_of(&self.url).to_owned(),
            kind: self.kind,
            at: self.at.into(),
            outcome,
            reason: self.reason,
        }
    }
}
