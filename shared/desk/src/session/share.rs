//! What a delivery tells of a share itself: whose it is, with whom, and whether it goes on.

use contracts::delivery::{AgreementStatus, DeliveryBody, ShareStanding, Side};
use contracts::{Receipt, ReceiptOutcome};
use serde_json::Value;

/// A share as one of its parties knows it; what is not known yet is absent.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PartyShare {
    /// The agreement it was made under.
    pub agreement_id: Option<String>,
    /// Which party this account is.
    pub side: Option<Side>,
    /// The other one's account.
    pub partner: Option<String>,
    /// The partner's number.
    pub partner_ticket_id: Option<String>,
    /// Whether it has ended by itself; it ends with its agreement as well.
    pub ended: bool,
}

/// Where a share stands, its agreement considered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Both copies are kept in step.
    Live,
    /// Its sender ended it.
    Unshared,
    /// Its agreement ended, and it with it.
    AgreementInactive,
}

impl Standing {
    /// Where a share stands.
    #[must_use]
    pub fn of(ended: bool, agreement: Option<AgreementStatus>) -> Self {
        match (ended, agreement) {
            (true, _) => Self::Unshared,
            (false, Some(AgreementStatus::Inactive)) => Self::AgreementInactive,
            (false, _) => Self::Live,
        }
    }

    /// In the contract's words.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Unshared => "unshared",
            Self::AgreementInactive => "agreement_inactive",
        }
    }
}

impl PartyShare {
    /// What `told` says of its share, if it is about one.
    pub(super) fn told_by(told: &DeliveryBody) -> Option<Self> {
        match told {
            DeliveryBody::TicketCreated(created) => Some(Self {
                agreement_id: Some(created.agreement_id.to_string()),
                side: Some(Side::Receiver),
                partner: Some(created.received_from.to_string()),
                ..Self::default()
            }),
            DeliveryBody::TicketBound(bound) => Some(Self {
                side: Some(Side::Sender),
                partner_ticket_id: Some(bound.partner_ticket_id.to_string()),
                ..Self::default()
            }),
            DeliveryBody::TicketUnshared(_) => {
                Some(Self { side: Some(Side::Receiver), ended: true, ..Self::default() })
            }
            DeliveryBody::ShareState(state) => Some(Self {
                agreement_id: Some(state.agreement_id.to_string()),
                side: Some(state.side),
                partner: Some(state.partner.account.to_string()),
                partner_ticket_id: state.partner_ticket_id.as_ref().map(ToString::to_string),
                ended: state.state == ShareStanding::Unshared,
            }),
            DeliveryBody::TicketUpdated(updated) => {
                Some(Self { partner: Some(updated.received_from.to_string()), ..Self::default() })
            }
            _ => None,
        }
    }

    /// What the receipt of `command` says of the share: that it began, or ended.
    pub(super) fn answered(receipt: &Receipt, command: &Value) -> Option<Self> {
        let done = matches!(receipt.outcome, ReceiptOutcome::Applied | ReceiptOutcome::Partial)
            && command["dry_run"] != Value::Bool(true);
        match receipt.command_type.as_str() {
            "ticket.share.v1" if done => Some(Self {
                agreement_id: command["agreement_id"].as_str().map(str::to_lowercase),
                side: Some(Side::Sender),
                ..Self::default()
            }),
            "ticket.unshare.v1" if done => {
                Some(Self { side: Some(Side::Sender), ended: true, ..Self::default() })
            }
            _ => None,
        }
    }

    /// Adds what was told later. What has ended stays so: a list that was made earlier may come
    /// later.
    pub(super) fn learn(&mut self, later: Self) {
        self.agreement_id = later.agreement_id.or(self.agreement_id.take());
        self.side = later.side.or(self.side);
        // The neighbour of an update may be found in the chain's other direction.
        self.partner = self.partner.take().or(later.partner);
        self.partner_ticket_id = later.partner_ticket_id.or(self.partner_ticket_id.take());
        self.ended |= later.ended;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_stands_as_it_and_its_agreement_do() {
        for (ended, agreement, word) in [
            (false, Some(AgreementStatus::Accepted), "live"),
            (false, None, "live"),
            (true, Some(AgreementStatus::Inactive), "unshared"),
            (false, Some(AgreementStatus::Inactive), "agreement_inactive"),
        ] {
            assert_eq!(Standing::of(ended, agreement).word(), word);
        }
    }

    #[test]
    fn what_has_ended_stays_so_whatever_comes_later() {
        let mut share =
            PartyShare { ended: true, partner: Some("globex".into()), ..PartyShare::default() };
        share.learn(PartyShare { side: Some(Side::Sender), ..PartyShare::default() });
        assert!(share.ended);
        assert_eq!((share.side, share.partner.as_deref()), (Some(Side::Sender), Some("globex")));
    }
}
