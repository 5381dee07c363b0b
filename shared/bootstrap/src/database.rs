//! The connection pool, and the migrations of runtime and service as one history in the role's own
//! schema.

use std::collections::HashMap;
use std::time::Duration;

use sqlx::migrate::{Migrate, MigrateError, Migration, Migrator};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection, PgConnection, PgPool};
use tokio_util::sync::CancellationToken;

use crate::address::Address;
use crate::config::{Common, ConfigError, Secret, sentence};
use crate::health::{Phase, Probes};

/// How often a process that is not ready looks whether it can go on.
const RETRY: Duration = Duration::from_secs(1);

/// How often it is looked whether the address has changed.
const FOLLOW: Duration = Duration::from_secs(5);

/// How long a connection may take to show that it is alive.
const PING: Duration = Duration::from_secs(1);

/// A connection that was idle for less is taken as it is.
const FRESH: Duration = Duration::from_secs(1);

/// What the server does by itself about clients that are gone without a word: probes them, and ends
/// a transaction that a batch would have given up, with its locks, and a session that no pool still
/// has.
fn server_side(given_up_ms: u32) -> [(&'static str, String); 5] {
    [
        ("tcp_keepalives_idle", "15".to_owned()),
        ("tcp_keepalives_interval", "5".to_owned()),
        ("tcp_keepalives_count", "3".to_owned()),
        ("idle_in_transaction_session_timeout", given_up_ms.to_string()),
        ("idle_session_timeout", "3600000".to_owned()),
    ]
}

/// Whatever the server is configured with: it repeats no bound value beside an error, in its log or
/// in what it answers.
const QUIET: [(&str, &str); 1] = [("log_parameter_max_length_on_error", "0")];

/// Where sqlx keeps what was applied; it stands in the first schema of the search path, like every
/// table.
const HISTORY: &str = "_sqlx_migrations";

/// The database as one service sees it.
#[derive(Clone, Debug)]
pub(crate) struct Database {
    service: &'static str,
    address: Address,
    /// What the address was at the start, and how one logs in there.
    at_start: (Secret, PgConnectOptions),
    given_up_ms: u32,
    timeout: Duration,
    max_connections: u32,
}

impl Database {
    pub(crate) fn new(service: &'static str, common: &Common) -> Result<Self, ConfigError> {
        let address = common.database_address()?;
        let given_up_ms = common.database.answer_timeout_ms.get();
        let given = address.now();
        let options = options(service, &given, given_up_ms)?;
        Ok(Self {
            service,
            address,
            at_start: (given, options),
            given_up_ms,
            timeout: common.database.acquire_timeout_ms.milliseconds(),
            max_connections: common.max_connections(),
        })
    }

    /// Makes the pool without connecting: a database that is away is waited for, it does not stop
    /// the start.
    pub(crate) fn pool(&self) -> PgPool {
        PgPoolOptions::new()
            .max_connections(self.max_connections)
            .acquire_timeout(self.timeout)
            // A broken connection shows in the batch, which is repeated; a ping per batch would
            // cost more. One that was idle for longer may have been forgotten by the network, and
            // then says nothing at all.
            .test_before_acquire(false)
            .before_acquire(|connection, last| {
                Box::pin(async move {
                    if last.idle_for < FRESH { Ok(true) } else { lives(connection).await }
                })
            })
            // The pool itself would wait for ever for one that hangs, and count it among its
            // connections as long.
            .after_release(|connection, _| Box::pin(lives(connection)))
            .connect_lazy_with(self.at_start.1.clone())
    }

    /// Lets the pool's new connections log in as the address's file says now, until the stop; open
    /// ones stay.
    pub(crate) async fn follow(
        self,
        pool: PgPool,
        shutdown: CancellationToken,
    ) -> Result<(), ConfigError> {
        let mut followed = self.at_start.0;
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return Ok(()),
                () = tokio::time::sleep(FOLLOW) => {}
            }
            let address = self.address.now();
            if address == followed {
                continue;
            }
            match options(self.service, &address, self.given_up_ms) {
                Ok(options) => pool.set_connect_options(options),
                Err(error) => {
                    tracing::warn!(
                        cause = messaging::cause(&error),
                        "the database's address is no good now; the last one is kept"
                    );
                }
            }
            followed = address;
        }
    }

    /// Connects beside the pool: a migration that fails keeps its lock for as long as its
    /// connection lives.
    async fn connect(&self) -> Result<PgConnection, NotYet> {
        let no_good = |error: ConfigError| NotYet { what: "database", why: error.to_string() };
        let options =
            options(self.service, &self.address.now(), self.given_up_ms).map_err(no_good)?;
        match tokio::time::timeout(self.timeout, PgConnection::connect_with(&options)).await {
            Ok(Ok(connection)) => Ok(connection),
            Ok(Err(error)) => Err(NotYet { what: "database", why: messaging::cause(&error) }),
            Err(_) => Err(NotYet { what: "database", why: "no answer in time".to_owned() }),
        }
    }

    /// Applies what is missing; returns how many migrations that were.
    pub(crate) async fn migrate(&self, migrator: &Migrator) -> anyhow::Result<usize> {
        let connection =
            self.connect().await.map_err(|not_yet| anyhow::anyhow!("database: {}", not_yet.why))?;
        Ok(apply(connection, migrator).await?)
    }

    /// Waits until the database answers and has every table; with `migrate` it makes them itself.
    ///
    /// Returns false when a stop was asked for in the meantime. A service must not consume before
    /// this: to the runtime a missing table looks like a message that cannot be saved.
    pub(crate) async fn prepare(
        &self,
        migrator: &Migrator,
        migrate: bool,
        probes: &Probes,
        shutdown: &CancellationToken,
    ) -> anyhow::Result<bool> {
        let mut told = String::new();
        loop {
            let attempt = tokio::select! {
                () = shutdown.cancelled() => return Ok(false),
                attempt = self.attempt(migrator, migrate) => attempt?,
            };
            let Err(not_yet) = attempt else { return Ok(true) };
            probes.enter(Phase::Preparing(not_yet.what));
            // Said once, not every second.
            if told != not_yet.why {
                tracing::warn!(waiting_for = not_yet.what, reason = not_yet.why, "not ready");
                told = not_yet.why;
            }
            tokio::select! {
                () = shutdown.cancelled() => return Ok(false),
                () = tokio::time::sleep(RETRY) => {}
            }
        }
    }

    async fn attempt(
        &self,
        migrator: &Migrator,
        migrate: bool,
    ) -> Result<Result<(), NotYet>, MigrateError> {
        let connection = match self.connect().await {
            Ok(connection) => connection,
            Err(not_yet) => return Ok(Err(not_yet)),
        };
        let outcome = if migrate {
            apply(connection, migrator).await.map(|applied| {
                tracing::info!(applied, "schema is current");
                0
            })
        } else {
            missing(connection, migrator).await
        };
        match outcome {
            Ok(0) => Ok(Ok(())),
            Ok(missing) => {
                let why =
                    format!("{missing} migrations are not applied, run the command `migrate`");
                Ok(Err(NotYet { what: "migrations", why }))
            }
            Err(MigrateError::Execute(error)) if is_connection_trouble(&error) => {
                Ok(Err(NotYet { what: "database", why: messaging::cause(&error) }))
            }
            Err(error) => Err(error),
        }
    }
}

