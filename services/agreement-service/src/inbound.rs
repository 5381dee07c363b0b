//! What agreement-service accepts.

use contracts::command::{
    AccountLower, AccountRecover, AccountRegister, AccountRename, AccountShow, AccountUpdate,
    AgreementAccept, AgreementCompare, AgreementDeactivate, AgreementDecline, AgreementInvite,
    AgreementList,
};
use contracts::{AgreementId, Message, sharing_url};
use messaging::{Content, DecodeError, decode};

/// Every command about an account or an agreement.
#[derive(Clone, Debug, PartialEq)]
pub enum Inbound {
    Register(Box<AccountRegister>),
    /// Changes an account's attributes.
    Update(Box<AccountUpdate>),
    /// Asks for an account's settings.
    Show(AccountShow),
    /// Lowers versions that are too high.
    Lower(AccountLower),
    /// Recovers an account after the database was restored.
    Recover(AccountRecover),
    /// Gives an account another public address.
    Rename(AccountRename),
    /// Invites another account.
    Invite(Box<AgreementInvite>),
    /// Accepts an invite.
    Accept(AgreementAccept),
    /// Declines an invite.
    Decline(AgreementDecline),
    /// Ends or withdraws an agreement.
    Deactivate(AgreementDeactivate),
    /// Asks for agreements as they stand.
    List(AgreementList),
    /// Asks how custom fields fit.
    Compare(AgreementCompare),
}

impl Inbound {
    /// Reads content by the name of its type.
    pub(crate) fn decode(message_type: &str, content: Content<'_>) -> Result<Self, DecodeError> {
        match message_type {
            AccountRegister::NAME => {
                decode(content).map(|message| Self::Register(Box::new(message)))
            }
            AccountUpdate::NAME => decode(content).map(|message| Self::Update(Box::new(message))),
            AccountShow::NAME => decode(content).map(Self::Show),
            AccountLower::NAME => decode(content).map(Self::Lower),
            AccountRecover::NAME => decode(content).map(Self::Recover),
            AccountRename::NAME => decode(content).map(Self::Rename),
            AgreementInvite::NAME => decode(content).map(|message| Self::Invite(Box::new(message))),
            AgreementAccept::NAME => decode(content).map(Self::Accept),
            AgreementDecline::NAME => decode(content).map(Self::Decline),
            AgreementDeactivate::NAME => decode(content).map(Self::Deactivate),
            AgreementList::NAME => decode(content).map(Self::List),
            AgreementCompare::NAME => decode(content).map(Self::Compare),
            unknown => Err(DecodeError::UnknownType(unknown.to_owned())),
        }
    }

    /// What partners can invite by when it is applied: an address, a sharing URL.
    #[must_use]
    pub fn brings(&self) -> Vec<String> {
        match self {
            Self::Register(message) => {
                let url = message.sharing_url.as_deref().map(sharing_url::spelt);
                let address = message.address.as_ref().unwrap_or(&message.account);
                std::iter::once(address.clone()).chain(url).collect()
            }
            Self::Rename(message) => vec![message.address.clone()],
            _ => Vec::new(),
        }
    }

    /// The agreement it is about.
    #[must_use]
    pub fn agreement_id(&self) -> Option<&AgreementId> {
        match self {
            Self::Register(_)
            | Self::Update(_)
            | Self::Show(_)
            | Self::Lower(_)
            | Self::Recover(_)
            | Self::Rename(_) => None,
            Self::Invite(message) => Some(&message.agreement_id),
            Self::Accept(message) => Some(&message.agreement_id),
            Self::Decline(message) => Some(&message.agreement_id),
            Self::Deactivate(message) => Some(&message.agreement_id),
            Self::List(message) => message.agreement_id.as_ref(),
            Self::Compare(message) => Some(&message.agreement_id),
        }
    }
}

#[cfg(test)]
mod tests {
    use contracts::topology::{self, received_by};
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn what_the_flows_send_here_is_accepted_and_nothing_else() {
        for flow in received_by(topology::Service::Agreement) {
            let error = Inbound::decode(flow.message, json!("no object").into()).unwrap_err();
            assert!(matches!(error, DecodeError::Malformed { .. }), "{}: {error}", flow.message);
        }
        for other in
            ["account.rename.v2", "share.list.v1", "agreement.invite.v2", "ticket.share.v1"]
        {
            let error = Inbound::decode(other, json!({}).into()).unwrap_err();
            assert_eq!(error, DecodeError::UnknownType(other.to_owned()));
        }
    }

    fn invite(terms: &Value) -> Result<Inbound, DecodeError> {
        let content = json!({
            "agreement_id": "0b9f0a52-7c1e-4d9a-9a36-3c9f9f9d8f10",
            "receiver": { "address": "globex" },
            "terms": terms,
            "actor": { "id": "7", "name": "Agent Ada", "role": "admin" },
        });
        Inbound::decode(AgreementInvite::NAME, content.into())
    }

    fn flaw(terms: &Value) -> Option<String> {
        match invite(terms) {
            Ok(_) => None,
            Err(DecodeError::Malformed { pointer, .. }) => Some(pointer),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn r_58_the_terms_have_exactly_two_kinds_of_comments() {
        let terms =
            |comments: &str| json!({ "comments": comments, "tags": false, "custom_fields": false });
        assert_eq!(flaw(&terms("public_and_private")), None);
        assert_eq!(flaw(&terms("private_only")), None);
        assert_eq!(flaw(&terms("none")).as_deref(), Some("/terms/comments"));
    }

    #[test]
    fn r_59_tag_sync_is_yes_or_no() {
        let terms = |tags: Value| {
            json!({ "comments": "private_only", "tags": tags,
                "custom_fields": false })
        };
        assert_eq!(flaw(&terms(json!(true))), None);
        assert_eq!(flaw(&terms(json!(false))), None);
        assert_eq!(flaw(&terms(json!("both"))).as_deref(), Some("/terms/tags"));
        assert!(
            flaw(&json!({ "comments": "private_only", "custom_fields": false })).is_some(),
            "it has to be said"
        );
    }

    #[test]
    fn r_62_custom_field_sync_is_yes_or_no() {
        let terms = |fields: Value| {
            json!({ "comments": "private_only", "tags": false,
                "custom_fields": fields })
        };
        assert_eq!(flaw(&terms(json!(true))), None);
        assert_eq!(flaw(&terms(json!(false))), None);
        assert_eq!(flaw(&terms(json!(1))).as_deref(), Some("/terms/custom_fields"));
    }
}
