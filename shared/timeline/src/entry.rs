//! The trails of all services as one story, in the order of time.

use std::collections::{BTreeMap, BTreeSet};

use contracts::receipt::Decision;
use contracts::topology::Service;
use contracts::{Reason, ReceiptOutcome, Timestamp};
use serde::Serialize;

use crate::calls;
use crate::finding::{self, Finding, fate, without_values};
use crate::target::Target;
use crate::trail::{Decided, Parked, SentMessage, Share, Trail, Undelivered};
use crate::waiting::Waiting;

/// What became of what is asked for.
#[derive(Clone, Debug, Serialize)]
pub struct Timeline {
    /// What was asked for.
    pub target: Target,
    /// From when on, where that was asked for.
    pub since: Option<Timestamp>,
    /// How many commands it tells of.
    pub commands: usize,
    /// What did not cross, or waits, first things first.
    pub missing: Vec<Finding>,
    /// How many more findings there are, older ones.
    pub missing_left_out: usize,
    /// What this timeline cannot say: services that gave no answer, and what was too much.
    pub gaps: Vec<String>,
    /// What was put into desks' queues, by account.
    pub queued: BTreeMap<String, Queued>,
    /// The shares that belong to it.
    pub shares: Vec<Share>,
    /// What happened, first things first.
    pub entries: Vec<Entry>,
    /// How many more commands there are, older ones.
    pub left_out: usize,
    /// Each message that was put into a desk's queue: the account, and when it was decided.
    #[serde(skip)]
    pub(crate) sent: Vec<(String, Timestamp)>,
}

/// What was put into a desk's queue: the broker has confirmed it. Whether the desk has taken it is
/// not known to the services.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Queued {
    /// How many deliveries and receipts.
    pub messages: usize,
    /// When the last one was decided.
    pub last: Timestamp,
    /// The queue, where the broker was asked.
    pub queue: Option<DeskQueue>,
}

/// A desk's queue as the broker tells of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct DeskQueue {
    /// Deliveries that its desk has not acknowledged.
    pub messages: u64,
    /// Who reads it.
    pub consumers: u64,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Entry {
    /// When.
    pub at: Timestamp,
    /// Its place among what happened in the same millisecond: along the line.
    pub place: usize,
    /// Which service; none where a desk acts.
    pub service: Option<String>,
    /// What it did.
    pub what: String,
    /// The command that this belongs to, as `account/message_id`.
    pub command: Option<String>,
    pub trace_id: Option<String>,
    /// What accounts sent and were told.
    pub accounts: BTreeMap<String, Vec<String>>,
    /// Whether it waits, for a queue or for a person.
    pub open: bool,
}

impl Timeline {
    /// Joins the trails. `gaps` says which services gave no answer.
    #[must_use]
    pub fn of(target: Target, trails: &[Trail], mut gaps: Vec<String>) -> Self {
        let message = if let Target::Message(name) = &target { Some(name.as_str()) } else { None };
        let wanted =
            |root: Option<&str>| message.is_none_or(|message| root.is_none_or(|it| it == message));
        let (mut entries, mut missing) = (Vec::new(), BTreeSet::new());
        let mut sent = Vec::new();
        for trail in trails {
            let service = trail.service.as_str();
            // Of an edge nobody knows which command is behind a call.
            if calls::is_edges(trail) && message.is_none() {
                entries.extend(calls::entries(trail));
                missing.extend(calls::findings(trail));
            }
            let waiting = Waiting::of(trail);
            let of_line = if calls::is_edges(trail) { &[] } else { trail.decided.as_slice() };
            for (index, decided) in of_line.iter().enumerate() {
                let root = decided.root();
                if message.is_some_and(|message| root.as_deref() != Some(message)) {
                    continue;
                }
                entries.extend(arrival(decided));
                entries.push(decision(service, decided, |place| waiting.has(index, place)));
                for told in &decided.told {
                    let receipt = told.receipt.iter();
                    missing.extend(
                        receipt
                            .flat_map(|it| finding::of_receipt(&told.to, decided.decided_at, it)),
                    );
                }
                sent.extend(taken(decided, |place| waiting.has(index, place)));
            }
            for parked in &trail.parked {
                let root = root_of(parked);
                if message.is_some_and(|message| root.as_deref() != Some(message)) {
                    continue;
                }
                if parked.state == "parked" {
                    missing.insert(finding::of_parked(service, parked, root.clone()));
                }
                entries.push(set_aside(service, parked, root));
            }
            for (one, root) in waiting.all().filter(|(_, root)| wanted(root.as_deref())) {
                missing.insert(finding::of_waiting(one, root.clone()));
                entries.push(held(service, one, root));
            }
            if trail.cut {
                gaps.push(format!(
                    "{service} knows more than it tells at once: these are the newest. A share or \
                     a message has less"
                ));
            }
        }
        entries.sort();
        let shares = trails.iter().flat_map(|trail| trail.shares.iter().cloned());
        let shares: BTreeSet<_> = shares.collect();
        let mut timeline = Self {
            target,
            since: None,
            commands: 0,
            missing: missing.into_iter().collect(),
            missing_left_out: 0,
            gaps,
            queued: BTreeMap::new(),
            shares: shares.into_iter().collect(),
            entries,
            left_out: 0,
            sent,
        };
        timeline.count_queued();
        timeline.commands = timeline.roots().len();
        timeline
    }

