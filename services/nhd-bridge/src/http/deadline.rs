//! How long an answer waits for what the line decides.

use std::time::Duration;

use contracts::Receipt;
use desk::log;
use desk::outbox::{entity_of, with_receipt};
use desk::store::read;
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use super::{Bridge, RequestFault};

/// The time until which an answer waits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline(Instant);

impl Deadline {
    /// So long from now.
    pub fn after(patience: Duration) -> Self {
        Self(Instant::now() + patience)
    }

    /// What is left.
    pub fn left(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }
}

impl Bridge {
    /// The receipt of a command, if it comes in time.
    pub(crate) async fn receipt(
        &self,
        account: &str,
        (command_type, key): (&str, &str),
        deadline: Deadline,
    ) -> Result<Option<Receipt>, RequestFault> {
        let command = (entity_of(command_type), key);
        let row = with_receipt(&self.pool, &self.heads, account, command, deadline.0).await?;
        let receipt = row.and_then(|row| row.receipt);
        Ok(receipt.and_then(|text| serde_json::from_str(&text).ok()))
    }

    /// An agreement as the account was told it, if it is in time.
    pub(crate) async fn agreement_told(
        &self,
        account: &str,
        id: &str,
        deadline: Deadline,
    ) -> Result<Option<Value>, RequestFault> {
        let mut waiting = self.heads.wait(account);
        loop {
            // Read before the look, so that what comes after it is waited for.
            let head = log::head(&self.pool, account).await?.map_or(0, |cursor| cursor.position);
            if let Some(state) = read::agreement(&self.pool, account, id).await? {
                return Ok(Some(state));
            }
            if timeout_at(deadline.0, waiting.beyond(head)).await.is_err() {
                return Ok(None);
            }
        }
    }
}
