use serde::{Deserialize, Serialize};

use crate::address::Party;
use crate::command::Admin;
use crate::{AccountName, AgreementId, Message, Terms, Timestamp};

/// Asks notifier to tell the admins of one account something by e-mail. Carries all that notifier must know.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Notice {
    /// What happened.
    pub kind: NoticeKind,
    /// Whose admins are told.
    pub account: AccountName,
    /// Who they are.
    pub to: Vec<Admin>,
    /// Language, a BCP 47 tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// The agreement it is about.
    pub agreement_id: AgreementId,
    /// What the agreement is called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreement_name: Option<String>,
    /// The other party.
    pub partner: Party,
    /// The terms.
    pub terms: Terms,
    /// Display name of who did it.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// Addresses and `@domains` of the partner that no mail may go to.
    #[serde(default)]
    pub partner_support_addresses: Vec<String>,
}

impl Message for Notice {
    const NAME: &'static str = "notice.v1";
}

/// What happened to an agreement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeKind {
    /// The account was invited.
    Invited,
    /// The partner accepted.
    Accepted,
    /// The partner declined.
    Declined,
    /// The partner ended the agreement.
    Deactivated,
}
