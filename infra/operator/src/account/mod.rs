//! An account's way in and out: add, revoke, rotate, show.

mod handover;
mod trial;

use std::collections::BTreeSet;
use std::time::Duration;

use contracts::command::{AccountLower, AccountRegister};
use contracts::topology::{self, AccountRights};
use contracts::{AccountName, Reason, Receipt, ReceiptOutcome};
use serde::Serialize;

use crate::deployment::{Deployment, GrantReport};
use crate::error::{Error, Result};
use crate::{address, registration, secret};

pub use handover::Handover;
pub use trial::{Attempt, AttemptOutcome, attempts};

/// How long the services may take to answer a registration.
const RECEIPT_LIMIT: Duration = Duration::from_mins(1);

/// The addresses that an operator works with.
#[derive(Clone, Debug)]
pub struct AccountAdmin {
    /// The virtual host, by the management API.
    pub deployment: Deployment,
    /// The broker's AMQP address, with the user `operator`.
    pub operator_url: String,
}

/// What adding an account did.
#[derive(Debug)]
pub struct Added {
    /// What was made and put right on the broker.
    pub let_in: GrantReport,
    /// What the new user tried and was refused; empty when its password is not known here.
    pub refused: Vec<Attempt>,
    /// Whether another registration had been there before. The same one again is answered as it was
    /// the first time.
    pub known: bool,
}

/// What revoking an account did.
#[derive(Debug, Serialize)]
pub struct Revoked {
    /// How many connections were open and are closed.
    pub connections_closed: usize,
    /// How many deliveries wait in the desk queue, or were deleted with it; none when there was no
    /// queue.
    pub waiting: Option<u64>,
    /// Whether the queue was deleted.
    pub queue_deleted: bool,
}

/// One account as the broker knows it.
#[derive(Debug, Serialize)]
pub struct AccountStanding {
    pub account: AccountName,
    /// Whether it publishes for accounts under its name.
    pub operates: bool,
    /// What is wider or narrower than an account's rights; `account add` puts it right.
    pub wrong: Vec<String>,
    /// What it may hold open at a time.
    pub limits: Vec<(String, u64)>,
    /// How many connections it holds open, up to five seconds ago.
    pub connections: usize,
    /// How many deliveries wait; none when it has no queue.
    pub waiting: Option<u64>,
}

/// Reads a name that an account can have.
///
/// # Errors
/// [`Error::AccountName`].
pub fn account_name(name: &str) -> Result<AccountName> {
    match AccountName::new(name) {
        Ok(valid) if !valid.is_reserved() => Ok(valid),
        _ => Err(Error::AccountName(name.to_owned())),
    }
}

/// Reads the name of the account that operates `account`.
///
/// # Errors
/// [`Error::AccountName`], or [`Error::Operator`] when `account` does not stand under it.
pub fn operator_of(account: &AccountName, operator: &str) -> Result<AccountName> {
    let operator = account_name(operator)?;
    if account.is_under(&operator) {
        return Ok(operator);
    }
    Err(Error::Operator { account: account.to_string(), operator: operator.to_string() })
}

impl AccountAdmin {
    /// The address with which a user logs in.
    ///
    /// # Errors
    /// [`Error::Url`] when the operator's own address is unusable.
    pub fn url_of(&self, user: &str, password: &str) -> Result<String> {
        address::for_user(
            "the broker's address",
            &self.operator_url,
            user,
            password,
            self.deployment.vhost(),
        )
    }

    /// The same without user and password, to be handed over.
    ///
    /// # Errors
    /// [`Error::Url`] when the operator's own address is unusable.
    pub fn public_url(&self) -> Result<String> {
        let mut url = address::parse("the broker's address", &self.operator_url)?;
        // Neither fails for an address with a host, which `parse` asked for.
        url.set_username("").and_then(|()| url.set_password(None)).ok();
        url.set_path(&address::segment(self.deployment.vhost()));
        Ok(url.into())
    }

