//! One transfer, decided for the whole chain.

use std::collections::{BTreeMap, BTreeSet};

use contracts::sync::{Action, Hop, Transfer};
use contracts::{AgreementId, CopyId, ItemOutcome, Reason};
use line::{Chain, DecidedFields, HopTraversal};

use super::precedence::{self, Change, Verdict};
use super::propagate::Walk;
use super::publisher_changes::{self, Repeated, Said, Sent};
use super::records::{Records, Stamp};
use super::schema::Schemas;
use super::share::{self, Confirmed, SharedItems};
use super::state::{ChainFields, Field, FieldState, OwnChange};
use super::take_over::{in_order, take_over};

/// What a transfer is decided by, beside what the copies hold.
#[derive(Clone, Copy, Debug)]
pub struct Way<'a> {
    /// The chain's hops, the transfer's own included.
    pub chain: &'a Chain<&'a Hop>,
    /// Agreements that are inactive.
    pub inactive: &'a BTreeSet<AgreementId>,
    /// Hops that the transfer was the first to name here.
    pub new: &'a [Hop],
    /// Accounts' settings.
    pub schemas: &'a Schemas,
}

/// What a transfer changes and what is sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// The chain's revision from now on.
    pub revision: u64,
    /// Records to replace.
    pub records: Vec<(CopyId, Field, FieldState)>,
    /// The way from the publisher's copy.
    pub crossings: Vec<HopTraversal>,
    /// Why a share came to nothing, if it did: its hop is not live, here or at an earlier stage.
    pub rejected: Option<Reason>,
    /// What each copy is told, and the publisher.
    pub fields: DecidedFields,
}

/// Decides a transfer.
#[must_use]
pub fn decide(known: &ChainFields, way: &Way, transfer: &Transfer) -> Decision {
    let new_share = match &transfer.action {
        Action::Share(sharing) => Some(&sharing.share_id),
        _ => None,
    };
    let new_hop = new_share.and_then(|share| way.chain.hop(share));
    let crossings = way.chain.crossings(&transfer.copy, way.inactive);
    if let Some(reason) =
        transfer.rejected.or_else(|| new_hop.and_then(|hop| why_not_live(way, hop)))
    {
        let revision = known.revision;
        return Decision {
            revision,
            records: Vec::new(),
            crossings,
            rejected: Some(reason),
            fields: DecidedFields::default(),
        };
    }
    let mut records = Records::over(known);
    let others: Vec<&Hop> = way
        .new
        .iter()
        .filter(|hop| Some(&hop.share_id) != new_share && why_not_live(way, hop).is_none())
        .collect();
    for hop in in_order(&others) {
        take_over(hop, known.revision, &mut records, way.schemas);
    }

    let publisher = way.schemas.get(&transfer.command.account);
    let Said { changes: sent, mut decisions, repeated } =
        publisher_changes::read(&transfer.fields, publisher, &transfer.copy, &records);
    let (accepted, confirmed) =
        accept(way, transfer, new_share.is_some(), sent, &mut records, &mut decisions);
    let revision = known.revision + u64::from(!accepted.is_empty());
    let stamp = Stamp {
        account: transfer.command.account.clone(),
        revision,
        occurred_at: precedence::effective(transfer.occurred_at, transfer.command.received_at),
    };
    let took_effect = accepted.iter().any(|(field, sent)| {
        let held = records.get(&transfer.copy, field);
        held.map_or(sent.value.is_something(), |held| held.value != sent.value)
    });
    for (field, sent) in &accepted {
        let Stamp { account, revision, occurred_at } = stamp.clone();
        let state = FieldState {
            value: sent.value.clone(),
            account,
            revision,
            occurred_at,
            own: Some(own_change(transfer)),
        };
        records.put(&transfer.copy, field.clone(), state);
    }
    let repeated = repeated.iter().map(|repeated| told_once(repeated, &transfer.copy, &records));
    decisions.extend(repeated);
    let mut walk = Walk {
        copy: &transfer.copy,
        crossings: &crossings,
        new_share,
        schemas: way.schemas,
        changes: BTreeMap::new(),
        decisions,
    };
    for (field, sent) in &accepted {
        let told = sent.differs.then(|| sent.value.json());
        walk.carry(field, &sent.item, told.as_ref(), &stamp, &mut records);
        walk.decisions.extend(lost_hops(way, transfer).map(|(hop, reason)| {
            contracts::Decision::withheld(sent.item.clone(), reason)
                .over(&hop.share_id)
                .holding(told.clone())
        }));
    }
    let Walk { changes, mut decisions, .. } = walk;
    let mut fields = DecidedFields { changes, took_effect, ..DecidedFields::default() };
    if let Some(hop) = new_hop {
        let items = SharedItems {
            carried: accepted.into_iter().map(|(field, _)| field).collect(),
            confirmed,
        };
        let (created, more) = share::create(hop, revision, &items, &mut records, way.schemas);
        fields.created = created;
        decisions.extend(more);
    }
    let asked = matches!(transfer.action, Action::Resync { .. });
    fields.revision =
        (asked || new_hop.is_some() || !transfer.fields.is_empty()).then_some(revision);
    fields.decisions = decisions;
    Decision { revision, records: records.into_changed(), crossings, rejected: None, fields }
}

