//! A partner that nobody knew gets an account.

use std::str::FromStr;

use contracts::command::{AccountKind, AccountRegister, AccountUpdate};
use contracts::topology::Service;
use contracts::{AccountName, Actor, Message, Reason, ReceiptOutcome, Role, SharingUrl};
use desk::outbox::{self, Request, ask};
use desk::store::account::{self, KeptAccount};
use serde_json::json;
use sqlx::PgPool;
use url::Url;

use super::{Bridge, Deadline, RequestFault};
use crate::clock::new_id;
use crate::rules::answer::{Refusal, Why};
use crate::store;

impl Bridge {
    /// The account of a sharing URL, registered if it was not; with the URL in its one spelling.
    pub(super) async fn partner(
        &self,
        sender_url: &str,
        deadline: Deadline,
    ) -> Result<(AccountName, SharingUrl), RequestFault> {
        let url = self.sharing_url("sender_url", sender_url)?;
        let edge = AccountName::new(Service::NhdBridge.name())
            .map_err(|error| sqlx::Error::Decode(error.into()))?;
        let name = url.account_under(&edge).map_err(|error| sqlx::Error::Decode(error.into()))?;
        let kept = KeptAccount {
            account: name.to_string(),
            address: name.to_string(),
            display_name: url.host().to_owned(),
        };
        // Before it is registered: what it is told first must find it.
        account::keep(&self.pool, &kept).await?;
        if !store::partner::keep(&self.pool, name.as_str(), url.as_str()).await? {
            self.register(&edge, &name, &url, deadline).await?;
            store::partner::registered(&self.pool, name.as_str()).await?;
        }
        Ok((name, url))
    }

    /// A partner's URL, and what can be said of it without calling it.
    pub(super) fn sharing_url(&self, member: &str, given: &str) -> Result<SharingUrl, Refusal> {
        let wrong = |why: String| Refusal::content(format!("{member}: {why}"));
        let url = SharingUrl::read(given).map_err(|why| wrong(format!("it {why}")))?;
        self.egress.check(url.as_str()).map_err(|error| wrong(error.to_string()))?;
        let place = |url: &str| {
            let url = Url::from_str(url).ok()?;
            Some((url.host_str()?.to_ascii_lowercase(), url.port_or_known_default()))
        };
        if place(url.as_str()) == place(&self.public_url) {
            return Err(wrong("it leads back to where it was sent".to_owned()));
        }
        Ok(url)
    }

    async fn register(
        &self,
        edge: &AccountName,
        name: &AccountName,
        url: &SharingUrl,
        deadline: Deadline,
    ) -> Result<(), RequestFault> {
        let registration = AccountRegister {
            account: name.to_string(),
            address: None,
            display_name: url.host().to_owned(),
            kind: AccountKind::ThirdParty,
            operated_by: Some(edge.clone()),
            may_operate: false,
            third_parties: false,
            sharing_url: Some(url.to_string()),
            admins: Vec::new(),
        };
        let command = (AccountRegister::NAME, json!(registration));
        let key = new_id().to_string();
        let asked = ask(&self.pool, &self.new_command, edge, key, command, deadline.left());
        let receipt = asked.await?.ok_or_else(|| {
            Refusal::new(Why::Busy, "the partner is not known yet; send it again in a moment")
        })?;
        let known = receipt.reason == Some(Reason::AccountExists);
        if receipt.outcome == ReceiptOutcome::Rejected && !known {
            let reason = receipt.reason.map_or("rejected", Reason::code);
            let detail = receipt.detail.unwrap_or_default();
            return Err(Refusal::content(format!("sender_url: {reason}: {detail}")).into());
        }
        introduce(&self.pool, name).await?;
        self.new_command.notify_one();
        Ok(())
    }
}

/// Tells the line what a partner's desk takes: fields of any title.
///
/// # Errors
/// The database.
pub(crate) async fn introduce(pool: &PgPool, name: &AccountName) -> sqlx::Result<()> {
    let request = introduction(name);
    outbox::accept(pool, &request).await.map(drop)
}

/// The command by which a partner's account is introduced; the same one however often it is made.
pub(crate) fn introduction(name: &AccountName) -> Request {
    let actor = Actor {
        id: "bridge".to_owned(),
        name: "Networked Help Desk bridge".to_owned(),
        role: Role::Admin,
        email: None,
        phone: None,
    };
    let content = json!({ "open_fields": true, "actor": actor });
    Request::new(name.clone(), "introduction", AccountUpdate::NAME, content)
}
