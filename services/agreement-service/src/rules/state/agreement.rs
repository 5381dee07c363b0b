//! An agreement between two accounts.

use contracts::delivery::{AgreementStatus, Decider, Side};
use contracts::sync::AgreementFact;
use contracts::{AccountName, AgreementId, Reason, Terms, Timestamp};

/// An agreement, whole.
#[derive(Clone, Debug, PartialEq)]
pub struct Agreement {
    /// Which; made by the sender.
    pub agreement_id: AgreementId,
    /// Rises with every change.
    pub version: u64,
    /// Who shares.
    pub sender: AccountName,
    /// Who receives.
    pub receiver: AccountName,
    /// What it is called.
    pub name: Option<String>,
    /// What may cross.
    pub terms: Terms,
    /// Where it stands.
    pub status: AgreementStatus,
    /// Who brought it there.
    pub by: Decider,
    /// When.
    pub at: Timestamp,
    /// Why, when no person decided.
    pub reason: Option<Reason>,
}

impl Agreement {
    /// Which party `account` is, if any.
    #[must_use]
    pub fn side_of(&self, account: &AccountName) -> Option<Side> {
        if *account == self.sender {
            Some(Side::Sender)
        } else if *account == self.receiver {
            Some(Side::Receiver)
        } else {
            None
        }
    }

    #[must_use]
    pub fn party(&self, side: Side) -> &AccountName {
        match side {
            Side::Sender => &self.sender,
            Side::Receiver => &self.receiver,
        }
    }

    /// Whether the desk of `side` was ever told of it: an account that declines all invites hears
    /// of none.
    #[must_use]
    pub fn is_shown_to(&self, side: Side) -> bool {
        side == Side::Sender || self.reason != Some(Reason::InvitesDeclined)
    }

    /// Whether it can still be ended.
    #[must_use]
    pub fn is_live(&self) -> bool {
        match self.status {
            AgreementStatus::Pending | AgreementStatus::Accepted => true,
            AgreementStatus::Declined | AgreementStatus::Inactive => false,
        }
    }

    /// The agreement as the line learns it.
    #[must_use]
    pub fn fact(&self) -> AgreementFact {
        AgreementFact {
            agreement_id: self.agreement_id.clone(),
            version: self.version,
            sender: self.sender.clone(),
            receiver: self.receiver.clone(),
            terms: self.terms,
            status: self.status,
            at: self.at,
        }
    }
}
