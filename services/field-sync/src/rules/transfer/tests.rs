use contracts::fields::{FieldType, FieldValue, Status};
use contracts::sync::FieldChanges;
use contracts::{Item, Terms};
use serde_json::json;

use super::super::scene::{
    ALL_TERMS, Stage, account, agreement_id, field, original, plain, said, share, share_id, status,
    tag, three, two, update, with_status,
};
use super::*;

#[test]
fn r_19_r_20_an_update_reaches_every_copy_and_a_receipt_names_near_hops() {
    let hops = three();
    let mut stage = Stage::new(
        ["acme", "globex", "initech"]
            .map(|name| account(name, vec![field("order", "Order", FieldType::Text)])),
        &hops,
    );
    let mut sent = with_status(update("acme", &original(), 1, "m1", &hops), Status::Solved);
    sent.fields.custom_fields.insert("order".into(), json!("7"));
    sent.fields.tags.push(tag("vip", true));
    let decided = stage.decide(&sent);
    assert_eq!((decided.revision, decided.fields.revision), (1, Some(1)));
    for hop in &hops {
        let told = &decided.fields.changes[&hop.far()];
        assert_eq!(told.status, Some(plain(Status::Solved)));
        assert_eq!(told.tags_added, ["vip"]);
        assert_eq!(told.custom_fields["order"], FieldValue::Text("7".into()));
    }
    for item in ["status", "tag:vip", "custom_field:order"] {
        assert_eq!(
            said(&decided, item),
            [(Some(1), ItemOutcome::Transferred, None, None)],
            "{item}"
        );
    }
}

#[test]
fn after_an_unshare_its_hop_takes_nothing_and_the_near_one_goes_on() {
    let hops = three();
    let accounts = ["acme", "globex", "initech"].map(|name| account(name, vec![]));
    let mut stage = Stage::new(accounts, &hops);
    let share_id = hops[1].share_id.clone();
    let unshared = Transfer {
        action: Action::Unshare { share_id },
        ..update("globex", &hops[0].far(), 1, "m1", &hops)
    };
    stage.decide(&unshared);
    let told =
        stage.decide(&with_status(update("acme", &original(), 2, "m2", &hops), Status::Solved));
    let copies: Vec<&CopyId> = told.fields.changes.keys().collect();
    assert_eq!(copies, [&hops[0].far()]);
}

#[test]
fn r_48_hold_here_stays_when_open_there_is_repeated() {
    let hops = two();
    let mut stage = Stage::new([account("acme", vec![]), account("globex", vec![])], &hops);
    let held =
        stage.decide(&with_status(update("acme", &original(), 1, "m1", &hops), Status::Hold));
    assert_eq!(
        said(&held, "status"),
        [(Some(1), ItemOutcome::Mapped, Some(Reason::OnHoldMapsToOpen), None)]
    );
    assert_eq!(held.fields.changes[&hops[0].far()].status, Some(plain(Status::Open)));
    let repeated =
        stage.decide(&with_status(update("globex", &hops[0].far(), 2, "m2", &hops), Status::Open));
    assert_eq!(
        said(&repeated, "status"),
        [(Some(1), ItemOutcome::Unchanged, Some(Reason::Unchanged), None)]
    );
    assert_eq!(repeated.revision, 2, "writing what is there counts for revision and time");
    assert!(repeated.fields.changes.is_empty());
    assert_eq!(stage.value(&original(), &Field::Status), json!({ "value": "hold" }));
}

#[test]
fn a_hop_that_agrees_does_not_stop_the_walk() {
    let mut hops = three();
    hops[1].terms = Terms { tags: false, ..ALL_TERMS };
    let mut stage =
        Stage::new(["acme", "globex", "initech"].map(|name| account(name, vec![])), &hops);
    let vip = |mut transfer: Transfer| {
        transfer.fields.tags.push(tag("vip", true));
        transfer
    };
    let first = stage.decide(&vip(update("acme", &original(), 1, "m1", &hops)));
    assert_eq!(first.fields.changes.len(), 1, "the second hop's terms keep tags back");
    hops[1].terms = ALL_TERMS;
    stage.replace_hops(&hops);
    let second = stage.decide(&vip(update("acme", &original(), 2, "m2", &hops)));
    assert_eq!(
        said(&second, "tag:vip"),
        [(Some(1), ItemOutcome::Unchanged, Some(Reason::Unchanged), None)]
    );
    assert_eq!(second.fields.changes.keys().collect::<Vec<_>>(), [&hops[1].far()]);
    assert_eq!(
        stage.fields.get(&hops[0].far(), &Field::Tag("vip".into())).unwrap().revision,
        1,
        "its record is left"
    );
}

