//! A gateway on private servers, with the network to its database in our hands.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use contracts::topology::Service;
use desk::store::account::{KeptAccount, keep};
use faults::proxy::Proxy;
use gateway::rules::token::Token;
use gateway::store::token::{TokenRow, insert};
use local::{Fleet, Instance, edges};
use sqlx::PgPool;
use tokio::task::spawn_blocking;
use url::Url;

use crate::ground::Ground;

/// Whose commands and deliveries these are.
pub const ACCOUNT: &str = "gateway-acme";
const PATIENCE: Duration = Duration::from_mins(1);

/// It ends with this, and its data go.
pub struct Site {
    pub gateway: Instance,
    pub url: String,
    pub token: String,
    /// Where our own user logs in.
    pub amqp_url: String,
    /// The gateway's schema, past the network that is taken away.
    pub pool: PgPool,
    pub network: Proxy,
    _ground: Ground,
}

impl Drop for Site {
    fn drop(&mut self) {
        self.gateway.signal_end();
    }
}

impl Site {
    /// Starts all of it in `dir`.
    ///
    /// # Errors
    /// When something does not start.
    pub async fn open(dir: &Path) -> Result<Self> {
        let ground = Ground::open(dir, Service::Gateway, vec![ACCOUNT.to_owned()]).await?;
        let database_url = &ground.servers.database_url;
        let network = Proxy::open(address_of(database_url)?).await?;
        let mut behind = Url::parse(database_url).context("the database's address")?;
        behind
            .set_port(Some(network.address().port()))
            .map_err(|()| anyhow!("the database's address takes no port"))?;
        let seen = ground.database_behind(behind.as_str());
        let fleet = Fleet::new(dir, &ground.installation, &seen, "smtp://127.0.0.1:1")?;
        let (fleet, access) = edges::with_gateway(fleet, &ground.passwords, None)?;
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
        let pool = PgPool::connect(&ground.database.service_url(Service::Gateway)?).await?;
        let token = account(&pool).await?;
        let amqp_url = ground.amqp_url.clone();
        Ok(Self { gateway, url: access.url, token, amqp_url, pool, network, _ground: ground })
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