/// Whether a connection answers; one that does not is an error, so that the pool closes it without
/// a farewell.
async fn lives(connection: &mut PgConnection) -> sqlx::Result<bool> {
    messaging::timeout::database(PING, async { connection.ping().await.map(|()| true) }).await
}

/// What is waited for, and why.
struct NotYet {
    what: &'static str,
    why: String,
}

fn options(
    service: &str,
    address: &Secret,
    given_up_ms: u32,
) -> Result<PgConnectOptions, ConfigError> {
    let options = parse(address)?.application_name(service).options(QUIET);
    Ok(options.options(server_side(given_up_ms)))
}

fn parse(url: &Secret) -> Result<PgConnectOptions, ConfigError> {
    url.reveal().parse().map_err(|error: sqlx::Error| ConfigError::Address {
        key: "database.url",
        reason: sentence(&error),
    })
}

/// Joins the tables of the runtime and those of the service to one history.
pub(crate) fn migrator(service: &Migrator) -> Migrator {
    let migrations: Vec<Migration> =
        messaging::migrations().into_iter().chain(service.iter().cloned()).collect();
    let mut migrator = Migrator::with_migrations(migrations);
    // While a release is rolled back, the database is ahead of the program.
    migrator.set_ignore_missing(true);
    migrator
}

async fn apply(mut connection: PgConnection, migrator: &Migrator) -> Result<usize, MigrateError> {
    let before = missing_in(&mut connection, migrator).await?;
    migrator.run_direct(None, &mut connection, false).await?;
    connection.close().await?;
    Ok(before)
}

async fn missing(mut connection: PgConnection, migrator: &Migrator) -> Result<usize, MigrateError> {
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
/// 57 (operator).
fn is_connection_trouble(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_) => true,
        sqlx::Error::Database(error) => error
            .code()
            .is_some_and(|code| ["08", "53", "57"].iter().any(|class| code.starts_with(class))),
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
    use sqlx::SqlSafeStr;
    use sqlx::migrate::MigrationType;

    use super::*;

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

    #[test]
    fn no_server_repeats_bound_values_whatever_the_address_asks_for() {
        let address = "postgres://me@h/db?options=-c%20log_parameter_max_length_on_error%3D-1";
        let options = options("comment-sync", &Secret::new(address), 1_000).unwrap();
        let given = options.get_options().unwrap().to_owned();
        let last = given.rsplit("log_parameter_max_length_on_error=").next().unwrap();
        assert!(last.starts_with("0 "), "{given}");
    }

    #[test]
    fn a_url_that_cannot_be_read_is_not_repeated() {
        let error = parse(&Secret::new("postgres://me:hush@host:port/db")).unwrap_err();
        assert!(!error.to_string().contains("hush"), "{error}");
        assert!(error.to_string().contains("`database.url`"), "{error}");
    }
}
