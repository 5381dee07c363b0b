use std::collections::BTreeMap;

use contracts::command::{AccountUpdate, DeskLimits};
use contracts::fields::{FieldOption, FieldType, OptionsPart, TicketField};
use contracts::limits::{OPTIONS, VERSION};
use contracts::sync::Change;
use contracts::{Reason, ReceiptOutcome, Role};
use proptest::prelude::*;

use crate::inbound::Inbound;
use crate::rules::state::Account;
use crate::rules::world::{World, actor, update};

fn versioned(version: u64, change: impl FnOnce(&mut AccountUpdate)) -> Inbound {
    update(|message| {
        message.version = Some(version);
        change(message);
    })
}

#[test]
fn r_51_only_an_administrator_changes_settings() {
    let mut world = World::with(&["acme"]);
    for role in [Role::Agent, Role::EndUser] {
        let message = update(|message| {
            message.actor = actor(role);
            message.decline_invites = Some(true);
        });
        world.tell("acme", "acme", &message).assert_refused(Reason::NotAnAdmin);
    }
    assert!(!world.account("acme").settings.decline_invites);
}

#[test]
fn r_35_secure_downloads_is_in_force_along_the_line() {
    let mut world = World::with(&["acme"]);
    let answer =
        world.tell("acme", "acme", &versioned(1, |message| message.secure_downloads = Some(true)));
    let Change::Account(account) = &answer.assert_applied().change else { panic!() };
    assert!(account.secure_downloads);
    assert_eq!(account.version, 2);
}

#[test]
fn r_25_the_line_learns_whether_and_how_to_mail_ccs() {
    let mut world = World::with(&["acme"]);
    let message = versioned(1, |message| {
        message.display_name = Some("Acme".into());
        message.locale = Some("de".into());
        message.link_template = Some("https://acme.example/{ticket_id}".into());
        message.notify_ccs = Some(true);
        message.support_addresses = Some(vec!["@acme.example".into()]);
    });
    let answer = world.tell("acme", "acme", &message);
    let account = answer.assert_applied().change.account().unwrap();
    assert_eq!(
        (account.address.as_str(), account.display_name.as_str(), account.notify_ccs),
        ("acme", "Acme", true)
    );
    assert_eq!(account.locale.as_deref(), Some("de"));
    assert_eq!(account.link_template.as_deref(), Some("https://acme.example/{ticket_id}"));
    assert_eq!(account.support_addresses, ["@acme.example"]);
}

#[test]
fn r_98_a_default_form_that_was_never_named_is_not_an_empty_one() {
    let mut world = World::with(&["acme"]);
    let answer =
        world.tell("acme", "acme", &versioned(1, |message| message.notify_ccs = Some(true)));
    let Change::Account(account) = &answer.assert_applied().change else { panic!() };
    assert_eq!(account.default_form, None);
    let answer = world.tell(
        "acme",
        "acme",
        &versioned(2, |message| message.default_form = Some(Vec::new())),
    );
    let Change::Account(account) = &answer.assert_applied().change else { panic!() };
    assert_eq!(account.default_form, Some(Vec::new()));
}

#[test]
fn an_older_or_equal_version_is_left() {
    let mut world = World::with(&["acme"]);
    world
        .tell("acme", "acme", &versioned(5, |message| message.display_name = Some("Five".into())))
        .assert_applied();
    for version in [4, 5] {
        let message = versioned(version, |message| message.display_name = Some("Other".into()));
        let detail = world.tell("acme", "acme", &message).assert_ignored(Reason::NewerChangeExists);
        assert!(detail.ends_with("display_name"), "{detail}");
    }
    assert_eq!(world.account("acme").display_name, "Five");
    assert_eq!(world.account("acme").version, 2);
}