#[test]
fn r_94_a_value_that_is_withheld_changes_this_side_and_stays_here() {
    let hops = three();
    let of = |name, field_type| account(name, vec![field("order", "Order", field_type)]);
    let accounts = [
        of("acme", FieldType::Text),
        of("globex", FieldType::Checkbox),
        of("initech", FieldType::Text),
    ];
    let mut stage = Stage::new(accounts, &hops);
    let mut sent = with_status(update("acme", &original(), 1, "m1", &hops), Status::Open);
    sent.fields.custom_fields.insert("order".into(), json!("7"));
    let decided = stage.decide(&sent);
    assert_eq!(
        said(&decided, "custom_field:order"),
        [(Some(1), ItemOutcome::Withheld, Some(Reason::TypeMismatch), None)]
    );
    assert_eq!(said(&decided, "status"), [(Some(1), ItemOutcome::Transferred, None, None)]);
    assert!(
        decided.fields.changes.values().all(|told| told.custom_fields.is_empty()),
        "not beyond it either"
    );
    assert_eq!(stage.value(&original(), &Field::Custom("order".into())), json!("7"));
}

#[test]
fn what_the_publishers_own_schema_does_not_take_changes_nothing() {
    let hops = two();
    let count = |name| account(name, vec![field("count", "Count", FieldType::Integer)]);
    let mut stage = Stage::new([count("acme"), count("globex")], &hops);
    let sent = |second, value| {
        let mut sent = update("acme", &original(), second, &format!("m{second}"), &hops);
        sent.fields.custom_fields.insert("count".into(), value);
        sent
    };
    stage.decide(&sent(1, json!(5)));
    let refused = stage.decide(&sent(2, json!("five")));
    assert_eq!(
        said(&refused, "custom_field:count"),
        [(None, ItemOutcome::Withheld, Some(Reason::BadValue), Some(json!(5)))]
    );
    assert_eq!((refused.revision, refused.records.len()), (1, 0));
}

#[test]
fn r_61_a_tag_of_a_rule_is_not_even_recorded() {
    let hops = two();
    let mut stage = Stage::new([account("acme", vec![]), account("globex", vec![])], &hops);
    let mut sent = update("acme", &original(), 1, "m1", &hops);
    sent.fields.tags.push(contracts::sync::TagChange { by_rule: true, ..tag("auto", true) });
    let decided = stage.decide(&sent);
    assert_eq!(
        said(&decided, "tag:auto"),
        [(None, ItemOutcome::Withheld, Some(Reason::AddedByRule), None)]
    );
    assert_eq!((decided.revision, decided.records.len()), (0, 0));
}

#[test]
fn what_changes_at_the_publisher_alone_took_effect_and_again_it_did_not() {
    let hops = two();
    let mut stage = Stage::new([account("acme", vec![]), account("globex", vec![])], &hops);
    let mut took_effect = |number: &str, at: i64, fields: FieldChanges| {
        let update = update("acme", &original(), at, number, &hops);
        stage.decide(&Transfer { fields, ..update }).fields.took_effect
    };
    let set = |value| FieldChanges { status: Some(status(value)), ..FieldChanges::default() };
    let vip = |present| FieldChanges { tags: vec![tag("vip", present)], ..FieldChanges::default() };
    assert!(took_effect("a", 1, set(Status::Open)));
    assert!(took_effect("b", 2, set(Status::Hold)), "arrives as open, which is there already");
    assert!(!took_effect("c", 3, set(Status::Hold)));
    assert!(!took_effect("d", 4, vip(false)), "a tag that never was is not taken off");
    assert!(took_effect("e", 5, vip(true)));
    assert!(!took_effect("f", 6, vip(true)));
    assert!(took_effect("g", 7, vip(false)));
    assert!(!took_effect("h", 1, set(Status::Solved)), "superseded");
}

