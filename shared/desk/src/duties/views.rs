//! Conditions of views, triggers and automations on ticket sharing.

use contracts::delivery::{DeliveryBody, Received, Side};
use contracts::{AccountName, ShareId};

use super::{Duties, Shared};

/// A condition that a view filters by, and that a trigger or an automation fires on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SharingCondition {
    /// "Ticket created by ticket sharing".
    Received,
    /// "Updated via: ticket sharing".
    UpdatedVia,
    /// "Ticket sharing: received from" a partner.
    ReceivedFrom(AccountName),
    /// "Ticket sharing: sent to" a partner.
    SentTo(AccountName),
}

/// Whether what a desk is told has changed a ticket by way of ticket sharing.
#[must_use]
pub fn updated_via_sharing(told: &DeliveryBody) -> bool {
    match told {
        DeliveryBody::TicketCreated(created) => created.via == Received::TicketSharing,
        DeliveryBody::TicketUpdated(updated) => updated.via == Received::TicketSharing,
        _ => false,
    }
}

impl Duties {
    /// The tickets of which a condition holds, each by its share: a view.
    #[must_use]
    pub fn view(&self, condition: &SharingCondition) -> Vec<&ShareId> {
        self.shares
            .iter()
            .filter(|(_, shared)| self.holds(condition, shared))
            .map(|(share, _)| share)
            .collect()
    }

    /// Whether a trigger on all of these conditions fires when the desk is told this, and for which
    /// share.
    #[must_use]
    pub fn fires<'a>(
        &self,
        conditions: &[SharingCondition],
        told: &'a DeliveryBody,
    ) -> Option<&'a ShareId> {
        let share = match told {
            DeliveryBody::TicketCreated(created) => &created.share_id,
            DeliveryBody::TicketUpdated(updated) => &updated.share_id,
            _ => return None,
        };
        let shared = self.shares.get(share)?;
        let met = |condition: &SharingCondition| match condition {
            SharingCondition::UpdatedVia => updated_via_sharing(told),
            other => self.holds(other, shared),
        };
        conditions.iter().all(met).then_some(share)
    }

    fn holds(&self, condition: &SharingCondition, shared: &Shared) -> bool {
        match condition {
            SharingCondition::Received => shared.side == Side::Receiver,
            SharingCondition::UpdatedVia => shared.changed_by_sharing,
            SharingCondition::ReceivedFrom(name) => {
                shared.side == Side::Receiver && self.partner(shared).as_ref() == Some(name)
            }
            SharingCondition::SentTo(name) => {
                shared.side == Side::Sender && self.partner(shared).as_ref() == Some(name)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::{agreement, created, listed, receipt, share, unshared, updated};
    use super::*;
    use serde_json::json;

    fn account(name: &str) -> AccountName {
        AccountName::new(name).unwrap()
    }

    /// One received from `acme`, one sent to `initech`.
    fn both_ways() -> Duties {
        let mut duties = Duties::default();
        let told = [
            created(&json!({})),
            receipt("ticket.share.v1", 11, "applied"),
            listed(11, "sender", "initech", "live"),
        ];
        for told in &told {
            duties.take(told);
        }
        duties
    }

    #[test]
    fn r_82_and_r_86_to_r_88_a_view_filters_by_side_and_partner() {
        let duties = both_ways();
        let (received, sent) = (share(10), share(11));
        for (condition, shown) in [
            (SharingCondition::Received, vec![&received]),
            (SharingCondition::UpdatedVia, vec![&received]),
            (SharingCondition::ReceivedFrom(account("acme")), vec![&received]),
            (SharingCondition::ReceivedFrom(account("initech")), vec![]),
            (SharingCondition::SentTo(account("initech")), vec![&sent]),
            (SharingCondition::SentTo(account("acme")), vec![]),
        ] {
            assert_eq!(duties.view(&condition), shown, "{condition:?}");
        }
    }

    #[test]
    fn r_80_what_came_by_sharing_did_so_for_good() {
        let mut duties = both_ways();
        duties.take(&unshared());
        assert_eq!(duties.view(&SharingCondition::Received), [&share(10)]);
    }

    #[test]
    fn r_81_and_r_85_a_trigger_fires_on_what_a_partner_did() {
        let duties = both_ways();
        let from_acme =
            [SharingCondition::UpdatedVia, SharingCondition::ReceivedFrom(account("acme"))];
        assert_eq!(duties.fires(&from_acme, &created(&json!({}))), Some(&share(10)));
        assert_eq!(
            duties.fires(&from_acme, &updated(&json!({ "status": "pending" }))),
            Some(&share(10))
        );
        assert_eq!(
            duties.fires(&[SharingCondition::SentTo(account("acme"))], &created(&json!({}))),
            None
        );
        for other in [
            receipt("ticket.update.v1", 10, "applied"),
            agreement("agreement.accepted.v1", "sender", "accepted", 2),
        ] {
            assert!(!updated_via_sharing(&other));
            assert_eq!(duties.fires(&[], &other), None);
        }
    }

    #[test]
    fn r_87_a_sender_knows_the_partner_by_the_agreement_too() {
        let mut duties = Duties::default();
        let DeliveryBody::Receipt(mut shared) = receipt("ticket.share.v1", 11, "applied") else {
            panic!()
        };
        shared.agreement_id =
            Some(contracts::AgreementId::new(super::super::samples::id(1)).unwrap());
        duties.take(&DeliveryBody::Receipt(shared));
        duties.take(&agreement("agreement.accepted.v1", "sender", "accepted", 2));
        assert_eq!(duties.view(&SharingCondition::SentTo(account("globex"))), [&share(11)]);
    }
}