#[test]
fn what_is_left_is_named_when_the_rest_is_taken() {
    let mut world = World::with(&["acme"]);
    world
        .tell("acme", "acme", &versioned(5, |message| message.display_name = Some("Five".into())))
        .assert_applied();
    let message = versioned(4, |message| {
        message.display_name = Some("Four".into());
        message.locale = Some("de".into());
    });
    let answer = world.tell("acme", "acme", &message);
    let receipt = &answer.fact().receipt;
    assert_eq!(
        (receipt.outcome, receipt.reason),
        (ReceiptOutcome::Partial, Some(Reason::NewerChangeExists))
    );
    assert!(
        receipt.detail.as_ref().is_some_and(|detail| detail.ends_with(": display_name")),
        "{receipt:?}"
    );
    assert_eq!(world.account("acme").settings.locale.as_deref(), Some("de"));
    assert_eq!(world.account("acme").display_name, "Five");
}

#[test]
fn what_is_there_already_is_unchanged_and_still_keeps_older_ones_out() {
    let mut world = World::with(&["acme"]);
    let on = |version| versioned(version, |message| message.secure_downloads = Some(true));
    let off = |version| versioned(version, |message| message.secure_downloads = Some(false));
    world.tell("acme", "acme", &on(1)).assert_applied();
    world.tell("acme", "acme", &on(3)).assert_ignored(Reason::Unchanged);
    world.tell("acme", "acme", &on(2)).assert_ignored(Reason::Unchanged);
    world.tell("acme", "acme", &off(2)).assert_ignored(Reason::NewerChangeExists);
    assert!(world.account("acme").settings.secure_downloads);
    world.tell("acme", "acme", &versioned(9, |_| ())).assert_ignored(Reason::Unchanged);
}

#[test]
fn what_is_not_well_formed_changes_nothing_at_all() {
    let mut world = World::with(&["acme"]);
    let message = versioned(1, |message| {
        message.decline_invites = Some(true);
        message.link_template = Some("http://acme.example/{ticket_id}".into());
    });
    let detail = world.tell("acme", "acme", &message).assert_refused(Reason::Malformed);
    assert!(detail.starts_with("/link_template: "), "{detail}");
    assert!(!world.account("acme").settings.decline_invites);
}

/// Everything but the count of effective changes, which differs with the order.
fn content(account: &Account) -> Account {
    let attribute_arrivals = BTreeMap::new();
    Account { version: 0, attribute_arrivals, ..account.clone() }
}

fn options(number: u8) -> Vec<FieldOption> {
    let option = |number| FieldOption { name: format!("N{number}"), tag: format!("t{number}") };
    (0..number).map(option).collect()
}

fn part(key: &str, part: u32, options: Vec<FieldOption>) -> OptionsPart {
    OptionsPart { key: key.into(), part, options }
}

fn colour(options: Vec<FieldOption>) -> TicketField {
    TicketField {
        key: "colour".into(),
        title: "Colour".into(),
        field_type: FieldType::Tagger,
        options,
        pattern: None,
        pattern_checked: true,
    }
}

#[test]
fn a_drop_down_of_ten_thousand_options_comes_in_parts_and_goes_on_whole() {
    let mut world = World::with(&["acme"]);
    let all: Vec<FieldOption> = (0..10_000)
        .map(|number| FieldOption {
            name: format!("An ordinary option {number}"),
            tag: format!("option_{number:05}"),
        })
        .collect();
    let part_of = |number: usize| {
        let of_part = all[number * 2_500..][..2_500].to_vec();
        versioned(number as u64 + 2, |message| {
            message.ticket_field_options =
                Some(vec![part("colour", u32::try_from(number).unwrap() + 1, of_part)]);
        })
    };
    for number in [3, 1, 0] {
        world.tell("acme", "acme", &part_of(number)).assert_applied();
    }
    let define = versioned(1, |message| message.ticket_fields = Some(vec![colour(vec![])]));
    world.tell("acme", "acme", &define).assert_applied();
    let answer = world.tell("acme", "acme", &part_of(2));
    let fact = answer.assert_applied().change.account().unwrap();
    assert_eq!(fact.ticket_fields[0].options, all);
    world.tell("acme", "acme", &part_of(2)).assert_ignored(Reason::Unchanged);
    let detail = world
        .tell(
            "acme",
            "acme",
            &versioned(3, |message| {
                message.ticket_field_options = Some(vec![part("colour", 3, vec![])]);
            }),
        )
        .assert_ignored(Reason::NewerChangeExists);
    assert!(detail.ends_with("ticket_field_options/3/colour"), "{detail}");
    let taken_away = versioned(9, |message| {
        message.ticket_field_options =
            Some((1..5).map(|number| part("colour", number, vec![])).collect());
    });
    let answer = world.tell("acme", "acme", &taken_away);
    assert!(answer.assert_applied().change.account().unwrap().ticket_fields[0].options.is_empty());
}

