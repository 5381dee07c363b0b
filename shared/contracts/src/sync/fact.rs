use serde::{Deserialize, Serialize};

use super::{CommandRef, Notice};
use crate::address::Party;
use crate::command::{AccountKind, DeskLimits};
use crate::delivery::{AgreementStatus, Delivery, Side};
use crate::epoch::count;
use crate::fields::{CustomStatuses, TicketField};
use crate::{AccountName, AgreementId, Epoch, Message, Receipt, Terms, Timestamp};

/// A changed account or agreement on its way along the line. Every stage learns it; the last one
/// sends what hangs on it, so that what has a receipt is in force everywhere.
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
    /// What the publisher asks the last stage, which knows the fields.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compare: Option<Compare>,
    /// The recovery that it comes with: from now on every number is above those before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<Epoch>,
}

/// Whose fields are compared, for whom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compare {
    /// Under which agreement.
    pub agreement_id: AgreementId,
    /// Which party of it asks.
    pub side: Side,
    /// The account that asks.
    pub own: AccountName,
    /// The other one.
    pub partner: AccountName,
    /// Whether titles are told that the partner alone has.
    pub shows_all: bool,
    /// After which title, as titles are compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
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
    /// Agreements, each whole.
    Agreements(Vec<AgreementFact>),
    /// An account, and agreements that changed with it: one that is renamed, and its agreements,
    /// which that ended; or one that an invite registered, and the agreement. Named
    /// as the release before reads it.
    #[serde(rename = "renamed")]
    WithAgreements {
        /// The account, whole.
        account: Box<AccountFact>,
        /// The agreements, each whole.
        agreements: Vec<AgreementFact>,
    },
}

impl Change {
    /// The account that changed, if one did.
    #[must_use]
    pub fn account(&self) -> Option<&AccountFact> {
        match self {
            Self::Account(account) | Self::WithAgreements { account, .. } => Some(account),
            Self::Agreements(_) => None,
        }
    }

    /// What a person looks for it by: the one agreement that changed or was made, else the account.
    #[must_use]
    pub fn subject(&self) -> &str {
        match (self.account(), self.agreements()) {
            (None, [agreement, ..]) => agreement.agreement_id.as_str(),
            (Some(account), [agreement]) if count(account.version) == 1 => {
                agreement.agreement_id.as_str()
            }
            (Some(account), _) => account.account.as_str(),
            (None, []) => "",
        }
    }

    /// The agreements that changed.
    #[must_use]
    pub fn agreements(&self) -> &[AgreementFact] {
        match self {
            Self::Account(_) => &[],
            Self::Agreements(agreements) | Self::WithAgreements { agreements, .. } => agreements,
        }
    }
}

/// An account with the settings that rules need. No address of a person.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AccountFact {
    /// The account.
    pub account: AccountName,
    /// Rises with every change.
    pub version: u64,
    /// Its public address.
    pub address: String,
    /// How it calls itself.
    pub display_name: String,
    /// What kind of desk it has.
    pub kind: AccountKind,
    /// Who publishes for it.
    pub operated_by: Option<AccountName>,
    /// Whether its attachments stay.
    pub secure_downloads: bool,
    /// Whether Deskmesh mails the CCs of its tickets.
    pub notify_ccs: bool,
    /// Language of notices.
    pub locale: Option<String>,
    /// Link to a ticket, with `{ticket_id}`.
    pub link_template: Option<String>,
    /// Addresses and `@domains` that no notice may go to: a desk's own, of no
    /// person.
    pub support_addresses: Vec<String>,
    /// Whether it takes custom fields of any title.
    pub open_fields: bool,
    /// Its custom statuses.
    pub custom_statuses: CustomStatuses,
    /// Its custom fields.
    pub ticket_fields: Vec<TicketField>,
    /// Keys of the fields on its default form; every field when it named none.
    pub default_form: Option<Vec<String>>,
    /// What its desk can hold.
    #[serde(default, skip_serializing_if = "DeskLimits::are_none")]
    pub limits: DeskLimits,
    /// Where a third-party system is reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sharing_url: Option<String>,
}

impl AccountFact {
    /// The account with its operator, where it has one and is told of for the first time.
    #[must_use]
    pub fn newly_operated(&self) -> Option<(&AccountName, &AccountName)> {
        let operator = self.operated_by.as_ref().filter(|_| count(self.version) == 1)?;
        Some((&self.account, operator))
    }

    /// An account that has told nothing of itself yet.
    #[must_use]
    pub fn registered(account: AccountName, kind: AccountKind) -> Self {
        Self {
            address: account.to_string(),
            display_name: account.to_string(),
            account,
            version: 1,
            kind,
            operated_by: None,
            secure_downloads: false,
            notify_ccs: false,
            locale: None,
            link_template: None,
            support_addresses: Vec::new(),
            open_fields: false,
            custom_statuses: CustomStatuses::default(),
            ticket_fields: Vec::new(),
            default_form: None,
            limits: DeskLimits::default(),
            sharing_url: None,
        }
    }

    /// The account as its partners see it.
    #[must_use]
    pub fn party(&self) -> Party {
        Party {
            account: self.account.clone(),
            address: self.address.clone(),
            display_name: self.display_name.clone(),
            sharing_url: self.sharing_url.clone(),
        }
    }
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
    /// Since when.
    pub at: Timestamp,
}
