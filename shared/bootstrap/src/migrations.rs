//! The migrations of runtime and service, as one history in the role's own schema.

use std::collections::HashMap;
use std::time::Duration;

use sqlx::migrate::{Migrate, MigrateError, Migration, Migrator};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

/// How often it is looked whether another has ended.
const RETRY: Duration = Duration::from_millis(200);

/// Where sqlx keeps what was applied; it stands in the first schema of the search path, like every
/// table.
const HISTORY: &str = "_sqlx_migrations";

/// Joins the tables of the runtime and those of the service to one history.
pub(crate) fn migrator(service: &Migrator) -> Migrator {
    let migrations: Vec<Migration> =
        messaging::migrations().into_iter().chain(service.iter().cloned()).collect();
    let mut migrator = Migrator::with_migrations(migrations);
    // While a release is rolled back, the database is ahead of the program.
    migrator.set_ignore_missing(true);
    // The own lock is taken instead, see `lock_alone`.
    migrator.set_locking(false);
    migrator
}

/// Waits until nobody else migrates this schema; the lock lasts as long as the connection.
///
/// Asked for again and again: whoever waits inside a statement has a snapshot, for whose end an
/// index that is built concurrently waits, and then both wait for ever. That is what sqlx's own
/// lock does, which all schemas of a database share.
async fn lock_alone(connection: &mut PgConnection) -> sqlx::Result<()> {
    let lock = "select pg_try_advisory_lock(hashtext(current_schema() || '.migrations'))";
    while !sqlx::query_scalar::<_, bool>(lock).fetch_one(&mut *connection).await? {
        tokio::time::sleep(RETRY).await;
    }
    Ok(())
}

/// Takes away what an interrupted `create index concurrently` left: `if not exists` would take it
/// for the index. Nobody else builds one under the migrations' lock.
async fn drop_unfinished_indexes(connection: &mut PgConnection) -> sqlx::Result<()> {
    let unfinished: Vec<String> = sqlx::query_scalar(
        "select format('drop index concurrently if exists %I.%I', current_schema(), relname)
         from pg_index join pg_class on pg_class.oid = indexrelid
         where not indisvalid and relkind = 'i'
         and relnamespace = current_schema()::text::regnamespace",
    )
    .fetch_all(&mut *connection)
    .await?;
    for drop in unfinished {
        tracing::info!(statement = drop, "an index that was not finished is built anew");
        // The server quoted the names.
        sqlx::query(AssertSqlSafe(drop)).execute(&mut *connection).await?;
    }
    Ok(())
}

pub(crate) async fn apply(
    mut connection: PgConnection,
    migrator: &Migrator,
) -> Result<usize, MigrateError> {
    lock_alone(&mut connection).await?;
    let before = missing_in(&mut connection, migrator).await?;
    if before > 0 {
        drop_unfinished_indexes(&mut connection).await?;
    }
    migrator.run_direct(None, &mut connection, false).await?;
    connection.close().await?;
    Ok(before)
}

pub(crate) async fn missing(
    mut connection: PgConnection,
    migrator: &Migrator,
) -> Result<usize, MigrateError> {
    let missing = missing_in(&mut connection, migrator).await?;
    connection.close().await?;
    Ok(missing)
}

async fn missing_in(
    connection: &mut PgConnection,
    migrator: &Migrator,
) -> Result<usize, MigrateError> {
    let applied = match connection.list_applied_migrations(HISTORY).await {
        Ok(applied) => applied,
        Err(MigrateError::Execute(error)) if is_undefined_table(&error) => Vec::new(),
        Err(error) => return Err(error),
    };
    let applied: HashMap<i64, _> =
        applied.into_iter().map(|one| (one.version, one.checksum)).collect();
    let mut missing = 0;
    for migration in migrator.iter().filter(|one| one.migration_type.is_up_migration()) {
        match applied.get(&migration.version) {
            None => missing += 1,
            Some(checksum) if *checksum == migration.checksum => {}
            Some(_) => return Err(MigrateError::VersionMismatch(migration.version)),
        }
    }
    Ok(missing)
}

fn is_undefined_table(error: &sqlx::Error) -> bool {
    error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code)
        .is_some_and(|code| code == "42P01")
}

/// Tells what passes by itself from what needs a person: classes 08 (connection), 53 (resources),
/// 57 (operator), a lock that others hold, and a deadlock.
pub(crate) fn passes_by_itself(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_) => true,
        sqlx::Error::Database(error) => error.code().is_some_and(|code| {
            ["08", "53", "57", "55P03", "40P01"].iter().any(|class| code.starts_with(class))
        }),
        _ => false,
    }
}

