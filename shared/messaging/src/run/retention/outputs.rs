//! Outputs, which are kept in a partition per day: made ahead, dropped whole. By none of it anybody
//! waits who reads or writes the table: a day is attached, and detached, under a lock that lets
//! both pass, and no lock is waited for longer than a moment.

use chrono::{DateTime, Days, NaiveDate, Utc};
use contracts::limits;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, PgPool};

use super::limit_locks;

/// Days made ahead.
const AHEAD: u64 = 3;

/// A day's table.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
struct Day {
    day: NaiveDate,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "snake_case")]
enum State {
    Attached,
    /// Being detached: that was interrupted, or is under way.
    Leaving,
    Detached,
}

/// Makes the place for what is decided today, where it is missing.
pub(crate) async fn ensure_today(pool: &PgPool) -> sqlx::Result<()> {
    make(pool, 0).await
}

/// Makes the places for what is decided today and in the days to come.
pub(super) async fn make_ahead(pool: &PgPool) -> sqlx::Result<()> {
    make(pool, AHEAD).await
}

/// For how many days without a gap, after today, there is a place.
pub(super) async fn days_ahead(pool: &PgPool) -> sqlx::Result<u32> {
    let (today, days) = load(pool).await?;
    let there = |ahead: &u64| has(&days, today + Days::new(*ahead));
    let ahead = (1..=AHEAD).take_while(there).count();
    Ok(u32::try_from(ahead).unwrap_or_default())
}

async fn make(pool: &PgPool, ahead: u64) -> sqlx::Result<()> {
    let (today, days) = load(pool).await?;
    for day in (0..=ahead).map(|ahead| today + Days::new(ahead)).filter(|day| !has(&days, *day)) {
        make_day(pool, day).await?;
    }
    Ok(())
}

fn has(days: &[Day], day: NaiveDate) -> bool {
    days.iter().any(|one| one.day == day && one.state == State::Attached)
}

/// `create table … partition of` would lock out everybody; attaching what was made before does not.
async fn make_day(pool: &PgPool, day: NaiveDate) -> sqlx::Result<()> {
    let (name, next) = (name(day), day + Days::new(1));
    let mut transaction = pool.begin().await?;
    limit_locks(&mut transaction, "set local").await?;
    // Two replicas must not make the same day: the second waits here, and finds it.
    sqlx::query("select pg_advisory_xact_lock(hashtext(current_schema() || '.journal_output'))")
        .execute(&mut *transaction)
        .await?;
    let found: bool = sqlx::query_scalar("select to_regclass($1) is not null")
        .bind(&name)
        .fetch_one(&mut *transaction)
        .await?;
    if found {
        return Ok(());
    }
    let fast: bool =
        sqlx::query_scalar("select current_setting('default_toast_compression') = 'lz4'")
            .fetch_one(&mut *transaction)
            .await?;
    // LZ4 takes less time than writing what it saves. With the server's own compression outputs
    // stay in their row as they are, up to a page: two days are not worth that.
    let stored = if fast { "" } else { "with (toast_tuple_target = 8160)" };
    // Only a date goes into the text.
    let sql = format!(
        "create table {name} (like journal_output) {stored};
         alter table journal_output attach partition {name}
           for values from ('{day} 00:00:00+00') to ('{next} 00:00:00+00')"
    );
    transaction.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await?;
    transaction.commit().await
}

/// Drops the days that are old enough, if they `may` go. Returns for how many seconds the oldest of
/// those that are left should have been gone.
pub(super) async fn drop_old(pool: &PgPool, may: bool) -> sqlx::Result<f64> {
    let (today, days) = load(pool).await?;
    let due = due(today, &days);
    if due.is_empty() {
        return Ok(0.0);
    }
    if may {
        // Detaching takes no transaction, and its limits must not stay behind in the pool.
        let mut connection = pool.acquire().await?.detach();
        let dropped = drop_days(&mut connection, &due).await;
        connection.close().await?;
        dropped?;
        return Ok(0.0);
    }
    let kept_until = due[0].day + Days::new(limits::RECEIPT_DAYS + 1);
    let overdue = sqlx::query_scalar(
        "select extract(epoch from now() - $1::date::timestamp at time zone 'utc')::float8",
    )
    .bind(kept_until)
    .fetch_one(pool)
    .await?;
    Ok(overdue)
}

/// Those that are old enough, the oldest first; one that is on its way out before all others, since
/// only one may be.
fn due(today: NaiveDate, days: &[Day]) -> Vec<Day> {
    let oldest_kept = today - Days::new(limits::RECEIPT_DAYS);
    let mut due: Vec<Day> = days.iter().filter(|one| one.day < oldest_kept).cloned().collect();
    due.sort_by_key(|one| (one.state != State::Leaving, one.day));
    due
}

async fn drop_days(connection: &mut PgConnection, due: &[Day]) -> sqlx::Result<()> {
    limit_locks(connection, "set").await?;
    for Day { day, state } in due {
        let name = name(*day);
        let detach = match state {
            State::Attached => Some("concurrently"),
            State::Leaving => Some("finalize"),
            State::Detached => None,
        };
        if let Some(how) = detach {
            let sql = format!("alter table journal_output detach partition {name} {how}");
            connection.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await?;
        }
        let sql = format!("drop table if exists {name}");
        connection.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await?;
    }
    Ok(())
}

/// Today by the database's clock, and every day's table.
async fn load(pool: &PgPool) -> sqlx::Result<(NaiveDate, Vec<Day>)> {
    let now: DateTime<Utc> = sqlx::query_scalar("select now()").fetch_one(pool).await?;
    let days = sqlx::query_as(
        "select to_date(right(day.relname, 8), 'YYYYMMDD') as day,
           case when inhrelid is null then 'detached' when inhdetachpending then 'leaving'
           else 'attached' end as state
         from pg_class journal
         join pg_class day on day.relnamespace = journal.relnamespace and day.relkind = 'r'
           and day.relname ~ '^journal_output_[0-9]{8}$'
         left join pg_inherits on inhrelid = day.oid and inhparent = journal.oid
         where journal.oid = 'journal_output'::regclass
         order by day.relname",
    )
    .fetch_all(pool)
    .await?;
    Ok((now.date_naive(), days))
}

fn name(day: NaiveDate) -> String {
    format!("journal_output_{}", day.format("%Y%m%d"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str, state: State) -> Day {
        Day { day: text.parse().unwrap(), state }
    }

    #[test]
    fn a_day_goes_two_days_after_and_one_on_its_way_out_goes_first() {
        let days = [
            day("2026-05-06", State::Attached),
            day("2026-05-07", State::Leaving),
            day("2026-05-08", State::Attached),
            day("2026-05-10", State::Attached),
        ];
        let due = due("2026-05-10".parse().unwrap(), &days);
        assert_eq!(due, [days[1].clone(), days[0].clone()]);
    }
}
