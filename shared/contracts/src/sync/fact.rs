use serde::{Deserialize, Serialize};

use super::{CommandRef, Notice};
use crate::command::AccountKind;
use crate::delivery::{AgreementStatus, Delivery};
use crate::fields::{CustomStatuses, TicketField};
use crate::{AccountName, AgreementId, Message, Receipt, Terms};

/// A changed account or agreement on its way along the line. Every stage learns it; the last one sends what hangs on it,
/// so that what has a receipt is in force everywhere.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fact {
    /// What it comes from.
    pub command: CommandRef,
    /// What changed.
    pub change: Change,
    /// The answer to the publisher.
    pub receipt: Receipt,
    /// What desks are told.
    #[serde(default)]
    pub deliveries: Vec<Delivery>,
    /// What notifier is asked to send.
    #[serde(default)]
    pub notices: Vec<Notice>,
}

impl Message for Fact {
    const NAME: &'static str = "fact.v1";
}

/// What changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// An account, whole.
    Account(Box<AccountFact>),
    /// Agreements, each whole; several after a rename.
    Agreements(Vec<AgreementFact>),
}

/// An account with the settings that rules need. No address of a person.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AccountFact {
    /// The account.
    pub account: AccountName,
    /// Rises with every change.
    pub version: u64,
    /// What kind of desk it has.
    pub kind: AccountKind,
    /// Who publishes for it.
    pub operated_by: Option<AccountName>,
    /// Whether its attachments stay.
    pub secure_downloads: bool,
    /// Whether it takes custom fields of any title.
    pub open_fields: bool,
    /// Its custom statuses.
    pub custom_statuses: CustomStatuses,
    /// Its custom fields.
    pub ticket_fields: Vec<TicketField>,
    /// Keys of the fields on its default form; every field when it named none.
    pub default_form: Option<Vec<String>>,
}

/// An agreement with what rules need.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgreementFact {
    /// Which.
    pub agreement_id: AgreementId,
    /// Rises with every change.
    pub version: u64,
    /// Who shares.
    pub sender: AccountName,
    /// Who receives.
    pub receiver: AccountName,
    /// What may cross.
    pub terms: Terms,
    /// Where it stands.
    pub status: AgreementStatus,
}
