//! Model desks, the entry and the stage, and what is on its way between them.

use std::collections::{BTreeMap, BTreeSet};

use contracts::fields::{FieldType, FieldValue, Status, StatusValue};
use contracts::sync::{Action, Hop, Transfer};
use contracts::{CopyId, Epoch, ItemOutcome, Terms};
use line::{CopyFields, HopTraversal};
use proptest::prelude::*;

use super::desk::{Desk, alike, read, said};
use crate::rules::crossing::cross;
use crate::rules::records::Records;
use crate::rules::scene::{
    Stage, account, field, hop, name, original, share, time, update, with_statuses,
};
use crate::rules::{ChainFields, Decision, Field, Held, Value, held};

const ACCOUNTS: [&str; 4] = ["acme", "globex", "initech", "hooli"];

/// One step of a history: what happens, and which of the possibilities it happens to.
pub(super) type Step = (u8, u8, u8);

/// What a desk takes of a receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Takes {
    /// Value and revision, as the guide's *After a receipt* says.
    ValueAndRevision,
    /// The revision alone: the value stays what it has become meanwhile.
    RevisionAlone,
}

#[derive(Debug)]
pub(super) enum Mail {
    Created(CopyFields, u64),
    Updated(CopyFields, u64),
    Receipt(Decision, BTreeMap<Field, Value>),
    State(Held, u64),
}

/// Desks, the entry, the stage, and what is on its way between them.
pub(super) struct World {
    pub(super) stage: Stage,
    pub(super) desks: Vec<Desk>,
    copies: Vec<CopyId>,
    /// Hops that the entry knows as live.
    live: Vec<Hop>,
    plan: [Hop; 3],
    shared: BTreeSet<usize>,
    transfers: Vec<(usize, Transfer, BTreeMap<Field, Value>)>,
    pub(super) mail: Vec<(usize, Mail)>,
    /// Desks whose share was refused, because its end came first: what it said is nowhere.
    refused: BTreeSet<usize>,
    pub(super) takes: Takes,
    /// Items that are superseded and do not say what stands.
    pub(super) silent: Vec<contracts::Decision>,
    clock: i64,
}

impl World {
    /// acme shares with globex, that with initech; when acme has unshared, it shares with hooli.
    pub(super) fn new(terms: [Terms; 3], globex_counts: bool) -> Self {
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
    pub(super) fn change(&mut self, who: usize, what: u8) {
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
                let counts =
                    self.stage.schemas[&name(ACCOUNTS[who])].field(&key).unwrap().field_type
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

    pub(super) fn share(&mut self, which: usize) {
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
    pub(super) fn decide(&mut self, which: u8) {
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
    pub(super) fn deliver(&mut self, which: u8) {
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
            Mail::State(held, revision) => desk.take_state(&held, revision),
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

    /// The stage's database is restored to what it once held, and recovered: every desk is told
    /// its copy. What it decided since is forgotten; what it told may still be on its way.
    pub(super) fn restore(&mut self, backup: ChainFields, epoch: Epoch) {
        let revision = epoch.raise(backup.revision);
        self.stage.fields = ChainFields { revision, copies: BTreeMap::new() };
        for (copy, fields) in backup.copies {
            for (field, state) in fields {
                self.stage.fields.load(copy.clone(), field, state);
            }
        }
        for (who, copy) in self.copies.iter().enumerate() {
            if self.desks[who].exists {
                let state = held(&self.stage.fields, copy);
                self.mail.push((who, Mail::State(state, revision)));
            }
        }
    }

    /// All of them share already, and nothing is on its way.
    pub(super) fn shared(mut self) -> Self {
        for which in [0, 1] {
            self.share(which);
            self.decide(0);
            while !self.mail.is_empty() {
                self.deliver(0);
            }
        }
        self
    }

    /// Desks change fields; some of it is decided and delivered.
    pub(super) fn work(&mut self, steps: &[Step]) {
        for (kind, which, what) in steps {
            // Nobody shares or unshares.
            let kind = if matches!(kind % 10, 4 | 5) { 0 } else { *kind };
            self.step((kind, *which, *what));
        }
    }

    pub(super) fn run(mut self, steps: &[Step]) -> Self {
        self.share(0);
        for step in steps {
            self.step(*step);
        }
        self.rest(steps)
    }

    pub(super) fn rest(mut self, steps: &[Step]) -> Self {
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
    pub(super) fn check_desks(&self) -> Result<(), TestCaseError> {
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
                // As which a copy is told whose status nobody set.
                let is_new = *value
                    == Value::Status(StatusValue { value: Status::New, custom_status: None });
                prop_assert!(
                    is_new || records.contains_key(&alike(records.keys(), field)),
                    "{} holds {value:?} in {field:?}, the stage nothing",
                    ACCOUNTS[who]
                );
            }
        }
        Ok(())
    }

    /// Over every live hop the two copies agree in every field that crosses there.
    pub(super) fn check_hops(&self) -> Result<(), TestCaseError> {
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
