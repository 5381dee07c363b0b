//! Scene: three help desks join.

use contracts::ReceiptOutcome::Applied;
use contracts::command::{AccountKind, AccountRegister, AccountUpdate, Admin};

use super::{Side, Story, sample};

pub(super) async fn play(story: &Story) {
    story.out.headline(
        "Three help desks join: acme and initech in Rust, globex a Python program of its own",
    );
    for (side, name) in [
        (Side::Acme, "Acme Rentals"),
        (Side::Globex, "Globex Repairs"),
        (Side::Initech, "Initech Parts"),
    ] {
        let party = story.party(side);
        let account = party.account.as_str();
        let register = AccountRegister {
            account: account.into(),
            display_name: name.into(),
            kind: AccountKind::Connected,
            operated_by: None,
            may_operate: false,
            third_parties: false,
            address: None,
            sharing_url: None,
            admins: vec![Admin { name: format!("Admin of {account}"), email: address(account) }],
        };
        story
            .ask(&story.operator, &register, Applied, &format!("registers {account} ({name})"))
            .await;
        story
            .ask(
                party,
                &settings(side, account),
                Applied,
                "tells its fields, statuses and support address",
            )
            .await;
    }
}

/// Where an account's administrator gets mail.
pub(super) fn address(account: &str) -> String {
    format!("admin@{account}.example")
}

fn settings(side: Side, account: &str) -> AccountUpdate {
    AccountUpdate {
        version: Some(1),
        actor: sample::admin(account),
        display_name: None,
        admins: None,
        locale: Some("en".into()),
        link_template: Some(format!("https://desk.{account}.example/tickets/{{ticket_id}}")),
        decline_invites: None,
        secure_downloads: None,
        notify_ccs: None,
        open_fields: None,
        show_fields: None,
        support_addresses: Some(vec![format!("support@{account}.example")]),
        custom_statuses: Some(sample::statuses(side)),
        ticket_fields: Some(sample::ticket_fields(side)),
        ticket_field_options: None,
        default_form: Some(sample::form(side)),
        limits: None,
    }
}