#[test]
fn the_loser_of_a_concurrent_change_is_told_what_stands() {
    let hops = two();
    let far = hops[0].far();
    let mut stage = Stage::new([account("acme", vec![]), account("globex", vec![])], &hops);
    stage.decide(&with_status(update("acme", &original(), 10, "a", &hops), Status::Pending));
    let late = with_status(update("globex", &far, 9, "b", &hops), Status::Solved);
    let lost = stage.decide(&Transfer { base_revision: Some(0), ..late });
    let stands = Some(json!({ "value": "pending" }));
    assert_eq!(
        said(&lost, "status"),
        [(None, ItemOutcome::Superseded, Some(Reason::NewerChangeExists), stands)]
    );
    assert_eq!(lost.revision, 1);
    let older = stage.decide(&with_status(update("globex", &far, 8, "c", &hops), Status::Open));
    assert_eq!(said(&older, "status")[0].1, ItemOutcome::Superseded);
    let newer = stage.decide(&with_status(update("globex", &far, 11, "d", &hops), Status::Open));
    assert_eq!(said(&newer, "status"), [(Some(1), ItemOutcome::Transferred, None, None)]);
}

#[test]
fn an_older_own_change_that_comes_after_another_accounts_is_superseded() {
    let hops = two();
    let mut stage = Stage::new([account("acme", vec![]), account("globex", vec![])], &hops);
    stage.decide(&with_status(update("acme", &original(), 10, "a2", &hops), Status::Pending));
    stage.decide(&with_status(update("globex", &hops[0].far(), 11, "b", &hops), Status::Solved));
    let older =
        stage.decide(&with_status(update("acme", &original(), 9, "a1", &hops), Status::Open));
    let stands = Some(json!({ "value": "solved" }));
    assert_eq!(
        said(&older, "status"),
        [(None, ItemOutcome::Superseded, Some(Reason::NewerChangeExists), stands)]
    );
}

#[test]
fn r_79_a_share_whose_hop_has_ended_does_nothing() {
    let hops = two();
    let sent = with_status(share(&hops[0], 1, "m1", &hops), Status::Open);
    let accounts = || [account("acme", vec![]), account("globex", vec![])];
    let mut unshared = Stage::new(accounts(), &hops);
    unshared.chain.end(&share_id(1));
    let mut inactive = Stage::new(accounts(), &[]);
    inactive.inactive.insert(agreement_id(1));
    let earlier = Stage::new(accounts(), &[]);
    let told_earlier = Transfer { rejected: Some(Reason::NotShared), ..sent.clone() };
    let cases = [
        (unshared, &sent, Reason::NotShared),
        (inactive, &sent, Reason::AgreementInactive),
        (earlier, &told_earlier, Reason::NotShared),
    ];
    for (mut stage, sent, reason) in cases {
        let decided = stage.decide(sent);
        assert_eq!(
            (decided.rejected, decided.revision, decided.records.len()),
            (Some(reason), 0, 0)
        );
    }
}

#[test]
fn r_79_an_update_says_which_hop_was_lost_on_the_way() {
    let hops = two();
    let mut stage = Stage::new([account("acme", vec![]), account("globex", vec![])], &hops);
    stage.inactive.insert(agreement_id(1));
    let decided =
        stage.decide(&with_status(update("acme", &original(), 1, "m1", &hops), Status::Open));
    assert_eq!(
        said(&decided, "status"),
        [(Some(1), ItemOutcome::Withheld, Some(Reason::AgreementInactive), None)]
    );
    assert!(decided.fields.changes.is_empty());
    assert_eq!(decided.fields.decisions[0].item, Item::Status);
}

#[test]
fn a_clock_that_is_ahead_once_keeps_no_later_change_out() {
    let hops = two();
    let (ahead, noon) = (20 * 3600, 10);
    let changed = |second, message_id: &str, arrival, value| Transfer {
        arrival,
        ..with_status(update("acme", &original(), second, message_id, &hops), value)
    };
    let cases = [
        // Ahead, then right.
        (
            changed(noon, "m9", Some(1), Status::Open),
            changed(noon + 1, "m1", Some(2), Status::Solved),
        ),
        // Whole seconds, the second id sorts lower.
        (changed(noon, "m9", Some(1), Status::Open), changed(noon, "m1", Some(2), Status::Solved)),
        // Both ahead.
        (
            changed(noon, "m9", Some(1), Status::Open),
            Transfer {
                occurred_at: super::super::scene::time(ahead - 60),
                ..changed(noon + 1, "m1", Some(2), Status::Solved)
            },
        ),
    ];
    for (number, (first, then)) in cases.into_iter().enumerate() {
        let mut stage = Stage::new([account("acme", vec![]), account("globex", vec![])], &hops);
        let occurred_at = super::super::scene::time(if number == 1 { noon } else { ahead });
        stage.decide(&Transfer { occurred_at, ..first });
        let decided = stage.decide(&then);
        assert_eq!(said(&decided, "status")[0].1, ItemOutcome::Transferred, "case {number}");
        assert_eq!(stage.value(&original(), &Field::Status), json!({ "value": "solved" }));
    }
}

