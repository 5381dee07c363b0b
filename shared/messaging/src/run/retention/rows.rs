//! Rows that go by their age.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use sqlx::{AssertSqlSafe, Executor, PgPool};

use super::limit_locks;
use crate::service::Aged;

/// Rows deleted in one statement: a few milliseconds.
const CHUNK: i64 = 1_000;

/// Rows are read in the order of the index, whatever the statistics say.
const IN_ORDER: &str = "set local enable_bitmapscan = off; set local enable_sort = off";

/// What is older than what was deleted last is looked for again after so long: a row can come late.
const LOOK_BACK: Duration = Duration::from_hours(24);

/// How far a table is done. Entries of deleted rows stay in the index until vacuum has been there,
/// which a long reader puts off; without a place to go on from, each chunk would read all that
/// those before it deleted.
#[derive(Debug)]
pub(crate) struct Position {
    done_until: Option<DateTime<Utc>>,
    looked_back: Instant,
}

impl Default for Position {
    fn default() -> Self {
        Self { done_until: None, looked_back: Instant::now() }
    }
}

/// What became of a chunk.
#[derive(Debug)]
pub(crate) enum Chunk {
    /// More may be due. The youngest that went should have gone so long ago.
    More { overdue_seconds: f64 },
    /// Nothing else is due.
    Last,
    /// Another replica is at this table.
    Others,
}

/// Deletes a chunk of what is due, the oldest first, and moves the position.
pub(crate) async fn delete_chunk(
    pool: &PgPool,
    aged: &Aged,
    position: &mut Position,
) -> sqlx::Result<Chunk> {
    if position.looked_back.elapsed() > LOOK_BACK {
        *position = Position::default();
    }
    let mut transaction = pool.begin().await?;
    limit_locks(&mut transaction, "set local").await?;
    let lock =
        "select pg_try_advisory_xact_lock(hashtext(current_schema() || '.retention.' || $1))";
    let alone: bool =
        sqlx::query_scalar(lock).bind(aged.table).fetch_one(&mut *transaction).await?;
    if !alone {
        return Ok(Chunk::Others);
    }
    // By statistics from before, a backlog looks like a handful of rows that are quickly sorted.
    transaction.execute(sqlx::raw_sql(IN_ORDER)).await?;
    // Of names and conditions that stand in the program.
    let (gone, last, overdue): (i64, Option<DateTime<Utc>>, Option<f64>) =
        sqlx::query_as(AssertSqlSafe(statement(aged)))
            .bind(position.done_until)
            .bind(i32::try_from(aged.days).unwrap_or(i32::MAX))
            .bind(CHUNK)
            .fetch_one(&mut *transaction)
            .await?;
    transaction.commit().await?;
    position.done_until = last.or(position.done_until);
    Ok(if gone < CHUNK {
        Chunk::Last
    } else {
        Chunk::More { overdue_seconds: overdue.unwrap_or_default().max(0.0) }
    })
}

/// Found by the index on their age, deleted by their place: an `in (select …)` may become a join
/// that reads the whole table. The condition stands twice, for a row that is changed meanwhile.
fn statement(aged: &Aged) -> String {
    let Aged { table, since, condition, .. } = aged;
    let due = format!("{since} < now() - make_interval(days => $2) and {condition}");
    format!(
        "with gone as (
           delete from {table} where ctid = any(array(
             select ctid from {table} where {since} >= coalesce($1, '-infinity'::timestamptz)
             and {due}
             order by {since} limit $3
           )) and {due}
           returning {since} as since
         )
         select count(*), max(since),
           extract(epoch from now() - make_interval(days => $2) - max(since))::float8
         from gone"
    )
}