/// Lists the tables that migrations create, for `describe`.
pub(crate) fn tables(migrator: &Migrator) -> Vec<String> {
    let mut tables = Vec::new();
    for migration in migrator.iter().filter(|one| one.migration_type.is_up_migration()) {
        let sql = migration.sql.as_str().to_lowercase();
        let statements =
            sql.lines().map(str::trim).filter_map(|line| line.strip_prefix("create table "));
        for statement in statements {
            let name = statement.trim_start_matches("if not exists ");
            let name =
                name.split(|c: char| c.is_whitespace() || c == '(').next().unwrap_or_default();
            // A partition is part of its table.
            if !name.is_empty() && !statement.contains(" partition of ") {
                tables.push(name.to_owned());
            }
        }
    }
    tables.sort();
    tables.dedup();
    tables
}

#[cfg(test)]
mod tests {
    use contracts::topology::Service;
    use local::TestEnvironment;
    use sqlx::SqlSafeStr;
    use sqlx::migrate::MigrationType;
    use testkit::until;

    use super::*;

    const LIMIT: Duration = Duration::from_mins(1);

    #[test]
    fn tables_are_read_from_the_migrations() {
        let sql = "create table hop (\n  id uuid\n);\ncreate table if not exists comment(id \
            uuid);\n\
                   create table comment_1 partition of comment for values in (1);\ncreate index on \
                   hop (id);";
        let migration =
            Migration::new(1000, "first".into(), MigrationType::Simple, sql.into_sql_str(), false);
        assert_eq!(tables(&Migrator::with_migrations(vec![migration])), ["comment", "hop"]);
    }

    async fn connection(world: &TestEnvironment) -> PgConnection {
        let url = world.database.service_url(Service::CommentSync).unwrap();
        PgConnection::connect(&url).await.unwrap()
    }

    fn runtime() -> Migrator {
        migrator(&Migrator::DEFAULT)
    }

    const INDEXES: &str = "select count(*) from pg_index join pg_class on oid = indexrelid
        where relname = 'journal_oldest' and indisvalid and relkind = 'i'";

    #[tokio::test]
    async fn an_index_whose_building_was_cut_off_is_built_by_the_next() {
        let world = TestEnvironment::new("bootstrap-interrupted").await;
        let mut first = runtime();
        first.migrations.to_mut().retain(|one| one.version == 1);
        apply(connection(&world).await, &first).await.unwrap();
        // A long reader, and a process that does not live as long.
        let mut reader = connection(&world).await;
        sqlx::raw_sql("begin isolation level repeatable read; select from journal")
            .execute(&mut reader)
            .await
            .unwrap();
        let mut cut = connection(&world).await;
        sqlx::raw_sql("set statement_timeout = '300ms'").execute(&mut cut).await.unwrap();
        let error = apply(cut, &runtime()).await.unwrap_err();
        assert!(error.to_string().contains("while executing migration 2"), "{error}");
        let left = "select count(*) from pg_index join pg_class on oid = indexrelid
                    where relname = 'journal_oldest' and not indisvalid";
        let left: i64 =
            sqlx::query_scalar(left).fetch_one(&mut connection(&world).await).await.unwrap();
        assert_eq!(left, 1, "half an index");
        reader.close().await.unwrap();

        apply(connection(&world).await, &runtime()).await.unwrap();
        let whole: i64 =
            sqlx::query_scalar(INDEXES).fetch_one(&mut connection(&world).await).await.unwrap();
        assert_eq!(whole, 1);
        world.remove().await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn replicas_that_migrate_at_once_do_not_wait_for_each_other_for_ever() {
        let world = TestEnvironment::new("bootstrap-at-once").await;
        let mut first = runtime();
        first.migrations.to_mut().retain(|one| one.version == 1);
        apply(connection(&world).await, &first).await.unwrap();
        // So long the index waits, and the others for the one that builds it.
        let mut reader = connection(&world).await;
        sqlx::raw_sql("begin isolation level repeatable read; select from journal")
            .execute(&mut reader)
            .await
            .unwrap();
        let mut replicas = tokio::task::JoinSet::new();
        for _ in 0..4 {
            let connection = connection(&world).await;
            replicas.spawn(async move { apply(connection, &runtime()).await });
        }
        let waiting = "select count(*) from pg_stat_activity where datname = current_database()
                         and (wait_event = 'virtualxid' or query like '%advisory_lock%')
                         and pid <> pg_backend_pid()";
        let mut looks = connection(&world).await;
        until("one to wait for the reader and three for it", LIMIT, async || {
            let count: i64 = sqlx::query_scalar(waiting)
                .fetch_one(&mut looks)
                .await
                .map_err(|error| error.to_string())?;
            if count == 4 { Ok(()) } else { Err(format!("{count} wait")) }
        })
        .await;
        reader.close().await.unwrap();
        let mut applied = Vec::new();
        while let Some(ended) = replicas.join_next().await {
            applied.push(ended.unwrap().expect("it comes to its end"));
        }
        applied.sort_unstable();
        let all_but_the_first = runtime().migrations.len() - 1;
        assert_eq!(applied, [0, 0, 0, all_but_the_first]);
        world.remove().await;
    }
}
