//! Histories: whatever desks do, in whatever order it is decided and arrives, at rest every desk
//! holds what the stage holds of its copy.

use std::collections::{BTreeMap, BTreeSet};

use contracts::comparable::comparable;
use contracts::delivery::StatusDelivered;
use contracts::fields::{FieldType, FieldValue, Status, StatusValue};
use contracts::sync::{Action, FieldChanges, Hop, StatusChange, Transfer};
use contracts::terms::CommentTerms;
use contracts::{CopyId, ItemOutcome, Terms};
use line::{CopyFields, HopTraversal};
use proptest::prelude::*;
use serde_json::json;

use super::crossing::cross;
use super::records::Records;
use super::scene::{Stage, account, field, hop, original, share, tag, time, update, with_statuses};
use super::{Decision, Field, Value};

const ACCOUNTS: [&str; 4] = ["acme", "globex", "initech", "hooli"];

/// One step of a history: what happens, and which of the possibilities it happens to.
type Step = (u8, u8, u8);

/// A model desk: per field the value and the revision it has, as contract part 5 asks of it.
#[derive(Debug, Default)]
struct Desk {
    exists: bool,
    fields: BTreeMap<Field, (Value, u64)>,
}

/// The field by which something of this name is held already: names are compared as people read
/// them.
fn alike<'a>(held: impl IntoIterator<Item = &'a Field>, field: &Field) -> Field {
    let Field::Tag(name) = field else { return field.clone() };
    let is_alike =
        |held: &&Field| matches!(held, Field::Tag(held) if comparable(held) == comparable(name));
    held.into_iter().find(is_alike).unwrap_or(field).clone()
}

impl Desk {
    fn take(&mut self, field: &Field, value: Value, revision: u64) {
        let field = alike(self.fields.keys(), field);
        let held = self.fields.get(&field).map_or(0, |(_, revision)| *revision);
        if revision >= held {
            self.fields.insert(field, (value, revision));
        }
    }

    fn take_all(&mut self, told: &CopyFields, revision: u64) {
        if let Some(StatusDelivered { status, custom_status }) = &told.status {
            let value = StatusValue { value: *status, custom_status: custom_status.clone() };
            self.take(&Field::Status, Value::Status(value), revision);
        }
        for (names, present) in [(&told.tags_added, true), (&told.tags_removed, false)] {
            for name in names {
                self.take(&Field::Tag(name.clone()), Value::Tag(present), revision);
            }
        }
        for (key, value) in &told.custom_fields {
            self.take(&Field::Custom(key.clone()), Value::Custom(value.clone()), revision);
        }
    }

    fn value(&self, field: &Field) -> Option<&Value> {
        self.fields.get(&alike(self.fields.keys(), field)).map(|(value, _)| value)
    }
}

/// What a desk takes of a receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Takes {
    /// Value and revision, as the guide's *After a receipt* says.
    ValueAndRevision,
    /// The revision alone: the value stays what it has become meanwhile.
    RevisionAlone,
}

#[derive(Debug)]
enum Mail {
    Created(CopyFields, u64),
    Updated(CopyFields, u64),
    Receipt(Decision, BTreeMap<Field, Value>),
}

/// Desks, the entry, the stage, and what is on its way between them.
struct World {
    stage: Stage,
    desks: Vec<Desk>,
    copies: Vec<CopyId>,
    /// Hops that the entry knows as live.
    live: Vec<Hop>,
    plan: [Hop; 3],
    shared: BTreeSet<usize>,
    transfers: Vec<(usize, Transfer, BTreeMap<Field, Value>)>,
    mail: Vec<(usize, Mail)>,
    /// Desks whose share was refused, because its end came first: what it said is nowhere.
    refused: BTreeSet<usize>,
    takes: Takes,
    /// Items that are superseded and do not say what stands.
    silent: Vec<contracts::Decision>,
    clock: i64,
}

