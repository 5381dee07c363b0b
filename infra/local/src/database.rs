//! One database with a role and a schema per service.

use contracts::topology::Service;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::error::{During, Result};
use crate::secret::Passwords;
use operator::address;

/// A database with a schema and a role of its own for each service.
#[derive(Clone, Debug)]
pub struct Database {
    server_url: String,
    name: String,
    passwords: Passwords,
}

impl Database {
    /// Creates the database with roles and schemas, as far as they are not there.
    ///
    /// `server_url` is a superuser's. Roles belong to the whole server, so their names begin with
    /// the database's: several installations live side by side.
    ///
    /// # Errors
    /// When `PostgreSQL` refuses or does not answer.
    pub async fn create(server_url: &str, name: &str, passwords: Passwords) -> Result<Self> {
        let database = Self::created(server_url, name, passwords);
        let mut server = connect(server_url).await?;
        let what = format!("creating the database {name}");
        if !exists(&mut server, "select exists (select from pg_database where datname = $1)", name)
            .await?
        {
            execute(&mut server, format!("create database {}", quoted(name)), &what).await?;
        }
        for service in everyone() {
            database.create_role(&mut server, service).await?;
        }
        let mut inside = connect(&database.url()?).await?;
        for service in everyone() {
            database.create_schema(&mut inside, service).await?;
        }
        close(inside).await;
        close(server).await;
        Ok(database)
    }

    /// One that was created before; nothing is asked of it.
    #[must_use]
    pub fn created(server_url: &str, name: &str, passwords: Passwords) -> Self {
        Self { server_url: server_url.to_owned(), name: name.to_owned(), passwords }
    }

    /// The database's address for the superuser.
    ///
    /// # Errors
    /// When the server's own address is unusable.
    pub fn url(&self) -> Result<String> {
        let mut url = address::parse("DATABASE_URL", &self.server_url)?;
        url.set_path(&address::segment(&self.name));
        Ok(url.into())
    }

    /// The database's address for a service's role, whose tables lie in its own schema.
    ///
    /// # Errors
    /// When the server's own address is unusable.
    pub fn service_url(&self, service: Service) -> Result<String> {
        let role = self.role(service);
        Ok(address::for_user(
            "DATABASE_URL",
            &self.server_url,
            &role,
            &self.passwords.of(&role),
            &self.name,
        )?)
    }

    /// Keeps the database as it is now, as a backup does; nobody may be connected to it.
    ///
    /// # Errors
    /// When somebody is, or `PostgreSQL` does not answer.
    pub async fn back_up(&self) -> Result<()> {
        let mut server = connect(&self.server_url).await?;
        let (backup, name) = (quoted(&self.backup()), quoted(&self.name));
        let what = format!("backing up the database {}", self.name);
        let drop = format!("drop database if exists {backup}");
        execute(&mut server, drop, &what).await?;
        execute(&mut server, format!("create database {backup} template {name}"), &what).await?;
        close(server).await;
        Ok(())
    }

    /// Brings the database back as it was when it was backed up; whoever is connected is cut off.
    ///
    /// # Errors
    /// When there is no backup, or `PostgreSQL` does not answer.
    pub async fn restore(&self) -> Result<()> {
        let mut server = connect(&self.server_url).await?;
        let (backup, name) = (quoted(&self.backup()), quoted(&self.name));
        let what = format!("restoring the database {}", self.name);
        execute(&mut server, format!("drop database {name} with (force)"), &what).await?;
        execute(&mut server, format!("alter database {backup} rename to {name}"), &what).await?;
        for service in everyone() {
            // What a role is set to in a database does not come back with it.
            self.create_role(&mut server, service).await?;
        }
        close(server).await;
        Ok(())
    }

    fn backup(&self) -> String {
        format!("{}_backup", self.name)
    }

    /// Drops the database with everybody in it, and its roles.
    ///
    /// # Errors
    /// When `PostgreSQL` refuses or does not answer.
    pub async fn remove(self) -> Result<()> {
        let mut server = connect(&self.server_url).await?;
        let what = format!("dropping the database {}", self.name);
        execute(
            &mut server,
            format!("drop database if exists {} with (force)", quoted(&self.name)),
            &what,
        )
        .await?;
        for service in everyone() {
            execute(
                &mut server,
                format!("drop role if exists {}", quoted(&self.role(service))),
                &what,
            )
            .await?;
        }
        close(server).await;
        Ok(())
    }

    /// A service's schema.
    #[must_use]
    pub fn schema(service: Service) -> String {
        service.name().replace('-', "_")
    }

    fn role(&self, service: Service) -> String {
        format!("{}_{}", self.name, Self::schema(service))
    }

    async fn create_role(&self, server: &mut PgConnection, service: Service) -> Result<()> {
        let role = self.role(service);
        let what = format!("creating the role {role}");
        if !exists(server, "select exists (select from pg_roles where rolname = $1)", &role).await?
        {
            execute(server, format!("create role {}", quoted(&role)), &what).await?;
        }
        let login =
            format!("alter role {} login password '{}'", quoted(&role), self.passwords.of(&role));
        execute(server, login, &what).await?;
        let (role, database) = (quoted(&role), quoted(&self.name));
        let path = format!(
            "alter role {role} in database {database} set search_path = {}",
            Self::schema(service)
        );
        execute(server, path, &what).await
    }

    async fn create_schema(&self, inside: &mut PgConnection, service: Service) -> Result<()> {
        let schema = Self::schema(service);
        let what = format!("creating the schema {schema}");
        let create = format!(
            "create schema if not exists {schema} authorization {}",
            quoted(&self.role(service))
        );
        execute(inside, create, &what).await
    }
}

/// Whoever has a schema: the services of the line, and the edges.
fn everyone() -> impl Iterator<Item = Service> {
    Service::ALL.into_iter().chain(Service::EDGES)
}

async fn connect(url: &str) -> Result<PgConnection> {
    PgConnection::connect(url).await.during("connecting to the database server")
}

/// The work is committed; how the connection ends does not matter any more.
async fn close(connection: PgConnection) {
    connection.close().await.ok();
}

async fn exists(connection: &mut PgConnection, query: &'static str, name: &str) -> Result<bool> {
    sqlx::query_scalar(query)
        .bind(name)
        .fetch_one(connection)
        .await
        .during(format!("looking for {name}"))
}

/// Runs a statement that takes no parameters, because `PostgreSQL`'s definitions take none; names
/// in it went through `quoted`, passwords are hexadecimal.
async fn execute(connection: &mut PgConnection, statement: String, what: &str) -> Result<()> {
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(connection).await.map(drop).during(what)
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
