//! Keeps the journal's partitions ahead of time and lets old rows go.

use chrono::{DateTime, Days, NaiveDate, NaiveTime, Utc};
use contracts::{Timestamp, limits};
use sqlx::{AssertSqlSafe, PgConnection, PgPool};

/// Partitions made ahead.
const AHEAD_DAYS: u64 = 3;
/// Seconds for which it is remembered that a process began to decide a suspicious message: a day.
const SUSPECTS_KEPT: i64 = 24 * 60 * 60;
/// Parked messages that were replayed or discarded are kept so long, for whoever asks what became
/// of them.
const CLOSED_DAYS: u64 = 30;
/// What people did with parked messages is kept so long.
const AUDIT_DAYS: u64 = 365;
/// Rows deleted in one statement.
const CHUNK: i64 = 5_000;

/// Makes the partitions of the coming days and drops what is too old. Safe to run in every replica
/// at once.
pub(crate) async fn upkeep(pool: &PgPool, now: Timestamp, journal_days: u32) -> sqlx::Result<()> {
    let today = now.utc().date_naive();
    let mut transaction = pool.begin().await?;
    // Two replicas must not make the same partition: the second waits here, and finds it.
    sqlx::query("select pg_advisory_xact_lock(hashtext(current_schema() || '.journal_output'))")
        .execute(&mut *transaction)
        .await?;
    for ahead in 0..=AHEAD_DAYS {
        make_partition(&mut transaction, today + Days::new(ahead)).await?;
    }
    drop_partitions(&mut transaction, today - Days::new(limits::RECEIPT_DAYS)).await?;
    sqlx::query("delete from suspect where begun_at < $1")
        .bind(now.plus_seconds(-SUSPECTS_KEPT).utc())
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    let before = |days: u64| (today - Days::new(days)).and_time(NaiveTime::MIN).and_utc();
    delete(
        pool,
        "delete from journal where ctid in (select ctid from journal where decided_at < $1 limit \
         $2)",
        before(limits::MESSAGE_ID_DAYS.max(u64::from(journal_days))),
    )
    .await?;
    delete(
        pool,
        "delete from parked where id in (select id from parked where state <> 'parked' and \
         closed_at < $1 limit $2)",
        before(CLOSED_DAYS),
    )
    .await?;
    delete(
        pool,
        "delete from parked_audit where id in (select id from parked_audit where at < $1 limit $2)",
        before(AUDIT_DAYS),
    )
    .await
}

/// Lets rows go that are older than `oldest`, a chunk at a time, so that no statement takes long.
async fn delete(pool: &PgPool, sql: &'static str, oldest: DateTime<Utc>) -> sqlx::Result<()> {
    loop {
        let gone = sqlx::query(sql).bind(oldest).bind(CHUNK).execute(pool).await?.rows_affected();
        if gone < CHUNK.unsigned_abs() {
            return Ok(());
        }
    }
}

fn partition_name(day: NaiveDate) -> String {
    format!("journal_output_{}", day.format("%Y%m%d"))
}

async fn make_partition(connection: &mut PgConnection, day: NaiveDate) -> sqlx::Result<()> {
    let (name, next) = (partition_name(day), day + Days::new(1));
    // Only a date goes into the text. Up to a page, outputs stay in their row as they are: two days
    // are not worth compressing for.
    let sql = format!(
        "create table if not exists {name} partition of journal_output for values from ('{day} \
         00:00:00+00') to ('{next} 00:00:00+00')
         with (toast_tuple_target = 8160)"
    );
    sqlx::query(AssertSqlSafe(sql)).execute(connection).await?;
    Ok(())
}

async fn drop_partitions(
    connection: &mut PgConnection,
    oldest_kept: NaiveDate,
) -> sqlx::Result<()> {
    let names: Vec<String> = sqlx::query_scalar(
        "select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid where \
         i.inhparent = 'journal_output'::regclass",
    )
    .fetch_all(&mut *connection)
    .await?;
    for name in names.into_iter().filter(|name| *name < partition_name(oldest_kept)) {
        // The name is the database's own.
        sqlx::query(AssertSqlSafe(format!("drop table {name}"))).execute(&mut *connection).await?;
    }
    Ok(())
}
