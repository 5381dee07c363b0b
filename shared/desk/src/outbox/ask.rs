//! A command of an edge's own, whose answer is waited for.

use std::time::Duration;

use contracts::{AccountName, Receipt};
use serde_json::Value;
use sqlx::PgPool;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::{Request, accept, entity_of};
use crate::store::read;

/// How often is looked for the receipt.
const LOOK: Duration = Duration::from_millis(50);

/// Sends a command as `account` under a key that nothing has, and waits for its receipt. None when
/// it has not come in time: the command is kept, and sent until it comes.
///
/// # Errors
/// The database.
pub async fn ask(
    pool: &PgPool,
    new_command: &Notify,
    account: &AccountName,
    key: String,
    (command_type, content): (&str, Value),
    patience: Duration,
) -> sqlx::Result<Option<Receipt>> {
    let request = Request::new(account.clone(), key, command_type, content);
    accept(pool, &request).await?;
    new_command.notify_one();
    let entity = entity_of(command_type);
    let deadline = Instant::now() + patience;
    while Instant::now() < deadline {
        let row = read::command(pool, account.as_str(), entity, &request.key).await?;
        let receipt = row.and_then(|row| row.receipt);
        if let Some(receipt) = receipt.and_then(|receipt| serde_json::from_str(&receipt).ok()) {
            return Ok(Some(receipt));
        }
        tokio::time::sleep(LOOK).await;
    }
    Ok(None)
}
