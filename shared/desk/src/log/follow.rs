//! An edge takes what its accounts are told into tables of its own: once for every entry of a log,
//! in the log's order, whichever replica comes first. The edge's schema has the tables `follow`,
//! how far each account's log was taken in, and `follow_failed`, the entries that were left out.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use contracts::delivery::DeliveryBody;
use contracts::{AccountName, Reason};
use messaging::cause;
use sqlx::{PgConnection, PgPool};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::store::shown;

/// How often is looked for what is new.
const LOOK: Duration = Duration::from_millis(50);
/// How long a database that does not answer, or an entry that cannot be taken, is left alone.
const PAUSE: Duration = Duration::from_secs(1);
/// Accounts that are looked at in one turn.
const ACCOUNTS: i64 = 50;

/// What an edge makes of the entries.
pub trait Follower: Send + Sync + 'static {
    /// Why an entry was not taken.
    type Error: std::error::Error + From<sqlx::Error> + Send + 'static;
    /// Entries of one account that are taken in one transaction.
    const BATCH: i64;

    /// Takes one entry, at this position of the account's log.
    fn take(
        &self,
        connection: &mut PgConnection,
        account: &AccountName,
        told: &DeliveryBody,
        position: i64,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// Whether the same would happen again, however often it is tried: then the entry is left out.
    fn is_lasting(error: &Self::Error) -> bool;
}

/// Whether the database would refuse the same again: data that no row takes, and rows that
/// contradict each other.
#[must_use]
pub fn is_lasting(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(error) => {
            error.code().is_some_and(|code| code.starts_with("22") || code.starts_with("23"))
        }
        sqlx::Error::Decode(_) | sqlx::Error::ColumnDecode { .. } => true,
        _ => false,
    }
}

/// Follows until it is told to stop. `new_command` is notified when something was taken, which may
/// have made a command.
///
/// # Errors
/// None today: what fails is tried again.
pub async fn run<F: Follower>(
    follower: F,
    pool: PgPool,
    new_command: Arc<Notify>,
    stop: CancellationToken,
) -> Result<(), Infallible> {
    while !stop.is_cancelled() {
        let pause = match crate::turn(&stop, turn(&follower, &pool)).await {
            None => break,
            Some(Ok(0)) => LOOK,
            Some(Ok(_)) => {
                new_command.notify_one();
                continue;
            }
            Some(Err(error)) => {
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
async fn turn<F: Follower>(follower: &F, pool: &PgPool) -> Result<usize, F::Error> {
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
        let error = match of_account(follower, pool, &account, F::BATCH).await {
            Ok(entries) => {
                taken += entries;
                continue;
            }
            Err(NotTaken { error, .. }) => error,
        };
        tracing::debug!(cause = cause(&error), account, "one by one");
        match of_account(follower, pool, &account, 1).await {
            Ok(entries) => taken += entries,
            Err(NotTaken { error, entry: Some(position) }) if F::is_lasting(&error) => {
                leave_out(pool, &account, position, &cause(&error)).await?;
                taken += 1;
            }
            Err(NotTaken { error, .. }) => failed = Some(error),
        }
    }
    match failed {
        Some(error) if taken == 0 => Err(error),
        _ => Ok(taken),
    }
}

/// Why entries were not taken.
struct NotTaken<E> {
    error: E,
    /// The position of the entry that failed, if it was an entry that did.
    entry: Option<i64>,
}

impl<E: From<sqlx::Error>> From<sqlx::Error> for NotTaken<E> {
    fn from(error: sqlx::Error) -> Self {
        Self { error: error.into(), entry: None }
    }
}

async fn of_account<F: Follower>(
    follower: &F,
    pool: &PgPool,
    account: &str,
    batch: i64,
) -> Result<usize, NotTaken<F::Error>> {
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
    for (position, message_type, body) in &entries {
        if let Ok(told) = DeliveryBody::read(message_type, body.as_bytes())
            && !is_answered_before(&told)
        {
            let taken = follower.take(&mut transaction, &name, &told, *position).await;
            taken.map_err(|error| NotTaken { error, entry: Some(*position) })?;
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

/// Whether it answers a command that was answered before, and went out again: what that came to
/// stands, and this says nothing of it. A comment that was redacted meanwhile is blank when its
/// command goes out again, so that the line takes the id for one that is used twice.
fn is_answered_before(told: &DeliveryBody) -> bool {
    let repeats = [Some(Reason::AlreadyKnown), Some(Reason::MessageIdReused)];
    matches!(told, DeliveryBody::Receipt(receipt) if repeats.contains(&receipt.reason))
}

/// Leaves an entry out, so that it holds up nothing that comes after it. Another replica that
/// failed at it may have done so already.
async fn leave_out(pool: &PgPool, account: &str, position: i64, why: &str) -> sqlx::Result<()> {
    let mut transaction = pool.begin().await?;
    let left_out =
        sqlx::query("update follow set position = $2 where account = $1 and position < $2")
            .bind(account)
            .bind(position)
            .execute(&mut *transaction)
            .await?;
    if left_out.rows_affected() == 0 {
        return Ok(());
    }
    tracing::error!(cause = why, account, position, "an entry of the log cannot be taken in");
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
