//! One deployment's virtual host: who is let into it, with which rights, and who no longer.

use contracts::AccountName;
use contracts::topology::{self, ACCOUNT_CHANNELS, ACCOUNT_CONNECTIONS, AccountRights, Exchange};

use crate::broker::{Broker, KeyRow, PermissionRow, User};
use crate::error::Result;

/// The virtual host of one deployment. Everything may be done again at any time, and by several at
/// once: it ends the same.
#[derive(Clone, Debug)]
pub struct Deployment {
    broker: Broker,
    vhost: String,
}

/// What letting an account in found and changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GrantReport {
    /// Whether the user was made.
    pub made: bool,
    /// What was not as it must be, and was put right.
    pub repaired: Vec<String>,
}

impl Deployment {
    /// Names a deployment; nothing is created.
    #[must_use]
    pub fn new(broker: Broker, vhost: &str) -> Self {
        Self { broker, vhost: vhost.to_owned() }
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

    /// Creates an account's broker user with its rights and limits, and its desk queue. Without a
    /// password a user that is there keeps the one it has.
    ///
    /// # Errors
    /// When the broker refuses or does not answer.
    pub fn let_in(&self, account: &AccountName, password: Option<&str>) -> Result<GrantReport> {
        let user = account.as_str();
        let found = self.broker.user(user)?;
        let repaired = match &found {
            Some(found) => self.deviations(account, found)?,
            None => Vec::new(),
        };
        match (&found, password) {
            (_, Some(password)) => self.broker.put_user(user, password, "")?,
            (Some(found), None) if !found.tags.is_empty() => self.broker.untag_user(found)?,
            (Some(_), None) => {}
            (None, None) => self.broker.put_user(user, &crate::secret::new_password(), "")?,
        }
        self.put_rights(account)?;
        let queue = topology::desk_queue(account);
        self.broker.declare_queue(&self.vhost, &queue, &topology::desk_queue_arguments())?;
        self.bind_desk(account, &queue)?;
        Ok(GrantReport { made: found.is_none(), repaired })
    }

    /// Lets `operator` publish for `account`, whose deliveries go to the operator's queue from now
    /// on.
    ///
    /// # Errors
    /// When the broker refuses or does not answer.
    pub fn let_operate(&self, operator: &AccountName, account: &AccountName) -> Result<()> {
        self.bind_desk(account, &topology::desk_queue(operator))?;
        self.let_operate_below(operator)
    }

    /// Lets `operator` publish for every account whose name begins with its own and `-`.
    ///
    /// # Errors
    /// When the broker refuses or does not answer.
    pub fn let_operate_below(&self, operator: &AccountName) -> Result<()> {
        self.put_keys(operator, &AccountRights::operating(operator))
    }

    /// The rights that an account has to have: those of an operator, when it was given them.
    ///
    /// # Errors
    /// When the broker refuses or does not answer.
    pub fn rights(&self, account: &AccountName) -> Result<AccountRights> {
        let operating = AccountRights::operating(account);
        let keys = self.broker.topic_write_permission(
            &self.vhost,
            account.as_str(),
            Exchange::Share.name(),
        )?;
        Ok(if keys.as_deref() == Some(&operating.keys) {
            operating
        } else {
            AccountRights::own(account)
        })
    }

    fn put_rights(&self, account: &AccountName) -> Result<()> {
        let (user, rights) = (account.as_str(), self.rights(account)?);
        // The keys come first: without a row for the exchange every key would be open.
        self.put_keys(account, &rights)?;
        for foreign in
            self.key_rows(account)?.iter().filter(|row| row.exchange != Exchange::Share.name())
        {
            // Narrowed and not removed: the broker only removes all rows at once, and then every
            // key is open for a moment.
            self.broker.put_topic_permission(&self.vhost, user, &foreign.exchange, "^$", "^$")?;
        }
        self.broker.put_permissions(
            &self.vhost,
            user,
            &rights.configure,
            &rights.write,
            &rights.read,
        )?;
        self.broker.put_user_limit(user, "max-connections", ACCOUNT_CONNECTIONS)?;
        self.broker.put_user_limit(user, "max-channels", ACCOUNT_CHANNELS)
    }

    /// What a user may do otherwise than an account's rights have it, one sentence each.
    ///
    /// # Errors
    /// When the broker refuses or does not answer.
    pub fn deviations(&self, account: &AccountName, found: &User) -> Result<Vec<String>> {
        let rights = self.rights(account)?;
        let mut sentences = Vec::new();
        if !found.tags.is_empty() {
            sentences.push(format!("it was {}", found.tags.join(" and ")));
        }
        let keys = [rights.keys.as_str(), rights.bind.as_str()];
        for KeyRow { exchange, write, read, .. } in self.key_rows(account)? {
            let allowed = if exchange == Exchange::Share.name() { keys } else { ["^$", "^$"] };
            if [write.as_str(), read.as_str()] != allowed {
                sentences.push(format!(
                    "its keys on `{exchange}` were `{write}` to publish with \
                    and `{read}` to bind with"
                ));
            }
        }
        let asked = [&rights.configure, &rights.write, &rights.read];
        for PermissionRow { vhost, configure, write, read } in
            self.broker.permissions(account.as_str())?
        {
            if vhost == self.vhost && [&configure, &write, &read] != asked {
                sentences.push(format!(
                    "it could configure `{configure}`, write `{write}` and read `{read}`"
                ));
            }
        }
        Ok(sentences)
    }

    fn key_rows(&self, account: &AccountName) -> Result<Vec<KeyRow>> {
        let rows = self.broker.key_rows(account.as_str())?;
        Ok(rows.into_iter().filter(|row| row.vhost == self.vhost).collect())
    }

    fn put_keys(&self, account: &AccountName, rights: &AccountRights) -> Result<()> {
        let share = Exchange::Share.name();
        self.broker.put_topic_permission(
            &self.vhost,
            account.as_str(),
            share,
            &rights.keys,
            &rights.bind,
        )
    }

    fn bind_desk(&self, account: &AccountName, queue: &str) -> Result<()> {
        self.broker.bind(&self.vhost, Exchange::Desk.name(), queue, &topology::desk_key(account))
    }
}
