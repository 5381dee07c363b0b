//! A whole installation for one test.

use std::path::{Path, PathBuf};

use contracts::topology::{self, Service};
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;

use crate::{AccountAccess, Database, Installation, Passwords, Servers};

/// One virtual host with the whole topology, and one database with a schema per service.
#[derive(Debug)]
pub struct TestEnvironment {
    /// The virtual host.
    pub installation: Installation,
    pub database: Database,
    name: String,
}

impl TestEnvironment {
    /// Makes a world on the servers of `AMQP_URL`, `MANAGEMENT_URL` and `DATABASE_URL`.
    ///
    /// # Panics
    /// When the servers are not there or refuse.
    pub async fn new(test: &str) -> Self {
        let name = unique(test);
        let servers = Servers::start(&target().join("test-servers"))
            .expect("servers: run the tests by `make test`");
        let passwords = Passwords::open(&target().join("test-servers-passwords"))
            .expect("a folder to keep passwords in");
        let installation = Installation::new(&servers, &name, passwords.clone());
        let vhost = installation.clone();
        tokio::task::spawn_blocking(move || vhost.install_topology())
            .await
            .expect("the topology's task ends")
            .expect("the broker takes the topology");
        let database = Database::create(&servers.database_url, &name, passwords)
            .await
            .expect("the server makes a database");
        Self { installation, database, name }
    }

    /// A pool on the schema of one service, with its tables.
    ///
    /// # Panics
    /// When the database does not take the migrations.
    pub async fn pool(
        &self,
        service: Service,
        migrations: Vec<sqlx::migrate::Migration>,
    ) -> PgPool {
        let url = self.database.service_url(service).expect("the database has an address");
        let pool = PgPoolOptions::new()
            .max_connections(12)
            .connect(&url)
            .await
            .expect("the role can log in");
        // Whoever waits for sqlx's lock keeps an index of another schema from being built.
        let migrator = sqlx::migrate::Migrator {
            migrations: migrations.into(),
            locking: false,
            ..sqlx::migrate::Migrator::DEFAULT
        };
        migrator.run(&pool).await.expect("the migrations run");
        pool
    }

    /// Makes the broker user and the desk queue of an account.
    ///
    /// # Panics
    /// When the broker refuses.
    pub async fn account(&self, name: &str) -> AccountAccess {
        let (installation, name) = (self.installation.clone(), name.to_owned());
        tokio::task::spawn_blocking(move || installation.account(&name, None))
            .await
            .expect("the account's task ends")
            .expect("the broker makes the account")
    }

    /// Makes an edge's broker user and desk queue, and leads the deliveries of accounts that it
    /// operates there.
    ///
    /// # Panics
    /// When the broker refuses.
    pub async fn edge(&self, edge: Service, accounts: &[&str]) {
        let installation = self.installation.clone();
        let accounts: Vec<String> = accounts.iter().map(|&account| account.to_owned()).collect();
        let made = tokio::task::spawn_blocking(move || {
            installation.edge(edge)?;
            accounts
                .iter()
                .try_for_each(|account| installation.account(account, Some(edge.name())).map(drop))
        });
        made.await.expect("the edge's task ends").expect("the broker lets the edge in");
    }

    /// Lets a service tell desks whatever it likes, as all of them together and later releases do.
    ///
    /// # Panics
    /// When the broker refuses.
    pub async fn let_tell_anything(&self, service: Service) {
        let installation = self.installation.clone();
        let made = tokio::task::spawn_blocking(move || {
            let (vhost, desk) = (installation.vhost(), topology::Exchange::Desk.name());
            let user = service.user();
            installation.broker().put_topic_permission(vhost, &user, desk, ".*", "^$")
        });
        made.await.expect("the task ends").expect("the broker gives the right");
    }

    /// The world's name: of its virtual host and its database.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Removes everything. Not called when a test fails: then it is there to look at.
    pub async fn remove(self) {
        let installation = self.installation.clone();
        drop(tokio::task::spawn_blocking(move || installation.remove()).await);
        drop(self.database.remove().await);
    }
}

/// The folder `target` of the workspace.
#[must_use]
pub fn target() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .map(|root| root.join("target"))
        .unwrap_or_default()
}

#[expect(
    clippy::disallowed_methods,
    reason = "a world's name must be new; no message is caused by it"
)]
fn unique(test: &str) -> String {
    let id = uuid::Uuid::new_v4().simple().to_string();
    format!("{}_{}", test.replace(['-', ' '], "_"), &id[..8])
}
