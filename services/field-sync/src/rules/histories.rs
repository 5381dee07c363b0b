//! Histories: whatever desks do, in whatever order it is decided and arrives, at rest every desk
//! holds what the stage holds of its copy.

mod desk;
mod world;

use contracts::sync::Transfer;
use contracts::terms::CommentTerms;
use contracts::{Epoch, ItemOutcome, Terms};
use proptest::prelude::*;
use serde_json::json;

use self::world::{Step, Takes, World};
use super::scene::{Stage, account, original, tag, time, update};
use super::{Field, Value};

fn terms() -> impl Strategy<Value = Terms> {
    let flag = || prop::bool::weighted(0.8);
    (flag(), flag(), flag()).prop_map(|(status, tags, custom_fields)| Terms {
        comments: if status { CommentTerms::PublicAndPrivate } else { CommentTerms::PrivateOnly },
        tags,
        custom_fields,
    })
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(any::<Step>(), 1..120)
}

/// The example of the guide: a partner's change reaches the desk between its command and the
/// receipt, which has no `value` because what was sent stands.
#[test]
fn part_5_a_desk_that_takes_only_the_revision_of_a_receipt_diverges() {
    let run = |takes| {
        let mut world = World::new([super::scene::ALL_TERMS; 3], false);
        world.takes = takes;
        let read_all = |world: &mut World| {
            while !world.mail.is_empty() {
                world.deliver(0);
            }
        };
        world.share(0);
        world.decide(0);
        read_all(&mut world);
        let (acme, globex) = (0, 1);
        world.change(acme, 27);
        world.change(globex, 21);
        world.decide(1);
        read_all(&mut world);
        let told = |world: &World| world.desks[acme].value(&Field::Status).map(Value::json);
        assert_eq!(told(&world), Some(json!({ "value": "pending" })), "the partner's");
        world.decide(0);
        read_all(&mut world);
        assert_eq!(
            world.stage.value(&original(), &Field::Status),
            json!({ "value": "solved" }),
            "the desk's own stands"
        );
        world.check_desks().map(|()| told(&world))
    };
    assert_eq!(run(Takes::ValueAndRevision).unwrap(), Some(json!({ "value": "solved" })));
    let diverged = run(Takes::RevisionAlone).unwrap_err().to_string();
    assert!(diverged.contains("acme holds"), "{diverged}");
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn at_rest_every_desk_holds_what_the_stage_holds_of_its_copy(
        terms in [terms(), terms(), terms()],
        counts: bool,
        steps in steps(),
    ) {
        let world = World::new(terms, counts).run(&steps);
        world.check_desks()?;
        prop_assert!(world.silent.is_empty(), "{:?}", world.silent);
        if !counts {
            world.check_hops()?;
        }
    }

    #[test]
    fn c4_after_a_restore_every_desk_comes_to_hold_what_the_stage_holds(
        terms in [terms(), terms(), terms()],
        counts: bool,
        before in steps(),
        forgotten in steps(),
        after in steps(),
    ) {
        let mut world = World::new(terms, counts).shared();
        world.work(&before);
        let backup = world.stage.fields.clone();
        world.work(&forgotten);
        world.restore(backup, Epoch::new(1).unwrap());
        world.work(&after);
        let world = world.rest(&after);
        world.check_desks()?;
        prop_assert!(world.silent.is_empty(), "{:?}", world.silent);
    }

    #[test]
    fn a_tag_is_one_field_of_each_copy_however_it_is_spelled(
        changes in prop::collection::vec((any::<bool>(), 0_usize..4, any::<bool>()), 1..12),
    ) {
        let hops = super::scene::two();
        let mut stage = Stage::new([account("acme", vec![]), account("globex", vec![])], &hops);
        let spellings = ["Größe", "Gro\u{308}ße", "GRÖSSE", " gröſse\u{a0}"];
        let mut last = false;
        for (number, (by_acme, spelling, present)) in (1..).zip(changes) {
            let (name, copy) =
                if by_acme { ("acme", original()) } else { ("globex", hops[0].far()) };
            let mut command = update(name, &copy, number, &format!("m{number}"), &hops);
            command.fields.tags.push(tag(spellings[spelling], present));
            let decided = stage.decide(&command);
            let item = contracts::Item::Tag(spellings[spelling].into());
            prop_assert!(decided.fields.decisions.iter().all(|it| it.item == item));
            last = present;
        }
        for copy in [original(), hops[0].far()] {
            let held = stage.fields.copies[&copy].values().map(|state| state.value.clone());
            prop_assert_eq!(held.collect::<Vec<_>>(), [Value::Tag(last)]);
        }
    }

    #[test]
    fn the_latest_of_an_accounts_own_changes_stands_in_any_order(
        changes in prop::collection::vec(
            (0_i64..5, 0_i64..4, prop::option::of(0_u64..3), any::<bool>(), 0_u64..9),
            1..8,
        ),
        order in any::<[u8; 8]>(),
    ) {
        let hops = super::scene::two();
        let mut stage = Stage::new([account("acme", vec![]), account("globex", vec![])], &hops);
        let mut commands: Vec<Transfer> = Vec::new();
        for (number, (second, ahead, arrival, present, base)) in changes.iter().enumerate() {
            let mut command = update("acme", &original(), *second, &format!("m{number}"), &hops);
            command.occurred_at = time(second + ahead);
            command.arrival = *arrival;
            command.fields.tags.push(tag("vip", *present));
            command.base_revision = Some(*base);
            commands.push(command);
        }
        let rank = |it: &&Transfer| {
            (it.command.received_at, it.arrival, it.command.message_id.clone())
        };
        let latest = commands.iter().max_by_key(rank).unwrap();
        let expected = latest.fields.tags[0].present;
        let mut superseded = 0;
        for which in order.iter().cycle() {
            if commands.is_empty() {
                break;
            }
            let command = commands.swap_remove(usize::from(*which) % commands.len());
            let decided = stage.decide(&command);
            let is_lost = |it: &&contracts::Decision| it.outcome == ItemOutcome::Superseded;
            let lost: Vec<_> = decided.fields.decisions.iter().filter(is_lost).collect();
            let stands = stage.value(&original(), &Field::Tag("vip".into()));
            let all_say_so = lost.iter().all(|it| it.value.as_ref() == Some(&stands));
            prop_assert!(all_say_so, "{:?}, {} stands", lost, stands);
            superseded += u64::from(!lost.is_empty());
        }
        for copy in [original(), hops[0].far()] {
            prop_assert_eq!(stage.value(&copy, &Field::Tag("vip".into())), json!(expected));
        }
        prop_assert_eq!(stage.fields.revision + superseded, changes.len() as u64);
    }
}
