//! What automations did, by the hour.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

/// Whether it is this rule's turn on this ticket in this hour: once, whichever replica asks first.
///
/// # Errors
/// The database.
pub async fn takes_turn(
    connection: &mut PgConnection,
    account: &str,
    rule: Uuid,
    ticket: i64,
    hour: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let done = sqlx::query(
        "insert into automation_run (account, rule, ticket, hour) values ($1, $2, $3, $4)
         on conflict do nothing",
    )
    .bind(account)
    .bind(rule)
    .bind(ticket)
    .bind(hour)
    .execute(connection)
    .await?;
    Ok(done.rows_affected() > 0)
}
