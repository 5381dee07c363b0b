//! `account.show`: an account is told what is held of it.

use contracts::command::AccountShow;
use contracts::delivery::{AccountState, AttributeHeld, Delivery, DeliveryBody, FieldShown, Usage};
use contracts::fields::{FieldType, TicketField};
use contracts::pattern::Pattern;
use contracts::{ReceiptOutcome, limits};

use super::state::Account;
use super::{Answer, Asked, Decision};

/// Tells an account its settings. It changes nothing, so nothing walks the line.
pub(super) fn decide(account: &Account, asked: Asked<'_>, message: &AccountShow) -> Decision {
    let delivery = Delivery {
        to: account.name.clone(),
        correlation_id: account.name.to_string(),
        share_id: None,
        told: DeliveryBody::AccountState(Box::new(state(account, message.ticket_field.as_deref()))),
    };
    let receipt = Box::new(asked.receipt(ReceiptOutcome::Applied));
    Answer::Shown { deliveries: vec![delivery], receipt }.into()
}

fn state(account: &Account, with_options: Option<&str>) -> AccountState {
    let settings = &account.settings;
    AccountState {
        account: account.name.clone(),
        version: account.version,
        address: account.address.clone(),
        display_name: account.display_name.clone(),
        kind: account.kind,
        operated_by: account.operated_by.clone(),
        may_operate: account.may_operate,
        third_parties: account.third_parties,
        sharing_url: account.sharing_url.clone(),
        admins: account.admins.clone(),
        locale: settings.locale.clone(),
        link_template: settings.link_template.clone(),
        decline_invites: settings.decline_invites,
        secure_downloads: settings.secure_downloads,
        notify_ccs: settings.notify_ccs,
        open_fields: settings.open_fields,
        show_fields: settings.show_fields,
        support_addresses: settings.support_addresses.clone(),
        custom_statuses: (&settings.custom_statuses).into(),
        ticket_fields: account
            .ticket_fields()
            .into_iter()
            .map(|field| shown(field, with_options))
            .collect(),
        default_form: settings.default_form.clone(),
        limits: settings.limits.into(),
        attributes: attributes(account),
        used: used(account),
    }
}

fn shown(field: TicketField, with_options: Option<&str>) -> FieldShown {
    let is_checked = |pattern: &String| field.pattern_checked && Pattern::read(pattern).is_ok();
    let of_regexp = field.pattern.as_ref().filter(|_| field.field_type == FieldType::Regexp);
    let pattern_checked = of_regexp.map(is_checked);
    FieldShown {
        option_count: field.options.len(),
        options: (with_options == Some(field.key.as_str())).then_some(field.options),
        key: field.key,
        title: field.title,
        field_type: field.field_type,
        pattern: field.pattern,
        pattern_checked,
    }
}

fn attributes(account: &Account) -> Vec<AttributeHeld> {
    let of_account = account.attribute_versions.iter().map(|(attribute, version)| AttributeHeld {
        name: attribute.name().to_owned(),
        version: *version,
        set_at: account.attribute_arrivals.get(attribute).copied(),
    });
    let of_parts = account.field_options.iter().map(|((key, number), part)| AttributeHeld {
        name: part_name(key, *number),
        version: part.version,
        set_at: part.set_at,
    });
    of_account.chain(of_parts).collect()
}

/// What a part of a field's options is called among the attributes.
pub(super) fn part_name(key: &str, number: u32) -> String {
    format!("ticket_field_options/{number}/{key}")
}

fn used(account: &Account) -> Vec<Usage> {
    let settings = &account.settings;
    let options = account.options_held();
    let usage = |of: &str, held, limit| Usage { of: of.to_owned(), held, limit };
    vec![
        usage("ticket_fields", settings.ticket_fields.len(), limits::FIELDS),
        usage("options", options.count, limits::OPTIONS),
        usage("options_bytes", options.bytes, limits::OPTIONS_BYTES),
        usage("custom_statuses", settings.custom_statuses.statuses.len(), limits::STATUSES),
        usage("default_form", settings.default_form.as_ref().map_or(0, Vec::len), limits::FIELDS),
        usage("support_addresses", settings.support_addresses.len(), limits::SUPPORT_ADDRESSES),
        usage("admins", account.admins.len(), limits::ADMINS),
    ]
}

#[cfg(test)]
mod tests {
    use contracts::delivery::{AccountState, DeliveryBody};
    use contracts::fields::{FieldOption, FieldType, OptionsPart, TicketField};

    use super::*;
    use crate::Inbound;
    use crate::rules::world::{World, at, update};

    fn shown_to(world: &mut World, field: Option<&str>) -> AccountState {
        let message = AccountShow { ticket_field: field.map(str::to_owned) };
        let answer = world.tell("acme", "acme", &Inbound::Show(message)).0;
        let Answer::Shown { deliveries, receipt } = answer else { panic!("{answer:?}") };
        assert_eq!(receipt.outcome, ReceiptOutcome::Applied);
        match &deliveries[..] {
            [Delivery { told: DeliveryBody::AccountState(state), .. }] => (**state).clone(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_account_reads_what_is_held_of_it_with_versions_limits_and_use() {
        let mut world = World::with(&["acme", "globex"]);
        let option = |tag: &str| FieldOption { name: tag.into(), tag: tag.into() };
        let message = update(|message| {
            message.version = Some(7);
            message.secure_downloads = Some(true);
            message.ticket_fields = Some(vec![TicketField {
                key: "colour".into(),
                title: "Colour".into(),
                field_type: FieldType::Tagger,
                options: vec![option("red")],
                pattern: None,
                pattern_checked: true,
            }]);
            message.ticket_field_options = Some(vec![OptionsPart {
                key: "colour".into(),
                part: 2,
                options: vec![option("blue"), option("red")],
            }]);
        });
        world.tell("acme", "acme", &message).assert_applied();
        let state = shown_to(&mut world, None);
        assert!(state.secure_downloads);
        assert_eq!(
            (state.ticket_fields[0].option_count, &state.ticket_fields[0].options),
            (2, &None)
        );
        let held = |name: &str| state.attributes.iter().find(|held| held.name == name).unwrap();
        for name in ["secure_downloads", "ticket_fields", "ticket_field_options/2/colour"] {
            assert_eq!((held(name).version, held(name).set_at), (7, Some(at())), "{name}");
        }
        let options = state.used.iter().find(|usage| usage.of == "options").unwrap();
        assert_eq!((options.held, options.limit), (3, limits::OPTIONS));
        let with = shown_to(&mut world, Some("colour"));
        assert_eq!(with.ticket_fields[0].options, Some(vec![option("red"), option("blue")]));
        assert_eq!(shown_to(&mut world, Some("other")).ticket_fields, state.ticket_fields);
    }
}
