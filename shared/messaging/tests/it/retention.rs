//! What is old enough goes, and nobody waits for it: on a database aged by sixty days, beside a
//! long reader, and by the database's clock.

use std::time::{Duration, Instant};

use contracts::topology::Service;
use messaging::Retention;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool};
use testkit::desk::PATIENCE;
use testkit::until;

use crate::harness::{Replica, ServiceHarness};
use crate::tally::{Tally, Treat};

/// Decided messages of a simulated day.
const A_DAY: i32 = 1_000;
/// The name of the connections whose reads are counted.
const APPLICATION: &str = "aged";
/// One round of retention in a test: the first, when the service starts.
const ONE_ROUND: Duration = Duration::from_hours(1);
const OFTEN: Duration = Duration::from_millis(200);

#[tokio::test(flavor = "multi_thread")]
async fn on_an_aged_journal_a_round_touches_what_is_due_and_no_more() {
    let stage = ServiceHarness::set("retention-aged").await;
    // Moved back, so that they are due. An update leaves a dead row, as deleting does.
    let due = "update journal set decided_at = decided_at - interval '31 days'
               where ctid = any(array(select ctid from journal order by random() limit 100))";
    age(&stage, 60, due).await;
    let pages: i64 = scalar(&stage.pool, "select pg_relation_size('journal') / 8192").await;
    assert!(pages > 500, "{pages} pages are no aged table");
    let before = touched(&stage.pool).await;

    let own = pool(&stage, &[("application_name", APPLICATION)]).await;
    let replica = replica(&stage, &own, ONE_ROUND, Duration::ZERO);
    stage.counts("what is due to be gone", DUE, 0).await;
    replica.stop().await;
    own.close().await;
    all_is_told(&stage).await;
    let cost = touched(&stage.pool).await - before;
    assert!(cost < 600, "100 rows were due, {cost} of {pages} pages of the heap were touched");
    stage.world.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backlog_that_cannot_go_yet_keeps_no_service_from_starting() {
    let stage = ServiceHarness::set("retention-start").await;
    age(&stage, 60, "update journal set decided_at = decided_at - interval '40 days'").await;
    let mut other = stage.pool.begin().await.expect("a transaction");
    let oldest = "select from journal order by decided_at limit 1 for update";
    sqlx::query(oldest).execute(&mut *other).await.expect("the row is locked");

    stage.send(&["a"], Treat::Well).await;
    let started = Instant::now();
    let replica = replica(&stage, &stage.pool, OFTEN, Duration::ZERO);
    stage.all_done_once(&["a"]).await;
    let took = started.elapsed();
    assert!(took < Duration::from_secs(3), "it consumed after {took:?}");

    other.rollback().await.expect("the lock goes");
    stage.counts("the backlog to be gone", DUE, 0).await;
    stage.counts("what was decided now to stay", "select count(*) from journal", 1).await;
    replica.stop().await;
    stage.world.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_reader_holds_up_neither_decisions_nor_the_days_to_come() {
    let stage = ServiceHarness::set("retention-reader").await;
    replica(&stage, &stage.pool, OFTEN, ONE_ROUND).stop_when_ready().await;
    for day in [5, 6] {
        outputs_of(&stage.pool, day).await;
    }
    // Tomorrow's outputs have no place yet.
    drop_day(&stage.pool, -1).await;
    // As pg_dump reads: one snapshot, and a lock on every table.
    let mut reader = reader(&stage).await;
    let mut dump = reader.begin().await.expect("a transaction");
    let snapshot = "set transaction isolation level repeatable read";
    sqlx::query(snapshot).execute(&mut *dump).await.expect("a snapshot");
    let read = "select count(*) from journal_output";
    sqlx::query(read).execute(&mut *dump).await.expect("it reads");

    let replica = replica(&stage, &stage.pool, OFTEN, Duration::ZERO);
    let begun = Instant::now();
    let mut sent = Vec::new();
    while begun.elapsed() < Duration::from_secs(6) {
        let name = format!("n{}", sent.len());
        stage.send(&[&name], Treat::Well).await;
        stage.desk.receipt(&name).await;
        sent.push(name);
    }
    let slowest = sent.iter().filter_map(|name| stage.desk.answered_in(name)).max();
    let slowest = slowest.expect("answers");
    assert!(slowest < Duration::from_secs(1), "one of {} took {slowest:?}", sent.len());
    assert!(day_exists(&stage.pool, -1).await, "tomorrow's outputs have a place");
    assert!(day_exists(&stage.pool, 5).await, "nothing is taken away under a reader");

    dump.rollback().await.expect("the reader ends");
    for day in [5, 6] {
        until("the old outputs to go", PATIENCE, async || {
            if day_exists(&stage.pool, day).await { Err(day.to_string()) } else { Ok(()) }
        })
        .await;
    }
    replica.stop().await;
    stage.world.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn retention_goes_by_the_databases_clock() {
    let stage = ServiceHarness::set("retention-clock").await;
    // To this database the host is five days ahead.
    let clock = "create function share_dispatcher.now() returns timestamptz stable language sql
                 as $$ select pg_catalog.now() - interval '5 days' $$";
    execute(&stage.pool, clock).await;
    for days in [33, 40] {
        let row = format!(
            "insert into journal select 'acme', '{days}', '{days}', '', 't', \
             now() - interval '{days} days', 0, null, null, now(), 0, null, '[]'"
        );
        sqlx::query(AssertSqlSafe(row)).execute(&stage.pool).await.expect("a row");
    }
    for day in [6, 9] {
        outputs_of(&stage.pool, day).await;
    }
    let own = pool(&stage, &[("search_path", "share_dispatcher,pg_catalog")]).await;
    let replica = replica(&stage, &own, OFTEN, Duration::ZERO);
    let gone = "select count(*) from journal where entity = '40'";
    stage.counts("what is too old by the database to be gone", gone, 0).await;
    until("the oldest outputs to go", PATIENCE, async || {
        if day_exists(&stage.pool, 9).await { Err("they are there".to_owned()) } else { Ok(()) }
    })
    .await;
    stage.send(&["a"], Treat::Well).await;
    stage.all_done_once(&["a"]).await;
    let kept: i64 = scalar(&stage.pool, "select count(*) from journal where entity = '33'").await;
    assert_eq!(kept, 1, "28 days old by the database");
    assert!(day_exists(&stage.pool, 6).await, "a day old by the database");
    let decided: bool = scalar(
        &stage.pool,
        "select decided_at < pg_catalog.now() - interval '4 days' from journal \
         where message_id = 'a'",
    )
    .await;
    assert!(decided, "a decision has the database's time, so that no host's clock ages it");
    replica.stop().await;
    own.close().await;
    stage.world.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn h4_a_database_whose_clock_jumps_ahead_takes_nothing_away() {
    let stage = ServiceHarness::set("retention-jump").await;
    let first = stage.replica();
    stage.send(&["a"], Treat::Well).await;
    stage.all_done_once(&["a"]).await;
    first.stop().await;
    outputs_of(&stage.pool, 0).await;
    let clock = "create function share_dispatcher.now() returns timestamptz stable language sql
                 as $$ select pg_catalog.now() + interval '31 days' $$";
    execute(&stage.pool, clock).await;
    let own = pool(&stage, &[("search_path", "share_dispatcher,pg_catalog")]).await;
    let replica = replica(&stage, &own, OFTEN, Duration::ZERO);
    // A round begins with the places for the days to come; when they are made again, one is over.
    coming_day_is_made(&stage.pool).await;
    drop_day(&stage.pool, -34).await;
    coming_day_is_made(&stage.pool).await;
    let kept: i64 = scalar(&stage.pool, "select count(*) from journal").await;
    assert_eq!(kept, 1, "what is known stays known");
    assert!(day_exists(&stage.pool, 0).await, "and what it caused");
    // Once more is a repeat, and nothing is decided again.
    stage.send(&["a"], Treat::Well).await;
    stage.work_queue_is_empty().await;
    stage.all_done_once(&["a"]).await;
    replica.stop().await;
    own.close().await;
    stage.world.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn outputs_wait_until_the_broker_has_been_there_for_a_while() {
    let stage = ServiceHarness::set("retention-broker").await;
    outputs_of(&stage.pool, 5).await;
    due_everywhere(&stage.pool).await;
    let first = replica(&stage, &stage.pool, OFTEN, Duration::from_hours(1));
    // Rows go after outputs in a round.
    stage.counts("a round to be over", EVERYWHERE, 0).await;
    stage.send(&["a"], Treat::Well).await;
    stage.all_done_once(&["a"]).await;
    assert!(day_exists(&stage.pool, 5).await, "what was decided may have to be sent again");
    first.stop().await;

    let second = replica(&stage, &stage.pool, OFTEN, Duration::ZERO);
    until("the old outputs to go", PATIENCE, async || {
        if day_exists(&stage.pool, 5).await { Err("they are there".to_owned()) } else { Ok(()) }
    })
    .await;
    second.stop().await;
    stage.world.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_old_enough_goes_and_the_rest_stays() {
    let stage = ServiceHarness::set("retention-all").await;
    due_everywhere(&stage.pool).await;
    let replica = replica(&stage, &stage.pool, OFTEN, Duration::ZERO);
    stage.counts("what is due to be gone", EVERYWHERE, 0).await;
    replica.stop().await;
    let left =
        "select (select count(*) from parked) || ' ' || (select count(*) from parked_audit) || ' '
                  || (select count(*) from suspect) || ' ' || (select count(*) from watched)";
    let left: String = scalar(&stage.pool, left).await;
    assert_eq!(left, "2 1 1 1", "parked, audit, suspects, watched");
    stage.world.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_replica_is_at_is_left_to_it() {
    let stage = ServiceHarness::set("retention-two").await;
    due_everywhere(&stage.pool).await;
    let row = "insert into journal select 'acme', 'x', 'x', '', 't', now() - interval '40 days', \
               0, null, null, now(), 0, null, '[]'";
    execute(&stage.pool, row).await;
    let mut other = stage.pool.begin().await.expect("a transaction");
    let lock = "select pg_advisory_xact_lock(hashtext(current_schema() || '.retention.journal'))";
    sqlx::query(lock).execute(&mut *other).await.expect("the lock");

    let replica = replica(&stage, &stage.pool, OFTEN, Duration::ZERO);
    stage.counts("a round to be over", EVERYWHERE, 0).await;
    stage.counts("the journal to be left alone", DUE, 1).await;
    other.rollback().await.expect("the lock goes");
    stage.counts("the journal's turn", DUE, 0).await;
    replica.stop().await;
    stage.world.remove().await;
}

const DUE: &str =
    "select count(*) from journal where decided_at < pg_catalog.now() - interval '31 days'";

/// What [`due_everywhere`] made.
const EVERYWHERE: &str = "select (select count(*) from parked where detail = 'due')
    + (select count(*) from parked_audit where because = 'due')
    + (select count(*) from suspect where queue = 'due')
    + (select count(*) from watched where by = 'due')";

/// In each table but the journal a row that is due, and one that is not.
async fn due_everywhere(pool: &PgPool) {
    let parked = "insert into parked (id, state, reason, detail, queue, exchange, routing_key,
                    headers, body, first_arrived_at, parked_at, closed_at)
                  select gen_random_uuid(), state, 'poison', detail, 'q', 'share', 'k', '{}', '',
                  closed, closed,
                    case state when 'parked' then null else closed end
                  from (values ('replayed', 'due', now() - interval '31 days'),
                               ('discarded', 'kept', now() - interval '29 days'),
                               ('parked', 'kept', now() - interval '900 days'))
                    as one (state, detail, closed)";
    let audit = "insert into parked_audit (at, by, action, because)
                 values (now() - interval '366 days', 'me', 'replayed', 'due'),
                        (now() - interval '364 days', 'me', 'replayed', 'kept')";
    let suspects = "insert into suspect
                    values ('due', 'k', 'm', gen_random_uuid(), now() - interval '25 hours'),
                           ('kept', 'k', 'm', gen_random_uuid(), now() - interval '23 hours')";
    let watched = "insert into watched values ('long past', now() - interval '25 hours', 'due'),
                                              ('just past', now() - interval '23 hours', 'kept')";
    for rows in [parked, audit, suspects, watched] {
        execute(pool, rows).await;
    }
}

/// Lets so many days pass over the journal: each brings its messages, the oldest go, and their
/// pages are used again. Then does what comes `after`.
async fn age(stage: &ServiceHarness, days: i32, after: &'static str) {
    let options = options(stage).application_name(APPLICATION);
    let mut past = PgConnection::connect_with(&options).await.expect("in");
    let day = "insert into journal
               select 'acme', 'ticket', md5(random()::text), '\\x00', 'ticket.update.v1',
                 now() - make_interval(days => $1) + make_interval(secs => 80000.0 * n / $2), n,
                 'acme/' || n, null, now(), 0, null, repeat('x', 300)
               from generate_series(1, $2) n";
    let old = "delete from journal where decided_at < now() - make_interval(days => $1 + 30)";
    for before in (0..days).rev() {
        sqlx::query(day).bind(before).bind(A_DAY).execute(&mut past).await.expect("a day passes");
        sqlx::query(old).bind(before).execute(&mut past).await.expect("the oldest go");
        sqlx::raw_sql("vacuum journal").execute(&mut past).await.expect("it is cleaned");
    }
    for end in [after, "analyze journal"] {
        sqlx::raw_sql(end).execute(&mut past).await.expect(end);
    }
    past.close().await.expect("it ends");
    all_is_told(stage).await;
}

/// A backend tells what it touched when it ends, at the latest.
async fn all_is_told(stage: &ServiceHarness) {
    let open = "select count(*) from pg_stat_activity where application_name = 'aged'";
    stage.counts("its connections to be gone", open, 0).await;
}

/// Pages of the journal's heap that were looked at so far.
async fn touched(pool: &PgPool) -> i64 {
    scalar(
        pool,
        "select heap_blks_hit + heap_blks_read from pg_statio_user_tables \
         where relname = 'journal'",
    )
    .await
}

fn replica(
    stage: &ServiceHarness,
    pool: &PgPool,
    interval: Duration,
    outputs_wait: Duration,
) -> Replica {
    stage.replica_retaining(Tally, pool, Retention { interval, outputs_wait })
}

/// A pool of its own, with parameters of the session.
async fn pool(stage: &ServiceHarness, parameters: &[(&str, &str)]) -> PgPool {
    let options = options(stage).options(parameters.iter().copied());
    PgPoolOptions::new().max_connections(8).connect_with(options).await.expect("in")
}

async fn reader(stage: &ServiceHarness) -> PgConnection {
    PgConnection::connect_with(&options(stage)).await.expect("in")
}

fn options(stage: &ServiceHarness) -> PgConnectOptions {
    let url = stage.world.database.service_url(Service::ShareDispatcher).expect("an address");
    url.parse().expect("an address")
}

/// The last day that is made ahead, by a database whose clock is 31 days ahead.
async fn coming_day_is_made(pool: &PgPool) {
    until("the coming days to be made", PATIENCE, async || {
        if day_exists(pool, -34).await { Ok(()) } else { Err("not yet".to_owned()) }
    })
    .await;
}

/// Outputs as they were kept so many days ago, by the host's clock.
async fn outputs_of(pool: &PgPool, days_ago: i32) {
    let make = format!(
        "do $$ declare day date := (pg_catalog.now() at time zone 'utc')::date - {days_ago}; begin
           execute format('create table if not exists %I partition of journal_output '
               'for values from (%L) to (%L)',
             'journal_output_' || to_char(day, 'YYYYMMDD'), day || ' 00:00:00+00',
             day + 1 || ' 00:00:00+00');
         end $$"
    );
    sqlx::query(AssertSqlSafe(make)).execute(pool).await.expect("the partition is made");
}

async fn drop_day(pool: &PgPool, days_ago: i32) {
    let name = day_name(pool, days_ago).await;
    let drop = format!("drop table if exists {name}");
    sqlx::query(AssertSqlSafe(drop)).execute(pool).await.expect("it goes");
}

async fn day_exists(pool: &PgPool, days_ago: i32) -> bool {
    let name = day_name(pool, days_ago).await;
    let exists = "select to_regclass($1) is not null";
    sqlx::query_scalar(exists).bind(name).fetch_one(pool).await.expect("an answer")
}

async fn day_name(pool: &PgPool, days_ago: i32) -> String {
    let name = "select 'journal_output_' ||
                  to_char((pg_catalog.now() at time zone 'utc')::date - $1, 'YYYYMMDD')";
    sqlx::query_scalar(name).bind(days_ago).fetch_one(pool).await.expect("a name")
}

async fn execute(pool: &PgPool, sql: &'static str) {
    sqlx::raw_sql(sql).execute(pool).await.expect(sql);
}

async fn scalar<T>(pool: &PgPool, sql: &'static str) -> T
where
    T: Send + Unpin + for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
{
    sqlx::query_scalar(sql).fetch_one(pool).await.expect(sql)
}
