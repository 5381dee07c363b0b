//! Virtual hosts, service users and accounts on a broker.

use contracts::AccountName;
use contracts::topology::{self, Service};
use operator::account::{account_name, operator_of};
use operator::{Broker, Deployment, address};
use serde_json::Value;

use crate::error::Result;
use crate::secret::Passwords;
use crate::servers::Servers;

/// One installation of Deskmesh: a virtual host with its topology, users and accounts.
///
/// Everything may be done again at any time, and by several processes at once: it ends the same.
#[derive(Clone, Debug)]
pub struct Installation {
    deployment: Deployment,
    amqp_url: String,
    passwords: Passwords,
}

/// How an account's desk gets in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountAccess {
    /// The broker user: the account itself, or the account that operates it.
    pub user: String,
    /// The user's password.
    pub password: String,
    /// Both, with the virtual host, as an AMQP address.
    pub amqp_url: String,
    /// The queue with its deliveries.
    pub queue: String,
}

impl Installation {
    /// Names an installation; nothing is created yet.
    #[must_use]
    pub fn new(servers: &Servers, vhost: &str, passwords: Passwords) -> Self {
        Self {
            deployment: Deployment::new(Broker::new(&servers.management_url), vhost),
            amqp_url: servers.amqp_url.clone(),
            passwords,
        }
    }

    /// The broker's management API.
    #[must_use]
    pub fn broker(&self) -> &Broker {
        self.deployment.broker()
    }

    /// The virtual host's name.
    #[must_use]
    pub fn vhost(&self) -> &str {
        self.deployment.vhost()
    }

    /// Creates the virtual host, exchanges, queues, bindings and policies, the services' users
    /// and the user `operator`, with the rights that the definitions give them.
    ///
    /// # Errors
    /// When the broker refuses or does not answer.
    pub fn install_topology(&self) -> Result<()> {
        self.install(&topology::definitions(self.vhost()))
    }

    /// The same from other definitions, as another release of Deskmesh has them.
    ///
    /// # Errors
    /// When the broker refuses or does not answer.
    pub fn install(&self, definitions: &Value) -> Result<()> {
        let (broker, vhost) = (self.broker(), self.vhost());
        broker.create_vhost(vhost)?;
        broker.import_definitions(vhost, definitions)?;
        for user in rows(definitions, "users") {
            let name = text(user, "name");
            broker.put_user(name, &self.passwords.of(name), "")?;
        }
        for row in rows(definitions, "permissions") {
            let (configure, write, read) =
                (text(row, "configure"), text(row, "write"), text(row, "read"));
            broker.put_permissions(vhost, text(row, "user"), configure, write, read)?;
        }
        for row in rows(definitions, "topic_permissions") {
            let (exchange, write, read) =
                (text(row, "exchange"), text(row, "write"), text(row, "read"));
            broker.put_topic_permission(vhost, text(row, "user"), exchange, write, read)?;
        }
        Ok(())
    }

    /// Creates an account's broker user and desk queue. An account that another one operates has
    /// neither: its deliveries go to the operator's queue, and the operator publishes for it.
    ///
    /// # Errors
    /// When a name is none, does not say who operates it, or the broker refuses or does not answer.
    pub fn account(&self, name: &str, operated_by: Option<&str>) -> Result<AccountAccess> {
        let name = account_name(name)?;
        let Some(operator) = operated_by else { return self.own_desk(&name) };
        let operator = operator_of(&name, operator)?;
        let access = self.own_desk(&operator)?;
        self.deployment.let_operate(&operator, &name)?;
        Ok(access)
    }

    /// The passwords of its users.
    #[must_use]
    pub fn passwords(&self) -> &Passwords {
        &self.passwords
    }

    /// Creates an edge's broker user and desk queue: an account that operates others.
    ///
    /// # Errors
    /// When the broker refuses or does not answer.
    pub fn edge(&self, edge: Service) -> Result<()> {
        let name = account_name(edge.name())?;
        self.own_desk(&name)?;
        Ok(self.deployment.let_operate_below(&name)?)
    }

    /// The broker address for one of the users: a service's, `operator`, or an account's.
    ///
    /// # Errors
    /// When the broker's own address is unusable.
    pub fn user_url(&self, user: &str) -> Result<String> {
        Ok(address::for_user(
            "AMQP_URL",
            &self.amqp_url,
            user,
            &self.passwords.of(user),
            self.vhost(),
        )?)
    }

    /// The broker address that a service logs in with.
    ///
    /// # Errors
    /// When the broker's own address is unusable.
    pub fn service_url(&self, service: Service) -> Result<String> {
        self.user_url(&service.user())
    }

    /// The broker address of the user `operator`, who registers accounts.
    ///
    /// # Errors
    /// When the broker's own address is unusable.
    pub fn operator_url(&self) -> Result<String> {
        self.user_url(AccountName::operator().as_str())
    }

    /// The key that share-dispatcher makes the ids of placeholders with.
    #[must_use]
    pub fn placeholder_key(&self) -> String {
        self.passwords.of("placeholder")
    }

    /// Deletes the virtual host. Users stay: they may belong to another installation on this
    /// broker.
    ///
    /// # Errors
    /// When the broker refuses or does not answer.
    pub fn remove(&self) -> Result<()> {
        Ok(self.broker().delete_vhost(self.vhost())?)
    }

    fn own_desk(&self, name: &AccountName) -> Result<AccountAccess> {
        let (user, password) = (name.to_string(), self.passwords.of(name.as_str()));
        self.deployment.let_in(name, Some(&password))?;
        Ok(AccountAccess {
            amqp_url: self.user_url(&user)?,
            user,
            password,
            queue: topology::desk_queue(name),
        })
    }
}

fn rows<'a>(definitions: &'a Value, kind: &str) -> impl Iterator<Item = &'a Value> {
    definitions[kind].as_array().into_iter().flatten()
}

fn text<'a>(row: &'a Value, field: &str) -> &'a str {
    row[field].as_str().unwrap_or_default()
}
