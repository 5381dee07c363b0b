//! One installation whose every wire runs through a proxy: private servers that may be taken away,
//! two replicas of each service.

mod gateways;
mod replicas;
mod servers;

use std::net::{SocketAddr, ToSocketAddrs};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use contracts::topology::Service;
use local::{
    Database, Ending, Fleet, Installation, MailSink, Passwords, Server, Servers, services,
};
use serde_json::Value;
use sqlx::{Connection, PgConnection};
use tokio::task::spawn_blocking;
use url::Url;

use crate::proxy::Proxy;
pub use gateways::Gateways;
pub use replicas::{REPLICAS, ReplicaProcesses};
use servers::PrivateServers;

/// The virtual host and the database.
const NAME: &str = "faults";

/// How the services are run, where it is not as everywhere.
#[derive(Clone, Debug, Default)]
pub struct Deviations {
    /// The folder of the services' binaries, if it is not this program's.
    pub binaries: Option<PathBuf>,
    /// The broker's definitions, if they are not this program's.
    pub definitions: Option<Value>,
    /// Settings, by the names of their environment variables.
    pub settings: Vec<(&'static str, &'static str)>,
    /// Whether there is a gateway, with desks behind it.
    pub gateway: bool,
}

/// The wires of an installation.
#[derive(Debug)]
pub struct Wires {
    /// Services to the broker.
    pub broker: Proxy,
    /// Services to the database.
    pub database: Proxy,
    /// Desks to the broker.
    pub desks: Proxy,
    /// To the broker's management API.
    management: Proxy,
}

/// The installation.
#[derive(Debug)]
pub struct Site {
    pub wires: Wires,
    /// Broker users and queues, as the services see them.
    pub installation: Installation,
    /// The services' processes.
    pub replicas: ReplicaProcesses,
    /// Where the gateway is reached, if there is one.
    pub gateways: Option<Gateways>,
    /// Where mails end up.
    pub mail: MailSink,
    desks: Installation,
    servers: PrivateServers,
}

impl Site {
    /// Starts private servers in `dir`, whose earlier content goes, and the services on them. Takes
    /// half a minute.
    ///
    /// # Errors
    /// When a server or a service does not start.
    pub async fn open(dir: &Path, deviations: &Deviations) -> Result<Self> {
        let private = PrivateServers::start(dir).await?;
        let servers = private.now();
        let wires = Wires::to(&servers).await?;
        let seen = |broker: &Proxy| -> Result<Servers> {
            Ok(Servers {
                amqp_url: through(broker, &servers.amqp_url)?,
                management_url: through(&wires.management, &servers.management_url)?,
                database_url: through(&wires.database, &servers.database_url)?,
            })
        };
        let passwords = Passwords::open(&dir.join("passwords"))?;
        let installation = Installation::new(&seen(&wires.broker)?, NAME, passwords.clone());
        let desks = Installation::new(&seen(&wires.desks)?, NAME, passwords.clone());
        let (topology, definitions) = (installation.clone(), deviations.definitions.clone());
        let installed = spawn_blocking(move || match definitions {
            Some(definitions) => topology.install(&definitions),
            None => topology.install_topology(),
        });
        installed.await.context("installing the topology")??;
        let database =
            Database::create(&seen(&wires.broker)?.database_url, NAME, passwords).await?;
        let mail = MailSink::start_in("127.0.0.1:0", &dir.join("mails")).await?;
        let binaries = own_binaries(dir, deviations.binaries.as_deref(), deviations.gateway)?;
        let fleet =
            Fleet::new(dir, &installation, &database, &mail.url())?.with_binaries(&binaries);
        let fleet = deviations
            .settings
            .iter()
            .fold(fleet, |fleet, (name, value)| fleet.with_variable(name, value));
        let (at_gateway, gateways) = if deviations.gateway {
            let edge = installation.clone();
            let made = spawn_blocking(move || edge.edge(Service::Gateway));
            made.await.context("letting the gateway in")??;
            let (fleets, gateways) = gateways::fleets(&fleet, &installation, REPLICAS)?;
            (fleets, Some(gateways))
        } else {
            (Vec::new(), None)
        };
        let replicas = ReplicaProcesses::start(fleet, at_gateway).await?;
        let site = Self { wires, installation, replicas, gateways, mail, desks, servers: private };
        if let Some(gateways) = &site.gateways {
            gateways.register(&site.operator()?).await?;
        }
        Ok(site)
    }