/// Sorts what was sent: what is accepted as a change, and what a share merely confirms. Of the rest
/// it is decided that another change stands. A share of a copy that is in another live share
/// changes nothing that is held already.
fn accept(
    way: &Way,
    transfer: &Transfer,
    is_share: bool,
    sent: BTreeMap<Field, Sent>,
    records: &mut Records,
    decisions: &mut Vec<contracts::Decision>,
) -> (Vec<(Field, Sent)>, BTreeMap<Field, Confirmed>) {
    let held_stands = is_share && way.chain.live_inbound(&transfer.copy, way.inactive).is_some();
    let change = Change {
        account: &transfer.command.account,
        own: own_change(transfer),
        effective: precedence::effective(transfer.occurred_at, transfer.command.received_at),
        base_revision: transfer.base_revision,
    };
    let mut accepted = Vec::new();
    let mut confirmed = BTreeMap::new();
    for (field, sent) in sent {
        let held = records.get(&transfer.copy, &field);
        let verdict = match held {
            Some(held) if held_stands && sent.value.is_said_by(&held.value) => {
                let told = (sent.differs || sent.value != held.value).then(|| held.value.json());
                confirmed.insert(field, Confirmed { item: sent.item, told });
                continue;
            }
            Some(_) if held_stands => Verdict::OlderOwn,
            held => precedence::decide(held, &change),
        };
        let Some(held) = held.filter(|_| verdict != Verdict::Accepted) else {
            accepted.push((field, sent));
            continue;
        };
        // Also where what was sent says the same: the desk may show something else by now.
        let superseded = contracts::Decision::new(sent.item, ItemOutcome::Superseded)
            .because(Reason::NewerChangeExists);
        decisions.push(superseded.holding(Some(held.value.json())));
        if verdict == Verdict::Lost {
            let state = FieldState { own: Some(change.own.clone()), ..held.clone() };
            records.put(&transfer.copy, field, state);
        }
    }
    (accepted, confirmed)
}

/// What a command says of a field beside what counts of it, with what stands now.
fn told_once(repeated: &Repeated, copy: &CopyId, records: &Records) -> contracts::Decision {
    let stands = records.get(copy, &repeated.field).map(|held| held.value.json());
    contracts::Decision::new(repeated.item.clone(), ItemOutcome::Superseded)
        .because(Reason::NewerChangeExists)
        .with_detail(
            "the command names this field more than once, spelled otherwise or for another value",
        )
        .holding(stands)
}

/// The place of a change among its account's own. One that claims to be from later than it arrived
/// counts as its arrival, as it does between accounts.
fn own_change(transfer: &Transfer) -> OwnChange {
    OwnChange {
        occurred_at: precedence::effective(transfer.occurred_at, transfer.command.received_at),
        arrival: transfer.arrival,
        message_id: transfer.command.message_id.clone(),
    }
}

fn why_not_live(way: &Way, hop: &Hop) -> Option<Reason> {
    if way.chain.has_ended(&hop.share_id) {
        Some(Reason::NotShared)
    } else if way.inactive.contains(&hop.agreement_id) {
        Some(Reason::AgreementInactive)
    } else {
        None
    }
}

/// Hops of the publisher's copy that were live when the command was let in and are not any more.
fn lost_hops<'a>(way: &'a Way, transfer: &'a Transfer) -> impl Iterator<Item = (&'a Hop, Reason)> {
    let own =
        transfer.hops.iter().filter(|hop| hop.near == transfer.copy || hop.far() == transfer.copy);
    own.filter_map(|hop| why_not_live(way, hop).map(|reason| (hop, reason)))
}

#[cfg(test)]
mod tests {
    use contracts::fields::{FieldType, FieldValue, Status};
    use contracts::sync::FieldChanges;
    use contracts::{Item, Terms};
    use serde_json::json;

    use super::super::scene::{
        ALL_TERMS, Stage, account, agreement_id, field, original, plain, said, share, share_id,
        status, tag, three, two, update, with_status,
    };
    use super::*;

    #[test]
    fn r_19_r_20_an_update_reaches_every_copy_and_the_receipt_speaks_of_the_near_hop_only() {
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
        let repeated = stage
            .decide(&with_status(update("globex", &hops[0].far(), 2, "m2", &hops), Status::Open));
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
        let vip =
            |present| FieldChanges { tags: vec![tag("vip", present)], ..FieldChanges::default() };
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
    fn the_loser_of_a_concurrent_change_is_told_what_stands_and_its_older_changes_stay_lost() {
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
        let newer =
            stage.decide(&with_status(update("globex", &far, 11, "d", &hops), Status::Open));
        assert_eq!(said(&newer, "status"), [(Some(1), ItemOutcome::Transferred, None, None)]);
    }

    #[test]
    fn an_older_own_change_that_comes_after_another_accounts_is_superseded() {
        let hops = two();
        let mut stage = Stage::new([account("acme", vec![]), account("globex", vec![])], &hops);
        stage.decide(&with_status(update("acme", &original(), 10, "a2", &hops), Status::Pending));
        stage
            .decide(&with_status(update("globex", &hops[0].far(), 11, "b", &hops), Status::Solved));
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
            (
                changed(noon, "m9", Some(1), Status::Open),
                changed(noon, "m1", Some(2), Status::Solved),
            ),
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
        let open =
            |name| contracts::sync::AccountFact { open_fields: true, ..account(name, vec![]) };
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
        let fields: BTreeMap<Field, FieldState> = [("VIP", true), ("vip", true)]
            .map(|(name, on)| (Field::Tag(name.into()), held(on)))
            .into();
        stage.fields.copies = [(original(), fields.clone()), (hops[0].far(), fields)].into();
        let mut sent = update("acme", &original(), 1, "m1", &hops);
        sent.fields.tags.push(tag("vip", false));
        let decided = stage.decide(&sent);
        assert_eq!(decided.fields.changes[&hops[0].far()].tags_removed, ["vip"]);
        assert_eq!(stage.value(&original(), &Field::Tag("VIP".into())), json!(true));
    }
}
