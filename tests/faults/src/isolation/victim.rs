//! Two accounts beside the others, one of which has trouble.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, ensure};
use contracts::ids::derive_id;
use contracts::{Receipt, ReceiptOutcome};
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use testkit::desk::clock;
use testkit::{Desk, until};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::worst;
use crate::site::Site;
use crate::traffic::LIMIT;

/// The one that has the trouble.
pub const VICTIM: &str = "stark";
const PARTNER: &str = "wayne";
/// Tickets that the partner shares with it.
const TICKETS: usize = 20;

/// Commands of a flood that wait for their confirm at a time.
const AT_ONCE: usize = 1_000;

/// A comment, with the share that it goes over.
pub type CrossingComment = (String, String);

/// The two.
#[derive(Debug)]
pub struct Victim {
    partner: Arc<Desk>,
    desk: Arc<Desk>,
    shares: Vec<String>,
}

impl Victim {
    /// Registers both, and shares tickets with the one.
    ///
    /// # Errors
    /// When a command is refused.
    pub async fn open(site: &Site, operator: &Desk) -> Result<Self> {
        let mut desks = Vec::new();
        for account in [PARTNER, VICTIM] {
            desks.push(Arc::new(Desk::open(&site.admit(account).await?, account)));
            let register = json!({
                "account": account, "display_name": account, "kind": "connected",
                "admins": [{ "name": "Admin", "email": format!("admin@{account}.example") }],
            });
            applied(&operator.ask("account.register.v1", &register).await)?;
        }
        for desk in &desks {
            applied(&desk.ask("account.update.v1", &worst::settings(1)).await)?;
        }
        let [partner, desk] = <[Arc<Desk>; 2]>::try_from(desks).expect("two were made");
        let agreement = derive_id("isolation", &["agreement"]);
        let terms =
            json!({ "comments": "public_and_private", "tags": true, "custom_fields": true });
        let invite = json!({ "agreement_id": agreement, "receiver": { "address": VICTIM },
            "terms": terms, "actor": admin() });
        applied(&partner.ask("agreement.invite.v1", &invite).await)?;
        let accept = json!({ "agreement_id": agreement, "actor": admin() });
        applied(&desk.ask("agreement.accept.v1", &accept).await)?;
        let mut shares = Vec::new();
        for index in 0..TICKETS {
            let share = derive_id("isolation", &["share", &index.to_string()]).to_string();
            let ticket = json!({ "id": format!("w-{index}"), "subject": "Leak", "status": "open",
                "requester": admin() });
            let command = json!({
                "agreement_id": agreement, "share_id": share, "ticket": ticket, "actor": admin(),
                "occurred_at": clock(),
            });
            applied(&partner.ask("ticket.share.v1", &command).await)?;
            shares.push(share);
        }
        Ok(Self { partner, desk, shares })
    }

    /// The desk that has the trouble.
    #[must_use]
    pub fn desk(&self) -> &Desk {
        &self.desk
    }

    /// The partner comments `rate` times a second. Returns the comments.
    pub async fn work(&self, rate: u32, over: &CancellationToken) -> Vec<CrossingComment> {
        let mut said = Vec::new();
        paced(rate, over, || {
            let id = self.partner.next_id();
            let share = self.shares[said.len() % self.shares.len()].clone();
            let comment = format!("{PARTNER}/{id}");
            let content = json!({
                "share_id": share, "actor": admin(), "occurred_at": clock(),
                "comments": [{ "id": comment, "body": "Still leaking." }],
            });
            said.push((share, comment));
            publish(Arc::clone(&self.partner), id, content);
        })
        .await;
        said
    }

    /// The victim publishes what cannot be read, `rate` times a second.
    pub async fn babble(&self, rate: u32, over: &CancellationToken) {
        paced(rate, over, || {
            publish(
                Arc::clone(&self.desk),
                self.desk.next_id(),
                json!({ "ticket_id": 7, "comments": "none" }),
            );
        })
        .await;
    }

    /// The victim publishes the dearest messages that are legal, `rate` times a second, each of
    /// the kinds in turn.
    pub async fn send_worst(&self, rate: u32, over: &CancellationToken) {
        let mut sent = 0;
        paced(rate, over, || {
            let (kind, content) = worst::message(sent, &self.shares);
            sent += 1;
            publish_as(Arc::clone(&self.desk), self.desk.next_id(), kind, content);
        })
        .await;
    }

    /// The victim comments so often at once, as an automation does, on its tickets in turn. Returns
    /// when all is answered.
    pub async fn flood(&self, commands: usize) {
        let ids: Vec<String> = (0..commands).map(|_| self.desk.next_id()).collect();
        let comment = |(index, id): (usize, &String)| {
            let content = json!({
                "share_id": self.shares[index % self.shares.len()], "actor": admin(),
                "occurred_at": clock(),
                "comments": [{ "id": format!("{VICTIM}/{id}"), "body": "Closed by a rule." }],
            });
            let (desk, id) = (Arc::clone(&self.desk), id.clone());
            async move {
                let sent = desk.send_json(&id, "ticket.update.v1", &content).await;
                sent.expect("the broker takes a desk's command");
            }
        };
        stream::iter(ids.iter().enumerate()).for_each_concurrent(AT_ONCE, comment).await;
        for id in &ids {
            self.desk.receipt(id).await;
        }
    }

    /// Waits until the victim has all of these comments.
    pub async fn has_all(&self, said: &[CrossingComment]) {
        until(&format!("all comments at {VICTIM}"), LIMIT, async || {
            let lacking = self.desk.with_model(|model| {
                let has = |share: &str, comment: &str| {
                    model.shared(share).is_some_and(|it| it.comments.contains_key(comment))
                };
                said.iter().filter(|(share, comment)| !has(share, comment)).count()
            });
            if lacking == 0 {
                Ok(())
            } else {
                Err(format!("{lacking} of {} are not there", said.len()))
            }
        })
        .await;
    }
}

/// Does something `rate` times a second until it is over.
async fn paced(rate: u32, over: &CancellationToken, mut act: impl FnMut()) {
    let mut tick = interval(Duration::from_secs(1) / rate.max(1));
    tick.set_missed_tick_behavior(MissedTickBehavior::Burst);
    loop {
        tokio::select! {
            () = over.cancelled() => return,
            _ = tick.tick() => act(),
        }
    }
}

fn publish(desk: Arc<Desk>, id: String, content: Value) {
    publish_as(desk, id, "ticket.update.v1", content);
}

fn publish_as(desk: Arc<Desk>, id: String, kind: &'static str, content: Value) {
    tokio::spawn(async move {
        desk.send_json(&id, kind, &content).await.expect("the broker takes a desk's command");
    });
}

fn admin() -> Value {
    json!({ "id": "1", "name": "Admin", "role": "admin" })
}

fn applied(receipt: &Receipt) -> Result<()> {
    ensure!(
        receipt.outcome == ReceiptOutcome::Applied,
        "a command of {PARTNER} or {VICTIM} was answered with {receipt:?}"
    );
    Ok(())
}