    /// Makes an account's broker user and desk queue; returns the address its desk logs in at.
    ///
    /// # Errors
    /// When the broker refuses.
    pub async fn admit(&self, account: &str) -> Result<String> {
        let (desks, account) = (self.desks.clone(), account.to_owned());
        let gateway = Service::Gateway.name();
        let is_behind_it = self.gateways.is_some() && account.starts_with(&format!("{gateway}-"));
        let operator = is_behind_it.then_some(gateway);
        Ok(spawn_blocking(move || desks.account(&account, operator))
            .await
            .context("making an account")??
            .amqp_url)
    }

    /// The address of the operator's desk.
    ///
    /// # Errors
    /// When the broker's address is unusable.
    pub fn operator(&self) -> Result<String> {
        Ok(self.desks.operator_url()?)
    }

    /// Takes a server away; its data stay.
    ///
    /// # Errors
    /// When its state cannot be read.
    pub async fn take_away(&self, server: Server, ending: Ending) -> Result<()> {
        self.servers.take_away(server, ending).await
    }

    /// Brings back what was taken away.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn bring_back(&self) -> Result<()> {
        self.wires.lead_to(&self.servers.bring_back().await?)
    }

    /// Destroys the broker with everything in it and makes another one with the same users and
    /// queues.
    ///
    /// # Errors
    /// When it does not start, or refuses.
    pub async fn wipe_broker(&self, accounts: &[&str]) -> Result<()> {
        self.servers.wipe_broker().await?;
        self.bring_back().await?;
        self.ask_broker(Installation::install_topology).await?;
        if self.gateways.is_some() {
            self.ask_broker(|installation| installation.edge(Service::Gateway)).await?;
        }
        for account in accounts {
            self.admit(account).await?;
        }
        Ok(())
    }

    /// Runs `rabbitmqctl`.
    ///
    /// # Errors
    /// When it fails, with what it said.
    pub async fn broker_control(&self, arguments: &'static [&'static str]) -> Result<()> {
        self.servers.broker_control(arguments).await
    }

    /// Asks the broker's management API, again and again while the broker is away.
    ///
    /// # Errors
    /// What `ask` meets at last.
    pub async fn ask_broker<E: std::fmt::Display>(
        &self,
        ask: impl Fn(&Installation) -> Result<(), E> + Send + 'static,
    ) -> Result<()> {
        let installation = self.installation.clone();
        let asked = spawn_blocking(move || {
            local::wait::until("an answer of the broker", PATIENCE, || {
                Ok(match ask(&installation) {
                    Ok(()) => ControlFlow::Break(()),
                    Err(refused) => ControlFlow::Continue(refused.to_string()),
                })
            })
        });
        Ok(asked.await.context("asking the broker")??)
    }

    /// A connection to the database as its superuser, past all proxies.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn superuser(&self) -> Result<PgConnection> {
        let mut url =
            Url::parse(&self.servers.now().database_url).context("the database has an address")?;
        url.set_path(NAME);
        PgConnection::connect(url.as_str()).await.context("connecting past the proxies")
    }

    /// How many rows a runtime's table has in each service; `of` is the table, and which of its
    /// rows.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn rows(&self, of: &str) -> Result<Vec<(Service, i64)>> {
        let mut connection = self.superuser().await?;
        let mut rows = Vec::new();
        for service in Service::ALL {
            // Only names of our own go into the text.
            let count = format!("select count(*) from {}.{of}", Database::schema(service));
            rows.push((
                service,
                sqlx::query_scalar(sqlx::AssertSqlSafe(count)).fetch_one(&mut connection).await?,
            ));
        }
        connection.close().await?;
        Ok(rows)
    }

    /// What is parked, in words.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn parked(&self) -> Result<Vec<String>> {
        let mut connection = self.superuser().await?;
        let mut parked = Vec::new();
        for service in Service::ALL {
            // Only names of our own go into the text.
            let schema = Database::schema(service);
            let rows = format!(
                "select concat_ws(' ', message_type, message_id), detail from {schema}.parked \
                 where state = 'parked'"
            );
            let rows: Vec<(String, String)> =
                sqlx::query_as(sqlx::AssertSqlSafe(rows)).fetch_all(&mut connection).await?;
            parked.extend(
                rows.into_iter()
                    .map(|(message, why)| format!("{} parked {message}: {why}", service.name())),
            );
        }
        connection.close().await?;
        Ok(parked)
    }

    /// Ends everything and removes the servers' data; logs stay.
    ///
    /// # Errors
    /// When a service does not end by itself, or with a failure.
    pub async fn close(self) -> Result<()> {
        let Self { replicas, servers, .. } = self;
        let ended = replicas.end().await;
        spawn_blocking(move || drop(servers)).await.context("stopping the servers")?;
        ended
    }
}