#[test]
fn options_are_bounded_in_number_bytes_and_parts() {
    let many = |count: usize, letters: usize| -> Vec<FieldOption> {
        (0..count)
            .map(|number| FieldOption {
                name: "n".repeat(letters),
                tag: format!("{number:0>letters$}"),
            })
            .collect()
    };
    for (over, expected) in [
        (
            vec![part("a", 1, many(OPTIONS / 2 + 1, 5)), part("b", 1, many(OPTIONS / 2, 5))],
            "options",
        ),
        (vec![part("a", 1, many(9_000, 60))], "bytes of options"),
        (
            (1..=1_000)
                .map(|number| part("a", number, vec![]))
                .chain([part("b", 1, vec![])])
                .collect(),
            "parts",
        ),
    ] {
        let mut world = World::with(&["acme"]);
        let message = versioned(1, |message| {
            message.ticket_field_options = Some(over);
            message.ticket_fields = Some(vec![colour(many(1, 1))]);
        });
        let detail = world.tell("acme", "acme", &message).assert_refused(Reason::LimitExceeded);
        assert!(detail.contains(expected), "{detail}");
        assert!(world.account("acme").settings.ticket_fields.is_empty());
    }
}

#[test]
fn an_update_without_a_version_is_the_latest_when_it_arrives() {
    let mut world = World::with(&["acme"]);
    let five = versioned(5, |message| message.display_name = Some("Five".into()));
    world.tell("acme", "acme", &five).assert_applied();
    let without = |title: &str| {
        update(|message| {
            message.version = None;
            message.display_name = Some(title.into());
            message.ticket_field_options = Some(vec![part("c", 1, options(2))]);
        })
    };
    world.tell_at(20, "acme", &without("Next")).assert_applied();
    assert_eq!(world.account("acme").highest_version(), 6);
    world.tell_at(20, "acme", &without("Same moment")).assert_applied();
    let six = versioned(6, |message| message.display_name = Some("Six".into()));
    world.tell_at(21, "acme", &six).assert_ignored(Reason::NewerChangeExists);
    let detail =
        world.tell_at(19, "acme", &without("Parked")).assert_ignored(Reason::NewerChangeExists);
    assert!(detail.ends_with("display_name"), "what is there already is not left: {detail}");
    let nine = versioned(9, |message| message.display_name = Some("Nine".into()));
    world.tell_at(22, "acme", &nine).assert_applied();
    world.tell_at(21, "acme", &without("Parked")).assert_ignored(Reason::NewerChangeExists);
    assert_eq!(world.account("acme").display_name, "Nine");
}

#[test]
fn a_version_is_below_2_to_the_53() {
    for version in [VERSION + 1, u64::MAX, 1 << 53] {
        let mut world = World::with(&["acme"]);
        let message = versioned(version, |message| message.locale = Some("de".into()));
        let detail = world.tell("acme", "acme", &message).assert_refused(Reason::Malformed);
        assert!(detail.starts_with("/version: "), "{detail}");
    }
    let mut world = World::with(&["acme"]);
    let highest = versioned(VERSION, |message| message.locale = Some("de".into()));
    world.tell("acme", "acme", &highest).assert_applied();
    let without = update(|message| {
        message.version = None;
        message.locale = Some("fr".into());
    });
    world.tell("acme", "acme", &without).assert_applied();
}