impl World {
    /// acme shares with globex, that with initech; when acme has unshared, it shares with hooli.
    fn new(terms: [Terms; 3], globex_counts: bool) -> Self {
        let first = Hop { terms: terms[0], ..hop(1, "acme", "globex", &original()) };
        let second = Hop { terms: terms[1], ..hop(2, "globex", "initech", &first.far()) };
        let third = Hop { terms: terms[2], ..hop(3, "acme", "hooli", &original()) };
        let order = |name: &str, field_type| {
            account(name, vec![field(&format!("{name}-order"), "Order", field_type)])
        };
        let globex_type = if globex_counts { FieldType::Integer } else { FieldType::Textarea };
        let accounts = [
            order("acme", FieldType::Text),
            order("globex", globex_type),
            with_statuses(order("initech", FieldType::Text)),
            order("hooli", FieldType::Text),
        ];
        let copies = vec![original(), first.far(), second.far(), third.far()];
        let mut desks: Vec<Desk> = ACCOUNTS.iter().map(|_| Desk::default()).collect();
        desks[0].exists = true;
        desks[0].fields.insert(
            Field::Status,
            (Value::Status(StatusValue { value: Status::Open, custom_status: None }), 0),
        );
        Self {
            stage: Stage::new(accounts, &[]),
            desks,
            copies,
            live: Vec::new(),
            plan: [first, second, third],
            shared: BTreeSet::new(),
            transfers: Vec::new(),
            mail: Vec::new(),
            refused: BTreeSet::new(),
            takes: Takes::ValueAndRevision,
            silent: Vec::new(),
            clock: 0,
        }
    }

    fn step(&mut self, (kind, which, what): Step) {
        self.clock += 1;
        match kind % 10 {
            0..=3 => self.change(usize::from(which) % ACCOUNTS.len(), what),
            4 => self.share(usize::from(which) % self.plan.len()),
            5 if which.is_multiple_of(4) => self.unshare(),
            6 | 7 => self.decide(which),
            _ => self.deliver(which),
        }
    }

    /// A desk changes a field and says so, with or without the revision it knew; its clock may be
    /// off.
    fn change(&mut self, who: usize, what: u8) {
        let copy = self.copies[who].clone();
        let shared = self.live.iter().any(|hop| hop.near == copy || hop.far() == copy);
        if !shared || !self.desks[who].exists {
            return;
        }
        let (field, value) = self.invented(who, what);
        let shown = alike(self.desks[who].fields.keys(), &field);
        let base = self.desks[who]
            .fields
            .get(&shown)
            .map(|(_, revision)| *revision)
            .filter(|revision| *revision > 0);
        let revision = base.unwrap_or_default();
        self.desks[who].fields.insert(shown, (value.clone(), revision));
        let occurred_at = time(self.clock + i64::from(what % 7) - 3);
        // Some come from an earlier release, without a stamp.
        let arrival = u64::try_from(self.clock).ok().filter(|_| !what.is_multiple_of(5));
        let transfer =
            update(ACCOUNTS[who], &copy, self.clock, &format!("m{}", self.clock), &self.live);
        let fields = said(&BTreeMap::from([(field.clone(), value.clone())]));
        let base_revision = base.filter(|_| what.is_multiple_of(2));
        self.transfers.push((
            who,
            Transfer { occurred_at, arrival, base_revision, fields, ..transfer },
            BTreeMap::from([(field, value)]),
        ));
    }

