//! How the program reaches the broker: addresses as arguments, in the environment, or in files as
//! secrets are mounted.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::Args;
use contracts::topology::VHOST;
use operator::account::AccountAdmin;
use operator::{Broker, Deployment, secret};

/// The broker's two doors.
#[derive(Args)]
pub struct ReachArgs {
    #[command(flatten)]
    management: ManagementArgs,
    #[command(flatten)]
    broker: BrokerArgs,
}

/// The door for the user `operator`.
#[derive(Args)]
pub struct BrokerArgs {
    /// The broker's AMQP address with the user `operator`: `amqps://operator:…@host/deskmesh`
    #[arg(long, env = "DESKMESH_BROKER_URL", hide_env_values = true, value_name = "URL")]
    broker_url: Option<String>,
    /// A file with that address
    #[arg(
        long,
        env = "DESKMESH_BROKER_URL_FILE",
        value_name = "FILE",
        conflicts_with = "broker_url"
    )]
    broker_url_file: Option<PathBuf>,
}

/// The door for administrators.
#[derive(Args)]
pub struct ManagementArgs {
    /// The broker's management API with an administrator: `https://admin:…@host:15671`
    #[arg(long, env = "DESKMESH_MANAGEMENT_URL", hide_env_values = true, value_name = "URL")]
    management_url: Option<String>,
    /// A file with that address
    #[arg(
        long,
        env = "DESKMESH_MANAGEMENT_URL_FILE",
        value_name = "FILE",
        conflicts_with = "management_url"
    )]
    management_url_file: Option<PathBuf>,
}

impl ManagementArgs {
    /// The address, where one is given.
    pub fn given(&self) -> Result<Option<String>> {
        match (&self.management_url, &self.management_url_file) {
            (None, None) => Ok(None),
            (url, file) => needed("management-url", url.as_ref(), file.as_ref()).map(Some),
        }
    }
}

impl BrokerArgs {
    /// The address.
    pub fn operator_url(&self) -> Result<String> {
        needed("broker-url", self.broker_url.as_ref(), self.broker_url_file.as_ref())
    }

    /// The address, where one is given.
    pub fn given(&self) -> Result<Option<String>> {
        match (&self.broker_url, &self.broker_url_file) {
            (None, None) => Ok(None),
            _ => self.operator_url().map(Some),
        }
    }
}

impl ReachArgs {
    /// Both addresses, with the virtual host that the AMQP address names.
    pub fn doors(&self) -> Result<AccountAdmin> {
        let management = needed(
            "management-url",
            self.management.management_url.as_ref(),
            self.management.management_url_file.as_ref(),
        )?;
        let operator_url = self.broker.operator_url()?;
        let vhost = vhost_of(&operator_url).unwrap_or(VHOST);
        Ok(AccountAdmin {
            deployment: Deployment::new(Broker::new(&management), vhost),
            operator_url,
        })
    }
}

/// The virtual host that an AMQP address names.
pub fn vhost_of(address: &str) -> Option<&str> {
    let (_, vhost) = address.split_once("://")?.1.split_once('/')?;
    Some(vhost).filter(|vhost| !vhost.is_empty())
}

/// An address that was given, itself or as a file.
pub fn needed(name: &str, given: Option<&String>, file: Option<&PathBuf>) -> Result<String> {
    let variable = format!("DESKMESH_{}", name.to_uppercase().replace('-', "_"));
    match (given, file) {
        (Some(url), _) => Ok(url.clone()),
        (None, Some(file)) => secret::read(file)?.with_context(|| {
            format!("the file {} of {variable}_FILE is not there", file.display())
        }),
        (None, None) => bail!(
            "an address is missing: give --{name} or --{name}-file, or set {variable} or \
             {variable}_FILE; after `make up`, `. target/local/env` sets what is there"
        ),
    }
}
