//! What did not cross, or waits, in sentences.

use std::collections::BTreeMap;

use contracts::reason::Class;
use contracts::receipt::{Decision, ItemOutcome};
use contracts::{Reason, Receipt, ReceiptOutcome, Timestamp};
use serde::Serialize;

use crate::trail::{Parked, Undelivered};

/// Items of one command that one sentence names.
const NAMED: usize = 5;

/// What somebody can do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Nothing: it is as the parties want it, or gave way to a later change.
    AsAgreed,
    /// Whoever the text names can mend it.
    Mendable,
    /// It waits for a desk's queue.
    Waits,
    /// It is set aside until an operator decides.
    SetAside,
}

/// Something that did not cross, or waits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    /// Since when.
    pub at: Timestamp,
    /// The command that it belongs to, as `account/message_id`, where that is known.
    pub command: Option<String>,
    /// What, and why; for people.
    pub text: String,
    /// What can be done about it.
    pub kind: Kind,
}

/// What a receipt to `account` says of its command: that it was refused, and what of it stayed.
pub(crate) fn of_receipt(account: &str, at: Timestamp, receipt: &Receipt) -> Vec<Finding> {
    let Receipt { command_id, command_type, outcome, reason, detail, .. } = receipt;
    // What would not cross is no finding: whoever asked has been told.
    if receipt.dry_run {
        return Vec::new();
    }
    let found = |kind: Kind, text: String| Finding {
        at,
        command: Some(format!("{account}/{command_id}")),
        text,
        kind,
    };
    let refused = (*outcome == ReceiptOutcome::Rejected).then(|| {
        let because = because(*reason, detail.as_deref());
        let text = format!("{command_type} {command_id} of {account} was REJECTED{because}");
        found(kind(*reason, Kind::Mendable), text)
    });
    let misspelt = (*reason == Some(Reason::UnknownMembers)).then(|| {
        let because = because(*reason, detail.as_deref());
        let text =
            format!("{command_type} {command_id} of {account} has more than is known{because}");
        found(Kind::Mendable, text)
    });
    // Two hundred tags that stay for one reason are one sentence.
    let mut alike: BTreeMap<(&str, String, Kind), Vec<String>> = BTreeMap::new();
    for decision in &receipt.decisions {
        if matches!(decision.outcome, ItemOutcome::Withheld | ItemOutcome::Superseded) {
            let because = because(decision.reason, decision.detail.as_deref());
            let kind = kind(decision.reason, Kind::AsAgreed);
            alike
                .entry((fate(decision), because, kind))
                .or_default()
                .push(decision.item.to_string());
        }
    }
    let stayed = alike.into_iter().map(|((fate, because, kind), items)| {
        let more = match items.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let named = items[..items.len().min(NAMED)].join(", ");
        found(kind, format!("{named}{more} of {command_id} {fate}{because}"))
    });
    refused.into_iter().chain(misspelt).chain(stayed).collect()
}

/// What a message that is set aside waits for.
pub(crate) fn of_parked(service: &str, parked: &Parked, command: Option<String>) -> Finding {
    Finding {
        at: parked.parked_at,
        command,
        text: format!(
            "{service} set a message aside: {}: {} (parked show {})",
            parked.reason, parked.detail, parked.id
        ),
        kind: Kind::SetAside,
    }
}

/// What a delivery waits for.
pub(crate) fn of_waiting(waiting: &Undelivered, command: Option<String>) -> Finding {
    Finding {
        at: waiting.first_failed_at,
        command,
        text: format!(
            "{} of {} waits since {}: the queue of its desk, desk.{}, is missing or full",
            waiting.message_type, waiting.account, waiting.first_failed_at, waiting.account
        ),
        kind: Kind::Waits,
    }
}

/// What a decision means for the partner. That a desk has taken something is nowhere written down.
pub(crate) fn fate(decision: &Decision) -> &'static str {
    match decision.outcome {
        ItemOutcome::Transferred => "sent on",
        ItemOutcome::Mapped => "sent on as something else",
        ItemOutcome::Withheld => "STAYED",
        ItemOutcome::Superseded => "gave way to another change",
        ItemOutcome::Unchanged if decision.reason.is_none() => "waits",
        ItemOutcome::Unchanged => "was there already",
    }
}

/// A detail of `malformed` without the values that it quotes after a place in the body: what stands
/// where an id or a time belongs may be a ticket's text. The desk's own receipt has them.
pub(crate) fn without_values(detail: &str) -> String {
    if !detail.starts_with('/') {
        return detail.to_owned();
    }
    let (mut told, mut inside, mut escaped) = (String::new(), false, false);
    for letter in detail.chars() {
        let is_quote = letter == '"' && !escaped;
        if is_quote && inside {
            told.push('…');
        }
        if is_quote || !inside {
            told.push(letter);
        }
        inside ^= is_quote;
        escaped = letter == '\\' && !escaped;
    }
    told
}

/// What can be done about a reason; without one, what is usual.
fn kind(reason: Option<Reason>, otherwise: Kind) -> Kind {
    match reason.map(Reason::class) {
        None => otherwise,
        Some(Class::AsAgreed) => Kind::AsAgreed,
        Some(Class::Mendable(_) | Class::Transient) => Kind::Mendable,
    }
}

/// Why, with whether anything can be done about it and by whom.
fn because(reason: Option<Reason>, detail: Option<&str>) -> String {
    let Some(reason) = reason else { return String::new() };
    let sentence = match (reason, detail) {
        // Its detail has the place and all that there is to say.
        (Reason::Malformed, Some(detail)) => without_values(detail),
        (_, Some(detail)) => format!("{} ({detail})", reason.sentence()),
        (_, None) => reason.sentence().to_owned(),
    };
    format!(": {reason} ({}): {sentence}", reason.class())
}
