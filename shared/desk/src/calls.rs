//! How an edge's calls to a third-party system go: what the bridge tells the pages of an account.

use contracts::Timestamp;
use serde::{Deserialize, Serialize};

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