impl Wires {
    async fn to(servers: &Servers) -> Result<Self> {
        let [amqp, management, database] = ends(servers)?;
        Ok(Self {
            broker: Proxy::open(amqp).await?,
            database: Proxy::open(database).await?,
            desks: Proxy::open(amqp).await?,
            management: Proxy::open(management).await?,
        })
    }

    fn lead_to(&self, servers: &Servers) -> Result<()> {
        let [amqp, management, database] = ends(servers)?;
        self.broker.lead_to(amqp);
        self.desks.lead_to(amqp);
        self.management.lead_to(management);
        self.database.lead_to(database);
        Ok(())
    }
}

fn ends(servers: &Servers) -> Result<[SocketAddr; 3]> {
    let end = |url: &str| -> Result<SocketAddr> {
        let url = Url::parse(url).context("a server's address")?;
        let (host, port) = (
            url.host_str().unwrap_or("127.0.0.1"),
            url.port().context("a server's address has a port")?,
        );
        (host, port).to_socket_addrs()?.next().context("a server's address")
    };
    Ok([end(&servers.amqp_url)?, end(&servers.management_url)?, end(&servers.database_url)?])
}

/// An address that leads through a proxy.
fn through(proxy: &Proxy, url: &str) -> Result<String> {
    let mut url = Url::parse(url).context("a server's address")?;
    url.set_ip_host(proxy.address().ip()).ok().context("a proxy has a host")?;
    url.set_port(Some(proxy.address().port())).ok().context("a proxy has a port")?;
    Ok(url.to_string().trim_end_matches('/').to_owned())
}

/// The services' binaries, copied: a run takes long, and the next build must not change what it
/// tests.
fn own_binaries(dir: &Path, given: Option<&Path>, gateway: bool) -> Result<PathBuf> {
    let built = given.map_or_else(services::binaries_dir, |given| Ok(given.to_owned()))?;
    let own = dir.join("bin");
    std::fs::create_dir_all(&own)
        .with_context(|| format!("making the folder {}", own.display()))?;
    for service in Service::ALL.into_iter().chain(gateway.then_some(Service::Gateway)) {
        let (from, to) = (built.join(service.name()), own.join(service.name()));
        std::fs::remove_file(&to).ok();
        std::fs::copy(&from, &to)
            .with_context(|| format!("copying {}: build all binaries first", from.display()))?;
    }
    Ok(own)
}

/// How long anything of the site may take that is not under test.
pub(crate) const PATIENCE: Duration = Duration::from_mins(3);
