//! What partners' accounts are told becomes calls: once for every entry of a log, in its order,
//! whichever replica comes first.

mod agreement;
mod ticket;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use contracts::AccountName;
use contracts::delivery::DeliveryBody;
use desk::store::shown;
use messaging::cause;
use sqlx::{PgConnection, PgPool};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::keys::{AccessKeys, KeyError};

/// How often is looked for what is new.
const LOOK: Duration = Duration::from_millis(50);
/// How long a database that does not answer is left alone.
const PAUSE: Duration = Duration::from_secs(1);
/// Entries of one account that are taken together.
const BATCH: i64 = 50;
/// Accounts that are looked at in one turn.
const ACCOUNTS: i64 = 50;

/// What following needs.
#[derive(Clone, Debug)]
pub struct Follow {
    pub pool: PgPool,
    /// Told when there is a new command.
    pub new_command: Arc<Notify>,
    pub keys: Arc<AccessKeys>,
    /// What all sharing URLs begin with.
    pub public_url: Arc<str>,
}

/// Why an entry was not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FollowError {
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    #[error(transparent)]
    Keys(#[from] KeyError),
}

impl FollowError {
    /// Whether the same would happen again, however often it is tried.
    fn is_lasting(&self) -> bool {
        match self {
            Self::Database(sqlx::Error::Database(error)) => {
                // Data that no row takes, and rows that contradict each other.
                error.code().is_some_and(|code| code.starts_with("22") || code.starts_with("23"))
            }
            Self::Database(sqlx::Error::Decode(_) | sqlx::Error::ColumnDecode { .. }) => true,
            _ => false,
        }
    }
}

impl Follow {
    /// Follows until it is told to stop.
    ///
    /// # Errors
    /// None today: what fails is tried again.
    pub async fn run(self, stop: CancellationToken) -> Result<(), Infallible> {
        while !stop.is_cancelled() {
            let pause = match self.turn().await {
                Ok(0) => LOOK,
                Ok(_) => {
                    self.new_command.notify_one();
                    continue;
                }
                Err(error) => {
                    tracing::warn!(cause = cause(&error), "what partners are to be told waits");
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
    async fn turn(&self) -> Result<usize, FollowError> {
        let accounts: Vec<String> = sqlx::query_scalar(
            "select account from desk_account left join follow using (account)
             where desk_account.position > coalesce(follow.position, 0) limit $1",
        )
        .bind(ACCOUNTS)
        .fetch_all(&self.pool)
        .await?;
        let mut taken = 0;
        let mut failed = None;
        for account in accounts {
            // One account's trouble is not the others'.
            let error = match self.of_account(&account, BATCH).await {
                Ok(entries) => {
                    taken += entries;
                    continue;
                }
                Err(error) => error,
            };
            tracing::debug!(cause = cause(&error), account, "one by one");
            match self.of_account(&account, 1).await {
                Ok(entries) => taken += entries,
                Err(error) if error.is_lasting() => {
                    self.leave_out(&account, &cause(&error)).await?;
                    taken += 1;
                }
                Err(error) => failed = Some(error),
            }
        }
        match failed {
            Some(error) if taken == 0 => Err(error),
            _ => Ok(taken),
        }
    }

    async fn of_account(&self, account: &str, batch: i64) -> Result<usize, FollowError> {
        let Ok(name) = AccountName::new(account) else { return Ok(0) };
        let mut transaction = self.pool.begin().await?;
        sqlx::query("insert into follow (account) values ($1) on conflict do nothing")
            .bind(account)
            .execute(&mut *transaction)
            .await?;
        let position: Option<i64> = sqlx::query_scalar(
            "select position from follow where account = $1 for update skip locked",
        )
        .bind(account)
        .fetch_optional(&mut *transaction)
        .await?;
        // Another replica is at it.
        let Some(position) = position else { return Ok(0) };
        let entries = shown::entries(&mut transaction, account, position, batch).await?;
        for (position, message_type, body) in &entries {
            if let Ok(told) = DeliveryBody::read(message_type, body.as_bytes()) {
                self.take(&mut transaction, &name, &told, *position).await?;
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

    /// Leaves the next entry out, so that it holds up nothing that comes after it.
    async fn leave_out(&self, account: &str, why: &str) -> sqlx::Result<()> {
        let mut transaction = self.pool.begin().await?;
        let position: i64 = sqlx::query_scalar(
            "update follow set position = (select min(position) from desk_log
                 where account = $1 and position > follow.position)
             where account = $1 returning position",
        )
        .bind(account)
        .fetch_one(&mut *transaction)
        .await?;
        tracing::error!(cause = why, account, position, "an entry cannot be told to a partner");
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
        &self,
        connection: &mut PgConnection,
        account: &AccountName,
        told: &DeliveryBody,
        position: i64,
    ) -> Result<(), FollowError> {
        let name = account.as_str();
        match told {
            DeliveryBody::AgreementInvited(state)
            | DeliveryBody::AgreementAccepted(state)
            | DeliveryBody::AgreementDeclined(state)
            | DeliveryBody::AgreementDeactivated(state)
            | DeliveryBody::AgreementState(state) => {
                agreement::told(self, connection, account, state).await
            }
            DeliveryBody::TicketCreated(created) => {
                let ours = self.public_url.as_ref();
                Ok(ticket::created(connection, account, created, (position, ours)).await?)
            }
            DeliveryBody::TicketUpdated(updated) => {
                Ok(ticket::updated(connection, name, &updated.share_id, position).await?)
            }
            DeliveryBody::TicketUnshared(unshared) => {
                Ok(ticket::unshared(connection, name, &unshared.share_id, position).await?)
            }
            DeliveryBody::Receipt(receipt) => {
                Ok(ticket::answered(connection, name, receipt).await?)
            }
            _ => Ok(()),
        }
    }
}
