//! Commands about accounts and agreements as desks publish them.

use contracts::address::Invitee;
use contracts::command::{
    AccountKind, AccountRegister, AccountRename, AccountUpdate, Admin, AgreementAccept,
    AgreementDeactivate, AgreementDecline, AgreementInvite, AgreementList, DeskLimits,
};
use contracts::terms::CommentTerms;
use contracts::{Actor, AgreementId, Role, Terms};

pub fn agreement(number: usize) -> AgreementId {
    AgreementId::new(format!("{number:040x}")).expect("40 hex digits")
}

fn admin() -> Actor {
    Actor { id: "7".into(), name: "Agent Ada".into(), role: Role::Admin, email: None, phone: None }
}

pub fn register(account: &str) -> AccountRegister {
    AccountRegister {
        account: account.to_owned(),
        display_name: format!("The {account}"),
        kind: AccountKind::Connected,
        operated_by: None,
        may_operate: false,
        third_parties: false,
        address: None,
        sharing_url: None,
        admins: vec![Admin { name: "Admin".into(), email: format!("admin@{account}.example") }],
    }
}

/// An update that changes nothing.
fn update(version: u64) -> AccountUpdate {
    AccountUpdate {
        version: Some(version),
        actor: admin(),
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
    }
}

pub fn secure_downloads() -> AccountUpdate {
    AccountUpdate { secure_downloads: Some(true), ..update(1) }
}

pub fn limited(version: u64, limits: DeskLimits) -> AccountUpdate {
    AccountUpdate { limits: Some(limits), ..update(version) }
}

pub fn decline_invites() -> AccountUpdate {
    AccountUpdate { decline_invites: Some(true), ..update(1) }
}

pub fn rename(address: &str) -> AccountRename {
    AccountRename { address: address.to_owned(), actor: admin() }
}

pub fn invite(number: usize, receiver: &str) -> AgreementInvite {
    AgreementInvite {
        agreement_id: agreement(number),
        receiver: Invitee::Address { address: receiver.to_owned() },
        name: None,
        terms: Terms { comments: CommentTerms::PublicAndPrivate, tags: true, custom_fields: true },
        actor: admin(),
    }
}

pub fn accept(number: usize) -> AgreementAccept {
    AgreementAccept { agreement_id: agreement(number), actor: admin() }
}

pub fn decline(number: usize) -> AgreementDecline {
    AgreementDecline { agreement_id: agreement(number), actor: admin() }
}

pub fn deactivate(number: usize) -> AgreementDeactivate {
    AgreementDeactivate { agreement_id: agreement(number), actor: admin() }
}

/// A page of the list, from its beginning or where another ended.
pub fn page(limit: u32, cursor: Option<String>) -> AgreementList {
    AgreementList { cursor, limit: Some(limit), agreement_id: None }
}

pub fn single(number: usize) -> AgreementList {
    AgreementList { agreement_id: Some(agreement(number)), ..AgreementList::default() }
}