    /// Lowers versions with which an account's settings are held.
    ///
    /// # Errors
    /// When the broker refuses, or no receipt came.
    pub async fn lower(&self, message: &AccountLower) -> Result<Receipt> {
        registration::lower(&self.operator_url, message, RECEIPT_LIMIT).await
    }

    /// A new password for the user that an account is about to get; none for an account whose user
    /// is there and keeps its own, or that another account operates.
    ///
    /// # Errors
    /// When the broker refuses or does not answer.
    pub fn new_user_password(&self, registration: &AccountRegister) -> Result<Option<String>> {
        let has_user = || self.deployment.broker().user(&registration.account);
        let is_new = registration.operated_by.is_none() && has_user()?.is_none();
        Ok(is_new.then(secret::new_password))
    }

    /// Lets an account in, tries as its user what must be refused, and registers it. An account
    /// that may do more than it should is revoked again at once. Without a password a user that is
    /// there keeps its own, and nothing can be tried.
    ///
    /// # Errors
    /// When the broker or the services refuse, or the new user is not refused something.
    pub async fn add(
        &self,
        registration: &AccountRegister,
        password: Option<&str>,
    ) -> Result<Added> {
        let account = account_name(&registration.account)?;
        let let_in = match &registration.operated_by {
            Some(operator) => self.let_operate(&account, operator)?,
            None => self.deployment.let_in(&account, password)?,
        };
        if registration.may_operate {
            self.deployment.let_operate_below(&account)?;
        }
        let tried = password.filter(|_| registration.operated_by.is_none());
        let refused = match tried {
            Some(password) => self.prove(&account, password).await?,
            None => Vec::new(),
        };
        let receipt =
            registration::register(&self.operator_url, registration, RECEIPT_LIMIT).await?;
        Ok(Added { let_in, refused, known: known_already(&registration.account, &receipt)? })
    }

    /// Tries as the account's user what must be refused to it; revokes the account when something
    /// is not.
    ///
    /// # Errors
    /// When something is not refused, or the user cannot log in.
    pub async fn prove(&self, account: &AccountName, password: &str) -> Result<Vec<Attempt>> {
        let tried = attempts(&self.url_of(account.as_str(), password)?, account).await?;
        let allowed: Vec<&str> = tried
            .iter()
            .filter(|it| it.outcome == AttemptOutcome::Allowed)
            .map(|it| it.what.as_str())
            .collect();
        if allowed.is_empty() {
            return Ok(tried);
        }
        self.revoke(account, false)?;
        Err(Error::Unexpected {
            what: format!("trying as `{account}` what it must not do"),
            detail: format!(
                "the broker allowed: {}. The account is revoked again; look for what else gives it \
                 rights on the broker, then add it again",
                allowed.join("; ")
            ),
        })
    }

    /// Takes an account's user away and closes its connections. Its queue stays, unless
    /// `delete_queue`. Its agreements and shares stay as they are: for its partners it is a desk
    /// that does not answer.
    ///
    /// # Errors
    /// When the broker refuses, or knows neither the user nor the queue.
    pub fn revoke(&self, account: &AccountName, delete_queue: bool) -> Result<Revoked> {
        let (broker, vhost) = (self.deployment.broker(), self.deployment.vhost());
        let queue = topology::desk_queue(account);
        let waiting = broker.queue_depth(vhost, &queue)?;
        let there = broker.user(account.as_str())?.is_some();
        if !there && waiting.is_none() {
            return Err(no_user(account.as_str()));
        }
        // With the user the broker closes some of them by itself, and then does not tell of them.
        let mut connections: BTreeSet<String> =
            broker.connections(account.as_str())?.into_iter().collect();
        // First the user: who is thrown out must not come back in.
        broker.delete_user(account.as_str())?;
        if there {
            connections.extend(broker.close_connections(account.as_str())?);
        }
        if delete_queue {
            broker.delete_queue(vhost, &queue)?;
        }
        Ok(Revoked {
            connections_closed: connections.len(),
            waiting,
            queue_deleted: delete_queue && waiting.is_some(),
        })
    }