    fn invented(&self, who: usize, what: u8) -> (Field, Value) {
        let statuses = [Status::New, Status::Open, Status::Pending, Status::Hold, Status::Solved];
        let names = ["new", "open", "pending", "hold", "solved"];
        let pick = usize::from(what / 3) % statuses.len();
        match what % 3 {
            0 => {
                let custom_status =
                    (ACCOUNTS[who] == "initech").then(|| format!("{}-a", names[pick]));
                (Field::Status, Value::Status(StatusValue { value: statuses[pick], custom_status }))
            }
            1 => {
                let spelling = ["vip", "VIP", "vi\u{200b}p"][usize::from(what) % 7 % 3];
                (Field::Tag(spelling.into()), Value::Tag(pick.is_multiple_of(2)))
            }
            _ => {
                let key = format!("{}-order", ACCOUNTS[who]);
                let counts = self.stage.schemas[&super::scene::name(ACCOUNTS[who])]
                    .field(&key)
                    .unwrap()
                    .field_type
                    == FieldType::Integer;
                let value = match pick {
                    0 => FieldValue::Cleared,
                    1 if !counts => FieldValue::Text("seven".into()),
                    _ if counts => FieldValue::Integer(i64::try_from(pick).unwrap()),
                    _ => FieldValue::Text(pick.to_string()),
                };
                (Field::Custom(key), Value::Custom(value))
            }
        }
    }

    fn share(&mut self, which: usize) {
        let hop = self.plan[which].clone();
        let who = self.copies.iter().position(|copy| *copy == hop.near).unwrap();
        let free = !self.live.iter().any(|live| live.near == hop.near);
        if !self.desks[who].exists || !free || !self.shared.insert(which) {
            return;
        }
        self.live.push(hop.clone());
        let held: BTreeMap<Field, Value> = self.desks[who]
            .fields
            .iter()
            .map(|(field, (value, _))| (field.clone(), value.clone()))
            .collect();
        let mut told: BTreeMap<Field, Value> =
            held.into_iter().filter(|(_, value)| value.is_something()).collect();
        told.entry(Field::Status)
            .or_insert(Value::Status(StatusValue { value: Status::New, custom_status: None }));
        let transfer = share(&hop, self.clock, &format!("m{}", self.clock), &self.live);
        self.transfers.push((who, Transfer { fields: said(&told), ..transfer }, told));
    }

    fn unshare(&mut self) {
        let first = self.plan[0].clone();
        let Some(at) = self.live.iter().position(|hop| *hop == first) else { return };
        let transfer =
            update("acme", &original(), self.clock, &format!("m{}", self.clock), &self.live);
        self.live.remove(at);
        let action = Action::Unshare { share_id: first.share_id };
        self.transfers.push((0, Transfer { action, ..transfer }, BTreeMap::new()));
    }

    /// The stage decides any of the transfers that are on their way to it.
    fn decide(&mut self, which: u8) {
        if self.transfers.is_empty() {
            return;
        }
        let (who, transfer, sent) =
            self.transfers.swap_remove(usize::from(which) % self.transfers.len());
        let decided = self.stage.decide(&transfer);
        let superseded =
            decided.fields.decisions.iter().filter(|it| it.outcome == ItemOutcome::Superseded);
        for decision in superseded {
            let field = Field::of_item(decision.item.clone()).unwrap();
            let held = self.stage.fields.copies.get(&transfer.copy).into_iter();
            let field = alike(held.flat_map(BTreeMap::keys), &field);
            if decision.value != Some(self.stage.value(&transfer.copy, &field)) {
                self.silent.push(decision.clone());
            }
        }
        let new_copy = match &transfer.action {
            Action::Share(sharing) if decided.rejected.is_none() => {
                Some(CopyId::of_share(&sharing.share_id))
            }
            _ => None,
        };
        for (copy, told) in &decided.fields.changes {
            if Some(copy) != new_copy.as_ref() {
                self.mail.push((self.desk_of(copy), Mail::Updated(told.clone(), decided.revision)));
            }
        }
        if let Some(copy) = new_copy {
            self.mail.push((
                self.desk_of(&copy),
                Mail::Created(decided.fields.created.clone(), decided.revision),
            ));
        }
        if decided.rejected.is_some() {
            self.refused.insert(who);
        } else {
            self.mail.push((who, Mail::Receipt(decided, sent)));
        }
    }

    fn desk_of(&self, copy: &CopyId) -> usize {
        self.copies.iter().position(|known| known == copy).unwrap()
    }

