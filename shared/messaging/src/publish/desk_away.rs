//! Desks whose queue did not take the last delivery. Nothing is sent there but one delivery at a
//! time, less and less often, until one is taken: what a dead desk costs does not grow with what
//! waits for it.

use std::collections::BTreeMap;

use contracts::Timestamp;
use sqlx::{PgConnection, PgPool};

use crate::publish::marked_accounts::MarkedAccounts;

/// Seconds between two probes, at most: so long a queue that is back may stay without anything.
const LONGEST_WAIT: i32 = 60;

/// A desk for which something waits.
#[derive(Debug, sqlx::FromRow)]
struct Waiting {
    account: String,
    is_away: bool,
    is_due: bool,
    /// Since its oldest delivery failed first.
    seconds: f64,
}

/// What waits, looked at without reading it.
#[derive(Debug)]
pub(crate) struct Look {
    /// Desks that are to be tried now.
    pub due: Vec<String>,
    /// For how long the oldest of all deliveries has waited; 0 when none waits.
    pub oldest_seconds: f64,
}

/// Looks which desks something waits for, and tells the slots which of them are away.
pub(crate) async fn look(
    pool: &PgPool,
    away: &MarkedAccounts,
    now: Timestamp,
) -> sqlx::Result<Look> {
    away.look_begins();
    // From desk to desk by the index, whatever waits for each.
    let waiting: Vec<Waiting> = sqlx::query_as(
        "with recursive desk as (
           (select account, first_failed_at from undelivered
            order by account, first_failed_at limit 1)
           union all
           select next.account, next.first_failed_at
           from desk cross join lateral (
             select account, first_failed_at from undelivered
             where undelivered.account > desk.account
             order by account, first_failed_at limit 1
           ) next
         )
         select account, next_probe_at is not null as is_away,
           coalesce(next_probe_at <= $1, true) as is_due,
           extract(epoch from clock_timestamp() - first_failed_at)::float8 as seconds
         from desk left join desk_away using (account)",
    )
    .bind(now.utc())
    .fetch_all(pool)
    .await?;
    let oldest_seconds = waiting.iter().map(|desk| desk.seconds).fold(0.0, f64::max);
    let is_away = |desk: &&Waiting| desk.is_away;
    away.are(waiting.iter().filter(is_away).map(|desk| desk.account.clone()).collect());
    let due = waiting.into_iter().filter(|desk| desk.is_due).map(|desk| desk.account).collect();
    Ok(Look { due, oldest_seconds })
}

/// Their queues did not take a delivery, each for a cause. Who is away already stays as it is.
pub(crate) async fn went(
    connection: &mut PgConnection,
    causes: &BTreeMap<&str, &str>,
    now: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query(
        "insert into desk_away (account, since, cause, failures, next_probe_at)
         select account, $3, cause, 1, $3 + interval '1 second'
         from unnest($1::text[], $2::text[]) as desk (account, cause)
         order by account
         on conflict (account) do nothing",
    )
    .bind(causes.keys().copied().collect::<Vec<_>>())
    .bind(causes.values().copied().collect::<Vec<_>>())
    .bind(now.utc())
    .execute(connection)
    .await?;
    Ok(())
}

/// Whether a desk may be tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// It is not away: with a chunk.
    Chunk,
    /// With one delivery.
    Probe,
    /// Another replica has just tried it.
    NotYet,
}

/// What a desk may be tried with now.
pub(crate) async fn turn(
    connection: &mut PgConnection,
    account: &str,
    now: Timestamp,
) -> sqlx::Result<Turn> {
    let is_due: Option<bool> =
        sqlx::query_scalar("select next_probe_at <= $2 from desk_away where account = $1")
            .bind(account)
            .bind(now.utc())
            .fetch_optional(connection)
            .await?;
    Ok(match is_due {
        None => Turn::Chunk,
        Some(true) => Turn::Probe,
        Some(false) => Turn::NotYet,
    })
}

/// Its queue did not take what was tried: twice the wait each time. Returns whether that is news:
/// it was not away, or for another cause.
pub(crate) async fn took_nothing(
    connection: &mut PgConnection,
    account: &str,
    cause: &str,
    now: Timestamp,
) -> sqlx::Result<bool> {
    sqlx::query_scalar(
        "with before as (select cause from desk_away where account = $1)
         insert into desk_away as away (account, since, cause, failures, next_probe_at)
         values ($1, $2, $4, 1, $2 + interval '1 second')
         on conflict (account) do update set failures = away.failures + 1, cause = excluded.cause,
           next_probe_at = $2 + interval '1 second' * least($3, power(2, least(away.failures, 12)))
         returning (select cause from before) is distinct from $4",
    )
    .bind(account)
    .bind(now.utc())
    .bind(LONGEST_WAIT)
    .bind(cause)
    .fetch_one(connection)
    .await
}

/// Nothing waits for it any more, so that it is not tried either: what is refused next is the
/// first.
pub(crate) async fn forget_idle(connection: &mut PgConnection, account: &str) -> sqlx::Result<()> {
    sqlx::query(
        "delete from desk_away where account = $1
         and not exists (select from undelivered where account = $1)",
    )
    .bind(account)
    .execute(connection)
    .await?;
    Ok(())
}

/// Its queue takes deliveries. Returns whether it was away.
pub(crate) async fn came_back(connection: &mut PgConnection, account: &str) -> sqlx::Result<bool> {
    let gone =
        sqlx::query("delete from desk_away where account = $1").bind(account).execute(connection);
    Ok(gone.await?.rows_affected() > 0)
}
