//! Whoever waits for what the line made of a command.

use sqlx::PgPool;
use tokio::time::{Instant, timeout_at};

use crate::log::{self, Heads};
use crate::store::read::{self, CommandRow};

/// A command of an account, as soon as it has its receipt, or as it is when the time is up. Nothing
/// where there is no such command.
///
/// # Errors
/// The database.
pub async fn with_receipt(
    pool: &PgPool,
    heads: &Heads,
    account: &str,
    (entity, key): (&str, &str),
    until: Instant,
) -> sqlx::Result<Option<CommandRow>> {
    let mut waiting = heads.wait(account);
    loop {
        // First the head, then the command: a receipt that comes in between is beyond that head.
        let head = log::head(pool, account).await?.map_or(0, |cursor| cursor.position);
        let row = read::command(pool, account, entity, key).await?;
        let is_waited_for = row.as_ref().is_some_and(|row| row.receipt.is_none());
        if !is_waited_for || timeout_at(until, waiting.beyond(head)).await.is_err() {
            return Ok(row);
        }
    }
}
