//! Takes each account's log into its tickets: once for every entry, in the log's order, whichever
//! replica comes first.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use contracts::delivery::{AgreementStatus, DeliveryBody};
use contracts::{AccountName, Timestamp};
use desk::store::shown;
use messaging::cause;
use sqlx::{PgConnection, PgPool};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::settle::SettleError;
use super::{agreement, receipt, received};
use crate::clock::now;
use crate::store::ticket;

/// How often is looked for what is new.
const LOOK: Duration = Duration::from_millis(50);
/// How long a database that does not answer, or an entry that cannot be taken, is left alone.
const PAUSE: Duration = Duration::from_secs(1);
/// Entries of one account that are taken together: whoever works on its tickets waits no longer.
const BATCH: i64 = 10;
/// Accounts that are looked at in one turn.
const ACCOUNTS: i64 = 50;

/// Follows until it is told to stop. `new_command` is notified when something was said.
///
/// # Errors
/// None today: what fails is tried again.
pub async fn run(
    pool: PgPool,
    new_command: Arc<Notify>,
    stop: CancellationToken,
) -> Result<(), Infallible> {
    while !stop.is_cancelled() {
        let pause = match turn(&pool).await {
            Ok(0) => LOOK,
            Ok(_) => {
                new_command.notify_one();
                continue;
            }
            Err(error) => {
                tracing::warn!(cause = cause(&error), "what accounts were told waits");
                PAUSE
            }
        };
        tokio::select! {
            () = stop.cancelled() => break,
            () = tokio::time::sleep(pause) => {}
        }
    }
    Ok(())
}

/// One turn; how many entries were taken.
async fn turn(pool: &PgPool) -> Result<usize, SettleError> {
    let accounts: Vec<String> = sqlx::query_scalar(
        "select account from desk_account left join follow using (account)
         where desk_account.position > coalesce(follow.position, 0) limit $1",
    )
    .bind(ACCOUNTS)
    .fetch_all(pool)
    .await?;
    let mut taken = 0;
    let mut failed = None;
    for account in accounts {
        // One account's trouble is not the others'.
        match of_account(pool, &account, BATCH).await {
            Ok(entries) => taken += entries,
            Err(error) => {
                tracing::debug!(cause = cause(&error), account, "one by one");
                match of_account(pool, &account, 1).await {
                    Ok(entries) => taken += entries,
                    Err(error) if is_lasting(&error) => {
                        leave_out(pool, &account, &cause(&error)).await?;
                        taken += 1;
                    }
                    Err(error) => failed = Some(error),
                }
            }
        }
    }
    match failed {
        Some(error) if taken == 0 => Err(error),
        _ => Ok(taken),
    }
}

async fn of_account(pool: &PgPool, account: &str, batch: i64) -> Result<usize, SettleError> {
    let Ok(name) = AccountName::new(account) else { return Ok(0) };
    let mut transaction = pool.begin().await?;
    sqlx::query("insert into follow (account) values ($1) on conflict do nothing")
        .bind(account)
        .execute(&mut *transaction)
        .await?;
    let position: Option<i64> =
        sqlx::query_scalar("select position from follow where account = $1 for update skip locked")
            .bind(account)
            .fetch_optional(&mut *transaction)
            .await?;
    // Another replica is at it.
    let Some(position) = position else { return Ok(0) };
    let entries = shown::entries(&mut transaction, account, position, batch).await?;
    for (_, message_type, body) in &entries {
        if let Ok(told) = DeliveryBody::read(message_type, body.as_bytes()) {
            take(&mut transaction, &name, &told, now()).await?;
        }
    }
    if let Some((last, ..)) = entries.last() {
        sqlx::query("update follow set position = $2 where account = $1")
            .bind(account)
            .bind(last)
            .execute(&mut *transaction)
            .await?;
    }
    transaction.commit().await?;
    Ok(entries.len())
}

/// Whether the same would happen again, however often it is tried.
fn is_lasting(error: &SettleError) -> bool {
    match error {
        SettleError::Database(sqlx::Error::Database(error)) => {
            // Data that no row takes, and rows that contradict each other.
            error.code().is_some_and(|code| code.starts_with("22") || code.starts_with("23"))
        }
        SettleError::Database(sqlx::Error::Decode(_) | sqlx::Error::ColumnDecode { .. })
        | SettleError::Request(_)
        | SettleError::NoShare(_) => true,
        _ => false,
    }
}

/// Leaves the next entry out, so that it holds up nothing that comes after it.
async fn leave_out(pool: &PgPool, account: &str, why: &str) -> sqlx::Result<()> {
    let mut transaction = pool.begin().await?;
    let position: i64 = sqlx::query_scalar(
        "update follow set position = (select min(position) from desk_log
             where account = $1 and position > follow.position)
         where account = $1 returning position",
    )
    .bind(account)
    .fetch_one(&mut *transaction)
    .await?;
    tracing::error!(cause = why, account, position, "an entry cannot be taken into tickets");
    sqlx::query(
        "insert into follow_failed (account, position, cause) values ($1, $2, $3)
         on conflict do nothing",
    )
    .bind(account)
    .bind(position)
    .bind(why)
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await
}

async fn take(
    connection: &mut PgConnection,
    account: &AccountName,
    told: &DeliveryBody,
    now: Timestamp,
) -> Result<(), SettleError> {
    let name = account.as_str();
    match told {
        DeliveryBody::TicketCreated(told) => {
            received::created(connection, account, told, now).await
        }
        DeliveryBody::TicketUpdated(told) => {
            received::updated(connection, account, told, now).await
        }
        DeliveryBody::TicketState(told) => {
            received::restored(connection, account, &told.share_id, now).await
        }
        DeliveryBody::Receipt(told) => receipt::answered(connection, account, told, now).await,
        DeliveryBody::TicketBound(told) => {
            touched(connection, name, &told.share_id.to_string()).await
        }
        DeliveryBody::TicketUnshared(told) => {
            received::unshared(connection, account, told, now).await
        }
        DeliveryBody::ShareState(told) => {
            touched(connection, name, &told.share_id.to_string()).await
        }
        DeliveryBody::AgreementDeactivated(state) | DeliveryBody::AgreementState(state)
            if state.status == AgreementStatus::Inactive =>
        {
            agreement::ended(connection, name, state).await
        }
        _ => Ok(()),
    }
}

async fn touched(
    connection: &mut PgConnection,
    account: &str,
    share: &str,
) -> Result<(), SettleError> {
    let held = shown::of_share(connection, account, share).await?;
    let number = held.and_then(|row| row.ticket.number).and_then(|number| number.parse().ok());
    ticket::touch(connection, account, number.as_slice()).await?;
    Ok(())
}
