//! Accounts are registered, agreements made; and beside the work one desk offers agreements and
//! withdraws them.

use std::time::Duration;

use anyhow::{Result, ensure};
use contracts::{ReceiptOutcome, Terms};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::line::{ACCOUNTS, AccountPath};
use super::{Expected, Traffic, actor};

/// Who offers, and to whom.
const OFFERS: [&str; 2] = ["gateway-umbrella", "gateway-initech"];
/// Between two offers.
const PAUSE: Duration = Duration::from_millis(400);

/// Where an account's administrator gets mail.
#[must_use]
pub(crate) fn admin_of(account: &str) -> String {
    format!("admin@{account}.example")
}

pub(super) async fn register(traffic: &Traffic) -> Result<()> {
    for account in ACCOUNTS {
        if !traffic.is_behind_the_gateway(account) {
            enter(traffic, account).await?;
        }
        let settings = json!({
            "version": 1, "actor": actor(account, "admin"), "locale": "en",
            "ticket_fields": [{ "key": "order", "title": "Order number", "type": "text" }],
            "default_form": ["order"],
        });
        traffic.ask(account, "account.update.v1", settings).await?;
    }
    Ok(())
}

/// Registers an account of its own; the gateway registers those behind it.
async fn enter(traffic: &Traffic, account: &str) -> Result<()> {
    let register = json!({
        "account": account, "display_name": format!("{account} Inc."), "kind": "connected",
        "admins": [{ "name": "Admin", "email": admin_of(account) }],
    });
    let receipt = traffic.operator.ask("account.register.v1", &register).await;
    ensure!(
        receipt.outcome == ReceiptOutcome::Applied,
        "{account} was not registered: {receipt:?}"
    );
    Ok(())
}

/// The agreement of a hop.
pub(super) fn agreement(traffic: &Traffic, line: &AccountPath, hop: usize) -> String {
    let [sender, receiver] = [line.accounts[hop], line.accounts[hop + 1]];
    traffic.id("agreement", &format!("{sender} {receiver}"))
}

pub(super) async fn agree(traffic: &Traffic, line: &AccountPath) -> Result<()> {
    for (hop, terms) in line.hops.iter().enumerate() {
        let [sender, receiver] = [line.accounts[hop], line.accounts[hop + 1]];
        let id = agreement(traffic, line, hop);
        let invite = invite(traffic, &id, [sender, receiver], "Sharing", *terms);
        traffic.ask(sender, "agreement.invite.v1", invite).await?;
        let accept = json!({ "agreement_id": id, "actor": actor(receiver, "admin") });
        traffic.ask(receiver, "agreement.accept.v1", accept).await?;
    }
    Ok(())
}

fn invite(
    traffic: &Traffic,
    id: &str,
    [sender, receiver]: [&str; 2],
    name: &str,
    terms: Terms,
) -> serde_json::Value {
    json!({
        "agreement_id": id, "receiver": { "address": traffic.address(receiver) }, "name": name,
        "terms": terms, "actor": actor(sender, "admin"),
    })
}

/// Offers agreements, each with a mail to the partner's administrator, and withdraws them.
pub(super) async fn offer(traffic: &Traffic, over: &CancellationToken) {
    let [sender, _] = OFFERS;
    let terms = super::LINES[0].hops[0];
    while !over.is_cancelled() {
        let name = format!("Offer {}", traffic.ledger.number());
        let id = traffic.id("offer", &name);
        let invite = invite(traffic, &id, OFFERS, &name, terms);
        traffic.ledger.book().offers.push(name);
        let withdraw = json!({ "agreement_id": id, "actor": actor(sender, "admin") });
        for (message_type, content) in
            [("agreement.invite.v1", invite), ("agreement.deactivate.v1", withdraw)]
        {
            let id = traffic
                .send(sender, traffic.desk(sender).next_id(), message_type, content, Expected::Done)
                .await;
            if traffic.answer(sender, &id).await.is_none() {
                return;
            }
        }
        tokio::select! {
            () = over.cancelled() => {}
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
}
