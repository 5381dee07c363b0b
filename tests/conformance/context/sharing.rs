//! What desks do with each other: agreements, and tickets that they share.

use contracts::{AgreementId, Receipt, ShareId};
use serde_json::{Value, json};
use testkit::Desk;
use testkit::desk::clock;

use super::ConformanceContext;
use crate::words::{admin, agent, applied, end_user, with};

/// Two desks and the agreement under which the first shares with the second.
pub struct Partners {
    /// The sender.
    pub acme: Desk,
    /// The receiver.
    pub globex: Desk,
    /// The agreement, accepted.
    pub agreement: AgreementId,
}

impl ConformanceContext {
    /// Invites by address.
    pub async fn invite(
        &self,
        sender: &Desk,
        receiver: &Desk,
        terms: Value,
    ) -> (Receipt, AgreementId) {
        self.invite_with(
            sender,
            json!({ "receiver": { "address": receiver.account }, "terms": terms }),
        )
        .await
    }

    /// Invites with a body of one's own; `agreement_id` and `actor` are there already.
    pub async fn invite_with(&self, sender: &Desk, changes: Value) -> (Receipt, AgreementId) {
        let agreement = AgreementId::new(self.id()).expect("an id");
        let invite = with(json!({ "agreement_id": agreement, "actor": admin() }), &changes);
        (sender.ask("agreement.invite.v1", &invite).await, agreement)
    }

    /// An administrator's word on an agreement: `accept`, `decline` or `deactivate`.
    pub async fn decide(&self, desk: &Desk, verb: &str, agreement: &AgreementId) -> Receipt {
        desk.ask(
            &format!("agreement.{verb}.v1"),
            &json!({ "agreement_id": agreement, "actor": admin() }),
        )
        .await
    }

    /// An accepted agreement.
    pub async fn agree(&self, sender: &Desk, receiver: &Desk, terms: Value) -> AgreementId {
        let (receipt, agreement) = self.invite(sender, receiver, terms).await;
        applied(&receipt);
        applied(&self.decide(receiver, "accept", &agreement).await);
        agreement
    }

    /// Two new desks with an accepted agreement.
    pub async fn partners(&self, terms: Value) -> Partners {
        let [acme, globex] = self.desks(["acme", "globex"]).await;
        let agreement = self.agree(&acme, &globex, terms).await;
        Partners { acme, globex, agreement }
    }

    /// Shares a ticket; `changes` are changes of the ticket, which has a number, a subject, a
    /// status and a requester already.
    pub async fn share(
        &self,
        desk: &Desk,
        agreement: &AgreementId,
        changes: Value,
    ) -> (Receipt, ShareId) {
        self.share_with(desk, agreement, json!({ "ticket": changes })).await
    }

    /// Shares a ticket; `changes` are changes of the whole command.
    pub async fn share_with(
        &self,
        desk: &Desk,
        agreement: &AgreementId,
        changes: Value,
    ) -> (Receipt, ShareId) {
        let share = ShareId::new(self.id()).expect("an id");
        let ticket = json!({ "id": format!("t{}", self.number()), "subject": "Printer",
            "status": "open", "requester": end_user() });
        let command = json!({ "agreement_id": agreement, "share_id": share, "ticket": ticket,
            "actor": agent(), "occurred_at": clock() });
        (desk.ask("ticket.share.v1", &with(command, &changes)).await, share)
    }

    /// Shares the ticket `number`, waits until the partner has created it, and tells its number
    /// there: `<number>-copy`.
    pub async fn shared(
        &self,
        sender: &Desk,
        receiver: &Desk,
        agreement: &AgreementId,
        number: &str,
    ) -> ShareId {
        let (receipt, share) = self.share(sender, agreement, json!({ "id": number })).await;
        applied(&receipt);
        self.created(receiver, &share).await;
        applied(&self.bind(receiver, &share, &format!("{number}-copy")).await);
        share
    }

    /// Tells the number of a copy.
    pub async fn bind(&self, desk: &Desk, share: &ShareId, number: &str) -> Receipt {
        let receipt =
            desk.ask("ticket.bind.v1", &json!({ "share_id": share, "ticket_id": number })).await;
        desk.with_model(|model| model.number(share.as_str(), number));
        receipt
    }

    /// An agent's change of a ticket, named by number.
    pub async fn update(&self, desk: &Desk, number: &str, changes: Value) -> Receipt {
        self.change(desk, with(json!({ "ticket_id": number }), &changes)).await
    }

    /// An agent's change of a ticket, named by a share it is in.
    pub async fn update_share(&self, desk: &Desk, share: &ShareId, changes: Value) -> Receipt {
        self.change(desk, with(json!({ "share_id": share }), &changes)).await
    }

    /// Ends the share that a ticket went out by.
    pub async fn unshare(&self, desk: &Desk, share: &ShareId) -> Receipt {
        desk.ask("ticket.unshare.v1", &json!({ "share_id": share, "actor": agent() })).await
    }

    /// A comment with an id of its own.
    pub fn comment(&self, desk: &Desk, body: &str, public: bool) -> Value {
        json!({ "id": format!("{}/{}", desk.account, self.number()), "body": body,
            "public": public })
    }

    async fn change(&self, desk: &Desk, changes: Value) -> Receipt {
        desk.ask(
            "ticket.update.v1",
            &with(json!({ "actor": agent(), "occurred_at": clock() }), &changes),
        )
        .await
    }
}