    /// Counts what was sent, by account.
    pub(crate) fn count_queued(&mut self) {
        self.queued.clear();
        for (account, at) in &self.sent {
            let first = Queued { messages: 0, last: *at, queue: None };
            let queued = self.queued.entry(account.clone()).or_insert(first);
            queued.messages += 1;
            queued.last = queued.last.max(*at);
        }
    }
}

/// What of a decision the desks' queues took.
fn taken(decided: &Decided, waits: impl Fn(usize) -> bool) -> Vec<(String, Timestamp)> {
    let told = decided.told.iter().enumerate();
    let taken = told.filter(|(place, told)| !is_service(&told.to) && !waits(*place));
    taken.map(|(_, told)| (told.to.clone(), decided.decided_at)).collect()
}

fn is_service(name: &str) -> bool {
    Service::ALL.iter().any(|service| service.name() == name)
}

fn root_of(parked: &Parked) -> Option<String> {
    let own = || Some(format!("{}/{}", parked.account.as_ref()?, parked.message_id.as_ref()?));
    parked.command.clone().or_else(own)
}

/// The desk's side of a command.
fn arrival(decided: &Decided) -> Option<Entry> {
    let account = decided.account.as_ref()?;
    let sent = format!("▸ {} {}", decided.message_type, decided.message_id);
    Some(Entry {
        at: decided.arrived_at,
        place: 0,
        service: None,
        what: "command".to_owned(),
        command: decided.root(),
        trace_id: decided.trace_id.clone(),
        accounts: [(account.clone(), vec![sent])].into(),
        open: false,
    })
}

fn decision(service: &str, decided: &Decided, waits: impl Fn(usize) -> bool) -> Entry {
    let took = (decided.decided_at.utc() - decided.arrived_at.utc()).num_milliseconds().max(0);
    let after =
        if decided.waits == 0 { String::new() } else { format!(", after {} waits", decided.waits) };
    let (mut passed, mut accounts) = (Vec::new(), BTreeMap::<String, Vec<String>>::new());
    for (place, told) in decided.told.iter().enumerate() {
        if is_service(&told.to) {
            passed.push(told.to.clone());
        } else {
            accounts.entry(told.to.clone()).or_default().extend(lines(told, waits(place)));
        }
    }
    let onward =
        if passed.is_empty() { String::new() } else { format!(" → {}", passed.join(", ")) };
    Entry {
        at: decided.decided_at,
        place: place(service),
        service: Some(service.to_owned()),
        what: format!("{took} ms{after}{onward}"),
        command: decided.root(),
        trace_id: decided.trace_id.clone(),
        accounts,
        open: false,
    }
}

fn set_aside(service: &str, parked: &Parked, command: Option<String>) -> Entry {
    let what = match parked.state.as_str() {
        "parked" => format!("PARKED {}: {}", parked.reason, parked.detail),
        ended => format!("was parked {}, {ended}", parked.reason),
    };
    let message = format!(
        "{} {}",
        parked.message_type.as_deref().unwrap_or("?"),
        parked.message_id.as_deref().unwrap_or("?")
    );
    Entry {
        at: parked.parked_at,
        place: place(service),
        service: Some(service.to_owned()),
        what,
        command,
        trace_id: None,
        accounts: parked
            .account
            .iter()
            .map(|account| (account.clone(), vec![message.clone()]))
            .collect(),
        open: parked.state == "parked",
    }
}

fn held(service: &str, waiting: &Undelivered, command: Option<String>) -> Entry {
    let line = format!(
        "WAITS {}: its queue is missing or full; tried {} times, next {}",
        waiting.message_type,
        waiting.attempts + 1,
        waiting.next_attempt_at
    );
    Entry {
        at: waiting.first_failed_at,
        place: place(service),
        service: Some(service.to_owned()),
        what: "not delivered".to_owned(),
        command,
        trace_id: None,
        accounts: [(waiting.account.clone(), vec![line])].into(),
        open: true,
    }
}

fn place(service: &str) -> usize {
    Service::ALL
        .iter()
        .position(|known| known.name() == service)
        .map_or(usize::MAX, |place| place + 1)
}

/// What an account was sent: as far as its desk's queue, and no further than is known.
fn lines(told: &SentMessage, waits: bool) -> Vec<String> {
    let reached = if waits { "WAITS" } else { "put into its queue" };
    let Some(receipt) = &told.receipt else {
        return vec![format!("◂ {}, {reached}", told.r#type)];
    };
    let because = receipt.reason.map(|reason| format!(" {}", reason.code())).unwrap_or_default();
    let own = std::iter::once(format!(
        "◂ receipt {}: {}{}{because}",
        receipt.command_id,
        if receipt.dry_run { "dry run, " } else { "" },
        outcome(receipt.outcome)
    ));
    let malformed = receipt.reason == Some(Reason::Malformed);
    let detail = receipt.detail.iter().map(|detail| {
        if malformed { format!("  {}", without_values(detail)) } else { format!("  {detail}") }
    });
    own.chain(detail).chain(receipt.decisions.iter().map(item)).collect()
}

fn outcome(outcome: ReceiptOutcome) -> &'static str {
    match outcome {
        ReceiptOutcome::Applied => "applied",
        ReceiptOutcome::Partial => "partial",
        ReceiptOutcome::Rejected => "REJECTED",
        ReceiptOutcome::Ignored => "ignored",
    }
}

fn item(decision: &Decision) -> String {
    let because = decision.reason.map(|reason| format!(" ({})", reason.code())).unwrap_or_default();
    format!("  {} {}{because}", decision.item, fate(decision))
}
