//! What the services tell each other (`sync` exchange). Built from validated fields only; never
//! seen by a desk.

mod fact;
mod notice;
mod remarks;
mod transfer;

pub use fact::{AccountFact, AgreementFact, Change, Compare, Fact};
pub use notice::{About, AgreementEvent, AgreementNotice, CommentNotice, Notice, Recipient};
pub use remarks::{DryRun, Remarks};
pub use transfer::{
    Action, FieldChanges, Hop, Sharing, StatusChange, TagChange, Transfer, TransferComment,
};

use serde::{Deserialize, Serialize};

use crate::{AccountName, Receipt, ReceiptOutcome, Timestamp};

/// The command that something on the line comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandRef {
    /// Who published it.
    pub account: AccountName,
    /// Its `message_id`.
    pub message_id: String,
    /// Its `type`.
    #[serde(rename = "type")]
    pub command_type: String,
    /// When it arrived at Deskmesh for the first time.
    pub received_at: Timestamp,
    /// What was noted when it was read, for its receipt.
    #[serde(default, skip_serializing_if = "Remarks::is_empty")]
    pub remarks: Remarks,
}

impl CommandRef {
    /// A receipt for this command, without particulars.
    #[must_use]
    pub fn receipt(&self, outcome: ReceiptOutcome) -> Receipt {
        Receipt::new(self.message_id.clone(), self.command_type.clone(), outcome)
    }
}