/// Any of four attributes and two parts, with few values, so that equal ones meet.
fn a_change() -> impl Strategy<Value = AccountUpdate> {
    let parts = proptest::option::of(
        proptest::collection::btree_map((0..2u8, 1..3u32), 0..4u8, 0..3).prop_map(|parts| {
            let of_key = |((key, number), count)| part(&format!("f{key}"), number, options(count));
            parts.into_iter().map(of_key).collect::<Vec<_>>()
        }),
    );
    (an_attribute(), parts).prop_map(|(message, ticket_field_options)| AccountUpdate {
        ticket_field_options,
        ..message
    })
}

fn an_attribute() -> impl Strategy<Value = AccountUpdate> {
    let (number, switch) =
        (|| proptest::option::of(0..3u8), || proptest::option::of(any::<bool>()));
    (number(), switch(), switch(), number()).prop_map(|(title, secure, decline, form)| {
        let Inbound::Update(message) = update(|message| {
            message.display_name = title.map(|title| format!("Name {title}"));
            message.secure_downloads = secure;
            message.decline_invites = decline;
            message.default_form = form.map(|form| vec![format!("field-{form}")]);
        }) else {
            unreachable!()
        };
        *message
    })
}

proptest! {
    #[test]
    fn updates_in_any_order_and_number_end_the_same(
        changes in proptest::collection::vec(a_change(), 1..7),
        (place, again) in (any::<prop::sample::Index>(), any::<prop::sample::Index>()),
        seed in proptest::collection::vec(any::<u32>(), 7),
    ) {
        let numbered = (1..).zip(changes);
        let numbered =
            numbered.map(|(version, change)| AccountUpdate { version: Some(version), ..change });
        let messages: Vec<Inbound> =
            numbered.map(|change| Inbound::Update(Box::new(change))).collect();
        let mut straight = World::with(&["acme"]);
        for message in &messages {
            straight.tell("acme", "acme", message);
        }
        let mut shuffled: Vec<usize> = (0..messages.len()).collect();
        shuffled.sort_by_key(|index| seed[*index]);
        shuffled.insert(place.index(shuffled.len() + 1), again.index(messages.len()));
        let mut crooked = World::with(&["acme"]);
        let mut version = 1;
        for index in shuffled {
            crooked.tell("acme", "acme", &messages[index]);
            let now = crooked.account("acme").version;
            prop_assert!(now == version || now == version + 1, "a version is skipped");
            version = now;
        }
        prop_assert_eq!(content(&straight.account("acme")), content(&crooked.account("acme")));
    }
}

#[test]
fn the_line_learns_what_a_desk_can_hold_and_the_account_reads_it() {
    let mut world = World::with(&["acme"]);
    let limits =
        DeskLimits { body_chars: Some(100), private_comments: false, ..DeskLimits::default() };
    let answer = world.tell("acme", "acme", &versioned(1, |message| message.limits = Some(limits)));
    let Change::Account(account) = &answer.assert_applied().change else { panic!() };
    assert_eq!(account.limits, limits);
    let other = DeskLimits { subject_chars: Some(9), ..DeskLimits::default() };
    world
        .tell("acme", "acme", &versioned(2, |message| message.limits = Some(other)))
        .assert_applied();
    assert_eq!(world.account("acme").settings.limits, other, "given, they replace all");
    world
        .tell("acme", "acme", &versioned(1, |message| message.limits = Some(limits)))
        .assert_ignored(Reason::NewerChangeExists);
    for (bad, pointer) in [
        (DeskLimits { body_chars: Some(0), ..limits }, "/limits/body_chars: "),
        (DeskLimits { subject_chars: Some(0), ..limits }, "/limits/subject_chars: "),
        (DeskLimits { attachment_bytes: Some(1 << 53), ..limits }, "/limits/attachment_bytes: "),
    ] {
        let message = versioned(3, |message| message.limits = Some(bad));
        let detail = world.tell("acme", "acme", &message).assert_refused(Reason::Malformed);
        assert!(detail.starts_with(pointer), "{detail}");
    }
}
