//! A small world for the tests of the rules: accounts, the commands they give, and what they are
//! answered.

use std::collections::BTreeMap;

use contracts::address::Invitee;
use contracts::command::{
    AccountKind, AccountRegister, AccountRename, AccountUpdate, Admin, AgreementAccept,
    AgreementDeactivate, AgreementDecline, AgreementInvite, AgreementList,
};
use contracts::delivery::{AgreementState, AgreementStatus, DeliveryBody};
use contracts::sync::{About, AgreementNotice, CommandRef, Fact, Notice};
use contracts::terms::CommentTerms;
use contracts::{
    AccountName, Actor, AgreementId, Reason, Receipt, ReceiptOutcome, Role, Terms, Timestamp,
};

use super::state::{Account, Agreement, FieldOptions, Settings, State, Stored};
use super::{Answer, decide};
use crate::inbound::Inbound;

pub fn name(text: &str) -> AccountName {
    AccountName::new(text).unwrap()
}

pub fn id(number: u64) -> AgreementId {
    AgreementId::new(format!("{number:040x}")).unwrap()
}

pub fn at() -> Timestamp {
    Timestamp::parse("2026-03-01T10:00:00Z").unwrap()
}

pub fn actor(role: Role) -> Actor {
    Actor { id: "7".into(), name: "Agent Ada".into(), role, email: None, phone: None }
}

pub fn terms() -> Terms {
    Terms { comments: CommentTerms::PublicAndPrivate, tags: true, custom_fields: false }
}

pub fn register(account: &str) -> Inbound {
    Inbound::Register(Box::new(AccountRegister {
        account: account.to_owned(),
        address: None,
        display_name: format!("The {account}"),
        kind: AccountKind::Connected,
        operated_by: None,
        may_operate: false,
        third_parties: false,
        sharing_url: None,
        admins: vec![Admin { name: "Admin".into(), email: format!("admin@{account}.example") }],
    }))
}

/// The registration of an account that may operate others.
pub fn operator(account: &str) -> Inbound {
    let Inbound::Register(mut message) = register(account) else { unreachable!() };
    message.may_operate = true;
    Inbound::Register(message)
}

/// The registration of an account that another one operates.
pub fn operated(account: &str, by: &str) -> Inbound {
    let Inbound::Register(mut message) = register(account) else { unreachable!() };
    message.operated_by = Some(name(by));
    Inbound::Register(message)
}

/// The registration of an account whose address is not its name.
pub fn addressed(account: &str, address: &str) -> Inbound {
    let Inbound::Register(mut message) = register(account) else { unreachable!() };
    message.address = Some(address.to_owned());
    Inbound::Register(message)
}

pub fn update(change: impl FnOnce(&mut AccountUpdate)) -> Inbound {
    let mut message = AccountUpdate {
        version: Some(1),
        actor: actor(Role::Admin),
        display_name: None,
        admins: None,
        locale: None,
        link_template: None,
        decline_invites: None,
        secure_downloads: None,
        notify_ccs: None,
        open_fields: None,
        show_fields: None,
        support_addresses: None,
        custom_statuses: None,
        ticket_fields: None,
        ticket_field_options: None,
        default_form: None,
        limits: None,
    };
    change(&mut message);
    Inbound::Update(Box::new(message))
}

/// An update that the account under test takes, whatever came before.
pub fn titled(display_name: &str) -> Inbound {
    update(|message| {
        message.version = Some(display_name.len() as u64);
        message.display_name = Some(display_name.to_owned());
    })
}

pub fn invite(agreement_id: AgreementId, address: &str) -> Inbound {
    Inbound::Invite(Box::new(AgreementInvite {
        agreement_id,
        receiver: Invitee::Address { address: address.to_owned() },
        name: Some("Second level".into()),
        terms: terms(),
        actor: actor(Role::Admin),
    }))
}

pub fn accept_of(agreement_id: AgreementId) -> Inbound {
    Inbound::Accept(AgreementAccept { agreement_id, actor: actor(Role::Admin) })
}

pub fn decline_of(agreement_id: AgreementId) -> Inbound {
    Inbound::Decline(AgreementDecline { agreement_id, actor: actor(Role::Admin) })
}

pub fn deactivate_of(agreement_id: AgreementId) -> Inbound {
    Inbound::Deactivate(AgreementDeactivate { agreement_id, actor: actor(Role::Admin) })
}

pub fn rename_to(address: &str) -> Inbound {
    Inbound::Rename(AccountRename { address: address.to_owned(), actor: actor(Role::Admin) })
}

pub fn list(change: impl FnOnce(&mut AgreementList)) -> Inbound {
    let mut message = AgreementList::default();
    change(&mut message);
    Inbound::List(message)
}

/// The agreement that a notice is about.
pub fn about(notice: &Notice) -> &AgreementNotice {
    match &notice.about {
        About::Agreement(agreement) => agreement,
        About::Comment(comment) => panic!("about a comment: {comment:?}"),
    }
}

/// Accounts and agreements, and what happens to them.
pub struct World {
    pub state: State,
}

impl World {
    /// These accounts, registered by the operator.
    pub fn with(accounts: &[&str]) -> Self {
        let mut world = Self { state: State::new(Stored::default()) };
        for account in accounts {
            world.tell("operator", "operator", &register(account)).assert_applied();
        }
        world
    }

