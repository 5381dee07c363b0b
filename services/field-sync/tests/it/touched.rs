//! What the service loads, a part of the schemas and of the copies' fields, decides as the whole
//! would: histories are decided by both, also where the release before this one learns facts.

use std::collections::BTreeSet;

use contracts::command::AccountKind;
use contracts::fields::{
    CustomStatus, CustomStatuses, FieldOption, FieldType, Status, TicketField,
};
use contracts::sync::{
    AccountFact, Action, Change, Fact, FieldChanges, Hop, Sharing, StatusChange, TagChange,
    Transfer,
};
use contracts::topology;
use contracts::{ChainId, CopyId, ReceiptOutcome, ShareId, TicketId};
use field_sync::rules::Schema;
use field_sync::{FieldSync, Inbound, Known};
use line::facts::Facts;
use local::TestEnvironment;
use messaging::ReceivedMessage;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::{Sent, command, decide_with, hop, name, person, received, sent};

/// The chain goes from each to the next; the last one takes fields of any title.
const ACCOUNTS: [&str; 4] = ["acme", "globex", "initech", "hooli"];
/// Titles of the fields that are sent; each account has as many more that nobody names.
const TITLES: [&str; 5] = ["Order", "Colour", "Code", "Count", "Order"];

/// One step of a history: what happens, and which of the possibilities it happens to.
type Step = (u8, u8, u8);

fn field(who: usize, number: usize, variant: u8) -> TicketField {
    let account = ACCOUNTS[who];
    let (field_type, tags) = match (TITLES[number], variant % 4) {
        ("Colour", 3) => (FieldType::Tagger, vec!["rouge", "blue"]),
        ("Colour", _) => (FieldType::Tagger, vec!["red", "blue"]),
        ("Code", _) => (FieldType::Regexp, vec![]),
        ("Count", 1) => (FieldType::Text, vec![]),
        ("Count", _) => (FieldType::Integer, vec![]),
        _ => (FieldType::Text, vec![]),
    };
    let title = TITLES[number];
    TicketField {
        key: format!("{account}-{number}"),
        title: if who.is_multiple_of(2) { title.to_uppercase() } else { title.to_owned() },
        field_type,
        options: ["Red", "Blue"]
            .iter()
            .zip(tags)
            .map(|(name, tag)| FieldOption { name: (*name).into(), tag: tag.into() })
            .collect(),
        pattern: (field_type == FieldType::Regexp).then(|| "[A-Z]{2}[0-9]+".to_owned()),
        pattern_checked: true,
    }
}

fn account(who: usize, version: u64, variant: u8) -> AccountFact {
    // The fifth has the title of the first: then no title is the only one.
    let count = if variant % 5 == 4 { 5 } else { 4 };
    let named = (0..count).map(|number| field(who, number, variant));
    let further = (0..20).map(|number| TicketField {
        key: format!("further-{number}"),
        title: format!("Further {number}"),
        ..field(who, 0, 0)
    });
    let fields: Vec<TicketField> = named.chain(further).collect();
    let form = fields.iter().skip(usize::from(variant % 3)).map(|field| field.key.clone());
    let status = |key: &str, category, default| CustomStatus {
        key: key.into(),
        name: key.into(),
        category,
        default,
    };
    AccountFact {
        version,
        open_fields: who == 3,
        default_form: variant.is_multiple_of(2).then(|| form.collect()),
        custom_statuses: CustomStatuses {
            enabled: variant % 3 == 1,
            statuses: vec![
                status("waiting", Status::Pending, true),
                status("done", Status::Solved, true),
            ],
        },
        ticket_fields: if who == 3 { Vec::new() } else { fields },
        ..AccountFact::registered(name(ACCOUNTS[who]), AccountKind::Connected)
    }
}

fn told(account: AccountFact) -> Fact {
    let command = command(account.account.as_str(), "f", "account.update.v1", 0);
    Fact {
        change: Change::Account(Box::new(account)),
        receipt: command.receipt(ReceiptOutcome::Applied),
        command,
        deliveries: Vec::new(),
        notices: Vec::new(),
        compare: None,
        epoch: None,
    }
}

/// Which fields are sent at a step.
fn bits(kind: u8, which: u8) -> u8 {
    !(kind ^ which.rotate_left(3))
}

/// What a desk sends: of `which` bits the fields that are sent, of `what` their values.
fn fields(who: usize, which: u8, what: u8) -> FieldChanges {
    let key = |number: usize| match who {
        3 => format!("{}{}", TITLES[number], if what.is_multiple_of(2) { "" } else { " " }),
        _ => format!("{}-{number}", ACCOUNTS[who]),
    };
    let values: [Value; 5] = [
        json!(format!("{what}")),
        json!(if what.is_multiple_of(3) { "red" } else { "blue" }),
        json!(if what.is_multiple_of(4) { "no code" } else { "AB12" }),
        if what.is_multiple_of(5) { json!("7") } else { json!(what) },
        json!(if what.is_multiple_of(2) { "" } else { "x" }),
    ];
    let named = (0..5).filter(|number| which >> number & 1 == 1);
    let custom_status = (what % 7 == 1).then(|| "waiting".to_owned());
    let status = [Status::Open, Status::Pending, Status::Hold][usize::from(what % 3)];
    let tag = TagChange { name: "vip".into(), present: what.is_multiple_of(2), by_rule: false };
    FieldChanges {
        status: (which & 32 != 0).then_some(StatusChange { status: Some(status), custom_status }),
        tags: if which & 64 == 0 { vec![] } else { vec![tag] },
        custom_fields: named.map(|number| (key(number), values[number].clone())).collect(),
    }
}