#[test]
fn a_share_takes_its_place_among_own_changes_by_its_arrival_too() {
    let hops = two();
    for (share_arrival, stands) in [(1, "solved"), (3, "pending")] {
        let mut stage = Stage::new([account("acme", vec![]), account("globex", vec![])], &[]);
        let update = with_status(update("acme", &original(), 5, "a", &hops), Status::Solved);
        stage.decide(&Transfer { arrival: Some(2), ..update });
        let shared = with_status(share(&hops[0], 5, "z", &hops), Status::Pending);
        stage.decide(&Transfer { arrival: Some(share_arrival), ..shared });
        assert_eq!(stage.value(&original(), &Field::Status), json!({ "value": stands }));
    }
}

#[test]
fn spellings_of_one_title_in_one_command_end_as_one_field_everywhere() {
    let hops = two();
    let open = |name| contracts::sync::AccountFact { open_fields: true, ..account(name, vec![]) };
    let mut stage = Stage::new([open("acme"), open("globex")], &hops);
    let mut sent = update("acme", &original(), 1, "m1", &hops);
    for (key, value) in [("Order", "1"), ("order", "2"), (" ORDER ", "3")] {
        sent.fields.custom_fields.insert(key.into(), json!(value));
    }
    let decided = stage.decide(&sent);
    let transferred = (Some(1), ItemOutcome::Transferred, None, None);
    assert_eq!(said(&decided, "custom_field: ORDER "), [transferred]);
    for lost in ["Order", "order"] {
        let reason = Some(Reason::NewerChangeExists);
        let told = (None, ItemOutcome::Superseded, reason, Some(json!("3")));
        assert_eq!(said(&decided, &format!("custom_field:{lost}")), [told], "{lost}");
    }
    for copy in [original(), hops[0].far()] {
        let held: Vec<_> = stage.fields.copies[&copy].iter().collect();
        assert_eq!(held.len(), 1, "{held:?}");
        assert_eq!(
            held[0].1.value,
            super::super::state::Value::Custom(FieldValue::Text("3".into()))
        );
    }
}

#[test]
fn r_91_tags_and_options_that_look_alike_are_one_and_shown_as_sent() {
    let hops = two();
    let far = hops[0].far();
    let mut stage = Stage::new([account("acme", vec![]), account("globex", vec![])], &hops);
    let tagged = |account: &str, copy: &contracts::CopyId, second, name: &str, present| {
        let mut sent = update(account, copy, second, &format!("m{second}"), &hops);
        sent.fields.tags.push(tag(name, present));
        sent
    };
    stage.decide(&tagged("acme", &original(), 1, "Größe", true));
    let again = stage.decide(&tagged("globex", &far, 2, "Gro\u{308}ße", true));
    let unchanged = (Some(1), ItemOutcome::Unchanged, Some(Reason::Unchanged), None);
    assert_eq!(said(&again, "tag:Gro\u{308}ße"), [unchanged]);
    let off = stage.decide(&tagged("globex", &far, 3, "GRÖSSE", false));
    assert_eq!(off.fields.changes[&original()].tags_removed, ["Größe"]);
    for copy in [original(), far] {
        assert_eq!(stage.fields.copies[&copy].len(), 1);
        assert_eq!(stage.value(&copy, &Field::Tag("Größe".into())), json!(false));
    }
}

#[test]
fn tags_that_were_two_before_they_were_compared_stay_two() {
    let hops = two();
    let mut stage = Stage::new([account("acme", vec![]), account("globex", vec![])], &hops);
    let held = |present| FieldState {
        value: super::super::state::Value::Tag(present),
        account: super::super::scene::name("acme"),
        revision: 1,
        occurred_at: super::super::scene::time(0),
        own: None,
    };
    let fields: BTreeMap<Field, FieldState> =
        [("VIP", true), ("vip", true)].map(|(name, on)| (Field::Tag(name.into()), held(on))).into();
    stage.fields.copies = [(original(), fields.clone()), (hops[0].far(), fields)].into();
    let mut sent = update("acme", &original(), 1, "m1", &hops);
    sent.fields.tags.push(tag("vip", false));
    let decided = stage.decide(&sent);
    assert_eq!(decided.fields.changes[&hops[0].far()].tags_removed, ["vip"]);
    assert_eq!(stage.value(&original(), &Field::Tag("VIP".into())), json!(true));
}