    /// An account whose address is no longer its name.
    pub fn add_with_address(&mut self, account: &str, address: &str) {
        let added = Account {
            name: name(account),
            address: address.to_owned(),
            display_name: account.to_owned(),
            kind: AccountKind::Connected,
            operated_by: None,
            may_operate: false,
            third_parties: false,
            sharing_url: None,
            admins: Vec::new(),
            settings: Settings::default(),
            attribute_versions: BTreeMap::new(),
            attribute_arrivals: BTreeMap::new(),
            field_options: FieldOptions::default(),
            version: 2,
        };
        let decision = super::Decision {
            account: Some(Box::new(added)),
            agreements: Vec::new(),
            released: None,
            answer: Answer::NotYet { reason: Reason::UnknownAccount, brief: false, refusal: None },
        };
        self.state.apply(decision);
    }

    pub fn register_under(&mut self, operator: &str, account: &str) {
        self.tell(operator, operator, &operated(account, operator)).assert_applied();
    }

    /// Lets `publisher` give a command for `account`.
    pub fn tell(&mut self, publisher: &str, account: &str, message: &Inbound) -> Answered {
        self.decide(at(), publisher, account, message)
    }

    /// Lets an account give a command that arrived a number of seconds later.
    pub fn tell_at(&mut self, second: i64, account: &str, message: &Inbound) -> Answered {
        self.decide(at().plus_seconds(second), account, account, message)
    }

    fn decide(
        &mut self,
        received_at: Timestamp,
        publisher: &str,
        account: &str,
        message: &Inbound,
    ) -> Answered {
        let command = CommandRef {
            account: name(account),
            message_id: "m-1".into(),
            command_type: "the.command.v1".into(),
            received_at,
            remarks: contracts::sync::Remarks::default(),
        };
        let decision = decide(&self.state, &name(publisher), &command, message);
        Answered(self.state.apply(decision))
    }

    pub fn account(&self, account: &str) -> Account {
        self.state.account(&name(account)).unwrap().clone()
    }

    pub fn agreement(&self, id: &AgreementId) -> Option<&Agreement> {
        self.state.agreement(id)
    }

    pub fn status(&self, id: &AgreementId) -> Option<AgreementStatus> {
        self.agreement(id).map(|agreement| agreement.status)
    }
}

/// What a command was answered.
#[derive(Debug)]
pub struct Answered(pub Answer);

impl Answered {
    pub fn fact(&self) -> &Fact {
        match &self.0 {
            Answer::Fact(fact) => fact,
            other => panic!("no fact: {other:?}"),
        }
    }

    pub fn assert_applied(&self) -> &Fact {
        assert_eq!(self.fact().receipt.outcome, ReceiptOutcome::Applied);
        self.fact()
    }

    pub fn receipt(&self) -> &Receipt {
        match &self.0 {
            Answer::Receipt { receipt, .. } => receipt,
            other => panic!("not answered at once: {other:?}"),
        }
    }

    /// Returns the detail.
    pub fn assert_refused(&self, reason: Reason) -> String {
        self.assert_receipt(ReceiptOutcome::Rejected, reason)
    }

    /// There was nothing to do, whether the receipt walks the line or is sent at once. Returns the
    /// detail.
    pub fn assert_ignored(&self, reason: Reason) -> String {
        match &self.0 {
            Answer::Fact(fact) => {
                assert_eq!(
                    (fact.receipt.outcome, fact.receipt.reason),
                    (ReceiptOutcome::Ignored, Some(reason))
                );
                fact.receipt.detail.clone().unwrap_or_default()
            }
            _ => self.assert_receipt(ReceiptOutcome::Ignored, reason),
        }
    }

    fn assert_receipt(&self, outcome: ReceiptOutcome, reason: Reason) -> String {
        match &self.0 {
            Answer::Receipt { receipt, .. } => {
                assert_eq!(
                    (receipt.outcome, receipt.reason),
                    (outcome, Some(reason)),
                    "{:?}",
                    receipt.detail
                );
                receipt.detail.clone().unwrap_or_default()
            }
            other => panic!("not answered at once: {other:?}"),
        }
    }

    /// The agreement as a desk is told it.
    pub fn seen_by(&self, account: &str) -> &AgreementState {
        let delivery = self.fact().deliveries.iter().find(|delivery| delivery.to == name(account));
        match &delivery.unwrap_or_else(|| panic!("nothing to {account}")).told {
            DeliveryBody::AgreementInvited(state)
            | DeliveryBody::AgreementAccepted(state)
            | DeliveryBody::AgreementDeclined(state)
            | DeliveryBody::AgreementDeactivated(state) => state,
            other => panic!("no agreement: {other:?}"),
        }
    }

    /// The agreements that the account is told, with the receipt.
    pub fn shown(&self) -> (Vec<&AgreementState>, &Receipt) {
        let Answer::Shown { deliveries, receipt } = &self.0 else {
            panic!("nothing is shown: {:?}", self.0)
        };
        let states = deliveries.iter().map(|delivery| match &delivery.told {
            DeliveryBody::AgreementState(state) => state.as_ref(),
            other => panic!("not as it stands: {other:?}"),
        });
        (states.collect(), receipt)
    }
}
