//! The trails of all services as one story, in the order of time.

use std::collections::{BTreeMap, BTreeSet};

use contracts::receipt::{Decision, ItemOutcome};
use contracts::topology::Service;
use contracts::{Receipt, ReceiptOutcome, Timestamp};
use serde::Serialize;

use crate::target::Target;
use crate::trail::{Decided, Parked, Share, Told, Trail, Undelivered};

/// What became of what is asked for.
#[derive(Clone, Debug, Serialize)]
pub struct Timeline {
    /// What was asked for.
    pub target: Target,
    /// The shares that belong to it.
    pub shares: Vec<Share>,
    /// What happened, first things first.
    pub entries: Vec<Entry>,
    /// What did not cross, or waits, with the reason; for people.
    pub missing: Vec<String>,
    /// What this timeline cannot say: services that gave no answer, and what was too much.
    pub gaps: Vec<String>,
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
    /// Its trace.
    pub trace_id: Option<String>,
    /// What accounts sent and were told.
    pub accounts: BTreeMap<String, Vec<String>>,
}

impl Timeline {
    /// Joins the trails. `gaps` says which services gave no answer.
    #[must_use]
    pub fn of(target: Target, trails: &[Trail], mut gaps: Vec<String>) -> Self {
        let message = if let Target::Message(name) = &target { Some(name.as_str()) } else { None };
        let wanted =
            |root: Option<String>| message.is_none_or(|message| root.as_deref() == Some(message));
        let (mut entries, mut missing) = (Vec::new(), BTreeSet::new());
        for trail in trails {
            let service = trail.service.as_str();
            for decided in trail.decided.iter().filter(|decided| wanted(decided.root())) {
                entries.extend(arrival(decided));
                entries.push(decision(service, decided));
                missing.extend(
                    decided.told.iter().filter_map(|told| told.receipt.as_ref()).flat_map(stayed),
                );
            }
            for parked in trail.parked.iter().filter(|parked| wanted(root_of(parked))) {
                entries.push(set_aside(service, parked));
                if parked.state == "parked" {
                    missing.insert(format!(
                        "{service} set a message aside: {}: {} (parked show {})",
                        parked.reason, parked.detail, parked.id
                    ));
                }
            }
            for waiting in &trail.undelivered {
                entries.push(held(service, waiting));
                missing.insert(format!(
                    "{} of {} waits since {}: the queue desk.{} is missing or full",
                    waiting.message_type, waiting.account, waiting.first_failed_at, waiting.account
                ));
            }
            if trail.cut {
                gaps.push(format!(
                    "{service} knows more than fits here: ask for a share or a message"
                ));
            }
        }
        entries.sort();
        let shares = trails
            .iter()
            .flat_map(|trail| trail.shares.iter().cloned())
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect();
        Self { target, shares, entries, missing: missing.into_iter().collect(), gaps }
    }
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
    })
}

fn decision(service: &str, decided: &Decided) -> Entry {
    let took = (decided.decided_at.utc() - decided.arrived_at.utc()).num_milliseconds().max(0);
    let waits =
        if decided.waits == 0 { String::new() } else { format!(", after {} waits", decided.waits) };
    let (mut passed, mut accounts) = (Vec::new(), BTreeMap::<String, Vec<String>>::new());
    for told in &decided.told {
        if Service::ALL.iter().any(|service| service.name() == told.to) {
            passed.push(told.to.clone());
        } else {
            accounts.entry(told.to.clone()).or_default().extend(lines(told));
        }
    }
    let onward =
        if passed.is_empty() { String::new() } else { format!(" → {}", passed.join(", ")) };
    Entry {
        at: decided.decided_at,
        place: place(service),
        service: Some(service.to_owned()),
        what: format!("{took} ms{waits}{onward}"),
        command: decided.root(),
        trace_id: decided.trace_id.clone(),
        accounts,
    }
}

fn set_aside(service: &str, parked: &Parked) -> Entry {
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
        command: root_of(parked),
        trace_id: None,
        accounts: parked
            .account
            .iter()
            .map(|account| (account.clone(), vec![message.clone()]))
            .collect(),
    }
}

fn held(service: &str, waiting: &Undelivered) -> Entry {
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
        command: None,
        trace_id: None,
        accounts: [(waiting.account.clone(), vec![line])].into(),
    }
}

fn place(service: &str) -> usize {
    Service::ALL
        .iter()
        .position(|known| known.name() == service)
        .map_or(usize::MAX, |place| place + 1)
}

fn lines(told: &Told) -> Vec<String> {
    let Some(receipt) = &told.receipt else { return vec![format!("◂ {}", told.r#type)] };
    let because = receipt.reason.map(|reason| format!(" {}", reason.code())).unwrap_or_default();
    let own = std::iter::once(format!(
        "◂ receipt {}: {}{because}",
        receipt.command_id,
        outcome(receipt.outcome)
    ));
    own.chain(receipt.decisions.iter().map(item)).collect()
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
    format!("  {} {}{because}", decision.item, fate(decision.outcome))
}

fn fate(outcome: ItemOutcome) -> &'static str {
    match outcome {
        ItemOutcome::Transferred => "crossed",
        ItemOutcome::Mapped => "crossed as something else",
        ItemOutcome::Withheld => "STAYED",
        ItemOutcome::Superseded => "gave way to another change",
        ItemOutcome::Unchanged => "was there already",
    }
}

/// What a receipt says that did not cross, in sentences.
fn stayed(receipt: &Receipt) -> Vec<String> {
    let of_command = || {
        let reason = receipt.reason?;
        (receipt.outcome == ReceiptOutcome::Rejected).then(|| {
            format!(
                "{} {} was rejected: {}: {}",
                receipt.command_type,
                receipt.command_id,
                reason.code(),
                reason.sentence()
            )
        })
    };
    let of_item = |decision: &Decision| {
        let did_not = matches!(decision.outcome, ItemOutcome::Withheld | ItemOutcome::Superseded);
        let because = decision
            .reason
            .map(|reason| format!(": {}: {}", reason.code(), reason.sentence()))
            .unwrap_or_default();
        did_not.then(|| {
            format!(
                "{} of {} {}{because}",
                decision.item,
                receipt.command_id,
                fate(decision.outcome)
            )
        })
    };
    of_command().into_iter().chain(receipt.decisions.iter().filter_map(of_item)).collect()
}
