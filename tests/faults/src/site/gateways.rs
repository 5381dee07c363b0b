//! Two replicas of the gateway, each at addresses of its own.

use std::time::Duration;

use anyhow::{Context, Result};
use contracts::command::Admin;
use contracts::topology::Service;
use local::{Fleet, Installation, edges};
use operator::edge::EdgeApi;
use tokio::task::spawn_blocking;

use super::PATIENCE;

/// When the gateway sends a command again that has no receipt: sooner than a deployment wants it,
/// because some faults destroy commands.
const SEND_AGAIN_SECONDS: &str = "10";

/// Where the gateway is reached.
#[derive(Debug)]
pub struct Gateways {
    /// By desks, a replica each.
    pub urls: Vec<String>,
    api: EdgeApi,
}

/// Gives each replica what it needs.
pub(super) fn fleets(
    fleet: &Fleet,
    installation: &Installation,
    replicas: u32,
) -> Result<(Vec<Fleet>, Gateways)> {
    let again = ("DESKMESH__LIMITS__SEND_AGAIN_SECONDS", SEND_AGAIN_SECONDS);
    let fleet = fleet.clone().with_variable_of(Service::Gateway, again.0, again.1);
    let (mut fleets, mut reached) = (Vec::new(), Vec::new());
    for _ in 0..replicas {
        let (fleet, access) = edges::with_gateway(fleet.clone(), installation.passwords(), None)?;
        fleets.push(fleet);
        reached.push(access);
    }
    let first = reached.first().context("a replica")?;
    let api = first.operator(Service::Gateway, installation.passwords());
    Ok((fleets, Gateways { urls: reached.into_iter().map(|it| it.url).collect(), api }))
}

impl Gateways {
    /// Registers the gateway's own account, which operates those behind it.
    pub(super) async fn register(&self, operator_url: &str) -> Result<()> {
        let registration = edges::registration(Service::Gateway);
        let patience: Duration = PATIENCE;
        local::register(operator_url, &registration, patience)
            .await
            .context("registering the gateway")?;
        Ok(())
    }

    /// Has the gateway register an account; returns its token.
    ///
    /// # Errors
    /// When the gateway refuses, or does not answer.
    pub async fn add(&self, account: &str, address: &str, admin: String) -> Result<String> {
        let (api, account, address) = (self.api.clone(), account.to_owned(), address.to_owned());
        let added = spawn_blocking(move || {
            let admins = [Admin { name: "Admin".to_owned(), email: admin }];
            api.add(&account, &address, Some(&format!("{account} Inc.")), &admins)
        });
        Ok(added.await.context("adding an account at the gateway")??.token.secret)
    }
}
