//! What desks and mailboxes are told.

use contracts::delivery::{AgreementState, DeliveryBody, ShareState, TicketCreated, TicketUpdated};
use contracts::{AgreementId, ShareId};
use local::Mail;
use serde_json::json;
use testkit::desk::PATIENCE;
use testkit::{Desk, until};

use super::ConformanceContext;
use crate::words::{agreement_in, applied};

impl ConformanceContext {
    /// Waits for the ticket that a share asks a desk to create.
    pub async fn created(&self, desk: &Desk, share: &ShareId) -> TicketCreated {
        let (created, _) = desk
            .told(&format!("the ticket of share {share}"), |told| match told {
                DeliveryBody::TicketCreated(created) if created.share_id == *share => {
                    Some(TicketCreated::clone(created))
                }
                _ => None,
            })
            .await;
        created
    }

    /// Waits for an update over a share that `wanted` agrees to.
    pub async fn updated(
        &self,
        desk: &Desk,
        share: &ShareId,
        what: &str,
        wanted: impl Fn(&TicketUpdated) -> bool,
    ) -> TicketUpdated {
        let (updated, _) = desk
            .told(&format!("{what} over share {share}"), |told| match told {
                DeliveryBody::TicketUpdated(updated)
                    if updated.share_id == *share && wanted(updated) =>
                {
                    Some(TicketUpdated::clone(updated))
                }
                _ => None,
            })
            .await;
        updated
    }

    /// Waits for what a desk is told of an agreement by messages of one type, such as
    /// `agreement.invited.v1`.
    pub async fn agreement(
        &self,
        desk: &Desk,
        agreement: &AgreementId,
        name: &str,
    ) -> AgreementState {
        let (state, _) = desk
            .told(&format!("{name} of {agreement}"), |told| {
                agreement_in(told)
                    .filter(|state| told.name() == name && state.agreement_id == *agreement)
                    .cloned()
            })
            .await;
        state
    }

    /// Asks for the list of an account's agreements, page by page.
    pub async fn agreements(&self, desk: &Desk) -> Vec<AgreementState> {
        self.list(desk, "agreement.list.v1", |told| match told {
            DeliveryBody::AgreementState(state) => Some(AgreementState::clone(state)),
            _ => None,
        })
        .await
    }

    /// Asks for the list of an account's shares.
    pub async fn shares(&self, desk: &Desk) -> Vec<ShareState> {
        self.list(desk, "share.list.v1", |told| match told {
            DeliveryBody::ShareState(state) => Some(ShareState::clone(state)),
            _ => None,
        })
        .await
    }

    /// Everything that `listener` has been told when a private note comes that `teller` writes now,
    /// on a ticket both have a copy of: what is not there of the teller's earlier commands on that
    /// ticket is not to come. A private note crosses under any terms.
    pub async fn heard(
        &self,
        listener: &Desk,
        teller: &Desk,
        share: &ShareId,
    ) -> Vec<DeliveryBody> {
        let note = self.comment(teller, "Nothing else came before this.", false);
        let receipt = self.update_share(teller, share, json!({ "comments": [note] })).await;
        applied(&receipt);
        listener
            .told(&format!("the note {}", note["id"]), |told| match told {
                DeliveryBody::TicketUpdated(updated) => {
                    updated.comments.iter().any(|it| note["id"] == it.id.as_str()).then_some(())
                }
                _ => None,
            })
            .await;
        listener.deliveries().into_iter().map(|delivered| delivered.told).collect()
    }

    /// All mails to an address so far.
    pub fn mails_to(&self, address: &str) -> Vec<Mail> {
        let mails = self.with_stage(|stage| stage.mail.mails());
        mails
            .into_iter()
            .filter(|mail| mail.recipients.iter().any(|recipient| recipient == address))
            .collect()
    }

    /// Waits for a mail to an address whose text, as it was before it was encoded, has all of the
    /// words.
    pub async fn mail(&self, address: &str, words: &[&str]) -> Mail {
        until(&format!("a mail to {address} with {words:?}"), PATIENCE, async || {
            let mails = self.mails_to(address);
            let has_all =
                |mail: &&Mail| words.iter().all(|word| readable(&mail.raw).contains(word));
            mails.iter().find(has_all).cloned().ok_or_else(|| format!("{mails:?}"))
        })
        .await
    }

    async fn list<T>(
        &self,
        desk: &Desk,
        command: &str,
        wanted: impl Fn(&DeliveryBody) -> Option<T>,
    ) -> Vec<T> {
        let before = desk.with_deliveries(<[_]>::len);
        applied(&desk.ask(command, &json!({ "limit": 200 })).await);
        desk.with_deliveries(|all| {
            all[before..].iter().filter_map(|delivered| wanted(&delivered.told)).collect()
        })
    }
}

/// A mail's text with the line breaks taken out that its encoding put in.
fn readable(raw: &str) -> String {
    raw.replace("=\r\n", "")
}
