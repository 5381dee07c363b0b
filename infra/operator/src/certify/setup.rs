//! What the broker has to have while a desk is certified, and how it is put back.

use contracts::AccountName;
use contracts::topology::{self, Exchange};

use crate::account::AccountAdmin;
use crate::deployment::Deployment;
use crate::error::{Error, Result};
use crate::secret;

/// The account's deliveries, led past its desk's queue.
pub(super) struct Diverted {
    deployment: Deployment,
    /// The certifier's broker user, and its queue. No account's name has a dot.
    pub user: String,
    /// The key that the desk's queue is bound with meanwhile: no account's key begins so.
    pub released: String,
    direct: String,
    queue: String,
}

impl Diverted {
    /// Finds the desk's queue; nothing is led elsewhere yet.
    pub fn prepare(doors: &AccountAdmin, account: &AccountName) -> Result<Self> {
        let (broker, vhost) = (doors.deployment.broker(), doors.deployment.vhost());
        let (direct, released) = (topology::desk_key(account), format!(".certified.{account}"));
        let desk = Exchange::Desk.name();
        let mut queues = broker.bound(vhost, desk, &direct)?;
        // A run that was killed has left only the other one.
        queues.extend(broker.bound(vhost, desk, &released)?);
        let Some(queue) = queues.into_iter().find(|queue| queue.starts_with("desk.")) else {
            return Err(Error::Unexpected {
                what: format!("certifying {account}"),
                detail: "no queue gets its deliveries: `account add` lets it in".to_owned(),
            });
        };
        let user = format!("certify.{account}");
        let deployment = doors.deployment.clone();
        Ok(Self { deployment, user, released, direct, queue })
    }

    /// Makes the certifier's user; returns the address with which it logs in.
    pub fn let_in(&self, doors: &AccountAdmin) -> Result<String> {
        let ((broker, vhost, desk), user) = (self.broker(), &self.user);
        let password = secret::new_password();
        // It publishes as the account, too: `impersonator` is what RabbitMQ calls who may.
        broker.put_user(user, &password, "impersonator")?;
        let exchanges = format!("{desk}|{}", Exchange::Share.name());
        let own = user.replace('.', "\\.");
        let (configure, both) = (format!("^{own}$"), format!("^({own}|{exchanges})$"));
        broker.put_permissions(vhost, user, &configure, &both, &both)?;
        doors.url_of(user, &password)
    }

    /// As whom the account's commands are published: whose queue it is.
    pub fn publisher(&self) -> String {
        self.queue.trim_start_matches("desk.").to_owned()
    }

    pub fn close_the_direct_way(&self) -> Result<()> {
        let (broker, vhost, desk) = self.broker();
        broker.bind(vhost, desk, &self.queue, &self.released)?;
        broker.unbind(vhost, desk, &self.queue, &self.direct)
    }

    pub fn open_the_direct_way(&self) -> Result<()> {
        let (broker, vhost, desk) = self.broker();
        broker.bind(vhost, desk, &self.queue, &self.direct)
    }

    /// Takes away what only the certifier needed.
    pub fn remove(&self) -> Result<()> {
        let (broker, vhost, desk) = self.broker();
        broker.unbind(vhost, desk, &self.queue, &self.released)?;
        broker.delete_user(&self.user)
    }

    fn broker(&self) -> (&crate::Broker, &str, &'static str) {
        (self.deployment.broker(), self.deployment.vhost(), Exchange::Desk.name())
    }
}