    /// A desk reads any of the messages that are on their way to it.
    fn deliver(&mut self, which: u8) {
        if self.mail.is_empty() {
            return;
        }
        let (who, mail) = self.mail.swap_remove(usize::from(which) % self.mail.len());
        let desk = &mut self.desks[who];
        match mail {
            Mail::Created(told, revision) => {
                desk.exists = true;
                desk.take_all(&told, revision);
            }
            Mail::Updated(told, revision) => desk.take_all(&told, revision),
            Mail::Receipt(decided, sent) => {
                for (field, value) in sent {
                    let item = field.item();
                    let told = decided
                        .fields
                        .decisions
                        .iter()
                        .filter(|decision| decision.item == item)
                        .find_map(|decision| decision.value.as_ref());
                    let value = match (self.takes, desk.value(&field)) {
                        (Takes::RevisionAlone, Some(shown)) => shown.clone(),
                        _ => told.map_or(value, |told| read(&field, told)),
                    };
                    desk.take(&field, value, decided.revision);
                }
            }
        }
    }

    fn run(mut self, steps: &[Step]) -> Self {
        self.share(0);
        for step in steps {
            self.step(*step);
        }
        // Nothing new happens; all that is on its way arrives, in an order that the last steps
        // choose.
        let mut order = steps.iter().map(|(_, which, _)| *which).cycle();
        while !self.transfers.is_empty() || !self.mail.is_empty() {
            let which = order.next().unwrap_or_default();
            if which.is_multiple_of(2) {
                self.decide(which / 2);
            } else {
                self.deliver(which / 2);
            }
            let which = order.next().unwrap_or_default();
            self.decide(which);
            self.deliver(which);
        }
        self
    }

    /// Every desk whose ticket exists holds what the stage holds of its copy, and nothing that the
    /// stage has no record of.
    fn check_desks(&self) -> Result<(), TestCaseError> {
        for (who, desk) in self.desks.iter().enumerate().filter(|(_, desk)| desk.exists) {
            let records =
                self.stage.fields.copies.get(&self.copies[who]).cloned().unwrap_or_default();
            for (field, state) in &records {
                let found = desk.value(field);
                prop_assert!(
                    found == Some(&state.value) || (found.is_none() && !state.value.is_something()),
                    "{} holds {found:?} in {field:?}, the stage {state:?}",
                    ACCOUNTS[who]
                );
            }
            for (field, (value, _)) in desk.fields.iter().filter(|_| !self.refused.contains(&who)) {
                prop_assert!(
                    records.contains_key(&alike(records.keys(), field)),
                    "{} holds {value:?} in {field:?}, the stage nothing",
                    ACCOUNTS[who]
                );
            }
        }
        Ok(())
    }

    /// Over every live hop the two copies agree in every field that crosses there.
    fn check_hops(&self) -> Result<(), TestCaseError> {
        let records = Records::over(&self.stage.fields);
        for hop in self.stage.chain.live(&self.stage.inactive) {
            for crossing in [HopTraversal::outbound(hop), HopTraversal::inbound(hop)] {
                for (field, state) in records
                    .of(&crossing.from)
                    .into_iter()
                    .filter(|(_, state)| state.value.is_something())
                {
                    let Ok(crossed) =
                        cross(&crossing, &field, &state.value, &records, &self.stage.schemas)
                    else {
                        continue;
                    };
                    prop_assert!(
                        crossed.agree,
                        "{field:?} over {:?}: {:?} here, {:?} there",
                        hop.share_id,
                        state,
                        records.get(&crossing.to, &crossed.field)
                    );
                }
            }
        }
        Ok(())
    }
}

