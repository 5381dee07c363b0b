//! Virtual hosts, service users and accounts on a broker.

use contracts::AccountName;
use contracts::topology::{self, Exchange, Service};
use serde_json::Value;

use crate::address;
use crate::broker::Broker;
use crate::error::{Error, Result};
use crate::secret::Passwords;
use crate::servers::Servers;

/// What one account's desk may hold open at a time.
const USER_LIMITS: [(&str, u32); 2] = [("max-connections", 20), ("max-channels", 100)];

/// One installation of Deskmesh: a virtual host with its topology, users and accounts.
///
/// Everything may be done again at any time, and by several processes at once: it ends the same.
#[derive(Clone, Debug)]
pub struct Installation {
    broker: Broker,
    amqp_url: String,
    vhost: String,
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
            broker: Broker::new(&servers.management_url),
            amqp_url: servers.amqp_url.clone(),
            vhost: vhost.to_owned(),
            passwords,
        }
    }

    /// The broker's management API.
    #[must_use]
    pub fn broker(&self) -> &Broker {
        &self.broker
    }

    /// The virtual host's name.
    #[must_use]
    pub fn vhost(&self) -> &str {
        &self.vhost
    }

    /// Creates the virtual host, exchanges, queues, bindings and policies, the services' users
    /// and the user `operator`, with the rights that the definitions give them.
    ///
    /// # Errors
    /// When the broker refuses or does not answer.
    pub fn install_topology(&self) -> Result<()> {
        let definitions = topology::definitions(&self.vhost);
        self.broker.create_vhost(&self.vhost)?;
        self.broker.import_definitions(&self.vhost, &definitions)?;
        for user in rows(&definitions, "users") {
            let name = text(user, "name");
            self.broker.put_user(name, &self.passwords.of(name), "")?;
        }
        for row in rows(&definitions, "permissions") {
            let (configure, write, read) = (text(row, "configure"), text(row, "write"), text(row, "read"));
            self.broker.put_permissions(&self.vhost, text(row, "user"), configure, write, read)?;
        }
        for row in rows(&definitions, "topic_permissions") {
            let (exchange, write, read) = (text(row, "exchange"), text(row, "write"), text(row, "read"));
            self.broker.put_topic_permission(&self.vhost, text(row, "user"), exchange, write, read)?;
        }
        Ok(())
    }

    /// Creates an account's broker user and desk queue. An account that another one operates has
    /// neither: its deliveries go to the operator's queue, and the operator publishes for it.
    ///
    /// # Errors
    /// [`Error::AccountName`], [`Error::Operator`], or when the broker refuses or does not answer.
    pub fn account(&self, name: &str, operated_by: Option<&str>) -> Result<AccountAccess> {
        let name = account_name(name)?;
        let Some(operator) = operated_by else { return self.own_desk(&name) };
        let operator = account_name(operator)?;
        if !name.is_under(&operator) {
            return Err(Error::Operator { account: name.to_string(), operator: operator.to_string() });
        }
        let access = self.own_desk(&operator)?;
        self.bind_desk(&name, &access.queue)?;
        self.let_write(&operator, &operator_keys(&operator))?;
        Ok(access)
    }

    /// The broker address for one of the users: a service's, `operator`, or an account's.
    ///
    /// # Errors
    /// [`Error::Url`] when the broker's own address is unusable.
    pub fn user_url(&self, user: &str) -> Result<String> {
        address::for_user("AMQP_URL", &self.amqp_url, user, &self.passwords.of(user), &self.vhost)
    }

    /// The broker address that a service logs in with.
    ///
    /// # Errors
    /// [`Error::Url`] when the broker's own address is unusable.
    pub fn service_url(&self, service: Service) -> Result<String> {
        self.user_url(&service.user())
    }

    /// The broker address of the user `operator`, who registers accounts.
    ///
    /// # Errors
    /// [`Error::Url`] when the broker's own address is unusable.
    pub fn operator_url(&self) -> Result<String> {
        self.user_url(AccountName::operator().as_str())
    }

    /// Deletes the virtual host. Users stay: they may belong to another installation on this broker.
    ///
    /// # Errors
    /// When the broker refuses or does not answer.
    pub fn remove(&self) -> Result<()> {
        self.broker.delete_vhost(&self.vhost)
    }

    fn own_desk(&self, name: &AccountName) -> Result<AccountAccess> {
        let (user, password) = (name.as_str(), self.passwords.of(name.as_str()));
        let queue = topology::desk_queue(name);
        self.broker.put_user(user, &password, "")?;
        let read = format!("^{}$", queue.replace('.', "\\."));
        // The keys come first: without a row for the exchange every key would be open.
        let operates = self.broker.topic_write_permission(&self.vhost, user, Exchange::Share.name())?;
        if operates.as_deref() != Some(&operator_keys(name)) {
            self.let_write(name, &format!("^{name}\\."))?;
        }
        self.broker.put_permissions(&self.vhost, user, "^$", &format!("^{}$", Exchange::Share.name()), &read)?;
        for (limit, value) in USER_LIMITS {
            self.broker.put_user_limit(user, limit, value)?;
        }
        self.broker.declare_queue(&self.vhost, &queue, &topology::desk_queue_arguments())?;
        self.bind_desk(name, &queue)?;
        Ok(AccountAccess { user: user.to_owned(), password, amqp_url: self.user_url(user)?, queue })
    }

    fn bind_desk(&self, name: &AccountName, queue: &str) -> Result<()> {
        self.broker.bind(&self.vhost, Exchange::Desk.name(), queue, &format!("{name}.#"))
    }

    fn let_write(&self, name: &AccountName, keys: &str) -> Result<()> {
        self.broker.put_topic_permission(&self.vhost, name.as_str(), Exchange::Share.name(), keys, "^$")
    }
}

fn operator_keys(operator: &AccountName) -> String {
    format!("^{operator}(-[a-z0-9-]+)?\\.")
}

fn account_name(name: &str) -> Result<AccountName> {
    match AccountName::new(name) {
        Ok(valid) if !valid.is_reserved() => Ok(valid),
        _ => Err(Error::AccountName(name.to_owned())),
    }
}

fn rows<'a>(definitions: &'a Value, kind: &str) -> impl Iterator<Item = &'a Value> {
    definitions[kind].as_array().into_iter().flatten()
}

fn text<'a>(row: &'a Value, field: &str) -> &'a str {
    row[field].as_str().unwrap_or_default()
}
