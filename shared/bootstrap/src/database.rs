//! The connections to the service's own schema: the pool, and what is waited for before it is used.

use std::time::Duration;

use contracts::topology::Service;
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection, Executor, PgConnection, PgPool};
use tokio_util::sync::CancellationToken;

use crate::address::Address;
use crate::config::{Common, ConfigError, Secret, sentence};
use crate::health::{Phase, Probes};
use crate::migrations::{apply, missing, passes_by_itself};

/// How often a process that is not ready looks whether it can go on.
const RETRY: Duration = Duration::from_secs(1);

/// How often it is looked whether the address has changed.
const FOLLOW: Duration = Duration::from_secs(5);

/// How long a connection may take to show that it is alive.
const PING: Duration = Duration::from_secs(1);

/// A connection that was idle for less is taken as it is.
const FRESH: Duration = Duration::from_secs(1);

/// How often the server looks, during a statement, whether its client is still there.
const CLIENT_CHECK: &str = "5s";

/// How long one statement of an operator's command may take: they count and list what is large.
const OPERATORS_LIMIT: Duration = Duration::from_mins(10);

/// What the server does by itself about clients that are gone without a word, and about statements
/// that nobody waits for any more: probes the clients, ends a statement, ends a transaction that a
/// batch would have given up, with its locks, and a session that no pool still has.
fn server_side(limits: Limits) -> [(&'static str, String); 7] {
    [
        ("tcp_keepalives_idle", "15".to_owned()),
        ("tcp_keepalives_interval", "5".to_owned()),
        ("tcp_keepalives_count", "3".to_owned()),
        ("client_connection_check_interval", CLIENT_CHECK.to_owned()),
        ("statement_timeout", limits.statement.as_millis().to_string()),
        ("idle_in_transaction_session_timeout", limits.idle.as_millis().to_string()),
        ("idle_session_timeout", "3600000".to_owned()),
    ]
}

/// Whatever the server is configured with: it repeats no bound value beside an error, in its log or
/// in what it answers.
const QUIET: [(&str, &str); 1] = [("log_parameter_max_length_on_error", "0")];

/// Whatever it costs by the planner's guess, a statement of ours is over before the server would
/// have compiled it.
const NOT_COMPILED: [(&str, &str); 1] = [("jit", "off")];

/// The services of the line ask for rows by their keys alone. A statement that is planned while its
/// table is empty, as on the first day, would go through all of the table from then on, until the
/// server has analyzed it: every scan of a table that has an index is taken for dear. The edges
/// search what people look for, and plan as usual.
const BY_KEY: [(&str, &str); 1] = [("enable_seqscan", "off")];

/// Large values are compressed with LZ4 where the server was built with it. Its own choice, pglz,
/// takes many times as long: with comments of 3 KB, longer than all else about writing them.
const COMPRESSION: &str = "select set_config(name, 'lz4', false) from pg_settings
    where name = 'default_toast_compression' and 'lz4' = any(enumvals)";

/// How long the server lets a session of this program hold something.
#[derive(Clone, Copy, Debug)]
struct Limits {
    /// One statement; zero for as long as it takes.
    statement: Duration,
    /// A transaction in which nothing is asked.
    idle: Duration,
}

impl Limits {
    /// An index over a large table is built for as long as that takes, and waits for a long reader.
    fn of_migrations(self) -> Self {
        Self { statement: Duration::ZERO, ..self }
    }
}

/// The database as one service sees it.
#[derive(Clone, Debug)]
pub(crate) struct Database {
    service: &'static str,
    address: Address,
    /// What the address was at the start, and how one logs in there.
    at_start: (Secret, PgConnectOptions),
    limits: Limits,
    timeout: Duration,
    max_connections: u32,
}

impl Database {
    pub(crate) fn new(service: &'static str, common: &Common) -> Result<Self, ConfigError> {
        let address = common.database_address()?;
        // Nobody waits for an answer for longer.
        let limit = common.database.answer_timeout_ms.milliseconds();
        Self::limited(service, common, address, Limits { statement: limit, idle: limit })
    }

    /// For operators' commands, which wait longer than a batch does.
    pub(crate) fn for_operators(
        service: &'static str,
        common: &Common,
    ) -> Result<Self, ConfigError> {
        let idle = common.database.answer_timeout_ms.milliseconds();
        let limits = Limits { statement: OPERATORS_LIMIT.max(idle), idle };
        Self::limited(service, common, common.database_address()?, limits)
    }

    fn limited(
        service: &'static str,
        common: &Common,
        address: Address,
        limits: Limits,
    ) -> Result<Self, ConfigError> {
        let given = address.now();
        let options = working(service, &given, limits)?;
        Ok(Self {
            service,
            address,
            at_start: (given, options),
            limits,
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
            .after_connect(|connection, _| {
                Box::pin(async move { connection.execute(COMPRESSION).await.map(drop) })
            })
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
            match working(self.service, &address, self.limits) {
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
        let options = options(self.service, &self.address.now(), self.limits.of_migrations())
            .map_err(no_good)?;
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
            Err(MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _))
                if passes_by_itself(&error) =>
            {
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
    limits: Limits,
) -> Result<PgConnectOptions, ConfigError> {
    let options = parse(address)?.application_name(service).options(QUIET);
    Ok(options.options(server_side(limits)))
}

/// The same for the sessions that work, and make no tables.
fn working(
    service: &str,
    address: &Secret,
    limits: Limits,
) -> Result<PgConnectOptions, ConfigError> {
    let options = options(service, address, limits)?.options(NOT_COMPILED);
    let is_of_the_line = service.parse().is_ok_and(|service: Service| !service.is_edge());
    Ok(if is_of_the_line { options.options(BY_KEY) } else { options })
}

fn parse(url: &Secret) -> Result<PgConnectOptions, ConfigError> {
    url.reveal().parse().map_err(|error: sqlx::Error| ConfigError::Address {
        key: "database.url",
        reason: sentence(&error),
    })
}

#[cfg(test)]
mod tests {
    use local::TestEnvironment;
    use testkit::until;

    use super::*;
    use crate::config::{self, NoKeys};

    #[test]
    fn no_server_repeats_bound_values_whatever_the_address_asks_for() {
        let address = "postgres://me@h/db?options=-c%20log_parameter_max_length_on_error%3D-1";
        let limits = Limits { statement: Duration::from_secs(1), idle: Duration::from_secs(1) };
        let options = options("comment-sync", &Secret::new(address), limits).unwrap();
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

    fn common(world: &TestEnvironment, answer_timeout_ms: u32) -> Common {
        let environment = [
            ("DESKMESH__DATABASE__URL", world.database.service_url(Service::CommentSync).unwrap()),
            ("DESKMESH__DATABASE__ANSWER_TIMEOUT_MS", answer_timeout_ms.to_string()),
        ];
        let environment = environment.map(|(name, value)| (name.to_owned(), value));
        config::load::<NoKeys>("", None, environment).unwrap().common
    }

    /// The limits that a session has: a statement, an idle transaction, the look at the client.
    const LIMITS: &str = "select concat_ws(' ', current_setting('statement_timeout'),
        current_setting('idle_in_transaction_session_timeout'),
        current_setting('client_connection_check_interval'))";

    #[tokio::test]
    async fn every_session_is_limited_by_the_server_and_a_migration_is_not_hurried() {
        let world = TestEnvironment::new("bootstrap-limits").await;
        let common = common(&world, 7_000);
        let service = Database::new("comment-sync", &common).unwrap();
        let operators = Database::for_operators("comment-sync", &common).unwrap();
        let mut migrating = service.connect().await.ok().unwrap();
        let of_service: String =
            sqlx::query_scalar(LIMITS).fetch_one(&service.pool()).await.unwrap();
        let of_operators: String =
            sqlx::query_scalar(LIMITS).fetch_one(&operators.pool()).await.unwrap();
        let of_migrations: String =
            sqlx::query_scalar(LIMITS).fetch_one(&mut migrating).await.unwrap();
        assert_eq!(
            [of_service.as_str(), &of_operators, &of_migrations],
            ["7s 7s 5s", "10min 7s 5s", "0 7s 5s"]
        );
        world.remove().await;
    }

    #[tokio::test]
    async fn what_the_line_asks_for_by_key_is_found_by_it_however_it_was_planned() {
        let world = TestEnvironment::new("bootstrap-plans").await;
        let database = Database::new("comment-sync", &common(&world, 600_000)).unwrap();
        let mut migrating = database.connect().await.ok().unwrap();
        let mut working = database.pool().acquire().await.unwrap();
        sqlx::raw_sql("create temporary table empty (id bigint primary key)")
            .execute(&mut *working)
            .await
            .unwrap();
        let plan: Vec<String> =
            sqlx::query_scalar("explain select from empty where id = any(array[1, 2])")
                .fetch_all(&mut *working)
                .await
                .unwrap();
        assert!(plan.concat().contains("Index"), "{plan:?}");
        let setting = "select current_setting('enable_seqscan')";
        let of_migrations: String =
            sqlx::query_scalar(setting).fetch_one(&mut migrating).await.unwrap();
        let edge = Database::new("helpdesk", &common(&world, 600_000)).unwrap().pool();
        let of_edge: String = sqlx::query_scalar(setting).fetch_one(&edge).await.unwrap();
        assert_eq!([of_migrations.as_str(), &of_edge], ["on", "on"]);
        drop(working);
        world.remove().await;
    }

    #[tokio::test]
    async fn large_values_are_compressed_by_the_fastest_method_the_server_has() {
        let world = TestEnvironment::new("bootstrap-compression").await;
        let database = Database::new("comment-sync", &common(&world, 600_000)).unwrap();
        let mut connection = database.pool().acquire().await.unwrap();
        sqlx::raw_sql(
            "create temporary table large (value text);
             insert into large values (repeat('said and done ', 10000))",
        )
        .execute(&mut *connection)
        .await
        .unwrap();
        let methods: (Option<String>, bool) = sqlx::query_as(
            "select pg_column_compression(value), 'lz4' = any(enumvals)
             from large, pg_settings where name = 'default_toast_compression'",
        )
        .fetch_one(&mut *connection)
        .await
        .unwrap();
        let expected = if methods.1 { "lz4" } else { "pglz" };
        assert_eq!(methods.0.as_deref(), Some(expected));
        drop(connection);
        world.remove().await;
    }

    #[tokio::test]
    async fn a_statement_whose_client_is_gone_is_ended_by_the_server() {
        let world = TestEnvironment::new("bootstrap-gone").await;
        let database = Database::new("comment-sync", &common(&world, 600_000)).unwrap();
        let pool = database.pool();
        let left = async {
            let mut connection = pool.acquire().await.unwrap().detach();
            sqlx::query("select pg_sleep(300)").execute(&mut connection).await
        };
        assert!(tokio::time::timeout(Duration::from_millis(500), left).await.is_err());
        let running = "select count(*) from pg_stat_activity
                       where datname = current_database() and query = 'select pg_sleep(300)'";
        until("the statement to end", Duration::from_secs(30), async || {
            let count: i64 = sqlx::query_scalar(running)
                .fetch_one(&pool)
                .await
                .map_err(|error| error.to_string())?;
            if count == 0 { Ok(()) } else { Err(format!("{count} run")) }
        })
        .await;
        pool.close().await;
        world.remove().await;
    }
}
