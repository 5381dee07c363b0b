//! Accounts that flood the work queue: their commands go to the bulk queue until the flood is over.
//! The broker itself leads them there, by a binding; what it had put into the work queue before is
//! moved. The contract promises no order, so nobody can tell.
//!
//! A command is in one queue or the other whatever happens in between: what the binding does not
//! lead to the bulk queue lies in the work queue, and is acknowledged there once the bulk queue has
//! it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use contracts::topology::bulk_binding;
use contracts::{AccountName, Timestamp};
use lapin::options::QueueBindOptions;
use lapin::types::{FieldTable, ShortString};
use lapin::{Channel, Connection};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::cause::cause;
use crate::clock::now;
use crate::failure::Fault;
use crate::publish::marked_accounts::MarkedAccounts;
use crate::run::connection::Connections;
use crate::run::runtime::{Shared, pause};
use crate::service::Service;
use crate::timeout;

/// For so long after its bulk queue was last full an account stays there.
const STAYS: TimeDelta = TimeDelta::seconds(30);
/// That it stays is written down so often.
const EXTEND_EVERY: Duration = Duration::from_secs(5);
/// An account that goes on to flood the work queue is bound again so often: somebody else may have
/// taken its binding away at the same moment.
const BIND_EVERY: Duration = Duration::from_secs(5);

/// The accounts whose commands go to the bulk queue.
#[derive(Debug)]
pub(crate) struct BulkAccounts {
    marked: MarkedAccounts,
    /// When this process did what it does only now and then.
    done: Mutex<BTreeMap<(Act, String), Instant>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Act {
    Bound,
    Extended,
}

impl Default for BulkAccounts {
    fn default() -> Self {
        let marked = MarkedAccounts::counted_by("deskmesh_accounts_in_bulk");
        Self { marked, done: Mutex::default() }
    }
}

impl BulkAccounts {
    pub fn has(&self, account: &str) -> bool {
        self.marked.has(account)
    }