    /// Gives a user another password. Its connections go on, unless `close`; says how many were
    /// closed.
    ///
    /// # Errors
    /// When the broker refuses, or there is no such user.
    pub fn rotate(&self, user: &str, password: &str, close: bool) -> Result<usize> {
        let broker = self.deployment.broker();
        if broker.user(user)?.is_none() {
            return Err(no_user(user));
        }
        broker.put_user(user, password, "")?;
        if close { Ok(broker.close_connections(user)?.len()) } else { Ok(0) }
    }

    /// Limits what an account may hold open at a time. Adding it again puts the usual limits back.
    ///
    /// # Errors
    /// When the broker refuses, or there is no such user.
    pub fn limit(&self, account: &AccountName, connections: u32, channels: u32) -> Result<()> {
        let (broker, user) = (self.deployment.broker(), account.as_str());
        if broker.user(user)?.is_none() {
            return Err(no_user(user));
        }
        broker.put_user_limit(user, "max-connections", connections)?;
        broker.put_user_limit(user, "max-channels", channels)
    }

    /// How an account stands.
    ///
    /// # Errors
    /// When the broker refuses, or there is no such user.
    pub fn show(&self, account: &AccountName) -> Result<AccountStanding> {
        let broker = self.deployment.broker();
        let user = broker.user(account.as_str())?.ok_or_else(|| no_user(account.as_str()))?;
        Ok(AccountStanding {
            account: account.clone(),
            operates: self.deployment.rights(account)? == AccountRights::operating(account),
            wrong: self.deployment.deviations(account, &user)?,
            limits: broker.user_limits(account.as_str())?,
            connections: broker.connections(account.as_str())?.len(),
            waiting: broker.queue_depth(self.deployment.vhost(), &topology::desk_queue(account))?,
        })
    }

    /// All accounts with a user of their own in this virtual host.
    ///
    /// # Errors
    /// When the broker refuses or does not answer.
    pub fn list(&self) -> Result<Vec<AccountName>> {
        let (broker, vhost) = (self.deployment.broker(), self.deployment.vhost());
        let users = broker.users_in(vhost)?;
        // The administrator, if it may look into the virtual host, has no desk queue.
        let queues: Vec<String> =
            broker.queues(vhost)?.into_iter().map(|queue| queue.name).collect();
        let names = users.iter().filter_map(|user| account_name(user).ok());
        Ok(names.filter(|name| queues.contains(&topology::desk_queue(name))).collect())
    }

    fn let_operate(&self, account: &AccountName, operator: &AccountName) -> Result<GrantReport> {
        let operator = operator_of(account, operator.as_str())?;
        if self.deployment.broker().user(operator.as_str())?.is_none() {
            return Err(Error::NoUser {
                user: operator.to_string(),
                hint: "add the account that operates first",
            });
        }
        self.deployment.let_operate(&operator, account)?;
        Ok(GrantReport::default())
    }
}

fn no_user(user: &str) -> Error {
    Error::NoUser {
        user: user.to_owned(),
        hint: "`account list` tells which there are; an account that another one operates has none \
            of its own",
    }
}

fn known_already(account: &str, receipt: &Receipt) -> Result<bool> {
    match (&receipt.outcome, &receipt.reason) {
        (ReceiptOutcome::Applied, _) => Ok(false),
        (_, Some(Reason::AccountExists | Reason::AlreadyKnown)) => Ok(true),
        (_, reason) => Err(Error::Unexpected {
            what: format!("registering {account}"),
            detail: format!(
                "refused: {} ({}). Its broker user stays; `account revoke {account}` takes it away",
                reason.as_ref().map_or_else(|| "no reason".to_owned(), ToString::to_string),
                receipt.detail.as_deref().unwrap_or("no detail")
            ),
        }),
    }
}