/// What a desk says of its fields in a command.
fn said(values: &BTreeMap<Field, Value>) -> FieldChanges {
    let mut fields = FieldChanges::default();
    for (field, value) in values {
        match (field, value) {
            (_, Value::Status(StatusValue { value, custom_status })) => {
                fields.status = Some(StatusChange {
                    status: Some(*value),
                    custom_status: custom_status.clone(),
                });
            }
            (Field::Tag(name), Value::Tag(present)) => fields.tags.push(tag(name, *present)),
            (Field::Custom(key), Value::Custom(value)) => {
                fields.custom_fields.insert(key.clone(), json!(value));
            }
            other => panic!("{other:?} is no field with its value"),
        }
    }
    fields
}

/// Reads a receipt's value.
fn read(field: &Field, told: &serde_json::Value) -> Value {
    match field {
        Field::Status => Value::Status(serde_json::from_value(told.clone()).unwrap()),
        Field::Tag(_) => Value::Tag(told.as_bool().unwrap()),
        Field::Custom(_) => Value::Custom(FieldValue::from_json(told).unwrap()),
    }
}

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
        let mut world = World { takes, ..World::new([super::scene::ALL_TERMS; 3], false) };
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
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn at_rest_every_desk_holds_what_the_stage_holds_of_its_copy(terms in [terms(), terms(), terms()], counts: bool, steps in steps()) {
        let world = World::new(terms, counts).run(&steps);
        world.check_desks()?;
        prop_assert!(world.silent.is_empty(), "{:?}", world.silent);
        if !counts {
            world.check_hops()?;
        }
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
            let (name, copy) = if by_acme { ("acme", original()) } else { ("globex", hops[0].far()) };
            let mut command = update(name, &copy, number, &format!("m{number}"), &hops);
            command.fields.tags.push(tag(spellings[spelling], present));
            let decided = stage.decide(&command);
            let item = contracts::Item::Tag(spellings[spelling].into());
            prop_assert!(decided.fields.decisions.iter().all(|it| it.item == item));
            last = present;
        }
        for copy in [original(), hops[0].far()] {
            let held: Vec<_> = stage.fields.copies[&copy].values().map(|state| state.value.clone()).collect();
            prop_assert_eq!(held, [Value::Tag(last)]);
        }
    }

    #[test]
    fn the_latest_of_an_accounts_own_changes_stands_in_any_order(
        changes in prop::collection::vec((0_i64..5, 0_i64..4, prop::option::of(0_u64..3), any::<bool>(), 0_u64..9), 1..8),
        order in any::<[u8; 8]>(),
    ) {
        let hops = super::scene::two();
        let mut stage = Stage::new([account("acme", vec![]), account("globex", vec![])], &hops);
        let mut commands: Vec<Transfer> = changes.iter().enumerate().map(|(number, (second, ahead, arrival, present, base))| {
            let mut command = update("acme", &original(), *second, &format!("m{number}"), &hops);
            command.occurred_at = time(second + ahead);
            command.arrival = *arrival;
            command.fields.tags.push(tag("vip", *present));
            command.base_revision = Some(*base);
            command
        }).collect();
        let latest = commands.iter().max_by_key(|it| (it.command.received_at, it.arrival, it.command.message_id.clone())).unwrap();
        let expected = latest.fields.tags[0].present;
        let mut superseded = 0;
        for which in order.iter().cycle() {
            if commands.is_empty() {
                break;
            }
            let command = commands.swap_remove(usize::from(*which) % commands.len());
            let decided = stage.decide(&command);
            let lost: Vec<_> = decided.fields.decisions.iter().filter(|decision| decision.outcome == ItemOutcome::Superseded).collect();
            let stands = stage.value(&original(), &Field::Tag("vip".into()));
            prop_assert!(lost.iter().all(|decision| decision.value.as_ref() == Some(&stands)), "{:?}, {} stands", lost, stands);
            superseded += u64::from(!lost.is_empty());
        }
        for copy in [original(), hops[0].far()] {
            prop_assert_eq!(stage.value(&copy, &Field::Tag("vip".into())), json!(expected));
        }
        prop_assert_eq!(stage.fields.revision + superseded, changes.len() as u64);
    }
}
