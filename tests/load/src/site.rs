//! A gateway on private servers, with the network to its database in our hands.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use contracts::topology::Service;
use desk::store::account::{KeptAccount, keep};
use faults::proxy::Proxy;
use gateway::rules::token::Token;
use gateway::store::token::{TokenRow, insert};
use local::{Database, Fleet, Installation, Instance, Passwords, Servers, edges};
use sqlx::PgPool;
use tokio::task::spawn_blocking;
use url::Url;

/// Whose commands and deliveries these are.
pub const ACCOUNT: &str = "gateway-acme";
/// A broker user that publishes as the gateway and as the line.
const USER: &str = "load";
const NAME: &str = "load";
const PATIENCE: Duration = Duration::from_mins(1);

/// It ends with this, and its data go.
pub struct Site {
    dir: PathBuf,
    pub gateway: Instance,
    pub url: String,
    pub token: String,
    /// Where our own user logs in.
    pub amqp_url: String,
    /// The gateway's schema, past the network that is taken away.
    pub pool: PgPool,
    pub network: Proxy,
}

impl Drop for Site {
    fn drop(&mut self) {
        self.gateway.signal_end();
        // Nothing can be done about a refusal here; the next run tries again.
        Servers::discard(&self.dir.join("servers")).ok();
    }
}

impl Site {
    /// Starts all of it in `dir`.
    ///
    /// # Errors
    /// When something does not start.
    pub async fn open(dir: &Path) -> Result<Self> {
        std::fs::create_dir_all(dir).context("making the folder")?;
        let folder = dir.join("servers");
        let servers = spawn_blocking(move || {
            Servers::discard(&folder)?;
            Servers::start_private(&folder)
        });
        let servers = servers.await.context("starting the servers")??;
        let passwords = Passwords::open(&dir.join("passwords"))?;
        let installation = Installation::new(&servers, NAME, passwords.clone());
        let (made, password) = (installation.clone(), passwords.of(USER));
        let installing = spawn_blocking(move || {
            made.install_topology()?;
            made.edge(Service::Gateway)?;
            made.account(ACCOUNT, Some(Service::Gateway.name()))?;
            made.broker().put_user(USER, &password, "impersonator")?;
            Ok::<_, local::Error>(made.broker().put_permissions(NAME, USER, "^$", ".*", ".*")?)
        });
        installing.await.context("making a virtual host")??;
        let amqp_url = installation.user_url(USER)?;

        let database = Database::create(&servers.database_url, NAME, passwords.clone()).await?;
        let network = Proxy::open(address_of(&servers.database_url)?).await?;
        let mut behind = Url::parse(&servers.database_url).context("the database's address")?;
        behind
            .set_port(Some(network.address().port()))
            .map_err(|()| anyhow!("the database's address takes no port"))?;
        let seen = Database::created(behind.as_str(), NAME, passwords.clone());
        let fleet = Fleet::new(dir, &installation, &seen, "smtp://127.0.0.1:1")?;
        let (fleet, access) = edges::with_gateway(fleet, &passwords, None)?;
        let fleet = fleet
            .with_variable_of(Service::Gateway, "DESKMESH__LIMITS__REQUESTS_PER_SECOND", "100000")
            .with_variable_of(Service::Gateway, "DESKMESH__LIMITS__OPEN_STREAMS", "10000")
            .with_variable_of(Service::Gateway, "DESKMESH__FILES__FILE_MIB", "4096");
        let started = spawn_blocking(move || {
            fleet.migrate(Service::Gateway)?;
            let mut gateway = fleet.start(Service::Gateway, 1)?;
            gateway.wait_ready(PATIENCE)?;
            Ok::<_, local::Error>(gateway)
        });
        let gateway = started.await.context("starting the gateway")??;
        let pool = PgPool::connect(&database.service_url(Service::Gateway)?).await?;
        let token = account(&pool).await?;
        Ok(Self { dir: dir.to_owned(), gateway, url: access.url, token, amqp_url, pool, network })
    }

    /// What the gateway holds of memory, in KiB.
    ///
    /// # Errors
    /// When it does not run any more.
    pub fn memory(&self) -> Result<u64> {
        let process = self.gateway.process().context("the gateway has ended")?;
        process.resident().context("the gateway has ended")
    }
}

fn address_of(url: &str) -> Result<SocketAddr> {
    let url = Url::parse(url).context("the database's address")?;
    let port = url.port().unwrap_or(5432);
    Ok(SocketAddr::from(([127, 0, 0, 1], port)))
}

/// An account with a token that may do everything.
async fn account(pool: &PgPool) -> Result<String> {
    let kept = KeptAccount {
        account: ACCOUNT.to_owned(),
        address: "acme".to_owned(),
        display_name: "Acme".to_owned(),
    };
    keep(pool, &kept).await.context("keeping the account")?;
    let token = Token::of([7; 32]);
    let row = TokenRow {
        id: uuid::Uuid::from_u128(7),
        account: ACCOUNT.to_owned(),
        name: "load".to_owned(),
        scopes: vec!["*".to_owned()],
        created_at: chrono::DateTime::UNIX_EPOCH,
        expires_at: None,
        last_used_at: None,
    };
    insert(pool, &row, &token.hash()).await.context("keeping the token")?;
    Ok(token.reveal().to_owned())
}
