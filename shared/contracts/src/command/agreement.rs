use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::address::Invitee;
use crate::{Actor, AgreementId, Message, Terms};

/// Invites another account to a one-way agreement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AgreementInvite {
    /// Made by the sender.
    pub agreement_id: AgreementId,
    /// Whom.
    pub receiver: Invitee,
    /// What the agreement is called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The terms; the receiver accepts or declines them, and cannot edit them.
    pub terms: Terms,
    /// Who did it.
    pub actor: Actor,
}

impl Message for AgreementInvite {
    const NAME: &'static str = "agreement.invite.v1";
}

/// Asks how the custom fields of the two accounts of an agreement fit: an `agreement.comparison`,
/// then the receipt. Only where the terms carry custom fields; before the agreement is accepted
/// only with a partner whose fields are to be seen (`show_fields`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AgreementCompare {
    /// Which.
    pub agreement_id: AgreementId,
    /// The `next_cursor` of the page before; absent for the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

impl Message for AgreementCompare {
    const NAME: &'static str = "agreement.compare.v1";
}

/// Accepts a pending agreement; the receiver's to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AgreementAccept {
    /// Which.
    pub agreement_id: AgreementId,
    /// Who did it.
    pub actor: Actor,
}

impl Message for AgreementAccept {
    const NAME: &'static str = "agreement.accept.v1";
}

/// Declines a pending agreement; the receiver's to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AgreementDecline {
    /// Which.
    pub agreement_id: AgreementId,
    /// Who did it.
    pub actor: Actor,
}

impl Message for AgreementDecline {
    const NAME: &'static str = "agreement.decline.v1";
}

/// Ends an agreement for good, from either side; withdraws a pending one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AgreementDeactivate {
    /// Which.
    pub agreement_id: AgreementId,
    /// Who did it.
    pub actor: Actor,
}

impl Message for AgreementDeactivate {
    const NAME: &'static str = "agreement.deactivate.v1";
}
