use serde::{Deserialize, Serialize};

use crate::address::Party;
use crate::command::{Admin, Cc};
use crate::{AccountName, AgreementId, CommentId, Message, Terms, TicketId, Timestamp};

/// Asks notifier to tell people of one account something by e-mail. Carries all that notifier must
/// know.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Notice {
    /// What happened.
    pub about: About,
    /// Whose people are told.
    pub account: AccountName,
    /// Who they are.
    pub to: Vec<Recipient>,
    /// Language, a BCP 47 tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// The other account: with whom the agreement is, or who wrote the comment.
    pub partner: Party,
    /// Display name of who did it.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// Addresses and `@domains` of partners that no mail may go to.
    #[serde(default)]
    pub partner_support_addresses: Vec<String>,
}

impl Message for Notice {
    const NAME: &'static str = "notice.v1";
}

/// What a notice tells.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum About {
    /// Something happened to an agreement; told to admins.
    Agreement(AgreementNotice),
    /// A public comment came to a ticket by sharing; told to the ticket's CCs.
    Comment(CommentNotice),
}

/// What happened to an agreement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AgreementNotice {
    /// What happened.
    pub event: AgreementEvent,
    /// The agreement.
    pub agreement_id: AgreementId,
    /// What it is called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The terms.
    pub terms: Terms,
    /// Of one that was deactivated: whether its sender took it back before it was decided.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub withdrawn: bool,
}

/// What can happen to an agreement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AgreementEvent {
    /// The account was invited.
    Invited,
    /// The partner accepted.
    Accepted,
    /// The partner declined.
    Declined,
    /// The partner ended the agreement.
    Deactivated,
    /// The partner was renamed, which ended the agreement.
    Renamed,
}

/// A public comment that came by sharing.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct CommentNotice {
    /// The comment.
    pub comment_id: CommentId,
    /// What it says.
    pub body: String,
    /// The told account's own number for the ticket.
    pub ticket_id: TicketId,
    /// The told account's own link to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
}

/// Prints no text of the comment.
impl std::fmt::Debug for CommentNotice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CommentNotice")
            .field("comment_id", &self.comment_id)
            .finish_non_exhaustive()
    }
}

/// Who gets a mail.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recipient {
    /// Display name.
    pub name: String,
    /// E-mail address.
    pub email: String,
}

/// Prints no address.
impl std::fmt::Debug for Recipient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recipient").finish_non_exhaustive()
    }
}

impl From<&Admin> for Recipient {
    fn from(admin: &Admin) -> Self {
        Self { name: admin.name.clone(), email: admin.email.clone() }
    }
}

impl From<&Cc> for Recipient {
    fn from(cc: &Cc) -> Self {
        Self { name: cc.name.clone(), email: cc.email.clone() }
    }
}