/// A history of one ticket, decided by what is loaded and by all that there is.
struct History {
    chain: ChainId,
    copies: Vec<CopyId>,
    plan: Vec<Hop>,
    shared: BTreeSet<usize>,
    version: u64,
    clock: i64,
    facts: Facts,
    whole: Known,
    waiting: Vec<ReceivedMessage<Inbound>>,
    /// Custom fields that desks were told.
    told: usize,
}

impl History {
    fn new(number: usize, version: u64) -> Self {
        let ticket = TicketId::new(format!("t{number}")).unwrap();
        let mut copies = vec![CopyId::original(&name(ACCOUNTS[0]), &ticket)];
        let mut plan = Vec::new();
        for (index, ends) in ACCOUNTS.windows(2).enumerate() {
            let id = format!("00000000-0000-4000-8000-0000000{number:02x}{index:03x}");
            let hop = Hop {
                share_id: ShareId::new(id).unwrap(),
                sender: name(ends[0]),
                receiver: name(ends[1]),
                near: copies[index].clone(),
                ..hop()
            };
            copies.push(hop.far());
            plan.push(hop);
        }
        Self {
            chain: ChainId::starting_with(&copies[0]),
            copies,
            plan,
            shared: BTreeSet::new(),
            version,
            clock: 0,
            facts: Facts::default(),
            whole: Known::default(),
            waiting: Vec::new(),
            told: 0,
        }
    }

    fn transfer(&self, who: usize, action: Action, fields: FieldChanges) -> Transfer {
        let id = format!("m{}", self.clock);
        let command = command(ACCOUNTS[who], &id, "ticket.update.v1", self.clock);
        let hops = self.shared.iter().map(|index| self.plan[*index].clone()).collect();
        let (chain, copy) = (self.chain.clone(), self.copies[who].clone());
        Transfer { fields, ..Transfer::new(command, chain, copy, hops, action, person()) }
    }

    fn put(&mut self, transfer: Transfer) {
        self.waiting.push(received(Inbound::Transfer(Box::new(transfer))));
    }

    /// A fact, learned by the service, or by the statements of the release before this one.
    async fn fact(&mut self, pool: &PgPool, who: usize, variant: u8, earlier_release: bool) {
        self.version += 1;
        let fact = told(account(who, self.version, variant));
        if earlier_release && self.waiting.is_empty() {
            let mut connection = pool.acquire().await.unwrap();
            line::facts::learn(&mut connection, [&fact]).await.unwrap();
            self.learn(&fact);
        } else {
            self.waiting.push(received(Inbound::Fact(Box::new(fact))));
        }
    }

    fn learn(&mut self, fact: &Fact) {
        self.facts.learn(fact);
        let accounts = self.facts.accounts.iter();
        self.whole.schemas =
            accounts.map(|(name, fact)| (name.clone(), Schema::new(fact.clone()))).collect();
    }

    async fn step(&mut self, pool: &PgPool, (kind, which, what): Step) {
        self.clock += 1;
        let who = usize::from(which) % ACCOUNTS.len();
        match kind % 8 {
            0..=2 => {
                self.put(self.transfer(who, Action::Update, fields(who, bits(kind, which), what)));
            }
            3 | 4 => {
                let index = (0..self.plan.len()).find(|index| !self.shared.contains(index));
                let Some(index) = index else { return };
                self.shared.insert(index);
                let sharing = Sharing {
                    share_id: self.plan[index].share_id.clone(),
                    original_ticket_id: TicketId::new("1").unwrap(),
                    subject: "a subject".into(),
                    requested_at: None,
                    requester: person(),
                };
                let fields = fields(index, bits(kind, which), what);
                self.put(self.transfer(index, Action::Share(Box::new(sharing)), fields));
            }
            5 => self.fact(pool, who, what, which % 8 < 4).await,
            6 => self.resync(who),
            _ => {
                let index =
                    self.shared.iter().next_back().copied().filter(|_| what.is_multiple_of(3));
                let Some(index) = index else { return };
                let action = Action::Unshare { share_id: self.plan[index].share_id.clone() };
                self.put(self.transfer(index, action, FieldChanges::default()));
            }
        }
    }

    fn resync(&mut self, who: usize) {
        let share_id = self.plan[who.saturating_sub(1)].share_id.clone();
        self.put(self.transfer(who, Action::Resync { share_id }, FieldChanges::default()));
    }

