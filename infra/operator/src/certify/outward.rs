//! The other direction: the desk under test shares, and the partner receives.

use contracts::delivery::{DeliveryBody, TicketCreated};
use contracts::{AgreementId, Receipt, ReceiptOutcome, ShareId};
use serde_json::{Value, json};
use tokio::time::timeout;

use super::bench::{Bench, now, unexpected};
use super::door::DeskUnderTest;
use super::gate::Command;
use super::{admin, must_be_done};
use crate::desk::chance;
use crate::error::{Error, Result};

/// A ticket that the desk shared.
pub(super) struct SharedByDesk {
    pub share: ShareId,
    /// What the partner was told of it.
    pub created: TicketCreated,
}

/// How far sharing came.
pub(super) enum Sharing {
    /// The desk cannot be asked to share.
    Untried,
    /// It was asked; the ticket's subject.
    Asked(String),
}

impl<D: DeskUnderTest> Bench<'_, D> {
    /// An agreement under which the desk shares with the partner; made when it is first needed.
    async fn outward(&mut self) -> Result<AgreementId> {
        if let Some(agreement) = &self.outward {
            return Ok(agreement.clone());
        }
        let agreement = AgreementId::new(chance().to_string())
            .map_err(|error| unexpected("an id", &error.to_string()))?;
        let invite = json!({ "agreement_id": agreement, "name": "Certification, the other way",
            "receiver": { "address": self.partner.account },
            "actor": admin(&self.partner.account),
            "terms": { "comments": "public_and_private", "tags": true, "custom_fields": true } });
        let invited = self.gate.ask_for("agreement.invite.v1", &invite).await?;
        must_be_done("inviting the partner in the desk's name", &invited)?;
        let accept = json!({ "agreement_id": agreement, "actor": admin(&self.partner.account) });
        must_be_done("accepting as the partner", &self.ask("agreement.accept.v1", &accept).await?)?;
        self.outward = Some(agreement.clone());
        Ok(agreement)
    }

    /// Ends it, if it was made.
    pub async fn end_outward(&mut self) -> Result<()> {
        let Some(agreement) = self.outward.take() else { return Ok(()) };
        let deactivate =
            json!({ "agreement_id": agreement, "actor": admin(&self.partner.account) });
        self.ask("agreement.deactivate.v1", &deactivate).await.map(drop)
    }

    /// Has an agent at the desk share a new ticket with this status and these comments.
    pub async fn have_shared(&mut self, status: &str, comments: &[Value]) -> Result<Sharing> {
        let subject = format!("Certification {}", chance());
        let ticket = json!({ "subject": subject, "status": status, "comments": comments,
            "tags": [{ "name": "certified", "added_by": "user" }] });
        let wanted = json!({ "agreement_id": self.outward().await?, "occurred_at": now(0),
            "ticket": ticket });
        let taken = self.desk.share(&wanted).await?;
        Ok(if taken { Sharing::Asked(subject) } else { Sharing::Untried })
    }

    /// Waits until the desk has published the share.
    pub async fn published(&self, subject: &str) -> Option<Command> {
        let published = self.gate.until_published(self.patience, |it| shares(it, subject));
        published.await
    }

    /// Waits until the desk has published the share and Deskmesh answered, and until the partner
    /// was told the ticket; a sentence where the desk did not, or was refused.
    pub async fn shared(
        &mut self,
        subject: &str,
    ) -> Result<std::result::Result<SharedByDesk, String>> {
        let Some(command) = self.published(subject).await else {
            return Ok(Err("the ticket that an agent shared was never published".to_owned()));
        };
        let receipt = self.gate.until_answered(&command.id).await?;
        let Some(share) = share_of(&receipt) else {
            let reason = receipt.reason.map(|reason| reason.to_string()).unwrap_or_default();
            let detail = receipt.detail.unwrap_or_default();
            return Ok(Err(format!("Deskmesh refused what the desk shared: {reason} {detail}")));
        };
        let created = self.partner.until(|told| match told {
            DeliveryBody::TicketCreated(it) if it.share_id == share => Some((**it).clone()),
            _ => None,
        });
        let created = timeout(self.limit, created).await.unwrap_or_else(|_| {
            Err(Error::Late {
                what: "the desk's ticket at the partner".to_owned(),
                limit: self.limit,
                last: "do the services run?".to_owned(),
            })
        })?;
        self.shares.push(share.clone());
        Ok(Ok(SharedByDesk { share, created }))
    }

    /// Under how many ids the desk published a ticket.
    pub async fn times_shared(&self, subject: &str) -> Vec<String> {
        let commands = self.gate.commands().await;
        let shared = commands.into_iter().filter(|command| shares(command, subject));
        let mut ids: Vec<String> = shared.map(|command| command.id).collect();
        ids.sort();
        ids.dedup();
        ids
    }
}

fn shares(command: &Command, subject: &str) -> bool {
    command.kind == "ticket.share.v1" && command.content["ticket"]["subject"] == subject
}

fn share_of(receipt: &Receipt) -> Option<ShareId> {
    let is_shared = matches!(receipt.outcome, ReceiptOutcome::Applied | ReceiptOutcome::Partial);
    receipt.share_id.clone().filter(|_| is_shared)
}
