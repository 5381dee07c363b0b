//! What edges do with what their accounts are told: they take it, and call whoever is behind them.

use std::collections::BTreeMap;

use contracts::topology::Service;

use crate::entry::Entry;
use crate::finding::{Finding, Kind};
use crate::trail::{CallOutcome, Decided, EdgeCall, Trail};

/// Whether a trail is an edge's: what such a service decides are deliveries to its accounts.
pub(crate) fn is_edges(trail: &Trail) -> bool {
    Service::EDGES.iter().any(|edge| edge.name() == trail.service)
}

/// What an edge took, and whom it called.
pub(crate) fn entries(trail: &Trail) -> impl Iterator<Item = Entry> {
    let edge = trail.service.as_str();
    let taken = trail.decided.iter().filter_map(|decided| taken(edge, decided));
    taken.chain(trail.calls.iter().map(|call| called(edge, call)))
}

/// What of its calls was refused, or waits.
pub(crate) fn findings(trail: &Trail) -> impl Iterator<Item = Finding> {
    trail.calls.iter().filter_map(|call| {
        let EdgeCall { to, kind, at, outcome, reason, .. } = call;
        let why = reason.as_deref().unwrap_or("no reason is known");
        let (kind, text) = match outcome {
            CallOutcome::Refused => {
                (Kind::Mendable, format!("the {kind} to {to} was REFUSED: {why}"))
            }
            CallOutcome::Waits { next: None, .. } => {
                let why = reason.as_deref().map(|reason| format!(" ({reason})"));
                let why = why.unwrap_or_default();
                (Kind::Waits, format!("the {kind} to {to} waits: its calls are paused{why}"))
            }
            CallOutcome::Waits { tried: 1.., .. } => {
                (Kind::Waits, format!("the {kind} to {to} waits since {at}: {why}"))
            }
            // One that waits for its turn alone is nothing to mend.
            CallOutcome::Taken | CallOutcome::Failed | CallOutcome::Waits { .. } => return None,
        };
        Some(Finding { at: *at, command: None, text, kind })
    })
}

fn taken(edge: &str, decided: &Decided) -> Option<Entry> {
    let account = decided.account.clone()?;
    let line = format!("◂ {}, taken", decided.message_type);
    Some(Entry {
        at: decided.decided_at,
        place: usize::MAX,
        service: Some(edge.to_owned()),
        what: "took it".to_owned(),
        command: None,
        trace_id: decided.trace_id.clone(),
        accounts: BTreeMap::from([(account, vec![line])]),
        open: false,
    })
}

fn called(edge: &str, call: &EdgeCall) -> Entry {
    let EdgeCall { account, to, kind, at, outcome, reason } = call;
    let why = reason.as_deref().map(|reason| format!(": {reason}")).unwrap_or_default();
    let line = match outcome {
        CallOutcome::Taken => format!("◂ {kind}, taken by {to}"),
        CallOutcome::Failed => format!("◂ {kind}, not taken by {to}{why}; it is sent again"),
        CallOutcome::Refused => format!("◂ {kind}, REFUSED by {to}{why}"),
        CallOutcome::Waits { tried, next } => {
            let next = next.map_or("its calls are paused".to_owned(), |at| format!("next {at}"));
            format!("WAITS {kind}: tried {tried} times{why}; {next}")
        }
    };
    let open = matches!(outcome, CallOutcome::Waits { .. });
    Entry {
        at: *at,
        place: usize::MAX,
        service: Some(edge.to_owned()),
        what: if open { "has to call" } else { "called" }.to_owned(),
        command: None,
        trace_id: None,
        accounts: BTreeMap::from([(account.clone(), vec![line])]),
        open,
    }
}