    /// Decides what waits, as one batch.
    async fn decide(&mut self, service: &FieldSync, pool: &PgPool) {
        let batch = std::mem::take(&mut self.waiting);
        for received in &batch {
            if let Inbound::Fact(fact) = &received.message {
                self.learn(fact);
            }
        }
        let by_whole: Vec<Sent> = batch
            .iter()
            .map(|received| sent(&messaging::decide_and_apply(service, &mut self.whole, received)))
            .collect();
        let custom_fields = by_whole.iter().flatten().map(|(_, body)| &body["custom_fields"]);
        self.told +=
            custom_fields.filter_map(Value::as_object).map(serde_json::Map::len).sum::<usize>();
        assert_eq!(decide_with(service, pool, &batch).await, by_whole, "{batch:?}");
    }
}

#[tokio::test]
async fn what_is_loaded_decides_as_the_whole_would() {
    let world = TestEnvironment::new("field_sync_touched").await;
    let pool = world.pool(topology::Service::FieldSync, field_sync::migrations()).await;
    let (service, mut runner) = (FieldSync::default(), TestRunner::deterministic());
    let steps = prop::collection::vec(any::<Step>(), 40..60);
    let (mut version, mut told) = (1, 0);
    for number in 0..12 {
        let mut history = History::new(number, version);
        for who in 0..ACCOUNTS.len() {
            history.fact(&pool, who, u8::try_from(number).unwrap(), number.is_multiple_of(2)).await;
        }
        let steps = steps.new_tree(&mut runner).unwrap().current();
        for (kind, which, what) in steps {
            history.step(&pool, (kind, which, what)).await;
            if what.is_multiple_of(2) {
                history.decide(&service, &pool).await;
            }
        }
        history.decide(&service, &pool).await;
        (0..ACCOUNTS.len()).for_each(|who| history.resync(who));
        history.decide(&service, &pool).await;
        (version, told) = (history.version, told + history.told);
    }
    assert!(told > 500, "custom fields cross in these histories: {told}");
    pool.close().await;
    world.remove().await;
}

/// Two batches, of which one has learned a fact and not committed when the other needs its rows.
#[tokio::test]
async fn a_fact_that_another_batch_holds_is_read_and_not_waited_for() {
    let world = TestEnvironment::new("field_sync_held").await;
    let pool = world.pool(topology::Service::FieldSync, field_sync::migrations()).await;
    let service = FieldSync::default();
    let mut history = History::new(1, 1);
    for who in 0..ACCOUNTS.len() {
        history.fact(&pool, who, 0, true).await;
    }
    let mut other = pool.begin().await.unwrap();
    line::facts::learn(&mut other, [&told(account(0, 99, 1))]).await.unwrap();
    // All its fields, and the share that brings them over.
    history.step(&pool, (3, 0, 1)).await;
    history.decide(&service, &pool).await;
    other.commit().await.unwrap();
    history.learn(&told(account(0, 99, 1)));
    history.step(&pool, (0b111_1000, 0, 2)).await;
    history.decide(&service, &pool).await;
    pool.close().await;
    world.remove().await;
}

/// The fields of an account with where each row lies, which a row that is written leaves.
async fn rows(pool: &PgPool) -> Vec<(String, bool, String)> {
    sqlx::query_as("select key, on_default_form, ctid::text from account_field order by key")
        .fetch_all(pool)
        .await
        .unwrap()
}

#[tokio::test]
async fn of_changed_settings_only_the_fields_that_differ_are_written() {
    let world = TestEnvironment::new("field_sync_differ").await;
    let pool = world.pool(topology::Service::FieldSync, field_sync::migrations()).await;
    let service = FieldSync::default();
    let first = AccountFact { default_form: None, ..account(0, 1, 0) };
    let learn = async |fact: &AccountFact| {
        let fact = received(Inbound::Fact(Box::new(told(fact.clone()))));
        decide_with(&service, &pool, &[fact]).await;
    };
    learn(&first).await;
    let before = rows(&pool).await;

    // One is renamed, one taken away, one added, one no longer on the form.
    let mut second = AccountFact { version: 2, ..first };
    second.ticket_fields[1].title = "Renamed".to_owned();
    let gone = second.ticket_fields.remove(2).key;
    let off = second.ticket_fields[3].key.clone();
    let added = TicketField { key: "added".into(), ..second.ticket_fields[0].clone() };
    second.ticket_fields.push(added);
    let form = second.ticket_fields.iter().map(|field| field.key.clone());
    second.default_form = Some(form.filter(|key| *key != off).collect());
    learn(&second).await;
    let after = rows(&pool).await;

    let kept: BTreeSet<&str> =
        after.iter().filter(|row| before.contains(row)).map(|(key, ..)| key.as_str()).collect();
    let written: BTreeSet<&str> =
        after.iter().map(|(key, ..)| key.as_str()).filter(|key| !kept.contains(key)).collect();
    let renamed = second.ticket_fields[1].key.as_str();
    assert_eq!(written, BTreeSet::from([renamed, "added", off.as_str()]));
    assert!(after.iter().all(|(key, ..)| *key != gone));
    assert_eq!(after.iter().filter(|(_, on_form, _)| !on_form).count(), 1);
    pool.close().await;
    world.remove().await;
}