    /// Those of the accounts with which this was not done for so long; they count as done now.
    fn due(&self, act: Act, every: Duration, accounts: Vec<String>) -> Vec<String> {
        let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        done.retain(|(of, _), at| *of != act || at.elapsed() < every);
        let is_due = |account: &String| {
            let key = (act, account.clone());
            let is_due = !done.contains_key(&key);
            done.entry(key).or_insert_with(Instant::now);
            is_due
        };
        accounts.into_iter().filter(is_due).collect()
    }
}

/// Leads the commands of accounts that flood the work queue to the bulk queue.
pub(crate) async fn begin<S: Service>(
    shared: &Shared<S>,
    connection: &Connection,
    flooding: Vec<String>,
) -> Result<(), Fault> {
    let accounts = shared.bulk_accounts.due(Act::Bound, BIND_EVERY, flooding);
    if accounts.is_empty() {
        return Ok(());
    }
    let limit = shared.settings.answer_timeout;
    if let Err(error) = timeout::database(limit, keep(&shared.pool, &accounts, now())).await {
        // The batch then waits for the database anyway.
        tracing::warn!(cause = cause(&error), "a flood is not written down, and goes on");
        return Ok(());
    }
    shared.bulk_accounts.marked.mark(accounts.iter().map(String::as_str));
    for account in &accounts {
        tracing::info!(
            account,
            "it sends more at once than others should wait for; its commands go to the bulk queue"
        );
    }
    bind_all::<S>(connection, &accounts, true).await
}

/// Of these accounts more waits in the bulk queue: they stay there.
pub(crate) async fn extend<S: Service>(shared: &Shared<S>, accounts: Vec<String>) {
    let accounts = shared.bulk_accounts.due(Act::Extended, EXTEND_EVERY, accounts);
    if accounts.is_empty() {
        return;
    }
    let extended = sqlx::query("update bulk_account set until = $2 where account = any($1)")
        .bind(&accounts)
        .bind((now().utc() + STAYS).to_utc())
        .execute(&shared.pool);
    let limit = shared.settings.answer_timeout;
    if let Err(error) = timeout::database(limit, extended).await {
        tracing::warn!(cause = cause(&error), "that a flood goes on is not written down");
    }
}

/// Follows what the database says, and lets accounts go whose flood is over, until it is told to
/// stop.
pub(crate) async fn release<S: Service>(
    shared: Arc<Shared<S>>,
    connections: Arc<Connections>,
    stop: CancellationToken,
) -> Result<(), Fault> {
    let (pool, limit) = (&shared.pool, shared.settings.answer_timeout);
    loop {
        let marked = &shared.bulk_accounts.marked;
        marked.look_begins();
        match timeout::database(limit, known(pool)).await {
            Ok(known) => {
                let at = now().utc();
                let (over, stay): (Vec<_>, Vec<_>) =
                    known.into_iter().partition(|(_, until)| *until <= at);
                marked.are(stay.into_iter().map(|(account, _)| account).collect());
                let over: Vec<String> = over.into_iter().map(|(account, _)| account).collect();
                end(&*shared, &connections.publishing, &over, at).await?;
            }
            Err(error) => tracing::warn!(
                cause = cause(&error),
                "the database does not answer; accounts stay with the bulk queue"
            ),
        }
        if !pause(Some(shared.settings.undelivered.interval), &stop, &shared.health).await {
            return Ok(());
        }
    }
}

/// Takes their bindings away, and forgets them. A row outlives its binding, never the other way
/// round: then nobody would know of it.
async fn end<S: Service>(
    shared: &Shared<S>,
    connection: &Connection,
    accounts: &[String],
    at: DateTime<Utc>,
) -> Result<(), Fault> {
    if accounts.is_empty() {
        return Ok(());
    }
    bind_all::<S>(connection, accounts, false).await?;
    // Another replica may have seen the flood go on meanwhile.
    let gone = sqlx::query("delete from bulk_account where account = any($1) and until <= $2")
        .bind(accounts)
        .bind(at)
        .execute(&shared.pool);
    if let Err(error) = timeout::database(shared.settings.answer_timeout, gone).await {
        tracing::warn!(cause = cause(&error), "a flood that is over is not forgotten yet");
    }
    Ok(())
}

/// Binds the commands of accounts to the bulk queue, or takes the bindings away. Done again it
/// changes nothing.
async fn bind_all<S: Service>(
    connection: &Connection,
    accounts: &[String],
    binds: bool,
) -> Result<(), Fault> {
    let channel = timeout::broker("open a channel", connection.create_channel()).await?;
    for account in accounts {
        bind::<S>(&channel, account, binds).await?;
    }
    timeout::broker("close a channel", channel.close(200, ShortString::from("done"))).await
}

async fn bind<S: Service>(channel: &Channel, account: &str, binds: bool) -> Result<(), Fault> {
    let Ok(account) = AccountName::new(account) else { return Ok(()) };
    let queue = ShortString::from(S::SERVICE.bulk_queue());
    let exchange = ShortString::from(S::SERVICE.entry_exchange());
    let key = ShortString::from(bulk_binding(&account));
    let none = FieldTable::default();
    if binds {
        let bound = channel.queue_bind(queue, exchange, key, QueueBindOptions::default(), none);
        timeout::broker("bind an account to the bulk queue", bound).await
    } else {
        let unbound = channel.queue_unbind(queue, exchange, key, none);
        timeout::broker("take an account from the bulk queue", unbound).await
    }
}

async fn keep(pool: &PgPool, accounts: &[String], now: Timestamp) -> sqlx::Result<()> {
    sqlx::query(
        "insert into bulk_account (account, since, until)
         select account, $2, $3 from unnest($1::text[]) as account order by account
         on conflict (account) do update set until = excluded.until",
    )
    .bind(accounts)
    .bind(now.utc())
    .bind((now.utc() + STAYS).to_utc())
    .execute(pool)
    .await?;
    Ok(())
}

async fn known(pool: &PgPool) -> sqlx::Result<Vec<(String, DateTime<Utc>)>> {
    sqlx::query_as("select account, until from bulk_account").fetch_all(pool).await
}
